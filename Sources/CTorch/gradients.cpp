// Automatic differentiation.
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "boundary.hpp"

using namespace headway;

int ct_set_requires_gradient(ct_tensor tensor, bool required) {
  return guarded("require gradient", {tensor}, [&] { get(tensor).requires_grad_(required); });
}
bool ct_requires_gradient(ct_tensor tensor) { return tensor->value.requires_grad(); }

bool ct_set_gradient_mode(bool enabled) {
  bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(enabled);
  return before;
}

int ct_gradients(
    const ct_tensor *outputs, const ct_tensor *seeds, int output_count, const ct_tensor *inputs, int input_count, ct_tensor *results) {
  return guarded("gradients", {output_count > 0 ? outputs[0] : nullptr}, [&] {
    std::vector<at::Tensor> of, by, weights;
    for (int i = 0; i < output_count; i++) {
      of.push_back(get(outputs[i]));
      if (seeds != nullptr) weights.push_back(get(seeds[i]));
    }
    for (int i = 0; i < input_count; i++) by.push_back(get(inputs[i]));
    auto gradients = torch::autograd::grad(of, by, weights, /*retain_graph=*/false, /*create_graph=*/false, /*allow_unused=*/true);
    for (int i = 0; i < input_count; i++) results[i] = gradients[i].defined() ? wrap(gradients[i]) : nullptr;
  });
}

int ct_detach(ct_tensor a, ct_tensor *out) {
  return guarded("detach", {a}, [&] { *out = wrap(get(a).detach()); });
}
