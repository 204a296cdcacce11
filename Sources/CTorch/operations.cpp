// libtorch's own operations, one line each.
#include <c10/util/bit_cast.h>

#include "boundary.hpp"
#include "kernels/parallel.hpp"

using namespace headway;

namespace {
/// Whether no number of a contiguous one on a processor is infinite or none: in one pass, where libtorch makes four.
bool all_finite(const at::Tensor &a) {
  auto *from = a.const_data_ptr<float>();
  std::atomic<bool> finite{true};
  parallel_ranges(a.numel(), 1 << 16, [&](int64_t begin, int64_t end) {
    constexpr uint32_t exponent = 0x7f800000;
    uint32_t found = 0;
    for (int64_t i = begin; i < end; i++) found |= (c10::bit_cast<uint32_t>(from[i]) & exponent) == exponent;
    if (found) finite = false;
  });
  return finite;
}

at::IntArrayRef sizes(const int64_t *shape, int dimensions) { return {shape, static_cast<size_t>(dimensions)}; }
}  // namespace

int ct_reshape(ct_tensor a, const int64_t *shape, int dimensions, ct_tensor *out) {
  return guarded("reshape", {a}, [&] { *out = wrap(get(a).reshape(sizes(shape, dimensions))); });
}
int ct_transpose(ct_tensor a, int first, int second, ct_tensor *out) {
  return guarded("transpose", {a}, [&] { *out = wrap(get(a).transpose(first, second)); });
}
int ct_narrow(ct_tensor a, int dimension, int64_t start, int64_t length, ct_tensor *out) {
  return guarded("narrow", {a}, [&] { *out = wrap(get(a).narrow(dimension, start, length)); });
}
int ct_index_select(ct_tensor a, int dimension, ct_tensor indices, ct_tensor *out) {
  return guarded("index select", {a, indices}, [&] { *out = wrap(at::index_select(get(a), dimension, get(indices))); });
}
int ct_concatenate(const ct_tensor *tensors, int count, int dimension, ct_tensor *out) {
  return guarded("concatenate", {count > 0 ? tensors[0] : nullptr}, [&] {
    std::vector<at::Tensor> list;
    for (int i = 0; i < count; i++) list.push_back(get(tensors[i]));
    *out = wrap(at::cat(list, dimension));
  });
}
int ct_contiguous(ct_tensor a, ct_tensor *out) {
  return guarded("contiguous", {a}, [&] { *out = wrap(get(a).contiguous()); });
}
int ct_to_dtype(ct_tensor a, int dtype, ct_tensor *out) {
  return guarded("convert", {a}, [&] { *out = wrap(get(a).to(scalar_type(dtype))); });
}
int ct_to_device(ct_tensor a, int device_type, int device_index, ct_tensor *out) {
  return guarded("move", {a}, [&] { *out = wrap(get(a).to(device(device_type, device_index))); });
}

int ct_add(ct_tensor a, ct_tensor b, ct_tensor *out) {
  return guarded("add", {a, b}, [&] { *out = wrap(at::add(get(a), get(b))); });
}
int ct_subtract(ct_tensor a, ct_tensor b, ct_tensor *out) {
  return guarded("subtract", {a, b}, [&] { *out = wrap(at::sub(get(a), get(b))); });
}
int ct_multiply(ct_tensor a, ct_tensor b, ct_tensor *out) {
  return guarded("multiply", {a, b}, [&] { *out = wrap(at::mul(get(a), get(b))); });
}
int ct_divide(ct_tensor a, ct_tensor b, ct_tensor *out) {
  return guarded("divide", {a, b}, [&] { *out = wrap(at::div(get(a), get(b))); });
}
int ct_scale(ct_tensor a, double factor, ct_tensor *out) {
  return guarded("scale", {a}, [&] { *out = wrap(at::mul(get(a), factor)); });
}
int ct_shift(ct_tensor a, double term, ct_tensor *out) {
  return guarded("shift", {a}, [&] { *out = wrap(at::add(get(a), term)); });
}
int ct_absolute(ct_tensor a, ct_tensor *out) {
  return guarded("absolute", {a}, [&] { *out = wrap(at::abs(get(a))); });
}
int ct_sum(ct_tensor a, ct_tensor *out) {
  return guarded("sum", {a}, [&] { *out = wrap(at::sum(get(a))); });
}
int ct_sum_dimension(ct_tensor a, int dimension, ct_tensor *out) {
  return guarded("sum", {a}, [&] { *out = wrap(at::sum(get(a), dimension)); });
}
int ct_segment_sum(ct_tensor a, const int64_t *bounds, int segments, ct_tensor *out) {
  return guarded("segment sum", {a}, [&] {
    auto wide = get(a).scalar_type() == at::kDouble ? get(a) : get(a).to(at::kFloat);
    std::vector<at::Tensor> rows;
    rows.reserve(static_cast<size_t>(segments));
    for (int i = 0; i < segments; i++) rows.push_back(wide.narrow(0, bounds[i], bounds[i + 1] - bounds[i]).sum(0));
    *out = wrap(at::stack(rows));
  });
}
int ct_matmul(ct_tensor a, ct_tensor b, ct_tensor *out) {
  return guarded("matrix product", {a, b}, [&] { *out = wrap(at::matmul(get(a), get(b))); });
}
int ct_argmax(ct_tensor a, int dimension, ct_tensor *out) {
  return guarded("argmax", {a}, [&] { *out = wrap(at::argmax(get(a), dimension)); });
}
int ct_log_softmax(ct_tensor a, ct_tensor *out) {
  return guarded("log softmax", {a}, [&] { *out = wrap(at::log_softmax(get(a), -1)); });
}
int ct_soft_cap(ct_tensor a, double cap, ct_tensor *out) {
  return guarded("soft cap", {a}, [&] {
    TORCH_CHECK(cap > 0, "a cap is greater than 0, not ", cap);
    *out = wrap((get(a) / cap).tanh() * cap);
  });
}
int ct_all_finite(ct_tensor a, bool *finite) {
  return guarded("finite", {a}, [&] {
    auto &x = get(a);
    *finite = x.is_cpu() && x.scalar_type() == at::kFloat && x.is_contiguous() ? all_finite(x) : at::isfinite(x).all().item<bool>();
  });
}

// By libtorch's own functions in float32, step by step as transformers does it: both then rotate by the same bits, and what a badly conditioned
// sample makes of the last bit cancels out of comparisons.
int ct_rotary_frequencies(double base, int64_t dimension, ct_tensor *out) {
  return guarded("rotary frequencies", {}, [&] {
    auto exponents = at::arange(0, dimension, 2, at::kLong).to(at::kFloat) / dimension;
    *out = wrap(at::pow(base, exponents).reciprocal());
  });
}
int ct_rotary_tables(ct_tensor positions, ct_tensor frequencies, ct_tensor *cosine, ct_tensor *sine) {
  return guarded("rotary tables", {positions, frequencies}, [&] {
    auto angles = get(positions).to(at::kFloat).unsqueeze(1) * get(frequencies);
    *cosine = wrap(at::cos(angles));
    *sine = wrap(at::sin(angles));
  });
}
