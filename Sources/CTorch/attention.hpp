// What attention's roads share: how the samples of a packed batch lie, and which road each of them takes.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "numbers.hpp"

namespace headway {

/// Elements of one tile of attention weights, all heads together: 16 MiB in float32.
constexpr int64_t tile_elements = int64_t(1) << 22;

/// The most tokens of a sample whose attention is computed by whole matrix products (measured: docs/Performance.md).
constexpr int64_t longest_product = 512;

struct AttentionLayout {
  std::vector<int64_t> query_bounds, key_starts, key_counts;
  std::vector<int64_t> parents;  // of each sample, -1 for none; empty where nobody has one
  double scale;
  int64_t window;
  double softcap;        // logits x become softcap · tanh(x / softcap); 0 where they stay as they are
  at::Tensor saliency;  // [T, H] float32, or undefined
  bool walks_back;      // whether gradients may be asked for
  int64_t samples() const { return static_cast<int64_t>(query_bounds.size()) - 1; }
  int64_t queries(int64_t sample) const { return query_bounds[sample + 1] - query_bounds[sample]; }
  /// Whether a sample continues another one.
  bool continues(int64_t sample) const { return !parents.empty() && parents[sample] >= 0; }
  /// Whether some query of the sample has keys before it that lie outside the window.
  bool is_cut(int64_t sample) const { return window > 0 && key_counts[sample] > window; }
  /// All samples whose rows a sample sees, the first of them in front and itself at the end.
  std::vector<int64_t> line(int64_t sample) const {
    std::vector<int64_t> result;
    for (int64_t s = sample; s >= 0; s = parents.empty() ? -1 : parents[s]) result.push_back(s);
    std::reverse(result.begin(), result.end());
    return result;
  }
};

/// Whether attention has kernels for a tensor's place and type.
inline bool has_kernel(const at::Tensor &x) { return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16); }

inline at::ScalarType wide_type(const at::Tensor &x) { return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat; }

/// The log-sum-exps of one sample's rows [H, count], of those of all samples [H · T], which lie sample by sample.
inline at::Tensor sample_sums(const at::Tensor &sums, const AttentionLayout &layout, int64_t sample, int64_t heads) {
  int64_t count = layout.queries(sample);
  return sums.narrow(0, heads * layout.query_bounds[sample], heads * count).view({heads, count});
}

/// What the way back through attention starts from and fills in. `by_queries` is undefined where nothing but the saliency is wanted.
struct AttentionGradients {
  at::Tensor by_output;  // [T, H, D]
  at::Tensor row_terms;  // [T, H]: Σ by_output · output, where there are kernels
  at::Tensor by_queries, by_keys, by_values;
};

// attention_kernels.cpp: the packed kernel. `samples` are those that take this road.
void attend_packed(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, at::Tensor output, at::Tensor sums, const AttentionLayout &layout,
    const std::vector<int64_t> &samples);
/// The samples of `salient` want nothing but their saliency.
void attend_packed_backward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &sums, const AttentionLayout &layout,
    const std::vector<int64_t> &samples, const std::vector<int64_t> &salient, AttentionGradients &gradients);

// attention_products.cpp: whole matrix products in bfloat16.
bool by_products(const AttentionLayout &layout, int64_t sample, const at::Tensor &q);
void attend_by_products(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, at::Tensor output, at::Tensor sums, const AttentionLayout &layout, int64_t sample);
void attend_by_products_backward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &sums, const AttentionLayout &layout, int64_t sample,
    AttentionGradients &gradients);

// attention_varlen.cpp: libtorch's kernels for a whole packed batch on a CUDA device.
/// What such a pass leaves, its way back needs.
struct VarlenAttention {
  at::Tensor output;                    // [T, H, D]
  at::Tensor sums, seed, offset;        // the kernel's own
  at::Tensor query_bounds, key_bounds;  // int32 [B + 1] on the device
};
bool by_varlen(const AttentionLayout &layout, const at::Tensor &q, const at::Tensor &k);
VarlenAttention attend_varlen(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const AttentionLayout &layout);
void attend_varlen_backward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const VarlenAttention &forward, const AttentionLayout &layout,
    AttentionGradients &gradients);

// attention_tiles.cpp: tiles of query rows, on any device and in any type.
void attend_by_tiles(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, at::Tensor output, at::Tensor sums, const AttentionLayout &layout, int64_t sample);
void attend_by_tiles_backward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &output, const at::Tensor &sums,
    const AttentionLayout &layout, int64_t sample, AttentionGradients &gradients);

}  // namespace headway
