#include "attention_kernels.hpp"
#include "matrix_kernels.hpp"
#include "row_kernels.hpp"

#define VECTOR_BYTES 32

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
namespace headway::avx2 {
#include "row_kernels.inc"

#include "attention_kernels.inc"

#include "matrix_kernels.inc"
const RowKernels<float> &row_kernels_float() { return table<float>; }
const RowKernels<bf16> &row_kernels_bf16() { return table<bf16>; }
const AttentionKernels<float> &attention_kernels_float() { return attention_table<float>; }
const AttentionKernels<bf16> &attention_kernels_bf16() { return attention_table<bf16>; }
const MatrixKernels<float> &matrix_kernels_float() { return matrix_table<float>; }
const MatrixKernels<bf16> &matrix_kernels_bf16() { return matrix_table<bf16>; }
}  // namespace headway::avx2
#pragma clang attribute pop
#endif
