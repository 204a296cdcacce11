// Gradients that ranks share: added up in buckets, sent while the way back still goes on, and each rank left with the sum of its own share (ZeRO, stage 2).
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <mutex>
#include <unordered_map>

#include "process_groups.hpp"
#include "turns.hpp"

using namespace headway;

struct ct_buckets_s {
  struct Bucket {
    at::Tensor sums;   // [ranks, n]
    at::Tensor share;  // [n]
    int size = 0;      // sums that lie in it,
    int missing = 0;   // and those that are not complete
    at::Tensor received;
    std::unique_ptr<ct_exchange_s> exchange;
  };

  ct_buckets_s(ct_group_s &group, std::vector<Bucket> buckets, std::unordered_map<const void *, size_t> bucket_of)
      : group_(group), buckets_(std::move(buckets)), bucket_of_(std::move(bucket_of)) {}

  void begin() {
    for (auto &bucket : buckets_) bucket.missing = bucket.size;
    sent_ = ended_ = 0;
    failure_ = nullptr;
  }

  /// On a thread that walks back, which must not end with an exception of the network's: `finish` throws it.
  void complete(const at::Tensor &sum) noexcept {
    std::lock_guard<std::mutex> hold(lock_);
    auto found = bucket_of_.find(sum.unsafeGetTensorImpl());
    if (found == bucket_of_.end() || failure_) return;
    buckets_[found->second].missing--;
    try {
      // In one order on all ranks.
      while (sent_ < buckets_.size() && buckets_[sent_].missing <= 0) send();
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  void finish() {
    std::lock_guard<std::mutex> hold(lock_);
    if (failure_) std::rethrow_exception(failure_);
    while (sent_ < buckets_.size()) send();
    while (ended_ < sent_) end();
  }

 private:
  /// Buckets under way at a time, beside which as much memory is needed for what is received.
  static constexpr size_t under_way = 4;

  void send() {
    at::NoGradGuard none;
    if (sent_ >= ended_ + under_way) end();
    auto &bucket = buckets_[sent_];
    bucket.received = at::empty_like(bucket.sums);
    bucket.exchange = begin_exchange(group_, bucket.sums, bucket.received);
    sent_++;
  }

  void end() {
    at::NoGradGuard none;
    auto &bucket = buckets_[ended_];
    end_exchange(*bucket.exchange);
    bucket.exchange.reset();
    // In the order of the ranks, whoever was the first.
    auto row = [&](int rank) { return (rank == group_.rank ? bucket.sums : bucket.received)[rank]; };
    bucket.share.copy_(row(0));
    for (int rank = 1; rank < group_.ranks; rank++) bucket.share.add_(row(rank));
    bucket.received = at::Tensor();
    clear(bucket.sums);
    ended_++;
  }

  /// Zeros, for which the system needs no memory until something is added: so no rank keeps the gradients of the others' shares.
  static void clear(const at::Tensor &sums) {
#if defined(__linux__)
    if (sums.is_cpu() && sums.is_contiguous()) {
      auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
      auto begin = reinterpret_cast<uintptr_t>(sums.mutable_data_ptr()), end = begin + sums.nbytes();
      auto first = (begin + page - 1) / page * page, last = end / page * page;
      if (first < last && madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED) == 0) {
        std::memset(reinterpret_cast<void *>(begin), 0, first - begin);
        std::memset(reinterpret_cast<void *>(last), 0, end - last);
        return;
      }
    }
#endif
    sums.zero_();
  }

  ct_group_s &group_;
  std::vector<Bucket> buckets_;
  std::unordered_map<const void *, size_t> bucket_of_;
  std::mutex lock_;
  size_t sent_ = 0, ended_ = 0;
  std::exception_ptr failure_;
};

int ct_buckets_make(
    ct_group group, const ct_tensor *buckets, const ct_tensor *shares, int bucket_count, const ct_tensor *sums, const int32_t *bucket_of, int sum_count,
    ct_buckets *out) {
  return guarded("share gradients", {bucket_count > 0 ? buckets[0] : nullptr}, [&] {
    TORCH_CHECK(group != nullptr, "a group is missing");
    std::vector<ct_buckets_s::Bucket> all(static_cast<size_t>(bucket_count));
    for (size_t b = 0; b < all.size(); b++) {
      all[b].sums = get(buckets[b]);
      all[b].share = get(shares[b]);
      TORCH_CHECK(all[b].sums.dim() == 2 && all[b].sums.size(0) == group->ranks && all[b].sums.is_contiguous(), "a row for each rank is needed");
      TORCH_CHECK(all[b].share.sizes() == all[b].sums.sizes().slice(1), "a share is as long as a row");
    }
    std::unordered_map<const void *, size_t> places;
    for (int s = 0; s < sum_count; s++) {
      TORCH_CHECK(bucket_of[s] >= 0 && bucket_of[s] < bucket_count, "there is no bucket ", bucket_of[s]);
      places[get(sums[s]).unsafeGetTensorImpl()] = static_cast<size_t>(bucket_of[s]);
      all[static_cast<size_t>(bucket_of[s])].size++;
    }
    *out = new ct_buckets_s(*group, std::move(all), std::move(places));
  });
}

void ct_buckets_free(ct_buckets buckets) { delete buckets; }

int ct_buckets_begin(ct_buckets buckets, ct_turns turns, int64_t last_batch) {
  return guarded("share gradients", {}, [&] {
    TORCH_CHECK(buckets != nullptr && turns != nullptr, "buckets or turns are missing");
    buckets->begin();
    turns->turns.watch(last_batch, [buckets](const at::Tensor &sum) { buckets->complete(sum); });
  });
}

int ct_buckets_finish(ct_buckets buckets) {
  return guarded("share gradients", {}, [&] {
    TORCH_CHECK(buckets != nullptr, "buckets are missing");
    buckets->finish();
  });
}
