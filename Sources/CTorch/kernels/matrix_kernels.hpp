// Products of matrices summed up in float32, compiled once for each kind of processor (matrix_kernels.inc).
#pragma once

#include <cstdint>

#include "row_kernels.hpp"

namespace headway {

/// c[m, n] = Σ_k a[m, k] · b[k, n] + bias[n], rounded once; or added to what `total` holds. Sums are made in float32, in an order that depends on k alone:
/// an element has the same bits whatever rows and columns are computed beside it, and on however many threads.
template <class T>
struct MatrixProduct {
  int64_t rows, columns, depth;
  /// a[m, k] lies at `a[m · a_row + k · a_step]`; one of both steps is 1.
  const T *a;
  int64_t a_row, a_step;
  /// b[k, n] lies at `b[k · b_step + n · b_column]`; one of both steps is 1.
  const T *b;
  int64_t b_step, b_column;
  /// b as blocks (`lay_out_blocks`), of which these columns begin at `first_column`, a multiple of `column_step`, of `block_columns`; or null. They are read
  /// where a_step is 1.
  const uint32_t *blocks;
  int64_t first_column, block_columns;
  /// How far behind these columns those begin that are multiplied next, or 0: memory is asked for them meanwhile.
  int64_t next_column;
  /// A number for each column, or null.
  const T *bias;
  /// Where the result goes: c, or, where that is null, what is added to. Row m begins at `m · c_row`.
  T *c;
  float *total;
  int64_t c_row;
};

/// T is float or bf16.
template <class T>
struct MatrixKernels {
  /// The numbers of room that `multiply` needs for a product of so many rows and columns.
  int64_t (*room)(int64_t rows, int64_t columns);
  /// The most columns of a product that one thread should compute at a time, so that what is laid out of them stays in its second cache.
  int64_t (*part_columns)(bool a_lies_by_columns);
  /// Columns are computed in multiples of this.
  int64_t column_step;
  void (*multiply)(const MatrixProduct<T> &product, float *room);
  /// The words that a matrix takes as blocks.
  int64_t (*blocks_words)(int64_t depth, int64_t columns);
  /// Lays out the columns of a part of b as blocks of the whole: once for all products with it. Null where they are not kept.
  void (*lay_out_blocks)(const MatrixProduct<T> &part, uint32_t *blocks);
};

template <class T>
const MatrixKernels<T> &matrix_kernels();

}  // namespace headway
