// What a low-rank adapter (LoRA) adds to the output of a linear layer.
#include <ATen/core/PhiloxRNGEngine.h>
#include "boundary.hpp"
#include "differentiable.hpp"
#include "kernels/parallel.hpp"

using namespace headway;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

namespace {

/// What x is multiplied with: 0 with probability `rate`, else 1 / (1 − rate). Four elements a draw of a counter-based generator, so that an element's
/// number depends on nothing but key, position and place.
at::Tensor mask(const at::Tensor &x, const ct_dropout &dropout) {
  auto result = at::empty(x.sizes(), at::kFloat);
  auto *to = result.mutable_data_ptr<float>();
  int64_t count = result.numel();
  auto kept = static_cast<float>(1 / (1 - dropout.rate));
  // As a part of the 2³² numbers that are drawn.
  auto limit = static_cast<uint64_t>(dropout.rate * 0x1p32);
  parallel_ranges((count + 3) / 4, 4096, [&](int64_t begin, int64_t end) {
    at::Philox4_32 draw(dropout.key, dropout.position, static_cast<uint64_t>(begin));
    for (int64_t i = 4 * begin; i < std::min(count, 4 * end); i++) to[i] = draw() < limit ? 0 : kept;
  });
  return result.to(x.device());
}

/// dropout(x) in the type that the products are computed in.
at::Tensor widened(const at::Tensor &x, at::ScalarType type, const ct_dropout &dropout) {
  auto wide = x.to(type);
  return dropout.rate > 0 ? wide * mask(x, dropout).to(type) : wide;
}

/// As PEFT's linear layer: x is widened to the adapter's float32, both products, the factor and the sum are computed there, and the sum is rounded
/// once. Neither the widened x nor the mask is kept for the way back: both are made again.
struct AddLowRank : Function<AddLowRank> {
  static at::Tensor forward(
      AutogradContext *context, const at::Tensor &y, const at::Tensor &x, const at::Tensor &down, const at::Tensor &up, double scale,
      ct_dropout dropout, bool by_down, bool by_up) {
    auto type = std::max({x, down, up}, [](auto &a, auto &b) { return a.element_size() < b.element_size(); }).scalar_type();
    if (type != at::kDouble) type = at::kFloat;
    auto inner = at::mm(widened(x, type, dropout), down.to(type).t());  // [T, r]
    context->save_for_backward({by_down ? x : at::Tensor(), down, up, by_up ? inner : at::Tensor()});
    context->saved_data["type"] = type;
    context->saved_data["x type"] = x.scalar_type();
    context->saved_data["scale"] = scale;
    context->saved_data["rate"] = dropout.rate;
    context->saved_data["key"] = static_cast<int64_t>(dropout.key);
    context->saved_data["position"] = static_cast<int64_t>(dropout.position);
    return at::addmm(y.to(type), inner, up.to(type).t(), 1, scale).to(y.scalar_type());
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto &x = saved[0], &down = saved[1], &up = saved[2], &inner = saved[3];
    auto type = context->saved_data["type"].toScalarType();
    ct_dropout dropout{
        context->saved_data["rate"].toDouble(), static_cast<uint64_t>(context->saved_data["key"].toInt()),
        static_cast<uint64_t>(context->saved_data["position"].toInt())};
    auto scale = context->saved_data["scale"].toDouble();
    auto gradient = gradients[0].to(type);
    auto by_inner = at::mm(gradient, up.to(type)) * scale;  // [T, r]
    variable_list result(8);
    result[0] = gradients[0];
    if (context->needs_input_grad(1)) {
      auto by_x = at::mm(by_inner, down.to(type));
      if (dropout.rate > 0) by_x *= mask(by_x, dropout).to(type);
      result[1] = by_x.to(context->saved_data["x type"].toScalarType());
    }
    if (x.defined()) result[2] = at::mm(by_inner.t(), widened(x, type, dropout)).to(down.scalar_type());
    if (inner.defined()) result[3] = (at::mm(gradient.t(), inner) * scale).to(up.scalar_type());
    return result;
  }
};

}  // namespace

int ct_add_low_rank(ct_tensor y, ct_tensor x, ct_tensor down, ct_tensor up, double scale, ct_dropout dropout, ct_tensor *out) {
  return guarded("add low rank", {y, x, down, up}, [&] {
    auto &to = get(y), &from = get(x), &a = get(down), &b = get(up);
    TORCH_CHECK(
        to.dim() == 2 && from.dim() == 2 && a.dim() == 2 && b.dim() == 2 && to.size(0) == from.size(0) && to.size(1) == b.size(0) &&
            from.size(1) == a.size(1) && a.size(0) == b.size(1),
        "y [T, out], x [T, in], A [r, in] and B [out, r] are needed");
    for (auto &tensor : {to, from, a, b}) TORCH_CHECK(tensor.is_floating_point(), "floating-point numbers are needed");
    TORCH_CHECK(dropout.rate >= 0 && dropout.rate < 1, "a dropout rate is at least 0 and below 1, not ", dropout.rate);
    bool recording = at::GradMode::is_enabled();
    *out = wrap(applied<AddLowRank>(to, from, a, b, scale, dropout, recording && a.requires_grad(), recording && b.requires_grad()));
  });
}
