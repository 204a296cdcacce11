// The loops for one kind of processor.
#pragma once
#include "include/clikeness.h"

typedef struct {
  int64_t (*rows)(const void *rows, int64_t count, const clikeness_targets *with, double *buffer, int64_t buffer_rows, double *out);
  int64_t (*columns)(const void *rows, int64_t count, int64_t width, const double *origin, double *sums, double *squares);
} clikeness_kernels;

extern const clikeness_kernels clikeness_portable;
#if defined(__x86_64__)
extern const clikeness_kernels clikeness_avx2;
extern const clikeness_kernels clikeness_avx512;
#endif
