// The fused parts of a decoder as differentiable operations: float32 and bfloat16 on a CPU by our own kernels, everything else
// (other devices, float64) composed of libtorch's operations, which is also what the tests hold the kernels against.
#include "boundary.hpp"
#include "differentiable.hpp"
#include "kernels/parallel.hpp"
#include "kernels/row_kernels.hpp"

using namespace headway;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

namespace {

bool has_kernel(const at::Tensor &x) { return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16); }

template <class T>
const T *read(const at::Tensor &x) {
  return x.defined() ? static_cast<const T *>(x.const_data_ptr()) : nullptr;
}
template <class T>
T *write(const at::Tensor &x) {
  return x.defined() ? static_cast<T *>(x.mutable_data_ptr()) : nullptr;
}

/// Calls `body` with the kernel table and a value of the element type.
template <class Body>
void dispatch(const at::Tensor &x, Body &&body) {
  if (x.scalar_type() == at::kFloat)
    body(row_kernels<float>(), float{});
  else
    body(row_kernels<bf16>(), bf16{});
}

/// Rows that one thread should get at least, so that starting threads is worth it.
int64_t grain(int64_t width) { return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, width)); }

/// Parts of rows whose sums for the gradient of a weight are kept apart, whatever the number of threads, so that this changes no bit.
constexpr int64_t gradient_parts = 16;

// MARK: RMS normalisation

at::Tensor composed_rms_norm(const at::Tensor &x, const at::Tensor &weight, double epsilon, double offset) {
  // libtorch has one kernel for it on CUDA devices, which multiplies in float32, too, but by weights of x's own type.
  if (x.is_cuda() && offset == 0 && weight.scalar_type() == x.scalar_type()) return at::rms_norm(x, {x.size(-1)}, weight, epsilon);
  auto wide = x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
  auto scale = (wide.pow(2).mean(-1, true) + epsilon).rsqrt();
  return (wide * scale * (weight.to(wide.scalar_type()) + offset)).to(x.scalar_type());
}

/// Runs `body(row, part)` over rows of n elements in parallel. With several parts each part's rows are one thread's, in order.
template <class Body>
void for_each_row_in_parts(int64_t rows, int64_t n, int64_t parts, Body &&body) {
  if (parts <= 1) {
    parallel_ranges(rows, grain(n), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; r++) body(r, 0);
    });
    return;
  }
  parallel_ranges(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++)
      for (int64_t r = rows * part / parts; r < rows * (part + 1) / parts; r++) body(r, part);
  });
}

struct RMSNorm : Function<RMSNorm> {
  /// x and addend [T, n] (addend undefined: none) → sum (only with an addend), normed.
  static variable_list forward(
      AutogradContext *context, const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &addend, double epsilon,
      double offset) {
    auto input = x.contiguous();
    auto other = addend.has_value() ? addend->contiguous() : at::Tensor();
    auto factor = weight.to(at::kFloat).contiguous();
    if (offset != 0) factor = factor + offset;
    int64_t n = input.size(-1), rows = n == 0 ? 0 : input.numel() / n;
    auto normed = at::empty_like(input), sum = other.defined() ? at::empty_like(input) : at::Tensor();
    auto scales = at::empty({rows}, at::kFloat);
    dispatch(input, [&](const auto &kernels, auto zero) {
      using T = decltype(zero);
      auto *from = read<T>(input), *with = read<T>(other);
      auto *to = write<T>(normed), *total = write<T>(sum);
      auto *w = read<float>(factor);
      auto *scale = write<float>(scales);
      parallel_ranges(rows, grain(n), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++)
          kernels.rms_norm(
              from + r * n, with ? with + r * n : nullptr, w, total ? total + r * n : nullptr, to + r * n, scale + r, n,
              static_cast<float>(epsilon));
      });
    });
    context->save_for_backward({sum.defined() ? sum : input, factor, scales});
    context->saved_data["dtype"] = weight.scalar_type();
    context->set_materialize_grads(false);
    if (!sum.defined()) return {normed};
    return {sum, normed};
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto &x = saved[0], &factor = saved[1], &scales = saved[2];
    bool with_sum = gradients.size() == 2;
    auto by_sum = with_sum ? gradients[0] : at::Tensor(), by_normed = gradients.back();
    bool needs_weight = context->needs_input_grad(1);
    if (!by_normed.defined()) return {by_sum, at::Tensor(), with_sum ? by_sum : at::Tensor(), at::Tensor(), at::Tensor()};
    auto gradient = by_normed.contiguous();
    auto extra = by_sum.defined() ? by_sum.contiguous() : by_sum;
    int64_t n = x.size(-1), rows = n == 0 ? 0 : x.numel() / n;
    auto result = at::empty_like(x);
    // Partial sums by part, added up in order.
    int64_t parts = needs_weight ? gradient_parts : 1;
    auto partial = needs_weight ? at::zeros({parts, n}, at::kFloat) : at::Tensor();
    dispatch(x, [&](const auto &kernels, auto zero) {
      using T = decltype(zero);
      auto *g = read<T>(gradient), *from = read<T>(x), *more = read<T>(extra);
      auto *w = read<float>(factor), *scale = read<float>(scales);
      auto *to = write<T>(result);
      auto *sums = write<float>(partial);
      for_each_row_in_parts(rows, n, parts, [&](int64_t r, int64_t part) {
        kernels.rms_norm_backward(
            g + r * n, from + r * n, w, scale[r], more ? more + r * n : nullptr, to + r * n, sums ? sums + part * n : nullptr, n);
      });
    });
    auto by_weight = needs_weight ? partial.sum(0).to(context->saved_data["dtype"].toScalarType()) : at::Tensor();
    return {result, by_weight, with_sum ? result : at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// MARK: Layer normalisation

struct LayerNorm : Function<LayerNorm> {
  /// x and addend [T, n] (addend undefined: none) → sum (only with an addend), normed.
  static variable_list forward(
      AutogradContext *context, const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, const std::optional<at::Tensor> &addend,
      double epsilon) {
    auto input = x.contiguous();
    auto other = addend.has_value() ? addend->contiguous() : at::Tensor();
    auto factor = weight.to(at::kFloat).contiguous(), shift = bias.to(at::kFloat).contiguous();
    int64_t n = input.size(-1), rows = n == 0 ? 0 : input.numel() / n;
    auto normed = at::empty_like(input), sum = other.defined() ? at::empty_like(input) : at::Tensor();
    auto statistics = at::empty({2, rows}, at::kFloat);  // means, then scales
    dispatch(input, [&](const auto &kernels, auto zero) {
      using T = decltype(zero);
      auto *from = read<T>(input), *with = read<T>(other);
      auto *to = write<T>(normed), *total = write<T>(sum);
      auto *w = read<float>(factor), *b = read<float>(shift);
      auto *mean = write<float>(statistics);
      parallel_ranges(rows, grain(n), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++)
          kernels.layer_norm(
              from + r * n, with ? with + r * n : nullptr, w, b, total ? total + r * n : nullptr, to + r * n, mean + r, mean + rows + r, n,
              static_cast<float>(epsilon));
      });
    });
    context->save_for_backward({sum.defined() ? sum : input, factor, statistics});
    context->saved_data["weight type"] = weight.scalar_type();
    context->saved_data["bias type"] = bias.scalar_type();
    context->set_materialize_grads(false);
    if (!sum.defined()) return {normed};
    return {sum, normed};
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto &x = saved[0], &factor = saved[1], &statistics = saved[2];
    bool with_sum = gradients.size() == 2;
    auto by_sum = with_sum ? gradients[0] : at::Tensor(), by_normed = gradients.back();
    if (!by_normed.defined()) return {by_sum, at::Tensor(), at::Tensor(), with_sum ? by_sum : at::Tensor(), at::Tensor()};
    bool by_parameters = context->needs_input_grad(1) || context->needs_input_grad(2);
    auto gradient = by_normed.contiguous();
    auto extra = by_sum.defined() ? by_sum.contiguous() : by_sum;
    int64_t n = x.size(-1), rows = n == 0 ? 0 : x.numel() / n;
    auto result = at::empty_like(x);
    // Partial sums by part, added up in order.
    int64_t parts = by_parameters ? gradient_parts : 1;
    auto partial = by_parameters ? at::zeros({2, parts, n}, at::kFloat) : at::Tensor();
    dispatch(x, [&](const auto &kernels, auto zero) {
      using T = decltype(zero);
      auto *g = read<T>(gradient), *from = read<T>(x), *more = read<T>(extra);
      auto *w = read<float>(factor), *mean = read<float>(statistics);
      auto *to = write<T>(result);
      auto *sums = write<float>(partial);
      for_each_row_in_parts(rows, n, parts, [&](int64_t r, int64_t part) {
        kernels.layer_norm_backward(
            g + r * n, from + r * n, w, mean[r], mean[rows + r], more ? more + r * n : nullptr, to + r * n,
            sums ? sums + part * n : nullptr, sums ? sums + (parts + part) * n : nullptr, n);
      });
    });
    auto by_weight = by_parameters ? partial[0].sum(0).to(context->saved_data["weight type"].toScalarType()) : at::Tensor();
    auto by_bias = by_parameters ? partial[1].sum(0).to(context->saved_data["bias type"].toScalarType()) : at::Tensor();
    return {result, by_weight, by_bias, with_sum ? result : at::Tensor(), at::Tensor()};
  }
};

// MARK: Gated activation

at::Tensor composed_activation(const at::Tensor &x, int activation) {
  switch (activation) {
    case CT_SILU: return at::silu(x);
    case CT_GELU: return at::gelu(x);
    case CT_GELU_TANH: return at::gelu(x, "tanh");
    case CT_RELU: return at::relu(x);
    default: TORCH_CHECK(false, "unknown activation ", activation);
  }
}

struct GatedActivation : Function<GatedActivation> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &gate, const at::Tensor &up, int64_t activation) {
    auto g = gate.contiguous(), u = up.contiguous();
    auto y = at::empty_like(g);
    dispatch(g, [&](const auto &kernels, auto zero) {
      using T = decltype(zero);
      auto *from = read<T>(g), *with = read<T>(u);
      auto *to = write<T>(y);
      parallel_ranges(g.numel(), 16384, [&](int64_t begin, int64_t end) {
        kernels.gated(from + begin, with + begin, to + begin, end - begin, static_cast<int>(activation));
      });
    });
    context->save_for_backward({g, u});
    context->saved_data["activation"] = activation;
    return y;
  }
  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto gradient = gradients[0].contiguous();
    auto by_gate = at::empty_like(saved[0]), by_up = at::empty_like(saved[1]);
    auto activation = static_cast<int>(context->saved_data["activation"].toInt());
    dispatch(saved[0], [&](const auto &kernels, auto zero) {
      using T = decltype(zero);
      auto *d = read<T>(gradient), *g = read<T>(saved[0]), *u = read<T>(saved[1]);
      auto *dg = write<T>(by_gate), *du = write<T>(by_up);
      parallel_ranges(gradient.numel(), 16384, [&](int64_t begin, int64_t end) {
        kernels.gated_backward(d + begin, g + begin, u + begin, dg + begin, du + begin, end - begin, activation);
      });
    });
    return {by_gate, by_up, at::Tensor()};
  }
};

// MARK: Rotary positions

// Only the first values of each head, twice as many as there are cosines, are rotated; the others stay. Rounded once, at the end.
at::Tensor composed_rotation(const at::Tensor &x, const at::Tensor &cosine, const at::Tensor &sine, float direction) {
  auto type = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  int64_t half = cosine.size(1), rest = x.size(2) - 2 * half;
  auto low = x.narrow(-1, 0, half), high = x.narrow(-1, half, half);
  auto c = cosine.to(type).unsqueeze(1), s = (direction * sine.to(type)).unsqueeze(1);
  auto turned = at::empty_like(x);
  auto to_low = turned.narrow(-1, 0, half), to_high = turned.narrow(-1, half, half);
  at::sub_out(to_low, low * c, high * s);
  at::add_out(to_high, high * c, low * s);
  if (rest > 0) turned.narrow(-1, 2 * half, rest).copy_(x.narrow(-1, 2 * half, rest));
  return turned;
}

at::Tensor rotated(const at::Tensor &x, const at::Tensor &cosine, const at::Tensor &sine, float direction) {
  auto input = x.contiguous();
  if (!has_kernel(input)) return composed_rotation(input, cosine, sine, direction);
  auto y = at::empty_like(input);
  int64_t tokens = input.size(0), heads = input.size(1), head = input.size(2), half = cosine.size(1);
  dispatch(input, [&](const auto &kernels, auto zero) {
    using T = decltype(zero);
    auto *from = read<T>(input);
    auto *to = write<T>(y);
    auto *c = read<float>(cosine), *s = read<float>(sine);
    int64_t width = heads * head;
    parallel_ranges(tokens, grain(width), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; t++) {
        if (2 * half == head) {
          kernels.rotate(from + t * width, c + t * half, s + t * half, to + t * width, heads, half, direction);
          continue;
        }
        for (int64_t place = t * width; place < (t + 1) * width; place += head) {
          kernels.rotate(from + place, c + t * half, s + t * half, to + place, 1, half, direction);
          std::copy(from + place + 2 * half, from + place + head, to + place + 2 * half);
        }
      }
    });
  });
  return y;
}

struct Rotation : Function<Rotation> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &cosine, const at::Tensor &sine) {
    auto c = cosine.contiguous(), s = sine.contiguous();
    context->save_for_backward({c, s});
    return rotated(x, c, s, 1);
  }
  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto saved = context->get_saved_variables();
    return {rotated(gradients[0], saved[0], saved[1], -1), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

int ct_rms_norm(ct_tensor x, ct_tensor weight, double epsilon, double offset, ct_tensor *out) {
  return guarded("RMS norm", {x, weight}, [&] {
    TORCH_CHECK(get(x).dim() > 0 && get(weight).dim() == 1 && get(weight).size(0) == get(x).size(-1), "one weight per channel is needed");
    if (has_kernel(get(x)))
      *out = wrap(applied<RMSNorm>(get(x), get(weight), std::optional<at::Tensor>(), epsilon, offset)[0]);
    else
      *out = wrap(composed_rms_norm(get(x), get(weight), epsilon, offset));
  });
}

int ct_add_rms_norm(ct_tensor x, ct_tensor addend, ct_tensor weight, double epsilon, double offset, ct_tensor *sum, ct_tensor *normed) {
  return guarded("add and RMS norm", {x, addend, weight}, [&] {
    TORCH_CHECK(get(x).dim() > 0 && get(weight).dim() == 1 && get(weight).size(0) == get(x).size(-1), "one weight per channel is needed");
    TORCH_CHECK(get(x).sizes() == get(addend).sizes() && get(x).scalar_type() == get(addend).scalar_type(), "both summands must be alike");
    if (has_kernel(get(x))) {
      auto both = applied<RMSNorm>(get(x), get(weight), std::optional<at::Tensor>(get(addend)), epsilon, offset);
      *sum = wrap(both[0]);
      *normed = wrap(both[1]);
    } else {
      auto total = get(x) + get(addend);
      *normed = wrap(composed_rms_norm(total, get(weight), epsilon, offset));
      *sum = wrap(total);
    }
  });
}

int ct_layer_norm(ct_tensor x, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *out) {
  return guarded("layer norm", {x, weight, bias}, [&] {
    auto w = get_optional(weight), b = get_optional(bias);
    TORCH_CHECK(get(x).dim() > 0, "rows are needed");
    for (auto &parameter : {w, b})
      TORCH_CHECK(!parameter || (parameter->dim() == 1 && parameter->size(0) == get(x).size(-1)), "one weight and bias per channel are needed");
    if (has_kernel(get(x)) && w && b)
      *out = wrap(applied<LayerNorm>(get(x), *w, *b, std::optional<at::Tensor>(), epsilon)[0]);
    else
      *out = wrap(at::layer_norm(get(x), {get(x).size(-1)}, w, b, epsilon));
  });
}

int ct_add_layer_norm(ct_tensor x, ct_tensor addend, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *sum, ct_tensor *normed) {
  return guarded("add and layer norm", {x, addend, weight, bias}, [&] {
    auto w = get_optional(weight), b = get_optional(bias);
    TORCH_CHECK(get(x).dim() > 0, "rows are needed");
    TORCH_CHECK(get(x).sizes() == get(addend).sizes() && get(x).scalar_type() == get(addend).scalar_type(), "both summands must be alike");
    for (auto &parameter : {w, b})
      TORCH_CHECK(!parameter || (parameter->dim() == 1 && parameter->size(0) == get(x).size(-1)), "one weight and bias per channel are needed");
    if (has_kernel(get(x)) && w && b) {
      auto both = applied<LayerNorm>(get(x), *w, *b, std::optional<at::Tensor>(get(addend)), epsilon);
      *sum = wrap(both[0]);
      *normed = wrap(both[1]);
    } else {
      auto total = get(x) + get(addend);
      *normed = wrap(at::layer_norm(total, {total.size(-1)}, w, b, epsilon));
      *sum = wrap(total);
    }
  });
}

int ct_gated_activation(ct_tensor gate, ct_tensor up, int activation, ct_tensor *out) {
  return guarded("gated activation", {gate, up}, [&] {
    TORCH_CHECK(get(gate).sizes() == get(up).sizes() && get(gate).scalar_type() == get(up).scalar_type(), "gate and up must be alike");
    if (has_kernel(get(gate)) && (activation == CT_SILU || activation == CT_GELU_TANH))
      *out = wrap(applied<GatedActivation>(get(gate), get(up), static_cast<int64_t>(activation)));
    else
      *out = wrap(composed_activation(get(gate), activation) * get(up));
  });
}

int ct_activate(ct_tensor x, int activation, ct_tensor *out) {
  return guarded("activation", {x}, [&] { *out = wrap(composed_activation(get(x), activation)); });
}

int ct_rotary(ct_tensor x, ct_tensor cosine, ct_tensor sine, ct_tensor *out) {
  return guarded("rotary positions", {x, cosine, sine}, [&] {
    auto &input = get(x);
    TORCH_CHECK(input.dim() == 3, "[tokens, heads, values] are needed");
    TORCH_CHECK(
        get(cosine).dim() == 2 && get(cosine).sizes() == get(sine).sizes() && get(cosine).size(0) == input.size(0) &&
            get(cosine).size(1) <= input.size(2) / 2 && get(cosine).scalar_type() == at::kFloat && get(sine).scalar_type() == at::kFloat,
        "cosines and sines of [tokens, at most values / 2] in float32 are needed");
    *out = wrap(applied<Rotation>(input, get(cosine), get(sine)));
  });
}
