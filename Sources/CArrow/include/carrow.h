// The C boundary to Apache Arrow's Parquet reader and gzip codec: only what Headway uses, written by hand.
//
// A file is read batch by batch. The columns of a batch are plain arrays of a few kinds, whatever Arrow's own types were:
// every integer is int64, every float is double, every text has int64 offsets. Nothing of C++ crosses this header.
#ifndef CARROW_H
#define CARROW_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ca_reader_s *ca_reader;

/// What the values of a column are.
enum ca_kind {
  CA_NULL = 0,
  CA_BOOL = 1,
  CA_INTEGER = 2,
  CA_FLOAT = 3,
  CA_TEXT = 4,
  CA_LIST = 5,
  CA_STRUCT = 6,
  /// A type that Headway does not read (a decimal, an interval, a union…); it has no values.
  CA_OTHER = 7
};

/// A column of a batch, or of a list's elements or a struct's fields. All pointers belong to the reader and stay valid until the
/// next call on it.
typedef struct ca_column {
  int kind;
  /// The column's name in UTF-8.
  const char *name;
  /// Arrow's name of the type, for messages.
  const char *type;
  int64_t length;
  /// One byte a value, 0 where it is null; or null where no value is.
  const uint8_t *validity;
  /// CA_BOOL: bytes 0 or 1. CA_INTEGER: int64_t. CA_FLOAT: double. CA_TEXT: bytes.
  const void *values;
  /// CA_TEXT, CA_LIST: value i is offsets[i] up to offsets[i + 1] of the bytes or of the child; length + 1 of them.
  const int64_t *offsets;
  /// CA_TEXT: how many bytes there are.
  int64_t bytes;
  /// CA_LIST: one; CA_STRUCT: its fields.
  int child_count;
  const struct ca_column *children;
} ca_column;

/// Loads what every other function needs, where that has not been done: on Linux they are in a shared library that the first call loads (loader.c, where
/// each has its line). 0 for success, 1 for failure.
int ca_load(void);
/// The text of this thread's last failure; valid until the next failing call on the thread.
const char *ca_error(void);
/// The version of Arrow that this program runs with.
const char *ca_version(void);

/// Opens a Parquet file. 0 for success, 1 for failure.
/// `batch_rows`: the most rows of a batch; it has fewer where rows are large. A batch that takes more than some 256 MiB is a failure.
int ca_open(const char *path, int64_t batch_rows, ca_reader *out);
/// The rows that the file says it has.
int64_t ca_rows(ca_reader reader);
/// Reads the next batch. `*rows` is 0 behind the last. 0 for success, 1 for failure.
int ca_next(ca_reader reader, const ca_column **columns, int *column_count, int64_t *rows);
/// The bytes that the present batch takes.
int64_t ca_batch_bytes(ca_reader reader);
void ca_close(ca_reader reader);

typedef struct ca_inflater_s *ca_inflater;

/// Makes a decompressor of gzip members. 0 for success, 1 for failure.
int ca_inflater_open(ca_inflater *out);
/// Unpacks what it can: `*read` bytes of the input were used, `*written` bytes of the output were filled. `*finished` is 1 at the end of a
/// member, whose checksum and length were then right. 0 for success, 1 for failure.
int ca_inflate(
  ca_inflater inflater, const uint8_t *input, int64_t input_count, uint8_t *output, int64_t output_count, int64_t *read, int64_t *written,
  int *finished);
/// Makes it ready for the next member. 0 for success, 1 for failure.
int ca_inflater_restart(ca_inflater inflater);
void ca_inflater_close(ca_inflater inflater);

#ifdef __cplusplus
}
#endif
#endif
