// Parquet files through Apache Arrow C++, behind carrow.h. Every function catches everything.
#include "carrow.h"
#include "guard.hpp"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/config.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace carrow;

namespace {

/// The most memory that Arrow may take for a batch, and that its columns may take in the form of this header. Runs of equal values take
/// a few bytes in a file, so its size says nothing of this.
constexpr int64_t memory_limit = 256 << 20;
/// About how many bytes a batch is to have.
constexpr int64_t batch_bytes = 32 << 20;

/// What the columns of a batch point to. Deques keep addresses when they grow.
struct Arena {
  /// Bytes of all that stands here, and of the texts that columns point to.
  int64_t bytes_taken = 0;
  std::deque<std::string> names;
  std::deque<std::vector<uint8_t>> bytes;
  std::deque<std::vector<int64_t>> integers;
  std::deque<std::vector<double>> floats;
  std::deque<std::vector<ca_column>> children;
  std::deque<std::string> texts;
  std::vector<std::shared_ptr<arrow::Array>> arrays;

  /// Counts what is about to be made.
  void take(int64_t bytes) {
    bytes_taken += bytes;
    if (bytes_taken > memory_limit)
      throw std::runtime_error("a few of its rows take more than " + std::to_string(memory_limit >> 20) + " MiB");
  }
};

ca_column converted(const std::string &name, const std::shared_ptr<arrow::Array> &array, Arena &arena, int depth);

void set_validity(ca_column &column, const arrow::Array &array, Arena &arena) {
  if (array.null_count() == 0) return;
  arena.take(array.length());
  auto &validity = arena.bytes.emplace_back(array.length());
  for (int64_t i = 0; i < array.length(); ++i) validity[i] = array.IsValid(i) ? 1 : 0;
  column.validity = validity.data();
}

/// Integers of any width, and the days, milliseconds… that dates and times are stored as.
template <typename ArrayType> void set_integers(ca_column &column, const arrow::Array &array, Arena &arena) {
  const auto &typed = static_cast<const ArrayType &>(array);
  arena.take(8 * array.length());
  auto &values = arena.integers.emplace_back(array.length());
  for (int64_t i = 0; i < array.length(); ++i) values[i] = typed.IsValid(i) ? static_cast<int64_t>(typed.Value(i)) : 0;
  column.kind = CA_INTEGER;
  column.values = values.data();
}

template <typename ArrayType> void set_floats(ca_column &column, const arrow::Array &array, Arena &arena) {
  const auto &typed = static_cast<const ArrayType &>(array);
  arena.take(8 * array.length());
  auto &values = arena.floats.emplace_back(array.length());
  for (int64_t i = 0; i < array.length(); ++i) values[i] = typed.IsValid(i) ? static_cast<double>(typed.Value(i)) : 0;
  column.kind = CA_FLOAT;
  column.values = values.data();
}

/// Texts and bytes whose data lie in one buffer: only the offsets are copied.
template <typename ArrayType> void set_text(ca_column &column, const arrow::Array &array, Arena &arena) {
  const auto &typed = static_cast<const ArrayType &>(array);
  arena.take(8 * array.length());
  auto &offsets = arena.integers.emplace_back(array.length() + 1);
  for (int64_t i = 0; i <= array.length(); ++i) offsets[i] = array.length() == 0 ? 0 : static_cast<int64_t>(typed.value_offset(i));
  arena.take(std::max<int64_t>(0, offsets.back() - offsets.front()));
  column.kind = CA_TEXT;
  column.offsets = offsets.data();
  column.values = typed.value_data() ? typed.value_data()->data() : nullptr;
  column.bytes = typed.value_data() ? typed.value_data()->size() : 0;
}

/// Texts that lie apart (views): they are copied one behind the other.
template <typename ArrayType> void set_views(ca_column &column, const arrow::Array &array, Arena &arena) {
  const auto &typed = static_cast<const ArrayType &>(array);
  auto &text = arena.texts.emplace_back();
  auto &offsets = arena.integers.emplace_back();
  arena.take(8 * array.length());
  offsets.reserve(array.length() + 1);
  offsets.push_back(0);
  for (int64_t i = 0; i < array.length(); ++i) {
    if (typed.IsValid(i)) {
      const auto view = typed.GetView(i);
      arena.take(static_cast<int64_t>(view.size()));
      text += view;
    }
    offsets.push_back(static_cast<int64_t>(text.size()));
  }
  column.kind = CA_TEXT;
  column.offsets = offsets.data();
  column.values = text.data();
  column.bytes = static_cast<int64_t>(text.size());
}

template <typename ArrayType> void set_list(ca_column &column, const arrow::Array &array, Arena &arena, int depth) {
  const auto &typed = static_cast<const ArrayType &>(array);
  arena.take(8 * array.length());
  auto &offsets = arena.integers.emplace_back(array.length() + 1);
  for (int64_t i = 0; i <= array.length(); ++i) offsets[i] = array.length() == 0 ? 0 : static_cast<int64_t>(typed.value_offset(i));
  auto &children = arena.children.emplace_back();
  children.push_back(converted("element", typed.values(), arena, depth + 1));
  column.kind = CA_LIST;
  column.offsets = offsets.data();
  column.children = children.data();
  column.child_count = 1;
}

void set_struct(ca_column &column, const arrow::Array &array, Arena &arena, int depth) {
  const auto &typed = static_cast<const arrow::StructArray &>(array);
  auto &children = arena.children.emplace_back();
  for (int i = 0; i < typed.num_fields(); ++i) {
    auto field = typed.field(i);
    arena.arrays.push_back(field);
    children.push_back(converted(typed.struct_type()->field(i)->name(), field, arena, depth + 1));
  }
  column.kind = CA_STRUCT;
  column.children = children.data();
  column.child_count = static_cast<int>(children.size());
}

/// A dictionary's values in place of their numbers.
void set_dictionary(ca_column &column, const arrow::Array &array, Arena &arena, int depth) {
  const auto &typed = static_cast<const arrow::DictionaryArray &>(array);
  auto values = converted("", typed.dictionary(), arena, depth + 1);
  if (values.kind != CA_TEXT) {
    column.kind = CA_OTHER;
    return;
  }
  auto &text = arena.texts.emplace_back();
  auto &offsets = arena.integers.emplace_back();
  arena.take(8 * array.length());
  offsets.reserve(array.length() + 1);
  offsets.push_back(0);
  for (int64_t i = 0; i < array.length(); ++i) {
    if (typed.IsValid(i)) {
      const int64_t index = typed.GetValueIndex(i);
      if (index < 0 || index >= values.length) throw std::runtime_error("a dictionary index is out of range");
      const int64_t size = values.offsets[index + 1] - values.offsets[index];
      arena.take(size);
      text.append(static_cast<const char *>(values.values) + values.offsets[index], size);
    }
    offsets.push_back(static_cast<int64_t>(text.size()));
  }
  column.kind = CA_TEXT;
  column.offsets = offsets.data();
  column.values = text.data();
  column.bytes = static_cast<int64_t>(text.size());
}

ca_column converted(const std::string &name, const std::shared_ptr<arrow::Array> &array, Arena &arena, int depth) {
  if (depth > 64) throw std::runtime_error("its columns are nested deeper than 64");
  arena.arrays.push_back(array);
  // A column of nothing but nulls costs time, too.
  arena.take(array->length());
  ca_column column{};
  column.name = arena.names.emplace_back(name).c_str();
  column.type = arena.names.emplace_back(array->type()->ToString()).c_str();
  column.length = array->length();
  set_validity(column, *array, arena);
  switch (array->type_id()) {
  case arrow::Type::NA: column.kind = CA_NULL; break;
  case arrow::Type::BOOL: {
    const auto &typed = static_cast<const arrow::BooleanArray &>(*array);
    arena.take(array->length());
    auto &values = arena.bytes.emplace_back(array->length());
    for (int64_t i = 0; i < array->length(); ++i) values[i] = typed.IsValid(i) && typed.Value(i) ? 1 : 0;
    column.kind = CA_BOOL;
    column.values = values.data();
    break;
  }
  case arrow::Type::INT8: set_integers<arrow::Int8Array>(column, *array, arena); break;
  case arrow::Type::INT16: set_integers<arrow::Int16Array>(column, *array, arena); break;
  case arrow::Type::INT32: set_integers<arrow::Int32Array>(column, *array, arena); break;
  case arrow::Type::INT64: set_integers<arrow::Int64Array>(column, *array, arena); break;
  case arrow::Type::UINT8: set_integers<arrow::UInt8Array>(column, *array, arena); break;
  case arrow::Type::UINT16: set_integers<arrow::UInt16Array>(column, *array, arena); break;
  case arrow::Type::UINT32: set_integers<arrow::UInt32Array>(column, *array, arena); break;
  // JSON's whole numbers beyond int64 are doubles, too.
  case arrow::Type::UINT64: set_floats<arrow::UInt64Array>(column, *array, arena); break;
  case arrow::Type::DATE32: set_integers<arrow::Date32Array>(column, *array, arena); break;
  case arrow::Type::DATE64: set_integers<arrow::Date64Array>(column, *array, arena); break;
  case arrow::Type::TIME32: set_integers<arrow::Time32Array>(column, *array, arena); break;
  case arrow::Type::TIME64: set_integers<arrow::Time64Array>(column, *array, arena); break;
  case arrow::Type::TIMESTAMP: set_integers<arrow::TimestampArray>(column, *array, arena); break;
  case arrow::Type::DURATION: set_integers<arrow::DurationArray>(column, *array, arena); break;
  case arrow::Type::FLOAT: set_floats<arrow::FloatArray>(column, *array, arena); break;
  case arrow::Type::DOUBLE: set_floats<arrow::DoubleArray>(column, *array, arena); break;
  case arrow::Type::STRING: set_text<arrow::StringArray>(column, *array, arena); break;
  case arrow::Type::LARGE_STRING: set_text<arrow::LargeStringArray>(column, *array, arena); break;
  case arrow::Type::BINARY: set_text<arrow::BinaryArray>(column, *array, arena); break;
  case arrow::Type::LARGE_BINARY: set_text<arrow::LargeBinaryArray>(column, *array, arena); break;
  case arrow::Type::STRING_VIEW: set_views<arrow::StringViewArray>(column, *array, arena); break;
  case arrow::Type::BINARY_VIEW: set_views<arrow::BinaryViewArray>(column, *array, arena); break;
  case arrow::Type::LIST: set_list<arrow::ListArray>(column, *array, arena, depth); break;
  case arrow::Type::LARGE_LIST: set_list<arrow::LargeListArray>(column, *array, arena, depth); break;
  case arrow::Type::MAP: set_list<arrow::MapArray>(column, *array, arena, depth); break;
  case arrow::Type::FIXED_SIZE_LIST: set_list<arrow::FixedSizeListArray>(column, *array, arena, depth); break;
  case arrow::Type::STRUCT: set_struct(column, *array, arena, depth); break;
  case arrow::Type::DICTIONARY: set_dictionary(column, *array, arena, depth); break;
  default: column.kind = CA_OTHER; break;
  }
  return column;
}

} // namespace

struct ca_reader_s {
  // Its own count of the default pool's memory, with a limit. First, so that it outlives what was taken from it.
  arrow::ProxyMemoryPool counted{arrow::default_memory_pool()};
  arrow::CappedMemoryPool pool{&counted, memory_limit};
  std::unique_ptr<parquet::arrow::FileReader> file;
  std::unique_ptr<arrow::RecordBatchReader> batches;
  std::shared_ptr<arrow::RecordBatch> batch;
  std::unique_ptr<Arena> arena;
  std::vector<ca_column> columns;
  int64_t rows = 0;
};

const char *ca_error(void) { return last_error.c_str(); }

const char *ca_version(void) { return arrow::GetBuildInfo().version_string.c_str(); }

int ca_open(const char *path, int64_t batch_rows, ca_reader *out) {
  *out = nullptr;
  return guarded([&] {
    auto reader = std::make_unique<ca_reader_s>();
    auto source = taken(arrow::io::ReadableFile::Open(path));
    parquet::ReaderProperties reading(&reader->pool);
    // Pages are read as they are needed: a row group may hold a whole file.
    reading.enable_buffered_stream();
    reading.set_buffer_size(1 << 20);
    auto raw = parquet::ParquetFileReader::Open(source, reading);
    reader->rows = raw->metadata()->num_rows();
    int64_t bytes = 0;
    for (int i = 0; i < raw->metadata()->num_row_groups(); ++i)
      bytes += std::clamp<int64_t>(raw->metadata()->RowGroup(i)->total_byte_size(), 0, int64_t{1} << 40);
    const int64_t row_bytes = std::max<int64_t>(1, bytes / std::max<int64_t>(1, reader->rows));
    batch_rows = std::clamp<int64_t>(batch_bytes / row_bytes, 1, batch_rows);
    parquet::ArrowReaderProperties properties;
    properties.set_use_threads(false);
    properties.set_pre_buffer(false);
    properties.set_batch_size(batch_rows);
    reader->file = taken(parquet::arrow::FileReader::Make(&reader->pool, std::move(raw), properties));
    reader->batches = taken(reader->file->GetRecordBatchReader());
    *out = reader.release();
  });
}

int64_t ca_rows(ca_reader reader) { return reader->rows; }

int64_t ca_batch_bytes(ca_reader reader) { return reader->arena ? reader->arena->bytes_taken : 0; }

int ca_next(ca_reader reader, const ca_column **columns, int *column_count, int64_t *rows) {
  *columns = nullptr;
  *column_count = 0;
  *rows = 0;
  return guarded([&] {
    do {
      require(reader->batches->ReadNext(&reader->batch));
      if (!reader->batch) return;
    } while (reader->batch->num_rows() == 0);
    require(reader->batch->Validate());
    reader->arena = std::make_unique<Arena>();
    reader->columns.clear();
    for (int i = 0; i < reader->batch->num_columns(); ++i)
      reader->columns.push_back(converted(reader->batch->column_name(i), reader->batch->column(i), *reader->arena, 0));
    *columns = reader->columns.data();
    *column_count = static_cast<int>(reader->columns.size());
    *rows = reader->batch->num_rows();
  });
}

void ca_close(ca_reader reader) {
  (void)guarded([&] { delete reader; });
}
