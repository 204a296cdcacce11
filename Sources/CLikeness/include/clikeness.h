// Compares rows of float32 numbers, as they lie in mapped files, with a few target vectors. Nothing is copied, and no tensor library is needed.
//
// Numbers are widened to double before they are added up: a product of two float32 numbers is then exact, a row whose numbers all lie far from zero
// loses nothing when its mean is taken off, and the loop still waits for memory, not for arithmetic.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What rows are compared with.
typedef struct {
  /// Numbers of a row, D.
  int64_t width;
  /// The targets' vectors, each of length one and, where `centred`, of mean zero over the entries that count: [target_count, D].
  const double *targets;
  int64_t target_count;
  /// What every row is standardised by before it is compared, z = x · scale + shift, each [D]; both null for rows as they are. An entry of scale
  /// zero must have shift and targets zero: it does not count.
  const double *scale;
  const double *shift;
  /// The entries that count: D, or those of a scale other than zero.
  int64_t entries;
  /// Whether a row's mean is taken off first: Pearson correlation; otherwise the cosine.
  int centred;
} clikeness_targets;

/// Compares rows with each target.
/// - rows: [count, width] of little-endian float32, at no particular alignment.
/// - out: [count, target_count]; NaN where a row has no direction (constant, or all zero).
/// Returns the first row that holds a number that is not finite, counted from 0; −1 where all are; −2 where there is no memory to work in.
int64_t clikeness_rows(const void *rows, int64_t count, const clikeness_targets *with, double *out);

/// Adds up each column, row by row, to what is there: `sums` gets Σ (x − origin), `squares` Σ (x − origin)², each [width].
/// Returns as `clikeness_rows` does.
int64_t clikeness_columns(const void *rows, int64_t count, int64_t width, const double *origin, double *sums, double *squares);

/// Tells the system that mapped bytes are read from the first to the last, so that it reads ahead from the disk. Never fails: it is advice.
void clikeness_reads_in_order(const void *start, int64_t bytes);

/// Tells the system that mapped bytes of a file are not read again soon, so that they no longer count as this process's memory. The file's own
/// pages stay in the system's cache. Never fails.
void clikeness_have_read(const void *start, int64_t bytes);

#ifdef __cplusplus
}
#endif
