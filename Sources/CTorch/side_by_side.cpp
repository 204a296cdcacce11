#include "side_by_side.h"

#include "kernels/parallel.hpp"

// Within a parallel region libtorch, oneDNN and MKL all stay on the thread that they are called on.
void ct_side_by_side(int lanes, void (*body)(int lane, void *context), void *context) {
  headway::on_each_thread(std::min(lanes, at::get_num_threads()), [&](int lane, int) { body(lane, context); });
}
