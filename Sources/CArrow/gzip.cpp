// gzip through Apache Arrow's codec, behind carrow.h.
#include "carrow.h"
#include "guard.hpp"

#include <arrow/util/compression.h>

#include <memory>

using namespace carrow;

struct ca_inflater_s {
  std::unique_ptr<arrow::util::Codec> codec;
  std::shared_ptr<arrow::util::Decompressor> decompressor;
};

int ca_inflater_open(ca_inflater *out) {
  *out = nullptr;
  return guarded([&] {
    auto inflater = std::make_unique<ca_inflater_s>();
    inflater->codec = taken(arrow::util::Codec::Create(arrow::Compression::GZIP));
    inflater->decompressor = taken(inflater->codec->MakeDecompressor());
    *out = inflater.release();
  });
}

int ca_inflate(
  ca_inflater inflater, const uint8_t *input, int64_t input_count, uint8_t *output, int64_t output_count, int64_t *read, int64_t *written,
  int *finished) {
  *read = 0;
  *written = 0;
  *finished = 0;
  return guarded([&] {
    auto result = taken(inflater->decompressor->Decompress(input_count, input, output_count, output));
    *read = result.bytes_read;
    *written = result.bytes_written;
    *finished = inflater->decompressor->IsFinished() ? 1 : 0;
  });
}

int ca_inflater_restart(ca_inflater inflater) {
  return guarded([&] { require(inflater->decompressor->Reset()); });
}

void ca_inflater_close(ca_inflater inflater) {
  (void)guarded([&] { delete inflater; });
}
