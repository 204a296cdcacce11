// Products of bfloat16 by the instruction that some processors with AVX-512 have for them.
#include "attention_kernels.hpp"
#include "matrix_kernels.hpp"
#include "row_kernels.hpp"

#define VECTOR_BYTES 64
#define DOTS_OF_BFLOAT16

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma,avx2"))), apply_to = function)
namespace headway::avx512bf16 {
#include "row_kernels.inc"

#include "attention_kernels.inc"

#include "matrix_kernels.inc"
const RowKernels<bf16> &row_kernels_bf16() { return table<bf16>; }
const AttentionKernels<bf16> &attention_kernels_bf16() { return attention_table<bf16>; }
const MatrixKernels<bf16> &matrix_kernels_bf16() { return matrix_table<bf16>; }
}  // namespace headway::avx512bf16
#pragma clang attribute pop
#endif
