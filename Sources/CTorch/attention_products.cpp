// Attention of short samples in bfloat16 by batched matrix products with one pass over each row of weights between them, which the matrix units of
// a processor that has some make faster than the packed kernel.
#include "attention.hpp"
#include "kernels/parallel.hpp"
#include "kernels/row_kernels.hpp"
#include "matrix_products.hpp"

namespace headway {

namespace {

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

}  // namespace

/// A sample takes this road where its queries are all its keys', and its weights, all heads together, no larger than a tile.
bool by_products(const AttentionLayout &layout, int64_t sample, const at::Tensor &q) {
  int64_t count = layout.queries(sample);
  return multiplies_bfloat16() && q.is_cpu() && q.scalar_type() == at::kBFloat16 && !layout.continues(sample) && !layout.is_cut(sample) && layout.softcap == 0 &&
         count == layout.key_counts[sample] && count <= longest_product && q.size(1) * count * count <= tile_elements;
}

void attend_by_products(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, at::Tensor output, at::Tensor sums, const AttentionLayout &layout,
    int64_t sample) {
  int64_t first = layout.query_bounds[sample], first_key = layout.key_starts[sample], count = layout.queries(sample), kv = k.size(1);
  auto weights = at::bmm(grouped(q, first, count, kv), k.narrow(0, first_key, count).permute({1, 2, 0}));  // [K, G·T, T]
  auto *sum = sums.mutable_data_ptr<float>() + q.size(1) * first;
  for_each_row(weights, [&](bf16 *row, int64_t visible, int64_t number) {
    sum[number] = row_kernels<bf16>().attention_weights(row, visible, count, static_cast<float>(layout.scale));
  });
  ungroup(at::bmm(weights, v.narrow(0, first_key, count).transpose(0, 1)), output.narrow(0, first, count));
}

/// The weights are computed again from the log-sum-exps.
void attend_by_products_backward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &sums, const AttentionLayout &layout, int64_t sample,
    AttentionGradients &gradients) {
  int64_t first = layout.query_bounds[sample], first_key = layout.key_starts[sample], count = layout.queries(sample), kv = k.size(1);
  auto queries = grouped(q, first, count, kv), by_output = grouped(gradients.by_output, first, count, kv);
  auto keys = k.narrow(0, first_key, count).transpose(0, 1), values = v.narrow(0, first_key, count).transpose(0, 1);  // [K, T, D]
  auto weights = at::bmm(queries, keys.transpose(1, 2));
  auto by_weights = at::bmm(by_output, values.transpose(1, 2));
  auto *sum = numbers<float>(sums) + q.size(1) * first;
  auto *change = static_cast<bf16 *>(by_weights.mutable_data_ptr());
  for_each_row(weights, [&](bf16 *row, int64_t visible, int64_t number) {
    row_kernels<bf16>().attention_weights_backward(row, change + number * count, sum[number], visible, count, static_cast<float>(layout.scale));
  });
  gradients.by_values.narrow(0, first_key, count).copy_(at::bmm(weights.transpose(1, 2), by_output).transpose(0, 1));
  ungroup(at::bmm(by_weights, keys), gradients.by_queries.narrow(0, first, count));
  gradients.by_keys.narrow(0, first_key, count).copy_(at::bmm(by_weights.transpose(1, 2), queries).transpose(0, 1));
}

}  // namespace headway
