// Differentiable operations.
#pragma once

#include <torch/csrc/autograd/custom_function.h>

namespace headway {

/// What the operation F gives. Where no graph is recorded, nothing is kept for a way back: for one token that costs more than the operation.
template <class F, class... Arguments>
auto applied(const Arguments &...arguments) {
  if (at::GradMode::is_enabled()) return F::apply(arguments...);
  torch::autograd::AutogradContext context;
  return F::forward(&context, arguments...);
}

}  // namespace headway
