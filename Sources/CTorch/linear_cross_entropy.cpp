// The vocabulary projection and its loss together, a chunk of labels at a time: logits of a 128,000-word vocabulary never stand whole,
// and the gradient is formed while a chunk's logits are still there.
#include "boundary.hpp"
#include "differentiable.hpp"
#include "gradient_sink.hpp"
#include "linear.hpp"
#include "matrix_products.hpp"
#include "numbers.hpp"
#include "kernels/parallel.hpp"
#include "kernels/row_kernels.hpp"

using namespace headway;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

namespace {

/// logits [m, V] become weights · (softmax − onehot), in place where possible; returns the rows' cross-entropy [m] in float32 (float64).
at::Tensor cross_entropy(at::Tensor &logits, const at::Tensor &targets, const at::Tensor &weights, bool keep_gradient) {
  int64_t rows = logits.size(0), width = logits.size(1);
  bool kernel = logits.is_cpu() && (logits.scalar_type() == at::kFloat || logits.scalar_type() == at::kBFloat16) && logits.is_contiguous();
  if (kernel) {
    auto each = at::empty({rows}, at::kFloat);
    auto *target = numbers<int64_t>(targets);
    auto *weight = numbers<float>(weights);
    auto *loss = each.mutable_data_ptr<float>();
    auto run = [&](const auto &kernels, auto *data) {
      parallel_ranges(rows, 1, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++)
          loss[r] = kernels.cross_entropy(data + r * width, width, target[r], weight[r], keep_gradient);
      });
    };
    if (logits.scalar_type() == at::kFloat)
      run(row_kernels<float>(), static_cast<float *>(logits.mutable_data_ptr()));
    else
      run(row_kernels<bf16>(), static_cast<bf16 *>(logits.mutable_data_ptr()));
    return each;
  }
  auto wide = logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat);
  auto probabilities = at::log_softmax(wide, -1);
  auto each = -probabilities.gather(1, targets.unsqueeze(1)).squeeze(1);
  if (keep_gradient) {
    auto gradient = probabilities.exp_();
    gradient.scatter_add_(1, targets.unsqueeze(1), at::full({rows, 1}, -1.0, gradient.options()));
    logits = gradient.mul_(weights.to(gradient.scalar_type()).unsqueeze(1)).to(logits.scalar_type());
  }
  return each;
}

struct LinearCrossEntropy : Function<LinearCrossEntropy> {
  static variable_list forward(
      AutogradContext *context, const at::Tensor &hidden, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
      const at::Tensor &targets, const at::Tensor &label_weights, int64_t chunk, double softcap, bool by_hidden, bool by_weight, bool by_bias,
      const std::optional<at::Tensor> &collect) {
    int64_t labels = hidden.size(0);
    auto wide = hidden.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    auto each = at::empty({labels}, hidden.options().dtype(wide));
    auto hidden_gradient = by_hidden ? at::empty_like(hidden) : at::Tensor();
    // A weight whose gradient is added up elsewhere gets its share at once: a table of a 128,000-word vocabulary is not made twice.
    auto weight_total = by_weight ? collect.value_or(at::Tensor()) : at::Tensor();
    bool collected = weight_total.defined();
    auto weight_gradient = by_weight && !collected ? at::zeros(weight.sizes(), weight.options().dtype(wide)) : at::Tensor();
    auto bias_gradient = by_bias ? at::zeros(bias->sizes(), bias->options().dtype(wide)) : at::Tensor();
    bool any = by_hidden || by_weight || by_bias;
    auto factors = label_weights.to(wide).contiguous();
    std::optional<Turn> turn;
    for (int64_t first = 0; first < labels; first += chunk) {
      int64_t count = std::min(chunk, labels - first);
      auto rows = hidden.narrow(0, first, count);
      auto logits = linear_product(rows, weight, bias);
      at::Tensor slopes;  // what capped logits grow by with the logits
      if (softcap > 0) {
        auto bent = logits.div_(softcap).tanh_();
        if (any) slopes = 1 - bent * bent;
        logits = bent.mul_(softcap);
      }
      each.narrow(0, first, count).copy_(cross_entropy(logits, targets.narrow(0, first, count), factors.narrow(0, first, count), any));
      if (slopes.defined()) logits.mul_(slopes);
      if (by_hidden) hidden_gradient.narrow(0, first, count).copy_(product_with(logits, weight));
      if (collected && !turn) turn.emplace(weight_total);
      if (by_weight) add_matrix_product(logits.t(), rows, collected ? weight_total : weight_gradient);
      if (by_bias) bias_gradient.add_(logits.to(wide).sum(0));
    }
    context->save_for_backward({hidden_gradient, weight_gradient, bias_gradient});
    context->saved_data["weight type"] = weight.scalar_type();
    context->saved_data["collected"] = collected;
    auto loss = (each * factors).sum();
    context->mark_non_differentiable({each});
    return {loss, each};
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto type = context->saved_data["weight type"].toScalarType();
    TORCH_CHECK(
        !context->saved_data["collected"].toBool() || gradients[0].item<double>() == 1,
        "the loss must be walked back with the weight 1 where the gradient of the vocabulary projection is added up in place");
    variable_list result(11);
    for (size_t i = 0; i < 3; i++)
      if (saved[i].defined()) result[i] = (saved[i] * gradients[0].to(saved[i].scalar_type())).to(i == 0 ? saved[i].scalar_type() : type);
    return result;
  }
};

}  // namespace

int ct_linear_cross_entropy(
    ct_tensor hidden, ct_tensor weight, ct_tensor bias, ct_tensor targets, ct_tensor label_weights, int64_t chunk, double softcap,
    ct_tensor *loss, ct_tensor *each) {
  return guarded("linear cross-entropy", {hidden, weight, bias, targets, label_weights}, [&] {
    auto &h = get(hidden), &w = get(weight), &t = get(targets), &factors = get(label_weights);
    TORCH_CHECK(h.dim() == 2 && w.dim() == 2 && h.size(1) == w.size(1), "hidden [M, n] and weight [V, n] are needed");
    TORCH_CHECK(t.dim() == 1 && t.scalar_type() == at::kLong && t.size(0) == h.size(0) && factors.sizes() == t.sizes(), "one target and one weight per row are needed");
    TORCH_CHECK(h.size(0) > 0, "at least one label is needed");
    TORCH_CHECK(chunk > 0, "a chunk holds at least one label");
    TORCH_CHECK(t.min().item<int64_t>() >= 0 && t.max().item<int64_t>() < w.size(0), "a target lies outside the vocabulary of ", w.size(0));
    auto b = get_optional(bias);
    bool recording = at::GradMode::is_enabled();
    auto both = applied<LinearCrossEntropy>(
        h.contiguous(), w, b, t.contiguous(), factors, chunk, softcap, recording && h.requires_grad(), recording && w.requires_grad(),
        recording && b && b->requires_grad(), recording ? sink_of(w) : std::nullopt);
    *loss = wrap(both[0]);
    *each = wrap(both[1]);
  });
}
