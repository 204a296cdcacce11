// Chooses the loops for the processor, and gives them memory to work in.
#include "include/clikeness.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels.h"

static const clikeness_kernels *kernels(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) return &clikeness_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &clikeness_avx2;
#endif
  return &clikeness_portable;
}

/// What widened rows may take, in numbers, so that they stay in the second cache while targets go by.
enum { most_numbers = 32768, most_rows = 64, fewest_rows = 4 };

int64_t clikeness_rows(const void *rows, int64_t count, const clikeness_targets *with, double *out) {
  int64_t buffer_rows = with->width > 0 ? most_numbers / with->width : most_rows;
  if (buffer_rows > most_rows) buffer_rows = most_rows;
  if (buffer_rows < fewest_rows) buffer_rows = fewest_rows;
  double *buffer = malloc((size_t)(buffer_rows * with->width) * sizeof(double));
  if (!buffer) return -2;
  int64_t bad = kernels()->rows(rows, count, with, buffer, buffer_rows, out);
  free(buffer);
  return bad;
}

int64_t clikeness_columns(const void *rows, int64_t count, int64_t width, const double *origin, double *sums, double *squares) {
  return kernels()->columns(rows, count, width, origin, sums, squares);
}

/// The whole pages that a stretch of memory touches, or only those that lie within it.
static void advise(const void *start, int64_t bytes, int advice, int within) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = (uintptr_t)start, last = first + (uintptr_t)bytes;
  first = within ? (first + page - 1) / page * page : first / page * page;
  last = within ? last / page * page : (last + page - 1) / page * page;
  if (last > first) (void)madvise((void *)first, last - first, advice);
}

void clikeness_reads_in_order(const void *start, int64_t bytes) { advise(start, bytes, MADV_SEQUENTIAL, 0); }

void clikeness_have_read(const void *start, int64_t bytes) { advise(start, bytes, MADV_DONTNEED, 1); }
