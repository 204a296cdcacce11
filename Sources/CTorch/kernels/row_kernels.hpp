// Kernels over rows of contiguous memory, compiled once for each kind of processor (row_kernels.inc) and chosen at start-up.
#pragma once

#include <cstdint>

namespace headway {

/// The 16 bits of a bfloat16.
struct bf16 {
  uint16_t bits;
};

/// Rows of a weight that all of x passes before the next ones, so that they stay in the second cache.
constexpr int64_t product_rows = 96;
/// The numbers of room that `products` needs: sums of those rows by the most rows of x that it takes at a time.
constexpr int64_t product_room = 8 * product_rows;

/// The numbers of room that `attend` needs for `queries` queries, those of all heads together.
inline int64_t attend_room(int64_t queries, int64_t n, int64_t count) { return queries * (count + 2 * n); }

/// The numbers of one update of AdamW, the same for all weights.
struct AdamWStep {
  float divisor;        // of the gradients
  float kept;           // 1 − η λ, the share of a weight that decay leaves
  float first, second;  // 1 − β₁ and 1 − β₂, the shares of the new gradient in the moments
  float fading;         // β₂
  float rate;           // η / (1 − β₁ᵗ)
  float root;           // √(1 − β₂ᵗ)
  float epsilon;
};

/// T is float or bf16; rows accumulate in float32.
template <class T>
struct RowKernels {
  /// sum = x + addend (addend and sum may be null: then the row is x itself); y = sum · rstd · weight with rstd = 1/sqrt(mean(sum²) + epsilon).
  void (*rms_norm)(const T *x, const T *addend, const float *weight, T *sum, T *y, float *rstd, int64_t n, float epsilon);
  /// The gradient by the row: extra (or 0 where null) + rstd · (g·w − x · rstd² · Σ(g·w·x) / n). Where `weight_gradient` is not null, adds g·x·rstd to it.
  void (*rms_norm_backward)(
      const T *gradient, const T *x, const float *weight, float rstd, const T *extra, T *result, float *weight_gradient, int64_t n);
  /// sum = x + addend as above; y = (sum − mean) · rstd · weight + bias with rstd = 1/sqrt(variance(sum) + epsilon).
  void (*layer_norm)(
      const T *x, const T *addend, const float *weight, const float *bias, T *sum, T *y, float *mean, float *rstd, int64_t n, float epsilon);
  /// The gradient by the row: extra (or 0 where null) + rstd · (g·w − Σ(g·w) / n − x̂ · Σ(g·w·x̂) / n), x̂ = (x − mean) · rstd. Where `weight_gradient`
  /// is not null, adds g·x̂ to it and g to `bias_gradient`.
  void (*layer_norm_backward)(
      const T *gradient, const T *x, const float *weight, float mean, float rstd, const T *extra, T *result, float *weight_gradient,
      float *bias_gradient, int64_t n);
  /// y = act(gate) · up; activation: 0 SiLU, 2 GELU by tanh.
  void (*gated)(const T *gate, const T *up, T *y, int64_t n, int activation);
  void (*gated_backward)(const T *gradient, const T *gate, const T *up, T *gate_gradient, T *up_gradient, int64_t n, int activation);
  /// Rotates `heads` heads of 2·half values with one token's cosines and sines; `direction` −1 rotates back.
  void (*rotate)(const T *x, const float *cosine, const float *sine, T *y, int64_t heads, int64_t half, float direction);
  /// A row of logits becomes weight · (softmax − onehot(target)), in place where `keep_gradient`; returns the cross-entropy.
  float (*cross_entropy)(T *logits, int64_t n, int64_t target, float weight, bool keep_gradient);
  /// gated = output · gate for each of `heads` heads of n values.
  void (*scale_heads)(const T *output, const float *gates, T *gated, int64_t heads, int64_t n);
  /// gate_gradient[h] = Σ gradient · output; where `result` is not null, result = gradient · gate.
  void (*scale_heads_backward)(const T *gradient, const T *output, const float *gates, float *gate_gradient, T *result, int64_t heads, int64_t n);
  /// A row of n products of a query with keys, of which it sees the first `visible`, becomes softmax(scale · row), 0 beyond; returns the log-sum-exp.
  float (*attention_weights)(T *row, int64_t visible, int64_t n, float scale);
  /// From the row's products and its gradient by weights: row becomes the weights, `gradient` the gradient by the products.
  void (*attention_weights_backward)(T *row, T *gradient, float sum, int64_t visible, int64_t n, float scale);
  /// Attention of one token to `count` keys: `heads` heads of keys and values, n values each, end to end in rows that lie `stride` apart, and `groups`
  /// queries to each head. An output is Σ softmax(scale · query · key) · value, the products x capped to softcap · tanh(x / softcap) where that is not 0. `room` holds `attend_room` numbers.
  void (*attend)(
      const T *queries, const T *keys, const T *values, T *output, float *room, int64_t heads, int64_t groups, int64_t n, int64_t count,
      int64_t stride, float scale, float softcap);
  /// total += x.
  void (*accumulate)(const T *x, float *total, int64_t n);
  /// One update of n weights; gradients become 0, and `copy`, where it is not null, gets the new weights in its type.
  void (*adamw)(float *weight, float *gradient, float *first, float *second, T *copy, int64_t n, const AdamWStep &step);
  /// Σx², each square and the sum in double precision.
  double (*sum_of_squares)(const T *x, int64_t n);
  /// Rows of n numbers, end to end, in float32 and in the order in which `products` reads them.
  void (*spread)(const T *x, float *wide, int64_t tokens, int64_t n);
  /// y[t · y_stride + r] = x[t] · w[r] + bias[r] (bias may be null) for `tokens` rows of `spread` x and `rows` rows of w, n numbers each, end to end.
  /// `room` holds `product_room` numbers. A product does not depend on what is computed beside it.
  void (*products)(const float *x, const T *w, const T *bias, T *y, float *room, int64_t tokens, int64_t rows, int64_t n, int64_t y_stride);
  /// The most rows of x for which `products` is no slower than products of matrices (docs/Performance.md).
  int64_t product_tokens;
};

const char *row_kernels_name();
template <class T>
const RowKernels<T> &row_kernels();

}  // namespace headway
