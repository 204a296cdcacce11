// Devices, threads and random generators.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <dlfcn.h>
#if defined(__linux__)
#include <malloc.h>
#endif
#include <cstdlib>

#include <mutex>
#include <random>
#include <typeinfo>

#include "boundary.hpp"

using namespace headway;

#if defined(__APPLE__)
static const char *const cuda_library = "libtorch_cuda.dylib";
#else
static const char *const cuda_library = "libtorch_cuda.so";
#endif

struct ct_generator_s {
  at::Generator value;
};

int ct_set_threads(int threads) {
  return guarded("set threads", {}, [&] {
    TORCH_CHECK(threads > 0, "the number of threads must be at least 1, not ", threads);
    at::set_num_threads(threads);
  });
}
int ct_get_threads(void) { return at::get_num_threads(); }

int ct_cuda_device_count(int *count, bool *is_loaded) {
  *count = 0;
  *is_loaded = false;
  return guarded("CUDA", {}, [&] {
    // The CUDA half of libtorch registers itself when it is loaded; programs that never ask for it never pay for it. libtorch looks for it at
    // the first question about CUDA and remembers the answer, so nothing may be asked before.
    static std::once_flag once;
    static std::string reason;
    std::call_once(once, [] {
      if (dlopen(cuda_library, RTLD_NOW | RTLD_GLOBAL) == nullptr) {
        const char *text = dlerror();
        reason = text == nullptr ? "it could not be loaded" : text;
      }
    });
    *is_loaded = at::CUDAHooksRegistry()->Has("CUDAHooks");
    TORCH_CHECK(*is_loaded, "this libtorch has no CUDA part (", reason, ")");
    auto &hooks = at::detail::getCUDAHooks();
    // Whoever computes before asking leaves libtorch with hooks that know no CUDA.
    TORCH_CHECK(typeid(hooks) != typeid(at::CUDAHooksInterface), "libtorch began to compute before it was asked for CUDA");
    *count = static_cast<int>(hooks.getNumGPUs());
  });
}
int ct_cuda_free_memory(int device_index, int64_t *bytes) {
  return guarded("CUDA memory", {}, [&] {
    *bytes = static_cast<int64_t>(at::getDeviceAllocator(at::kCUDA)->getMemoryInfo(static_cast<c10::DeviceIndex>(device_index)).first);
  });
}
bool ct_mps_available(void) {
  try {
    return at::globalContext().hasMPS();
  } catch (...) {
    return false;
  }
}
int ct_synchronize(int device_type, int device_index) {
  return guarded("synchronize", {}, [&] {
    if (device_type == CT_CUDA) at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(device_index));
  });
}

void ct_keep_freed_memory(void) {
#if defined(__GLIBC__)
  setenv("THP_MEM_ALLOC_ENABLE", "1", /*overwrite=*/0);  // read by libtorch's allocator at its first use
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, 64 << 20);
  // Memory of the arenas that other threads would get is given back whatever the threshold.
  mallopt(M_ARENA_MAX, 1);
#endif
}

int ct_generator_make(uint64_t seed, ct_generator *out) {
  return guarded("random generator", {}, [&] {
    auto generator = at::detail::createCPUGenerator(seed);
    if (seed >> 32 != 0) {
      // libtorch's Mersenne Twister keeps 32 bits of its seed; for a longer one its state is laid out as std::mt19937 lays it out from a sequence.
      std::seed_seq sequence{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
      at::mt19937_data_pod data{};
      data.seed_ = seed;
      data.left_ = 1;
      data.seeded_ = true;
      sequence.generate(data.state_.begin(), data.state_.end());
      at::mt19937 engine;
      engine.set_data(data);
      generator.get<at::CPUGeneratorImpl>()->set_engine(engine);
    }
    *out = new ct_generator_s{std::move(generator)};
  });
}
at::Generator headway::ct_generator_value(ct_generator generator) {
  TORCH_CHECK(generator != nullptr, "a random generator is missing");
  return generator->value;
}
void ct_generator_release(ct_generator generator) { delete generator; }
int ct_normal(ct_generator generator, double mean, double deviation, const int64_t *shape, int dimensions, ct_tensor *out) {
  return guarded("normal", {}, [&] {
    *out = wrap(at::normal(mean, deviation, at::IntArrayRef(shape, static_cast<size_t>(dimensions)), generator->value, at::kFloat));
  });
}
