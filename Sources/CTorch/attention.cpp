// Causal attention of packed samples with a gate on every head's output (the identity of ∂L/∂gate: docs/Method.md).
//
// Five roads give the same numbers. On a processor, in float32 and bfloat16: a kernel over the packed samples (attention_kernels.cpp); short samples
// in bfloat16 by batched matrix products where the processor has units for these (attention_products.cpp); text that is being written, one query
// after many cached keys, by a kernel that goes from key to key, the same for a sequence whatever else the batch holds. On a CUDA device: libtorch's
// kernels for sequences end to end (attention_varlen.cpp). All else: tiles of query rows (attention_tiles.cpp). None holds more than a tile of weights at
// a time, so memory grows with the tokens and not with their square.
#include "attention.hpp"

#include "boundary.hpp"
#include "differentiable.hpp"
#include "kernels/parallel.hpp"
#include "kernels/row_kernels.hpp"

using namespace headway;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;
using Layout = AttentionLayout;

namespace {

/// The most queries of a sample with cached keys whose attention is computed key by key.
constexpr int64_t most_steps = 4;

/// Whether a sample takes the road of text that is being written: a few queries after many cached keys, without a way back.
bool by_steps(const Layout &layout, int64_t sample, const at::Tensor &q) {
  int64_t count = layout.query_bounds[sample + 1] - layout.query_bounds[sample];
  return !layout.walks_back && !layout.continues(sample) && has_kernel(q) && count <= most_steps && count < layout.key_counts[sample];
}

/// Attention of all samples that take that road. An item of work is a sample's heads, which lie beside each other in memory, or some of them where
/// there are fewer samples than threads; what is computed for a head is the same either way, whatever else the batch holds.
template <class T>
void attend_by_steps(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, at::Tensor output, const Layout &layout) {
  std::vector<int64_t> samples;
  int64_t longest = 0;
  for (int64_t s = 0; s < layout.samples(); s++) {
    if (layout.query_bounds[s] == layout.query_bounds[s + 1] || !by_steps(layout, s, q)) continue;
    samples.push_back(s);
    longest = std::max(longest, layout.key_counts[s]);
  }
  if (samples.empty()) return;
  int64_t heads = q.size(1), kv = k.size(1), width = q.size(2), groups = heads / kv;
  auto *queries = static_cast<const T *>(q.const_data_ptr()), *keys = static_cast<const T *>(k.const_data_ptr());
  auto *values = static_cast<const T *>(v.const_data_ptr());
  auto *to = static_cast<T *>(output.mutable_data_ptr());
  // Each thread's own room for weights and sums, made here since nothing in the loop may throw.
  int64_t count = static_cast<int64_t>(samples.size()), threads = at::get_num_threads();
  int64_t parts = std::min(kv, (threads + count - 1) / count);
  int64_t room = attend_room((kv + parts - 1) / parts * groups, width, longest);
  auto rooms = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(room * threads));
  auto &kernels = row_kernels<T>();
  parallel_items(count * parts, [&](int64_t item, int thread) {
    int64_t s = samples[static_cast<size_t>(item / parts)], part = item % parts;
    int64_t head = kv * part / parts, here = kv * (part + 1) / parts - head;
    int64_t first = layout.query_bounds[s], steps = layout.query_bounds[s + 1] - first;
    for (int64_t i = 0; i < steps; i++) {
      int64_t visible = layout.key_counts[s] - steps + i + 1;
      int64_t skipped = layout.window > 0 ? std::max<int64_t>(0, visible - layout.window) : 0;
      int64_t row = (layout.key_starts[s] + skipped) * kv + head, place = ((first + i) * heads + head * groups) * width;
      kernels.attend(
          queries + place, keys + row * width, values + row * width, to + place, rooms.get() + thread * room, here, groups, width,
          visible - skipped, kv * width, static_cast<float>(layout.scale), static_cast<float>(layout.softcap));
    }
  });
}

/// Runs `body(kernels, zero)` with the row kernels for the type of a tensor that has kernels, `zero` being one of its numbers.
template <class Body>
void with_row_kernels(const at::Tensor &x, Body &&body) {
  if (x.scalar_type() == at::kFloat)
    body(row_kernels<float>(), float{});
  else
    body(row_kernels<bf16>(), bf16{});
}

/// Every head's output [T, H, D] times its gate [T, H].
at::Tensor times_gates(const at::Tensor &output, const at::Tensor &gates) {
  if (!has_kernel(output)) return output * gates.unsqueeze(-1).to(output.scalar_type());
  auto gated = at::empty_like(output);
  auto factor = gates.contiguous();
  int64_t tokens = output.size(0), heads = output.size(1), width = output.size(2);
  with_row_kernels(output, [&](const auto &kernels, auto zero) {
    using T = decltype(zero);
    auto *from = static_cast<const T *>(output.const_data_ptr());
    auto *to = static_cast<T *>(gated.mutable_data_ptr());
    auto *g = numbers<float>(factor);
    parallel_ranges(tokens, 16, [&](int64_t begin, int64_t end) {
      kernels.scale_heads(from + begin * heads * width, g + begin * heads, to + begin * heads * width, (end - begin) * heads, width);
    });
  });
  return gated;
}

/// Σ gradient · output over each head's values, [T, H] in float32 or wider; where `gated` is not null also gradient · gates.
at::Tensor head_products(const at::Tensor &gradient, const at::Tensor &output, const at::Tensor &gates, at::Tensor *gated) {
  if (!has_kernel(output)) {
    if (gated != nullptr) *gated = gradient * gates.unsqueeze(-1).to(gradient.scalar_type());
    // One of them wide is enough for libtorch to multiply in the wide type.
    return (gradient.to(wide_type(output)) * output).sum(-1);
  }
  int64_t tokens = output.size(0), heads = output.size(1), width = output.size(2);
  auto sums = at::empty({tokens, heads}, at::kFloat);
  auto factor = gated != nullptr ? gates.contiguous() : at::Tensor();
  if (gated != nullptr) *gated = at::empty_like(output);
  with_row_kernels(output, [&](const auto &kernels, auto zero) {
    using T = decltype(zero);
    auto *d = static_cast<const T *>(gradient.const_data_ptr()), *o = static_cast<const T *>(output.const_data_ptr());
    auto *result = gated != nullptr ? static_cast<T *>(gated->mutable_data_ptr()) : nullptr;
    auto *g = gated != nullptr ? numbers<float>(factor) : nullptr;
    auto *to = sums.mutable_data_ptr<float>();
    parallel_ranges(tokens, 16, [&](int64_t begin, int64_t end) {
      int64_t at = begin * heads * width;
      kernels.scale_heads_backward(
          d + at, o + at, g ? g + begin * heads : nullptr, to + begin * heads, result ? result + at : nullptr, (end - begin) * heads, width);
    });
  });
  return sums;
}

struct PackedAttention : Function<PackedAttention> {
  static at::Tensor forward(
      AutogradContext *context, const at::Tensor &queries, const at::Tensor &keys, const at::Tensor &values,
      const std::optional<at::Tensor> &head_gates, std::shared_ptr<Layout> layout) {
    auto gates = head_gates.value_or(at::Tensor());
    auto q = queries.contiguous(), k = keys.contiguous(), v = values.contiguous();
    int64_t tokens = q.size(0), heads = q.size(1), width = q.size(2);
    if (by_varlen(*layout, q, k)) {
      auto found = attend_varlen(q, k, v, *layout);
      // Whether gates are one would have to be asked of the device, which the host would wait for.
      auto gated = gates.defined() ? times_gates(found.output, gates) : found.output;
      context->save_for_backward({q, k, v, gates, found.output, found.sums, found.seed, found.offset, found.query_bounds, found.key_bounds});
      context->saved_data["varlen"] = true;
      return remember(context, !gates.defined(), std::move(layout), gated);
    }
    context->saved_data["varlen"] = false;
    auto output = at::empty({tokens, heads, width}, q.options());
    auto sums = at::empty({heads * tokens}, q.options().dtype(wide_type(q)));
    if (q.is_cpu() && q.scalar_type() == at::kFloat) attend_by_steps<float>(q, k, v, output, *layout);
    if (q.is_cpu() && q.scalar_type() == at::kBFloat16) attend_by_steps<bf16>(q, k, v, output, *layout);
    std::vector<int64_t> packed;
    for (int64_t s = 0; s < layout->samples(); s++) {
      if (layout->queries(s) == 0 || by_steps(*layout, s, q)) continue;
      if (!has_kernel(q)) {
        attend_by_tiles(q, k, v, output, sums, *layout, s);
      } else if (by_products(*layout, s, q)) {
        attend_by_products(q, k, v, output, sums, *layout, s);
      } else {
        packed.push_back(s);
      }
    }
    attend_packed(q, k, v, output, sums, *layout, packed);
    // Gates of one change nothing, so the common case of measuring shares one tensor between the raw and the gated output.
    bool unit = !gates.defined() || at::all(gates == 1).item<bool>();
    auto gated = unit ? output : times_gates(output, gates);
    context->save_for_backward({q, k, v, gates, output, sums});
    return remember(context, unit, std::move(layout), gated);
  }

  /// Keeps what the way back needs besides tensors, and returns the heads' outputs side by side.
  static at::Tensor remember(AutogradContext *context, bool unit, std::shared_ptr<Layout> layout, const at::Tensor &gated) {
    context->saved_data["unit"] = unit;
    context->saved_data["layout"] = c10::IValue::make_capsule(c10::make_intrusive<Holder>(std::move(layout)));
    return gated.view({gated.size(0), gated.size(1) * gated.size(2)});
  }

  static variable_list backward(AutogradContext *context, variable_list by_results) {
    auto saved = context->get_saved_variables();
    auto &q = saved[0], &k = saved[1], &v = saved[2], &gates = saved[3], &output = saved[4], &sums = saved[5];
    auto layout = c10::static_intrusive_pointer_cast<Holder>(context->saved_data["layout"].toCapsule())->layout;
    bool unit = context->saved_data["unit"].toBool();
    auto gradient = by_results[0].contiguous().view(output.sizes());
    bool by_inputs = context->needs_input_grad(0) || context->needs_input_grad(1) || context->needs_input_grad(2);

    AttentionGradients gradients;
    gradients.by_output = gradient;
    gradients.row_terms = head_products(gradient, output, gates, unit ? nullptr : &gradients.by_output);
    at::Tensor by_gates;
    if (gates.defined()) {
      by_gates = gradients.row_terms.to(has_kernel(output) ? at::kFloat : gates.scalar_type());
      if (!unit) gradients.row_terms = gradients.row_terms * gates.to(gradients.row_terms.scalar_type());
    }
    if (!by_inputs && !layout->saliency.defined()) return {at::Tensor(), at::Tensor(), at::Tensor(), by_gates, at::Tensor()};

    if (context->saved_data["varlen"].toBool()) {
      attend_varlen_backward(q, k, v, {output, sums, saved[6], saved[7], saved[8], saved[9]}, *layout, gradients);
      return {gradients.by_queries, gradients.by_keys, gradients.by_values, by_gates, at::Tensor()};
    }
    if (by_inputs) {
      gradients.by_queries = at::empty_like(q);
      gradients.by_keys = at::zeros_like(k);
      gradients.by_values = at::zeros_like(v);
    }
    std::vector<int64_t> packed, salient;
    for (int64_t s = 0; s < layout->samples(); s++) {
      if (layout->queries(s) == 0) continue;
      if (!has_kernel(q)) {
        attend_by_tiles_backward(q, k, v, output, sums, *layout, s, gradients);
      } else if (!by_inputs) {
        salient.push_back(s);
      } else if (by_products(*layout, s, q)) {
        attend_by_products_backward(q, k, v, sums, *layout, s, gradients);
        if (layout->saliency.defined()) salient.push_back(s);
      } else {
        packed.push_back(s);
      }
    }
    attend_packed_backward(q, k, v, sums, *layout, packed, salient, gradients);
    return {gradients.by_queries, gradients.by_keys, gradients.by_values, by_gates, at::Tensor()};
  }

  struct Holder : torch::CustomClassHolder {
    explicit Holder(std::shared_ptr<Layout> layout) : layout(std::move(layout)) {}
    std::shared_ptr<Layout> layout;
  };
};

void check_bounds(const std::vector<int64_t> &bounds, int64_t rows, const char *what) {
  TORCH_CHECK(!bounds.empty() && bounds.front() == 0 && bounds.back() == rows, "the bounds of the ", what, " must run from 0 to ", rows);
  for (size_t i = 1; i < bounds.size(); i++) TORCH_CHECK(bounds[i - 1] <= bounds[i], "the bounds of the ", what, " must not fall");
}

}  // namespace

int ct_packed_attention(ct_tensor queries, ct_tensor keys, ct_tensor values, ct_tensor gates, ct_attention_options options, ct_tensor *out) {
  return guarded("packed attention", {queries, keys, values, gates}, [&] {
    auto &q = get(queries), &k = get(keys), &v = get(values);
    TORCH_CHECK(q.dim() == 3 && k.dim() == 3 && v.sizes() == k.sizes() && q.size(2) == k.size(2), "[T, H, D] and [S, K, D] are needed");
    TORCH_CHECK(k.size(1) > 0 && q.size(1) % k.size(1) == 0, "the query heads must be a multiple of the key/value heads");
    auto layout = std::make_shared<Layout>();
    auto samples = static_cast<size_t>(options.samples);
    layout->query_bounds.assign(options.query_bounds, options.query_bounds + samples + 1);
    layout->key_starts.assign(options.key_starts, options.key_starts + samples);
    layout->key_counts.assign(options.key_counts, options.key_counts + samples);
    layout->scale = options.scale;
    layout->window = options.window;
    layout->softcap = options.softcap;
    if (options.saliency != nullptr) {
      layout->saliency = get(options.saliency);
      TORCH_CHECK(layout->saliency.dim() == 2 && layout->saliency.size(0) == q.size(0) && layout->saliency.size(1) == q.size(1), "saliency must be [T, H]");
    }
    check_bounds(layout->query_bounds, q.size(0), "queries");
    layout->walks_back = at::GradMode::is_enabled();
    int64_t place = 0;
    for (size_t s = 0; s < samples; s++) {
      int64_t start = layout->key_starts[s], count = layout->key_counts[s];
      TORCH_CHECK(start >= 0 && count >= 0 && start <= k.size(0) - count, "the keys of sample ", s, " do not lie within the ", k.size(0), " there are");
      TORCH_CHECK(!layout->walks_back || start == place, "with gradients the keys of the samples must lie end to end");
      TORCH_CHECK(layout->query_bounds[s + 1] - layout->query_bounds[s] <= count, "sample ", s, " has more queries than keys");
      place = start + count;
    }
    TORCH_CHECK(!layout->walks_back || place == k.size(0), "the keys of the samples must run from 0 to ", k.size(0));
    if (options.parents != nullptr) {
      layout->parents.assign(options.parents, options.parents + samples);
      for (size_t s = 0; s < samples; s++)
        TORCH_CHECK(layout->parents[s] < static_cast<int64_t>(s), "sample ", s, " continues ", layout->parents[s], ", which does not come before it");
      TORCH_CHECK(
          !layout->walks_back || !(q.requires_grad() || k.requires_grad() || v.requires_grad() || gates != nullptr),
          "samples that continue others have no way back; compute them without gradients");
    }
    auto gate = get_optional(gates);
    TORCH_CHECK(!gate || (gate->dim() == 2 && gate->size(0) == q.size(0) && gate->size(1) == q.size(1)), "gates must be [T, H]");
    *out = wrap(applied<PackedAttention>(q, k, v, gate, layout));
  });
}
