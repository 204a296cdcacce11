// Loops over the threads that libtorch uses. at::parallel_for would run serially here: its header wants a compiler with OpenMP,
// so the runtime that libtorch itself brings is called directly.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

#if defined(__linux__)
extern "C" {
void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_in_parallel(void);
}
#endif

namespace headway {

/// How many threads a loop that begins here has: one within another loop.
inline int threads_here() {
#if defined(__linux__)
  if (omp_in_parallel()) return 1;
  return at::get_num_threads();
#else
  return 1;
#endif
}

/// Calls `body(thread, threads)` on every thread of libtorch's pool. The body must not throw.
template <class Body>
void on_each_thread(int threads, Body &&body) {
#if defined(__linux__)
  if (threads > 1 && !omp_in_parallel()) {
    auto call = [](void *data) { (*static_cast<std::remove_reference_t<Body> *>(data))(omp_get_thread_num(), omp_get_num_threads()); };
    GOMP_parallel(call, &body, static_cast<unsigned>(threads), 0);
    return;
  }
#endif
  body(0, 1);
}

/// Splits 0 ..< count into one contiguous part a thread: `body(begin, end)`. Parts smaller than `grain` are not split.
template <class Body>
void parallel_ranges(int64_t count, int64_t grain, Body &&body) {
  if (count <= 0) return;
  auto parts = std::min<int64_t>(at::get_num_threads(), std::max<int64_t>(1, count / std::max<int64_t>(1, grain)));
  on_each_thread(static_cast<int>(parts), [&](int thread, int threads) {
    int64_t begin = count * thread / threads, end = count * (thread + 1) / threads;
    if (begin < end) body(begin, end);
  });
}

/// Hands out 0 ..< count one by one to whichever thread is free: `body(index, thread)`. For items of unequal cost.
template <class Body>
void parallel_items(int64_t count, Body &&body) {
  if (count <= 0) return;
  std::atomic<int64_t> next{0};
  on_each_thread(static_cast<int>(std::min<int64_t>(at::get_num_threads(), count)), [&](int thread, int) {
    for (int64_t index = next.fetch_add(1); index < count; index = next.fetch_add(1)) body(index, thread);
  });
}

}  // namespace headway
