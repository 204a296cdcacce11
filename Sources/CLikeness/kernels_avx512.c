#include "kernels.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#include "kernels.inc"
#pragma clang attribute pop
const clikeness_kernels clikeness_avx512 = {compare_rows, add_columns};
#endif
