// Attention of a whole packed batch on a CUDA device, by the kernels that libtorch brings for sequences that lie end to end: FlashAttention in bfloat16
// and float16, the memory-efficient kernel in float32. Both read the samples' bounds on the device, so a layer is one call each way and the host waits
// for nothing. They are libtorch's own business and may change with its version, so that each is held against tiles before it is first relied on.
#include <ATen/Context.h>
#include <ATen/ops/_efficient_attention_backward.h>
#include <ATen/ops/_efficient_attention_forward.h>
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <c10/core/GradMode.h>

#include <array>
#include <cmath>
#include <map>
#include <mutex>

#include "attention.hpp"

namespace headway {

namespace {

/// The memory-efficient kernel's name for a causal mask whose last query sees the last key.
constexpr int64_t causal_from_bottom_right = 2;
/// Values of a head that FlashAttention takes at most.
constexpr int64_t widest_flash_head = 256;

bool is_narrow(const at::Tensor &x) { return x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kHalf; }

/// Where samples begin and the last one ends, int32 [B + 1] on a device. All layers of a pass ask for the same, and copying waits for the device, so a
/// thread keeps its last ones.
at::Tensor bounds_on(const at::Device &device, const std::vector<int64_t> &bounds) {
  thread_local std::vector<int64_t> kept_bounds;
  thread_local at::Tensor kept;
  if (!kept.defined() || kept.device() != device || kept_bounds != bounds) {
    kept = at::tensor(bounds, at::TensorOptions().dtype(at::kInt)).to(device);
    kept_bounds = bounds;
  }
  return kept;
}

/// FlashAttention adds up the gradients by queries in whatever order its blocks end, unless libtorch is asked for the same bits every time. It is asked
/// for these kernels alone: elsewhere it would also fill all new memory, and refuse what has no such form.
struct SameBits {
  at::Context &context = at::globalContext();
  bool asked = context.deterministicAlgorithms(), warns = context.deterministicAlgorithmsWarnOnly(), fills = context.deterministicFillUninitializedMemory();
  SameBits() {
    context.setDeterministicAlgorithms(true, /*warn_only=*/false);
    context.setDeterministicFillUninitializedMemory(false);
  }
  ~SameBits() {
    context.setDeterministicAlgorithms(asked, warns);
    context.setDeterministicFillUninitializedMemory(fills);
  }
};

/// [S, K, D] as [1, S, H, D], every key/value head repeated for its query heads.
at::Tensor spread(const at::Tensor &x, int64_t heads) {
  int64_t kv = x.size(1), groups = heads / kv;
  if (groups == 1) return x.unsqueeze(0);
  return x.unsqueeze(2).expand({x.size(0), kv, groups, x.size(2)}).reshape({1, x.size(0), heads, x.size(2)});
}
/// The way back: [1, S, H, D] summed over each group's query heads, [S, K, D].
at::Tensor gathered(const at::Tensor &x, int64_t kv) {
  int64_t groups = x.size(2) / kv;
  if (groups == 1) return x[0];
  return x[0].view({x.size(1), kv, groups, x.size(3)}).sum(2);
}

/// The kernels' further arguments.
struct Lengths {
  int64_t queries = 0, keys = 0;  // of the longest sample
  std::optional<int64_t> before;  // keys that a query sees before its own; nothing where no window cuts a sample
  std::optional<int64_t> behind;  // and behind it, which FlashAttention wants to hear with a window
  std::optional<int64_t> window;

  explicit Lengths(const AttentionLayout &layout) {
    bool is_cut = false;
    for (int64_t s = 0; s < layout.samples(); s++) {
      queries = std::max(queries, layout.queries(s));
      keys = std::max(keys, layout.key_counts[s]);
      is_cut = is_cut || layout.is_cut(s);
    }
    if (!is_cut) return;
    before = layout.window - 1;
    behind = 0;
    window = layout.window;
  }
};

/// The greatest difference as a share of the greatest number.
double distance(const at::Tensor &found, const at::Tensor &expected) {
  auto wide = found.to(at::kFloat);
  return ((wide - expected).abs().max() / expected.abs().max()).item<double>();
}

/// Whether the kernels give what tiles give in float32, forward and back, for a few short samples of such heads.
bool agrees_with_tiles(const at::TensorOptions &options, int64_t groups, int64_t width, bool is_cut) {
  constexpr int64_t kv = 2;
  constexpr std::array<int64_t, 4> lengths{7, 1, 70, 19};
  AttentionLayout layout;
  layout.query_bounds = {0};
  for (int64_t length : lengths) {
    layout.key_starts.push_back(layout.query_bounds.back());
    layout.key_counts.push_back(length);
    layout.query_bounds.push_back(layout.query_bounds.back() + length);
  }
  layout.scale = 1 / std::sqrt(static_cast<double>(width));
  layout.window = is_cut ? 5 : 0;
  layout.softcap = 0;
  layout.walks_back = true;
  int64_t tokens = layout.query_bounds.back(), heads = groups * kv;
  // Numbers without a pattern that the sums would hide, and none drawn from a generator that others count on.
  auto made = [&](int64_t count, double step) {
    return at::arange(tokens * count * width, options.dtype(at::kFloat)).mul(step).sin().mul(1.5).view({tokens, count, width}).to(options);
  };
  auto q = made(heads, 1.7), k = made(kv, 2.3), v = made(kv, 3.1), by_output = made(heads, 0.9);

  AttentionGradients found, expected;
  found.by_output = by_output;
  auto forward = attend_varlen(q, k, v, layout);
  attend_varlen_backward(q, k, v, forward, layout, found);

  auto wide_q = q.to(at::kFloat), wide_k = k.to(at::kFloat), wide_v = v.to(at::kFloat);
  auto output = at::empty_like(wide_q), sums = at::empty({heads * tokens}, wide_q.options());
  expected.by_output = by_output.to(at::kFloat);
  expected.by_queries = at::empty_like(wide_q);
  expected.by_keys = at::zeros_like(wide_k);
  expected.by_values = at::zeros_like(wide_v);
  for (int64_t s = 0; s < layout.samples(); s++) {
    attend_by_tiles(wide_q, wide_k, wide_v, output, sums, layout, s);
    attend_by_tiles_backward(wide_q, wide_k, wide_v, output, sums, layout, s, expected);
  }
  // Narrow types round the weights, the output and the gradients; eight steps of theirs.
  double limit = q.scalar_type() == at::kBFloat16 ? 0x1p-5 : q.scalar_type() == at::kHalf ? 0x1p-8 : 1e-4;
  return distance(forward.output, output) <= limit && distance(found.by_queries, expected.by_queries) <= limit &&
         distance(found.by_keys, expected.by_keys) <= limit && distance(found.by_values, expected.by_values) <= limit;
}

/// The same, asked once of each kind of heads.
bool can_be_relied_on(const at::TensorOptions &options, int64_t groups, int64_t width, bool is_cut) {
  static std::mutex mutex;
  static std::map<std::tuple<int64_t, at::ScalarType, int64_t, int64_t, bool>, bool> known;
  std::scoped_lock lock(mutex);
  std::tuple key(options.device().index(), at::typeMetaToScalarType(options.dtype()), groups, width, is_cut);
  auto [place, is_new] = known.try_emplace(key, false);
  if (!is_new) return place->second;
  try {
    c10::NoGradGuard guard;
    place->second = agrees_with_tiles(options, groups, width, is_cut);
  } catch (const c10::Error &) {  // no such kernel for this device
  }
  if (!place->second)
    TORCH_WARN("attention is computed in tiles: libtorch's own kernel for heads of ", width, " values in ", options.dtype(), " does not give the same here");
  return place->second;
}

}  // namespace

bool by_varlen(const AttentionLayout &layout, const at::Tensor &q, const at::Tensor &k) {
  if (!q.is_cuda() || q.size(0) == 0 || layout.softcap > 0 || layout.saliency.defined()) return false;
  bool fits = is_narrow(q) ? q.size(2) % 8 == 0 && q.size(2) <= widest_flash_head : q.scalar_type() == at::kFloat && q.size(2) % 4 == 0;
  if (!fits) return false;
  int64_t place = 0;
  bool is_cut = false;
  for (int64_t s = 0; s < layout.samples(); s++) {
    if (layout.continues(s) || layout.key_starts[s] != place) return false;
    place += layout.key_counts[s];
    is_cut = is_cut || layout.is_cut(s);
  }
  return place == k.size(0) && can_be_relied_on(q.options(), q.size(1) / k.size(1), q.size(2), is_cut);
}

VarlenAttention attend_varlen(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const AttentionLayout &layout) {
  VarlenAttention result;
  std::vector<int64_t> key_bounds{0};
  for (int64_t count : layout.key_counts) key_bounds.push_back(key_bounds.back() + count);
  result.query_bounds = bounds_on(q.device(), layout.query_bounds);
  result.key_bounds = key_bounds == layout.query_bounds ? result.query_bounds : at::tensor(key_bounds, at::kInt).to(q.device());
  Lengths lengths(layout);
  if (is_narrow(q)) {
    std::tie(result.output, result.sums, result.seed, result.offset, std::ignore) = at::_flash_attention_forward(
        q, k, v, result.query_bounds, result.key_bounds, lengths.queries, lengths.keys, /*dropout_p=*/0, /*is_causal=*/true,
        /*return_debug_mask=*/false, layout.scale, lengths.before, lengths.behind);
  } else {
    auto found = at::_efficient_attention_forward(
        q.unsqueeze(0), spread(k, q.size(1)), spread(v, q.size(1)), /*bias=*/{}, result.query_bounds, result.key_bounds, lengths.queries, lengths.keys,
        /*dropout_p=*/0, causal_from_bottom_right, /*compute_log_sumexp=*/layout.walks_back, layout.scale, /*seqlen_k=*/{}, lengths.window);
    result.output = std::get<0>(found)[0];
    result.sums = std::get<1>(found);
    result.seed = std::get<2>(found);
    result.offset = std::get<3>(found);
  }
  return result;
}

void attend_varlen_backward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const VarlenAttention &forward, const AttentionLayout &layout,
    AttentionGradients &gradients) {
  auto &f = forward;
  Lengths lengths(layout);
  if (is_narrow(q)) {
    SameBits guard;
    std::tie(gradients.by_queries, gradients.by_keys, gradients.by_values) = at::_flash_attention_backward(
        gradients.by_output, q, k, v, f.output, f.sums, f.query_bounds, f.key_bounds, lengths.queries, lengths.keys, /*dropout_p=*/0,
        /*is_causal=*/true, f.seed, f.offset, layout.scale, lengths.before, lengths.behind);
  } else {
    auto found = at::_efficient_attention_backward(
        gradients.by_output.unsqueeze(0), q.unsqueeze(0), spread(k, q.size(1)), spread(v, q.size(1)), /*bias=*/{}, f.output.unsqueeze(0),
        f.query_bounds, f.key_bounds, lengths.queries, lengths.keys, f.sums, /*dropout_p=*/0, f.seed, f.offset, causal_from_bottom_right,
        /*bias_requires_grad=*/false, layout.scale, /*num_splits_key=*/{}, lengths.window);
    gradients.by_queries = std::get<0>(found)[0];
    gradients.by_keys = gathered(std::get<1>(found), k.size(1));
    gradients.by_values = gathered(std::get<2>(found), k.size(1));
  }
}

}  // namespace headway
