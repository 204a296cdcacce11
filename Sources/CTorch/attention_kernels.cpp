// Attention by the packed kernel: the work of all samples is cut into pieces, one sample's key/value head and some of its queries each, which
// threads take one by one. How it is cut depends on lengths and shapes alone, and sums over pieces have one order, so that threads change no bit.
#include "kernels/attention_kernels.hpp"

#include "attention.hpp"
#include "kernels/parallel.hpp"

namespace headway {

namespace {

/// Numbers of queries that a piece of the way forward takes at a time, so that they stay in a core's cache beside the tiles.
constexpr int64_t forward_numbers = 24576;

/// A piece of the way forward or back: queries `first` ..< `first + count` of a sample. Going back, `keys` is the first of `backward_tokens` keys.
struct Item {
  int64_t sample, head, first, count, keys;
  int64_t cost;
};

/// Costly items first, so that threads end together.
void sort(std::vector<Item> &items) {
  std::stable_sort(items.begin(), items.end(), [](const Item &a, const Item &b) { return a.cost > b.cost; });
}

/// Where the keys of each sample lie, those of samples that it continues in front.
struct KeyPlaces {
  std::vector<KeyStretch> stretches;
  std::vector<size_t> begins;   // of each sample
  std::vector<int64_t> counts;  // of all keys that each sample sees
  explicit KeyPlaces(const AttentionLayout &layout) {
    for (int64_t s = 0; s < layout.samples(); s++) {
      begins.push_back(stretches.size());
      counts.push_back(0);
      for (int64_t other : layout.line(s)) {
        stretches.push_back({layout.key_starts[other], layout.key_counts[other]});
        counts.back() += layout.key_counts[other];
      }
    }
  }
};

/// Runs `body(kernels, number)` for the type of a tensor that has kernels.
template <class Body>
void with_kernels(const at::Tensor &x, Body &&body) {
  if (x.scalar_type() == at::kFloat)
    body(attention_kernels<float>(), float{});
  else
    body(attention_kernels<bf16>(), bf16{});
}

template <class T>
AttentionPiece<T> piece_of(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const AttentionLayout &layout, const KeyPlaces &places, const Item &item) {
  auto sample = static_cast<size_t>(item.sample);
  int64_t heads = q.size(1), kv = k.size(1), width = q.size(2), groups = heads / kv;
  int64_t row = layout.query_bounds[sample] + item.first;
  AttentionPiece<T> piece;
  piece.queries = static_cast<const T *>(q.const_data_ptr()) + (row * heads + item.head * groups) * width;
  piece.keys = static_cast<const T *>(k.const_data_ptr()) + item.head * width;
  piece.values = static_cast<const T *>(v.const_data_ptr()) + item.head * width;
  piece.stretches = places.stretches.data() + places.begins[sample];
  piece.tokens = item.count;
  piece.position = places.counts[sample] - layout.queries(item.sample) + item.first;
  piece.first_key = 0;
  piece.end_key = places.counts[sample];
  piece.groups = groups;
  piece.width = width;
  piece.query_stride = heads * width;
  piece.key_stride = kv * width;
  piece.window = layout.window;
  piece.scale = static_cast<float>(layout.scale);
  piece.softcap = static_cast<float>(layout.softcap);
  return piece;
}

/// Room for every thread, made before the loop, since nothing in it may throw.
at::Tensor room_for(int64_t numbers) { return at::empty({at::get_num_threads(), numbers}, at::kFloat); }

}  // namespace

void attend_packed(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, at::Tensor output, at::Tensor sums, const AttentionLayout &layout,
    const std::vector<int64_t> &samples) {
  if (samples.empty()) return;
  int64_t heads = q.size(1), kv = k.size(1), width = q.size(2), groups = heads / kv;
  KeyPlaces places(layout);
  int64_t step = std::max<int64_t>(1, forward_numbers / (width * groups)), longest = 0;
  std::vector<Item> items;
  for (int64_t s : samples) {
    int64_t count = layout.queries(s), before = places.counts[static_cast<size_t>(s)] - count;
    for (int64_t first = 0; first < count; first += step) {
      int64_t part = std::min(step, count - first);
      longest = std::max(longest, part);
      for (int64_t head = 0; head < kv; head++) items.push_back({s, head, first, part, 0, part * (before + first + part)});
    }
  }
  sort(items);
  auto *sum = sums.mutable_data_ptr<float>();
  with_kernels(q, [&](const auto &kernels, auto zero) {
    using T = decltype(zero);
    auto *to = static_cast<T *>(output.mutable_data_ptr());
    at::Tensor room = room_for(kernels.room(longest, groups, width));
    auto *rooms = room.mutable_data_ptr<float>();
    parallel_items(static_cast<int64_t>(items.size()), [&](int64_t number, int thread) {
      const Item &item = items[static_cast<size_t>(number)];
      int64_t row = layout.query_bounds[item.sample], count = layout.queries(item.sample);
      AttentionForward<T> work;
      work.piece = piece_of<T>(q, k, v, layout, places, item);
      work.output = to + ((row + item.first) * heads + item.head * groups) * width;
      work.sums = sum + heads * row + item.head * groups * count + item.first;
      work.sum_stride = count;
      kernels.forward(work, rooms + thread * room.size(1));
    });
  });
}

void attend_packed_backward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &sums, const AttentionLayout &layout,
    const std::vector<int64_t> &samples, const std::vector<int64_t> &salient, AttentionGradients &gradients) {
  if (samples.empty() && salient.empty()) return;
  int64_t heads = q.size(1), kv = k.size(1), width = q.size(2), groups = heads / kv;
  KeyPlaces places(layout);
  // A long sample is cut into chunks of queries and of keys. In each phase no two pieces share a chunk of either, so that each sum is made in one
  // order: first every chunk of queries with its own keys, then with those before, and so on.
  std::vector<std::vector<Item>> phases;
  auto plan = [&](int64_t s) {
    int64_t count = layout.queries(s), keys = places.counts[static_cast<size_t>(s)], before = keys - count;
    int64_t chunks = (keys + backward_tokens - 1) / backward_tokens;
    for (int64_t phase = 0; phase < chunks; phase++) {
      if (static_cast<int64_t>(phases.size()) == phase) phases.emplace_back();
      for (int64_t i = phase; i < chunks; i++) {
        int64_t begin = std::max(i * backward_tokens, before), end = std::min(keys, (i + 1) * backward_tokens);
        if (begin >= end) continue;
        int64_t first_key = (i - phase) * backward_tokens;
        bool hidden = layout.window > 0 && phase > 0 && first_key + backward_tokens <= begin - layout.window + 1;
        if (hidden) continue;
        for (int64_t head = 0; head < kv; head++)
          phases[static_cast<size_t>(phase)].push_back({s, head, begin - before, end - begin, first_key, (end - begin) * (phase == 0 ? 1 : 2)});
      }
    }
  };
  for (int64_t s : samples) plan(s);
  std::vector<bool> is_salient(static_cast<size_t>(layout.samples()), false);
  for (int64_t s : salient) {
    is_salient[static_cast<size_t>(s)] = true;
    plan(s);
  }
  bool narrows = q.scalar_type() == at::kBFloat16;
  at::Tensor by_queries, by_keys, by_values, saliency;
  if (!samples.empty()) {
    by_queries = narrows ? at::empty(q.sizes(), at::kFloat) : gradients.by_queries;
    by_keys = narrows ? at::zeros(k.sizes(), at::kFloat) : gradients.by_keys;
    by_values = narrows ? at::zeros(v.sizes(), at::kFloat) : gradients.by_values;
  }
  if (layout.saliency.defined()) saliency = at::empty({q.size(0), heads}, at::kFloat);
  auto pointer = [](at::Tensor &x) { return x.defined() ? x.mutable_data_ptr<float>() : nullptr; };
  auto *to_queries = pointer(by_queries), *to_keys = pointer(by_keys), *to_values = pointer(by_values), *to_saliency = pointer(saliency);
  auto *sum = numbers<float>(sums), *terms = numbers<float>(gradients.row_terms);
  with_kernels(q, [&](const auto &kernels, auto zero) {
    using T = decltype(zero);
    auto *gradient = static_cast<const T *>(gradients.by_output.const_data_ptr());
    at::Tensor room = room_for(kernels.room(backward_tokens, groups, width));
    auto *rooms = room.mutable_data_ptr<float>();
    for (size_t phase = 0; phase < phases.size(); phase++) {
      auto &items = phases[phase];
      sort(items);
      parallel_items(static_cast<int64_t>(items.size()), [&](int64_t number, int thread) {
        const Item &item = items[static_cast<size_t>(number)];
        int64_t row = layout.query_bounds[item.sample], count = layout.queries(item.sample);
        int64_t at = (row + item.first) * heads + item.head * groups;  // among [T, H]
        bool wanted = !is_salient[static_cast<size_t>(item.sample)];
        AttentionBackward<T> work;
        work.piece = piece_of<T>(q, k, v, layout, places, item);
        work.piece.first_key = item.keys;
        work.piece.end_key = std::min(work.piece.end_key, item.keys + backward_tokens);
        work.gradient = gradient + at * width;
        work.sums = sum + heads * row + item.head * groups * count + item.first;
        work.sum_stride = count;
        work.row_terms = terms + at;
        work.row_stride = heads;
        work.begins = phase == 0;
        work.by_queries = wanted ? to_queries + at * width : nullptr;
        work.by_keys = wanted ? to_keys + item.head * width : nullptr;
        work.by_values = wanted ? to_values + item.head * width : nullptr;
        work.saliency = to_saliency == nullptr ? nullptr : to_saliency + at;
        kernels.backward(work, rooms + thread * room.size(1));
      });
    }
  });
  if (saliency.defined()) layout.saliency.copy_(saliency);
  if (!narrows || samples.empty()) return;
  if (static_cast<int64_t>(samples.size()) == layout.samples()) {
    gradients.by_queries.copy_(by_queries);
    gradients.by_keys.copy_(by_keys);
    gradients.by_values.copy_(by_values);
    return;
  }
  for (int64_t s : samples) {
    auto copy = [](at::Tensor &to, const at::Tensor &from, int64_t first, int64_t count) { to.narrow(0, first, count).copy_(from.narrow(0, first, count)); };
    copy(gradients.by_queries, by_queries, layout.query_bounds[s], layout.queries(s));
    copy(gradients.by_keys, by_keys, layout.key_starts[s], layout.key_counts[s]);
    copy(gradients.by_values, by_values, layout.key_starts[s], layout.key_counts[s]);
  }
}

}  // namespace headway
