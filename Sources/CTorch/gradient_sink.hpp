// Where the gradient of a trained weight is added up while it is being computed.
#pragma once

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "boundary.hpp"
#include "turns.hpp"

namespace headway {

/// total += addend, whatever the types of the two.
void accumulate(const at::Tensor &addend, const at::Tensor &total);

/// Adds what the engine found for a leaf to `total`, in its wider type, and drops it: gradients of a whole model never stand beside their sums.
/// Operations whose gradient by a weight is large or sparse (embedding, vocabulary projection) add to `total` themselves and give the engine nothing.
struct GradientSink : torch::autograd::PostAccumulateGradHook {
  explicit GradientSink(at::Tensor total) : total(std::move(total)) {}
  void operator()(const torch::autograd::Variable &leaf) override {
    if (!leaf.grad().defined()) return;
    accumulate(leaf.grad(), total);
    leaf.mutable_grad() = at::Tensor();
    if (auto *turns = Turns::current()) turns->leave(total);
  }
  at::Tensor total;
};

/// Waits for a batch's turn before the engine touches the leaf: from here until the sink has run no other batch does.
struct TurnHook : torch::autograd::FunctionPreHook {
  explicit TurnHook(at::Tensor total) : total(std::move(total)) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list &gradients) override {
    auto *turns = Turns::current();
    if (turns != nullptr && !gradients.empty() && gradients[0].defined()) turns->wait_for(total);
    return gradients;
  }
  at::Tensor total;
};

/// The sum that belongs to a leaf, where one was set.
inline std::optional<at::Tensor> sink_of(const at::Tensor &leaf) {
  if (!leaf.defined() || !leaf.requires_grad() || !leaf.is_leaf()) return std::nullopt;
  auto *sink = dynamic_cast<GradientSink *>(torch::autograd::impl::post_acc_grad_hooks(leaf).get());
  return sink == nullptr ? std::nullopt : std::optional<at::Tensor>(sink->total);
}

}  // namespace headway
