// Causal attention of packed samples with a gate on every head's output (the identity of ∂L/∂gate: docs/Method.md).
//
// Four roads give the same numbers. Short samples in bfloat16 on a processor: batched matrix products with one pass over each row of weights
// between them, which the processor's matrix units make faster than the fused kernel up to `longest_product` tokens. Longer ones and float32:
// libtorch's fused CPU kernel, sample by sample. Everything else (other devices and types, a sliding window shorter than the sample, cached keys,
// the saliency score): tiles of query rows. Text that is being written, one query after many cached keys: a kernel that goes from key to key, the
// same for a sequence whatever else the batch holds. None holds more than a tile of weights at a time, so memory grows with the tokens and not with their square.
#include <torch/csrc/autograd/custom_function.h>

#include "boundary.hpp"
#include "kernels/parallel.hpp"
#include "kernels/row_kernels.hpp"

using namespace headway;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

namespace {

/// Elements of one tile of attention weights, all heads together: 16 MiB in float32.
constexpr int64_t tile_elements = int64_t(1) << 22;

/// The most tokens of a sample whose attention is computed by whole matrix products (measured: docs/Performance.md).
constexpr int64_t longest_product = 512;

/// The most queries of a sample with cached keys whose attention is computed key by key.
constexpr int64_t most_steps = 4;

struct Layout {
  std::vector<int64_t> query_bounds, key_starts, key_counts;
  std::vector<int64_t> parents;  // of each sample, -1 for none; empty where nobody has one
  double scale;
  int64_t window;
  at::Tensor saliency;  // [T, H] float32, or undefined
  bool walks_back;      // whether gradients may be asked for
  int64_t samples() const { return static_cast<int64_t>(query_bounds.size()) - 1; }
};

bool has_kernel(const at::Tensor &x) { return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16); }

/// One sample of [S, K, D] as [H, S, D], every key/value head repeated for its query heads.
at::Tensor repeated(const at::Tensor &x, int64_t start, int64_t length, int64_t heads) {
  auto part = x.narrow(0, start, length).transpose(0, 1);  // [K, S, D]
  int64_t groups = heads / part.size(0);
  if (groups == 1) return part;
  return part.unsqueeze(1).expand({part.size(0), groups, length, part.size(2)}).reshape({heads, length, part.size(2)});
}
/// The gradient by the key/value heads of one sample, [H, S, D] summed over each group's query heads, written to `to` [S, K, D].
void gather(const at::Tensor &gradient, at::Tensor to) {
  int64_t kv = to.size(1), groups = gradient.size(0) / kv;
  auto summed = groups == 1 ? gradient : gradient.view({kv, groups, gradient.size(1), gradient.size(2)}).sum(1);
  to.copy_(summed.transpose(0, 1));
}

/// Whether a sample continues another one.
bool continues(const Layout &layout, int64_t sample) { return !layout.parents.empty() && layout.parents[sample] >= 0; }

/// A sample's rows of [S, K, D] behind those of all that it continues, the first of them in front.
at::Tensor with_ancestors(const at::Tensor &x, const Layout &layout, int64_t sample) {
  std::vector<at::Tensor> parts;
  for (int64_t s = sample; s >= 0; s = layout.parents[s]) parts.insert(parts.begin(), x.narrow(0, layout.key_starts[s], layout.key_counts[s]));
  return at::cat(parts);
}

/// A tile of query rows of one sample: which keys it can see at all, and the mask inside that range.
struct Tile {
  int64_t first_row, rows, first_key, keys;
  at::Tensor hidden;  // [rows, keys], true where a query must not look
};

template <class Body>
void for_each_tile(int64_t queries, int64_t keys, int64_t heads, int64_t window, const at::Device &device, Body &&body) {
  int64_t offset = keys - queries;
  int64_t step = std::clamp<int64_t>(tile_elements / std::max<int64_t>(1, heads * keys), 1, queries);
  for (int64_t row = 0; row < queries; row += step) {
    int64_t rows = std::min(step, queries - row);
    int64_t last = offset + row + rows;  // one past the last key that the tile sees
    int64_t first = window > 0 ? std::max<int64_t>(0, offset + row - window + 1) : 0;
    auto options = at::TensorOptions().dtype(at::kLong).device(device);
    auto position = at::arange(offset + row, offset + row + rows, options).unsqueeze(1);
    auto key = at::arange(first, last, options).unsqueeze(0);
    auto hidden = key > position;
    if (window > 0) hidden = hidden.logical_or(key <= position - window);
    body(Tile{row, rows, first, last - first, hidden});
  }
}

at::ScalarType wide_type(const at::Tensor &x) { return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat; }

/// Attention logits of a tile, [H, rows, keys], in float32 or wider.
at::Tensor tile_logits(const at::Tensor &q, const at::Tensor &k, const Tile &tile, double scale) {
  auto product = at::matmul(q.narrow(1, tile.first_row, tile.rows), k.narrow(1, tile.first_key, tile.keys).transpose(1, 2));
  return (product.to(wide_type(q)) * scale).masked_fill(tile.hidden, -std::numeric_limits<double>::infinity());
}

/// Whether some query of the sample has keys before it that lie outside the window.
bool is_cut(const Layout &layout, int64_t sample) {
  return layout.window > 0 && layout.key_counts[sample] > layout.window;
}

bool fused(const Layout &layout, int64_t sample, const at::Tensor &q) {
  return has_kernel(q) && !is_cut(layout, sample) &&
         layout.query_bounds[sample + 1] - layout.query_bounds[sample] == layout.key_counts[sample];
}

/// Whether a sample takes the road of matrix products: its weights, all heads together, are no larger than a tile.
bool by_products(const Layout &layout, int64_t sample, const at::Tensor &q) {
  int64_t count = layout.query_bounds[sample + 1] - layout.query_bounds[sample];
  return q.scalar_type() == at::kBFloat16 && fused(layout, sample, q) && count <= longest_product && q.size(1) * count * count <= tile_elements;
}

/// Whether a sample takes the road of text that is being written: a few queries after many cached keys, without a way back.
bool by_steps(const Layout &layout, int64_t sample, const at::Tensor &q) {
  int64_t count = layout.query_bounds[sample + 1] - layout.query_bounds[sample];
  return !layout.walks_back && !continues(layout, sample) && has_kernel(q) && count <= most_steps && count < layout.key_counts[sample];
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
  std::vector<float> rooms(static_cast<size_t>(room * threads));
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
          queries + place, keys + row * width, values + row * width, to + place, rooms.data() + thread * room, here, groups, width,
          visible - skipped, kv * width, static_cast<float>(layout.scale));
    }
  });
}

/// One sample of [T, H, D] as [K, G·T, D], the query heads of a key/value head below each other.
at::Tensor grouped(const at::Tensor &x, int64_t start, int64_t length, int64_t kv) {
  return x.narrow(0, start, length).transpose(0, 1).reshape({kv, x.size(1) / kv * length, x.size(2)});
}
/// The way back: [K, G·T, D] into `to` [T, H, D].
void ungroup(const at::Tensor &x, at::Tensor to) { to.copy_(x.view({to.size(1), to.size(0), to.size(2)}).transpose(0, 1)); }

/// Runs `body(row, visible, number)` over the rows of weights [K, G·T, T]; a row sees as many keys as its token's place.
template <class Body>
void for_each_row(at::Tensor &weights, Body &&body) {
  int64_t keys = weights.size(2), rows = weights.size(0) * weights.size(1);
  auto *data = static_cast<bf16 *>(weights.mutable_data_ptr());
  parallel_ranges(rows, std::max<int64_t>(1, 8192 / keys), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) body(data + row * keys, row % keys + 1, row);
  });
}

/// Attention of one sample by matrix products; returns the log-sum-exp of every row [1, H, T].
at::Tensor attend_by_products(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, at::Tensor output, int64_t first, int64_t first_key, int64_t count,
    double scale) {
  int64_t kv = k.size(1);
  auto weights = at::bmm(grouped(q, first, count, kv), k.narrow(0, first_key, count).permute({1, 2, 0}));  // [K, G·T, T]
  auto sums = at::empty({1, q.size(1), count}, q.options().dtype(at::kFloat));
  auto *sum = sums.mutable_data_ptr<float>();
  for_each_row(weights, [&](bf16 *row, int64_t visible, int64_t number) {
    sum[number] = row_kernels<bf16>().attention_weights(row, visible, count, static_cast<float>(scale));
  });
  ungroup(at::bmm(weights, v.narrow(0, first_key, count).transpose(0, 1)), output.narrow(0, first, count));
  return sums;
}

/// The way back through `attend_by_products`, its weights computed again from the log-sum-exps.
void attend_by_products_backward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &gradient, const at::Tensor &sums, at::Tensor by_q,
    at::Tensor by_k, at::Tensor by_v, int64_t first, int64_t first_key, int64_t count, double scale) {
  int64_t kv = k.size(1);
  auto queries = grouped(q, first, count, kv), by_output = grouped(gradient, first, count, kv);
  auto keys = k.narrow(0, first_key, count).transpose(0, 1), values = v.narrow(0, first_key, count).transpose(0, 1);  // [K, T, D]
  auto weights = at::bmm(queries, keys.transpose(1, 2));
  auto by_weights = at::bmm(by_output, values.transpose(1, 2));
  auto *sum = sums.const_data_ptr<float>();
  auto *change = static_cast<bf16 *>(by_weights.mutable_data_ptr());
  for_each_row(weights, [&](bf16 *row, int64_t visible, int64_t number) {
    row_kernels<bf16>().attention_weights_backward(row, change + number * count, sum[number], visible, count, static_cast<float>(scale));
  });
  by_v.narrow(0, first_key, count).copy_(at::bmm(weights.transpose(1, 2), by_output).transpose(0, 1));
  ungroup(at::bmm(by_weights, keys), by_q.narrow(0, first, count));
  by_k.narrow(0, first_key, count).copy_(at::bmm(by_weights.transpose(1, 2), queries).transpose(0, 1));
}

/// output of one sample into `output` [T, H, D]; returns the log-sum-exp of every row, [1, H, T] as the fused kernel has it.
at::Tensor attend(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, at::Tensor output, bool use_kernel, const Layout &layout) {
  if (use_kernel) {
    auto [result, sums] = at::_scaled_dot_product_flash_attention_for_cpu(
        q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0), 0.0, true, std::nullopt, layout.scale);
    output.copy_(result.squeeze(0).transpose(0, 1));
    return sums;
  }
  auto sums = at::empty({1, q.size(0), q.size(1)}, q.options().dtype(wide_type(q)));
  for_each_tile(q.size(1), k.size(1), q.size(0), layout.window, q.device(), [&](const Tile &tile) {
    auto logits = tile_logits(q, k, tile, layout.scale);
    auto sum = at::logsumexp(logits, {-1});
    auto weights = (logits - sum.unsqueeze(-1)).exp().to(q.scalar_type());
    auto result = at::matmul(weights, v.narrow(1, tile.first_key, tile.keys));  // [H, rows, D]
    output.narrow(0, tile.first_row, tile.rows).copy_(result.transpose(0, 1));
    sums.narrow(2, tile.first_row, tile.rows).copy_(sum.unsqueeze(0));
  });
  return sums;
}

/// The last rows of a sequence by the fused kernel, with a mask since it aligns queries with the first keys.
void attend_behind(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, at::Tensor output, const Layout &layout) {
  int64_t rows = q.size(0), keys = k.size(0), heads = q.size(1);
  auto mask = at::full({rows, keys}, -std::numeric_limits<float>::infinity(), q.options()).triu(keys - rows + 1);
  auto [result, sums] = at::_scaled_dot_product_flash_attention_for_cpu(
      q.transpose(0, 1).unsqueeze(0), repeated(k, 0, keys, heads).unsqueeze(0), repeated(v, 0, keys, heads).unsqueeze(0), 0.0, false, mask, layout.scale);
  output.copy_(result.squeeze(0).transpose(0, 1));
}

struct PackedAttention : Function<PackedAttention> {
  static at::Tensor forward(
      AutogradContext *context, const at::Tensor &queries, const at::Tensor &keys, const at::Tensor &values,
      const std::optional<at::Tensor> &head_gates, std::shared_ptr<Layout> layout) {
    auto gates = head_gates.value_or(at::Tensor());
    auto q = queries.contiguous(), k = keys.contiguous(), v = values.contiguous();
    int64_t tokens = q.size(0), heads = q.size(1), width = q.size(2);
    auto output = at::empty({tokens, heads, width}, q.options());
    variable_list saved = {q, k, v, gates, output};
    if (q.is_cpu() && q.scalar_type() == at::kFloat) attend_by_steps<float>(q, k, v, output, *layout);
    if (q.is_cpu() && q.scalar_type() == at::kBFloat16) attend_by_steps<bf16>(q, k, v, output, *layout);
    for (int64_t s = 0; s < layout->samples(); s++) {
      int64_t first = layout->query_bounds[s], count = layout->query_bounds[s + 1] - first;
      int64_t first_key = layout->key_starts[s], key_count = layout->key_counts[s];
      if (count == 0 || by_steps(*layout, s, q)) {
        saved.push_back(at::Tensor());
        continue;
      }
      if (continues(*layout, s)) {
        auto all_k = with_ancestors(k, *layout, s), all_v = with_ancestors(v, *layout, s);
        if (has_kernel(q) && (layout->window <= 0 || all_k.size(0) <= layout->window)) {
          attend_behind(q.narrow(0, first, count), all_k, all_v, output.narrow(0, first, count), *layout);
          saved.push_back(at::Tensor());
          continue;
        }
        saved.push_back(attend(
            q.narrow(0, first, count).transpose(0, 1), repeated(all_k, 0, all_k.size(0), heads), repeated(all_v, 0, all_v.size(0), heads),
            output.narrow(0, first, count), false, *layout));
        continue;
      }
      if (by_products(*layout, s, q)) {
        saved.push_back(attend_by_products(q, k, v, output, first, first_key, count, layout->scale));
        continue;
      }
      saved.push_back(attend(
          q.narrow(0, first, count).transpose(0, 1), repeated(k, first_key, key_count, heads), repeated(v, first_key, key_count, heads),
          output.narrow(0, first, count), fused(*layout, s, q), *layout));
    }
    // Gates of one change nothing, so the common case of measuring shares one tensor between the raw and the gated output.
    bool unit = !gates.defined() || at::all(gates == 1).item<bool>();
    context->saved_data["unit"] = unit;
    auto gated = unit ? output : at::empty_like(output);
    if (!unit) {
      if (has_kernel(output)) {
        auto factor = gates.contiguous();
        auto run = [&](const auto &kernels, auto zero) {
          using T = decltype(zero);
          auto *from = static_cast<const T *>(output.const_data_ptr());
          auto *to = static_cast<T *>(gated.mutable_data_ptr());
          auto *g = factor.const_data_ptr<float>();
          parallel_ranges(tokens, 16, [&](int64_t begin, int64_t end) {
            kernels.scale_heads(from + begin * heads * width, g + begin * heads, to + begin * heads * width, (end - begin) * heads, width);
          });
        };
        if (output.scalar_type() == at::kFloat)
          run(row_kernels<float>(), float{});
        else
          run(row_kernels<bf16>(), bf16{});
      } else {
        gated.copy_(output * gates.unsqueeze(-1).to(output.scalar_type()));
      }
    }
    context->save_for_backward(saved);
    context->saved_data["layout"] = c10::IValue::make_capsule(c10::make_intrusive<Holder>(std::move(layout)));
    return unit ? output.view({tokens, heads * width}) : gated.view({tokens, heads * width});
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto &q = saved[0], &k = saved[1], &v = saved[2], &gates = saved[3], &output = saved[4];
    auto layout = c10::static_intrusive_pointer_cast<Holder>(context->saved_data["layout"].toCapsule())->layout;
    bool unit = context->saved_data["unit"].toBool();
    int64_t tokens = q.size(0), heads = q.size(1), width = q.size(2);
    auto gradient = gradients[0].contiguous().view({tokens, heads, width});
    bool by_inputs = context->needs_input_grad(0) || context->needs_input_grad(1) || context->needs_input_grad(2);

    at::Tensor by_gates, by_output = gradient;
    if (gates.defined()) {
      if (has_kernel(output)) {
        by_gates = at::empty({tokens, heads}, at::kFloat);
        auto factor = gates.contiguous();
        if (!unit) by_output = at::empty_like(output);
        auto run = [&](const auto &kernels, auto zero) {
          using T = decltype(zero);
          auto *d = static_cast<const T *>(gradient.const_data_ptr()), *o = static_cast<const T *>(output.const_data_ptr());
          auto *result = unit ? nullptr : static_cast<T *>(by_output.mutable_data_ptr());
          auto *g = factor.const_data_ptr<float>();
          auto *to = by_gates.mutable_data_ptr<float>();
          parallel_ranges(tokens, 16, [&](int64_t begin, int64_t end) {
            int64_t at = begin * heads * width;
            kernels.scale_heads_backward(
                d + at, o + at, g + begin * heads, to + begin * heads, result ? result + at : nullptr, (end - begin) * heads, width);
          });
        };
        if (output.scalar_type() == at::kFloat)
          run(row_kernels<float>(), float{});
        else
          run(row_kernels<bf16>(), bf16{});
      } else {
        by_gates = (gradient.to(wide_type(q)) * output.to(wide_type(q))).sum(-1).to(gates.scalar_type());
        if (!unit) by_output = gradient * gates.unsqueeze(-1).to(gradient.scalar_type());
      }
    }
    if (!by_inputs && !layout->saliency.defined()) return {at::Tensor(), at::Tensor(), at::Tensor(), by_gates, at::Tensor()};

    auto by_q = by_inputs ? at::empty_like(q) : at::Tensor();
    auto by_k = by_inputs ? at::zeros_like(k) : at::Tensor(), by_v = by_inputs ? at::zeros_like(v) : at::Tensor();
    for (int64_t s = 0; s < layout->samples(); s++) {
      int64_t first = layout->query_bounds[s], count = layout->query_bounds[s + 1] - first;
      int64_t first_key = layout->key_starts[s], key_count = layout->key_counts[s];
      if (count == 0) continue;
      bool products = by_products(*layout, s, q);
      if (by_inputs && products)
        attend_by_products_backward(
            q, k, v, by_output, saved[static_cast<size_t>(5 + s)], by_q, by_k, by_v, first, first_key, count, layout->scale);
      if (products && !layout->saliency.defined()) continue;
      auto part_q = q.narrow(0, first, count).transpose(0, 1);
      auto part_k = repeated(k, first_key, key_count, heads), part_v = repeated(v, first_key, key_count, heads);
      auto part_o = output.narrow(0, first, count).transpose(0, 1), part_d = by_output.narrow(0, first, count).transpose(0, 1);
      auto &sums = saved[static_cast<size_t>(5 + s)];
      bool use_kernel = fused(*layout, s, q);
      if (by_inputs && use_kernel && !products) {
        auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
            part_d.unsqueeze(0), part_q.unsqueeze(0), part_k.unsqueeze(0), part_v.unsqueeze(0), part_o.unsqueeze(0), sums, 0.0, true,
            std::nullopt, layout->scale);
        by_q.narrow(0, first, count).copy_(dq.squeeze(0).transpose(0, 1));
        gather(dk.squeeze(0), by_k.narrow(0, first_key, key_count));
        gather(dv.squeeze(0), by_v.narrow(0, first_key, key_count));
      }
      bool tiles_give_gradient = by_inputs && !use_kernel;
      if (!tiles_give_gradient && !layout->saliency.defined()) continue;
      auto wide = wide_type(q);
      auto dk = tiles_give_gradient ? at::zeros({heads, key_count, width}, q.options().dtype(wide)) : at::Tensor();
      auto dv = tiles_give_gradient ? at::zeros({heads, key_count, width}, q.options().dtype(wide)) : at::Tensor();
      for_each_tile(count, key_count, heads, layout->window, q.device(), [&](const Tile &tile) {
        auto weights = (tile_logits(part_q, part_k, tile, layout->scale) - sums.squeeze(0).narrow(1, tile.first_row, tile.rows).unsqueeze(-1).to(wide)).exp();
        auto d = part_d.narrow(1, tile.first_row, tile.rows);
        auto by_weights = at::matmul(d, part_v.narrow(1, tile.first_key, tile.keys).transpose(1, 2)).to(wide);  // [H, rows, keys]
        if (layout->saliency.defined())
          layout->saliency.narrow(0, first + tile.first_row, tile.rows)
              .copy_((weights * by_weights).abs().sum(-1).transpose(0, 1));
        if (!tiles_give_gradient) return;
        auto row = (d.to(wide) * part_o.narrow(1, tile.first_row, tile.rows).to(wide)).sum(-1, true);
        auto by_logits = (weights * (by_weights - row) * layout->scale).to(q.scalar_type());
        by_q.narrow(0, first + tile.first_row, tile.rows)
            .copy_(at::matmul(by_logits, part_k.narrow(1, tile.first_key, tile.keys)).transpose(0, 1));
        dk.narrow(1, tile.first_key, tile.keys)
            .add_(at::matmul(by_logits.transpose(1, 2), part_q.narrow(1, tile.first_row, tile.rows)).to(wide));
        dv.narrow(1, tile.first_key, tile.keys).add_(at::matmul(weights.to(q.scalar_type()).transpose(1, 2), d).to(wide));
      });
      if (tiles_give_gradient) {
        gather(dk, by_k.narrow(0, first_key, key_count));
        gather(dv, by_v.narrow(0, first_key, key_count));
      }
    }
    return {by_q, by_k, by_v, by_gates, at::Tensor()};
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
    *out = wrap(PackedAttention::apply(q, k, v, gate, layout));
  });
}
