// Attention in tiles of query rows, composed of libtorch's operations: for every device and type that the packed kernel does not know, and what that
// one is held against.
#include "attention.hpp"

namespace headway {

namespace {

/// A sample's rows of [S, K, D] behind those of all that it continues, every key/value head repeated for its query heads: [H, S', D].
at::Tensor repeated(const at::Tensor &x, const AttentionLayout &layout, int64_t sample, int64_t heads) {
  std::vector<at::Tensor> parts;
  for (int64_t s : layout.line(sample)) parts.push_back(x.narrow(0, layout.key_starts[s], layout.key_counts[s]));
  auto part = (parts.size() == 1 ? parts[0] : at::cat(parts)).transpose(0, 1);  // [K, S', D]
  int64_t groups = heads / part.size(0);
  if (groups == 1) return part;
  return part.unsqueeze(1).expand({part.size(0), groups, part.size(1), part.size(2)}).reshape({heads, part.size(1), part.size(2)});
}
/// The gradient by the key/value heads of one sample, [H, S, D] summed over each group's query heads, written to `to` [S, K, D].
void gather(const at::Tensor &gradient, at::Tensor to) {
  int64_t kv = to.size(1), groups = gradient.size(0) / kv;
  auto summed = groups == 1 ? gradient : gradient.view({kv, groups, gradient.size(1), gradient.size(2)}).sum(1);
  to.copy_(summed.transpose(0, 1));
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

/// Attention logits of a tile, [H, rows, keys], in float32 or wider, and what capped ones grow by with the products' multiples (undefined without a cap).
struct TileLogits {
  at::Tensor values, slopes;
};
TileLogits tile_logits(const at::Tensor &q, const at::Tensor &k, const Tile &tile, const AttentionLayout &layout) {
  auto product = at::matmul(q.narrow(1, tile.first_row, tile.rows), k.narrow(1, tile.first_key, tile.keys).transpose(1, 2));
  TileLogits result{product.to(wide_type(q)) * layout.scale, {}};
  if (layout.softcap > 0) {
    auto bent = (result.values / layout.softcap).tanh();
    result = {bent * layout.softcap, 1 - bent * bent};
  }
  result.values = result.values.masked_fill(tile.hidden, -std::numeric_limits<double>::infinity());
  return result;
}

}  // namespace

void attend_by_tiles(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, at::Tensor output, at::Tensor sums, const AttentionLayout &layout,
    int64_t sample) {
  int64_t first = layout.query_bounds[sample], count = layout.queries(sample), heads = q.size(1);
  auto part_q = q.narrow(0, first, count).transpose(0, 1);
  auto part_k = repeated(k, layout, sample, heads), part_v = repeated(v, layout, sample, heads);
  auto part_sums = sample_sums(sums, layout, sample, heads);
  for_each_tile(count, part_k.size(1), heads, layout.window, q.device(), [&](const Tile &tile) {
    auto logits = tile_logits(part_q, part_k, tile, layout).values;
    auto sum = at::logsumexp(logits, {-1});
    auto weights = (logits - sum.unsqueeze(-1)).exp().to(q.scalar_type());
    auto result = at::matmul(weights, part_v.narrow(1, tile.first_key, tile.keys));  // [H, rows, D]
    output.narrow(0, first + tile.first_row, tile.rows).copy_(result.transpose(0, 1));
    part_sums.narrow(1, tile.first_row, tile.rows).copy_(sum);
  });
}

void attend_by_tiles_backward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &output, const at::Tensor &sums,
    const AttentionLayout &layout, int64_t sample, AttentionGradients &gradients) {
  int64_t first = layout.query_bounds[sample], count = layout.queries(sample), heads = q.size(1), width = q.size(2);
  int64_t first_key = layout.key_starts[sample], key_count = layout.key_counts[sample];
  auto part_q = q.narrow(0, first, count).transpose(0, 1);
  auto part_k = repeated(k, layout, sample, heads), part_v = repeated(v, layout, sample, heads);
  auto part_o = output.narrow(0, first, count).transpose(0, 1), part_d = gradients.by_output.narrow(0, first, count).transpose(0, 1);
  auto part_sums = sample_sums(sums, layout, sample, heads);
  bool wanted = gradients.by_queries.defined();
  auto wide = wide_type(q);
  auto dk = wanted ? at::zeros({heads, key_count, width}, q.options().dtype(wide)) : at::Tensor();
  auto dv = wanted ? at::zeros({heads, key_count, width}, q.options().dtype(wide)) : at::Tensor();
  for_each_tile(count, key_count, heads, layout.window, q.device(), [&](const Tile &tile) {
    auto logits = tile_logits(part_q, part_k, tile, layout);
    auto weights = (logits.values - part_sums.narrow(1, tile.first_row, tile.rows).unsqueeze(-1).to(wide)).exp();
    auto d = part_d.narrow(1, tile.first_row, tile.rows);
    auto by_weights = at::matmul(d, part_v.narrow(1, tile.first_key, tile.keys).transpose(1, 2)).to(wide);  // [H, rows, keys]
    if (layout.saliency.defined())
      layout.saliency.narrow(0, first + tile.first_row, tile.rows).copy_((weights * by_weights).abs().sum(-1).transpose(0, 1));
    if (!wanted) return;
    auto row = (d.to(wide) * part_o.narrow(1, tile.first_row, tile.rows).to(wide)).sum(-1, true);
    auto by_capped = weights * (by_weights - row) * layout.scale;
    auto by_logits = (logits.slopes.defined() ? by_capped * logits.slopes : by_capped).to(q.scalar_type());
    gradients.by_queries.narrow(0, first + tile.first_row, tile.rows)
        .copy_(at::matmul(by_logits, part_k.narrow(1, tile.first_key, tile.keys)).transpose(0, 1));
    dk.narrow(1, tile.first_key, tile.keys).add_(at::matmul(by_logits.transpose(1, 2), part_q.narrow(1, tile.first_row, tile.rows)).to(wide));
    dv.narrow(1, tile.first_key, tile.keys).add_(at::matmul(weights.to(q.scalar_type()).transpose(1, 2), d).to(wide));
  });
  if (!wanted) return;
  gather(dk, gradients.by_keys.narrow(0, first_key, key_count));
  gather(dv, gradients.by_values.narrow(0, first_key, key_count));
}

}  // namespace headway
