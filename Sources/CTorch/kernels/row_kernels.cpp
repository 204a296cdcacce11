// Chooses, once, the kernels for the processor that the program runs on.
#include "row_kernels.hpp"

#include "../include/ctorch.h"

namespace headway {

#define DECLARE(name)                                \
  namespace name {                                   \
  const RowKernels<float> &row_kernels_float();      \
  const RowKernels<bf16> &row_kernels_bf16();        \
  }
DECLARE(portable)
#if defined(__x86_64__)
DECLARE(avx512)
DECLARE(avx2)
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
}  // namespace

template <>
const RowKernels<float> &row_kernels<float>() {
#if defined(__x86_64__)
  if (level() == Level::avx512) return avx512::row_kernels_float();
  if (level() == Level::avx2) return avx2::row_kernels_float();
#endif
  return portable::row_kernels_float();
}
template <>
const RowKernels<bf16> &row_kernels<bf16>() {
#if defined(__x86_64__)
  if (level() == Level::avx512) return avx512::row_kernels_bf16();
  if (level() == Level::avx2) return avx2::row_kernels_bf16();
#endif
  return portable::row_kernels_bf16();
}

}  // namespace headway

const char *ct_vector_code(void) {
  switch (headway::level()) {
    case headway::Level::avx512: return "avx512";
    case headway::Level::avx2: return "avx2";
    default: return "portable";
  }
}
