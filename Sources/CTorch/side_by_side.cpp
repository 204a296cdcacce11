#include "side_by_side.h"

#include "kernels/parallel.hpp"

// Within a parallel region libtorch, oneDNN and MKL all stay on the thread that they are called on.
void ct_side_by_side(int64_t count, void (*body)(int64_t item, int lane, void *context), void *context) {
  headway::parallel_items(count, [&](int64_t item, int lane) { body(item, lane, context); });
}
