// What training needs beyond measuring: gradients added up in place, the optimiser's step, weights written in place.
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "boundary.hpp"
#include "gradient_sink.hpp"
#include "kernels/parallel.hpp"
#include "kernels/row_kernels.hpp"

using namespace headway;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

namespace {

std::vector<at::Tensor> list(const ct_tensor *tensors, int count) {
  std::vector<at::Tensor> result;
  result.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; i++) result.push_back(get(tensors[i]));
  return result;
}

void check_writable(const at::Tensor &tensor) {
  TORCH_CHECK(!is_mapped(tensor), "the tensor lies in a file's read-only mapping; copy it first");
}

/// Rows of a table; the gradient goes row by row to the table's sum, in the sum's type, instead of through a table of zeros.
struct CollectedEmbedding : Function<CollectedEmbedding> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &weight, const at::Tensor &indices, const at::Tensor &total) {
    context->save_for_backward({indices});
    context->saved_data["total"] = total;
    if (auto *turns = Turns::current()) turns->announce(total);
    return at::embedding(weight, indices);
  }
  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto indices = context->get_saved_variables()[0];
    auto add = [indices, total = context->saved_data["total"].toTensor(), gradient = gradients[0]] {
      total.index_add_(0, indices, gradient.to(total.scalar_type()));
    };
    // This is a batch's last addition, and to a table that is the projection's too its first: the next batch would wait for the whole of this one.
    if (auto *turns = Turns::current())
      turns->put_aside(std::move(add));
    else
      add();
    return {at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

bool has_squares_kernel(const at::Tensor &tensor) {
  return tensor.is_cpu() && tensor.is_contiguous() && (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16);
}

/// Σx² in double precision: libtorch's norms add up in float32, which loses 1.4% of 2²⁷ elements. Blocks are added up in their order, so that the
/// number of threads changes nothing.
double sum_of_squares(const at::Tensor &tensor) {
  constexpr int64_t block = 1 << 16;
  int64_t count = tensor.numel(), blocks = (count + block - 1) / block;
  std::vector<double> sums(static_cast<size_t>(blocks));
  auto run = [&](const auto &kernels, const auto *from) {
    parallel_ranges(blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; b++)
        sums[static_cast<size_t>(b)] = kernels.sum_of_squares(from + b * block, std::min(block, count - b * block));
    });
  };
  if (tensor.scalar_type() == at::kFloat)
    run(row_kernels<float>(), static_cast<const float *>(tensor.const_data_ptr()));
  else
    run(row_kernels<bf16>(), static_cast<const bf16 *>(tensor.const_data_ptr()));
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

/// AdamW on a processor, over weight, gradient, moments and copy in one pass over memory; false where there is no kernel for them.
bool update_in_one_pass(const std::vector<at::Tensor> &tensors, const at::Tensor &copy, const ct_adamw_options &options) {
  auto plain = [](const at::Tensor &x, at::ScalarType type) { return x.is_cpu() && x.is_contiguous() && x.scalar_type() == type; };
  for (auto &tensor : tensors)
    if (!plain(tensor, at::kFloat)) return false;
  bool narrows = copy.defined() && plain(copy, at::kBFloat16);
  if (copy.defined() && !narrows && !plain(copy, at::kFloat)) return false;
  auto step = static_cast<double>(options.step);
  AdamWStep numbers{
      static_cast<float>(options.gradient_divisor),
      static_cast<float>(1 - options.learning_rate * options.weight_decay),
      static_cast<float>(1 - options.beta1),
      static_cast<float>(1 - options.beta2),
      static_cast<float>(options.beta2),
      static_cast<float>(options.learning_rate / (1 - std::pow(options.beta1, step))),
      static_cast<float>(std::sqrt(1 - std::pow(options.beta2, step))),
      static_cast<float>(options.epsilon)};
  auto *weight = tensors[0].mutable_data_ptr<float>(), *gradient = tensors[1].mutable_data_ptr<float>();
  auto *first = tensors[2].mutable_data_ptr<float>(), *second = tensors[3].mutable_data_ptr<float>();
  auto run = [&](const auto &kernels, auto *to) {
    parallel_ranges(tensors[0].numel(), 16384, [&](int64_t begin, int64_t end) {
      kernels.adamw(
          weight + begin, gradient + begin, first + begin, second + begin, to == nullptr ? nullptr : to + begin, end - begin, numbers);
    });
  };
  if (narrows)
    run(row_kernels<bf16>(), static_cast<bf16 *>(copy.mutable_data_ptr()));
  else
    run(row_kernels<float>(), copy.defined() ? copy.mutable_data_ptr<float>() : nullptr);
  // As libtorch's own operations do: whatever was made of a weight is of its version.
  for (auto &written : {tensors[0], copy})
    if (written.defined()) written.unsafeGetTensorImpl()->bump_version();
  return true;
}

}  // namespace

void headway::accumulate(const at::Tensor &addend, const at::Tensor &total) {
  at::NoGradGuard none;
  if (addend.is_cpu() && addend.scalar_type() == at::kBFloat16 && total.scalar_type() == at::kFloat && total.is_contiguous()) {
    // libtorch would first make a float32 copy of the whole addend.
    auto source = addend.contiguous();
    auto *from = static_cast<const bf16 *>(source.const_data_ptr());
    auto *to = total.mutable_data_ptr<float>();
    parallel_ranges(source.numel(), 16384, [&](int64_t begin, int64_t end) {
      row_kernels<bf16>().accumulate(from + begin, to + begin, end - begin);
    });
    return;
  }
  total.add_(addend);
}

int ct_embedding(ct_tensor weight, ct_tensor indices, ct_tensor *out) {
  return guarded("embedding", {weight, indices}, [&] {
    auto total = at::GradMode::is_enabled() ? sink_of(get(weight)) : std::nullopt;
    *out = wrap(total ? CollectedEmbedding::apply(get(weight), get(indices), *total) : at::embedding(get(weight), get(indices)));
  });
}

int ct_collect_gradient(ct_tensor leaf, ct_tensor total) {
  return guarded("collect gradient", {leaf, total}, [&] {
    TORCH_CHECK(get(leaf).is_leaf() && get(leaf).requires_grad(), "only a leaf that asks for its gradient has one");
    TORCH_CHECK(get(leaf).sizes() == get(total).sizes(), "the sum must have the leaf's shape");
    check_writable(get(total));
    torch::autograd::impl::clear_hooks(get(leaf));
    torch::autograd::impl::add_hook(get(leaf), std::make_unique<TurnHook>(get(total)));
    torch::autograd::impl::set_post_acc_grad_hooks(get(leaf), std::make_unique<GradientSink>(get(total)));
  });
}

int ct_backward(const ct_tensor *outputs, const ct_tensor *seeds, int count) {
  return guarded("backward", {count > 0 ? outputs[0] : nullptr}, [&] {
    torch::autograd::backward(list(outputs, count), seeds == nullptr ? variable_list{} : list(seeds, count));
  });
}

int ct_take_gradient(ct_tensor leaf, ct_tensor *out) {
  return guarded("take gradient", {leaf}, [&] {
    auto &gradient = get(leaf).mutable_grad();
    *out = gradient.defined() ? wrap(gradient) : nullptr;
    gradient = at::Tensor();
  });
}

int ct_copy_into(const ct_tensor *destinations, const ct_tensor *sources, int count) {
  return guarded("copy", {count > 0 ? destinations[0] : nullptr, count > 0 ? sources[0] : nullptr}, [&] {
    at::NoGradGuard none;
    for (int i = 0; i < count; i++) {
      TORCH_CHECK(get(destinations[i]).sizes() == get(sources[i]).sizes(), "both must have one shape");
      check_writable(get(destinations[i]));
      get(destinations[i]).copy_(get(sources[i]));
    }
  });
}

int ct_write_rows(ct_tensor destination, const int64_t *starts, ct_tensor source, const int64_t *bounds, int samples) {
  return guarded("write rows", {destination, source}, [&] {
    at::NoGradGuard none;
    auto &to = get(destination), &from = get(source);
    check_writable(to);
    TORCH_CHECK(!to.requires_grad(), "what is written over must not ask for gradients");
    TORCH_CHECK(to.dim() > 0 && to.dim() == from.dim() && to.sizes().slice(1) == from.sizes().slice(1), "rows of one shape are needed");
    // A copy of libtorch's costs many times that of a token's keys.
    bool plain = to.is_cpu() && from.is_cpu() && to.scalar_type() == from.scalar_type() && to.is_contiguous() && from.is_contiguous();
    auto row = static_cast<int64_t>(to.size(0) > 0 ? to.nbytes() / static_cast<size_t>(to.size(0)) : 0);
    for (int s = 0; s < samples; s++) {
      int64_t count = bounds[s + 1] - bounds[s];
      TORCH_CHECK(bounds[s] >= 0 && count >= 0 && bounds[s + 1] <= from.size(0), "the bounds must rise from 0 to ", from.size(0));
      TORCH_CHECK(starts[s] >= 0 && starts[s] <= to.size(0) - count, count, " rows from ", starts[s], " on do not fit into ", to.size(0));
      if (count == 0) continue;
      if (plain)
        std::memmove(
            static_cast<char *>(to.mutable_data_ptr()) + starts[s] * row, static_cast<const char *>(from.const_data_ptr()) + bounds[s] * row,
            static_cast<size_t>(count * row));
      else
        to.narrow(0, starts[s], count).copy_(from.narrow(0, bounds[s], count));
    }
  });
}

int ct_clone(ct_tensor a, int dtype, ct_tensor *out) {
  return guarded("clone", {a}, [&] {
    *out = wrap(get(a).detach().to(scalar_type(dtype), /*non_blocking=*/false, /*copy=*/true).contiguous());
  });
}

int ct_global_norm(const ct_tensor *tensors, int count, double *norm) {
  return guarded("norm", {count > 0 ? tensors[0] : nullptr}, [&] {
    *norm = 0;
    if (count == 0) return;
    at::NoGradGuard none;
    double squares = 0;
    std::vector<at::Tensor> others;
    for (auto &tensor : list(tensors, count)) {
      if (has_squares_kernel(tensor))
        squares += sum_of_squares(tensor);
      else
        others.push_back(tensor);
    }
    if (!others.empty()) {
      // There is no float64 on MPS; where it is missing blocks are still summed up pairwise.
      auto type = others[0].is_mps() ? std::optional<at::ScalarType>() : at::kDouble;
      auto norm_of_others = at::linalg_vector_norm(at::stack(at::_foreach_norm(others, 2, type)).cpu().to(at::kDouble)).item<double>();
      squares += norm_of_others * norm_of_others;
    }
    *norm = std::sqrt(squares);
  });
}

int ct_adamw_step(
    const ct_tensor *weights, const ct_tensor *gradients, const ct_tensor *first_moments, const ct_tensor *second_moments, const ct_tensor *copies,
    int count, ct_adamw_options options) {
  return guarded("AdamW", {count > 0 ? weights[0] : nullptr, count > 0 ? gradients[0] : nullptr}, [&] {
    at::NoGradGuard none;
    std::vector<int> others;
    for (int i = 0; i < count; i++) {
      auto copy = copies == nullptr ? at::Tensor() : get(copies[i]);
      std::vector<at::Tensor> all = {get(weights[i]), get(gradients[i]), get(first_moments[i]), get(second_moments[i])};
      for (auto &tensor : all) {
        check_writable(tensor);
        TORCH_CHECK(tensor.sizes() == all[0].sizes(), "weights, gradients and moments must have one shape");
      }
      TORCH_CHECK(!copy.defined() || copy.sizes() == all[0].sizes(), "a copy must have its weight's shape");
      if (copy.defined()) check_writable(copy);
      if (!update_in_one_pass(all, copy, options)) others.push_back(i);
    }
    if (others.empty()) return;
    auto chosen = [&](const ct_tensor *tensors) {
      std::vector<at::Tensor> result;
      for (int i : others) result.push_back(get(tensors[i]));
      return result;
    };
    auto parameters = chosen(weights), sums = chosen(gradients);
    auto device = parameters[0].device();
    std::vector<at::Tensor> steps(others.size());
    for (auto &step : steps) step = at::full({}, static_cast<double>(options.step), at::TensorOptions().dtype(at::kFloat).device(device));
    std::optional<at::Tensor> divisor;
    if (options.gradient_divisor != 1)
      divisor = at::full({}, options.gradient_divisor, at::TensorOptions().dtype(at::kFloat).device(device));
    at::_fused_adamw_(
        parameters, sums, chosen(first_moments), chosen(second_moments), {}, steps, options.learning_rate, options.beta1, options.beta2,
        options.weight_decay, options.epsilon, /*amsgrad=*/false, /*maximize=*/false, divisor);
    for (size_t i = 0; i < others.size(); i++) {
      sums[i].zero_();
      if (copies != nullptr) get(copies[others[i]]).copy_(parameters[i]);
    }
  });
}

int ct_count_different(ct_tensor a, ct_tensor b, int64_t *count) {
  return guarded("count different", {a, b}, [&] {
    TORCH_CHECK(get(a).sizes() == get(b).sizes(), "both must have one shape");
    *count = at::ne(get(a), get(b)).sum().item<int64_t>();
  });
}

int ct_uniform(ct_generator generator, double low, double high, const int64_t *shape, int dimensions, ct_tensor *out) {
  return guarded("uniform", {}, [&] {
    auto values = at::empty(at::IntArrayRef(shape, static_cast<size_t>(dimensions)), at::kFloat);
    *out = wrap(values.uniform_(low, high, ct_generator_value(generator)));
  });
}
