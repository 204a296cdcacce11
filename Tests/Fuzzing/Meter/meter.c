#include "fuzzing.h"

#include <stdatomic.h>
#include <stdbool.h>

// AddressSanitizer's allocator calls these for every allocation, whoever makes it.
int __sanitizer_install_malloc_and_free_hooks(
    void (*after)(const volatile void *, size_t), void (*before)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *);

static _Atomic int64_t held;
static _Atomic int64_t most;

static void allocated(const volatile void *place, size_t size) {
  (void)place;
  int64_t now = atomic_fetch_add_explicit(&held, (int64_t)size, memory_order_relaxed) + (int64_t)size;
  int64_t known = atomic_load_explicit(&most, memory_order_relaxed);
  while (now > known && !atomic_compare_exchange_weak_explicit(&most, &known, now, memory_order_relaxed, memory_order_relaxed)) {
  }
}

static void freed(const volatile void *place) {
  if (place) atomic_fetch_sub_explicit(&held, (int64_t)__sanitizer_get_allocated_size(place), memory_order_relaxed);
}

void allocation_meter_start(void) {
  static atomic_bool is_installed;
  if (!atomic_exchange(&is_installed, true)) __sanitizer_install_malloc_and_free_hooks(allocated, freed);
  atomic_store(&held, 0);
  atomic_store(&most, 0);
}

int64_t allocation_meter_most(void) { return atomic_load(&most); }
