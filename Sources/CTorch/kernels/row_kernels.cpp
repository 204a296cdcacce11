// Chooses, once, the kernels for the processor that the program runs on.
#include "row_kernels.hpp"

#include "../include/ctorch.h"
#include "attention_kernels.hpp"
#include "matrix_kernels.hpp"

namespace headway {

#define DECLARE(name)                                        \
  namespace name {                                           \
  const RowKernels<float> &row_kernels_float();              \
  const RowKernels<bf16> &row_kernels_bf16();                \
  const AttentionKernels<float> &attention_kernels_float();  \
  const AttentionKernels<bf16> &attention_kernels_bf16();    \
  const MatrixKernels<float> &matrix_kernels_float();        \
  const MatrixKernels<bf16> &matrix_kernels_bf16();          \
  }
DECLARE(portable)
#if defined(__x86_64__)
DECLARE(avx512)
DECLARE(avx2)
namespace avx512bf16 {
const RowKernels<bf16> &row_kernels_bf16();
const AttentionKernels<bf16> &attention_kernels_bf16();
const MatrixKernels<bf16> &matrix_kernels_bf16();
}
#endif
#undef DECLARE

namespace {
enum class Level { portable, avx2, avx512 };
Level level() {
#if defined(__x86_64__)
  static const Level found = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                                     __builtin_cpu_supports("avx512vl")
                                 ? Level::avx512
                             : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Level::avx2
                                                                                                : Level::portable;
  return found;
#else
  return Level::portable;
#endif
}
#if defined(__x86_64__)
/// Whether bfloat16 goes by the processor's instruction for it, which on Intel's without matrix units is slower than float32's.
bool has_dots() {
  static const bool found = level() == Level::avx512 && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd");
  return found;
}
#endif
}  // namespace

#if defined(__x86_64__)
#define CHOOSE(name)                                    \
  if (level() == Level::avx512) return avx512::name();  \
  if (level() == Level::avx2) return avx2::name();      \
  return portable::name();
#define CHOOSE_FOR_BFLOAT16(name)                \
  if (has_dots()) return avx512bf16::name();     \
  CHOOSE(name)
#else
#define CHOOSE(name) return portable::name();
#define CHOOSE_FOR_BFLOAT16(name) CHOOSE(name)
#endif

template <>
const RowKernels<float> &row_kernels<float>() {
  CHOOSE(row_kernels_float)
}
template <>
const RowKernels<bf16> &row_kernels<bf16>() {
  CHOOSE_FOR_BFLOAT16(row_kernels_bf16)
}
template <>
const AttentionKernels<float> &attention_kernels<float>() {
  CHOOSE(attention_kernels_float)
}
template <>
const AttentionKernels<bf16> &attention_kernels<bf16>() {
  CHOOSE_FOR_BFLOAT16(attention_kernels_bf16)
}
template <>
const MatrixKernels<float> &matrix_kernels<float>() {
  CHOOSE(matrix_kernels_float)
}
template <>
const MatrixKernels<bf16> &matrix_kernels<bf16>() {
  CHOOSE_FOR_BFLOAT16(matrix_kernels_bf16)
}
#undef CHOOSE_FOR_BFLOAT16
#undef CHOOSE

}  // namespace headway

const char *ct_vector_code(void) {
  switch (headway::level()) {
    case headway::Level::avx512: return "avx512";
    case headway::Level::avx2: return "avx2";
    default: return "portable";
  }
}
