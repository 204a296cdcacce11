#include "kernels.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "kernels.inc"
#pragma clang attribute pop
const clikeness_kernels clikeness_avx2 = {compare_rows, add_columns};
#endif
