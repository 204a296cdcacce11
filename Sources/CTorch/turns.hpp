// The order in which batches that are computed side by side add to sums that they share.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

#include "boundary.hpp"
#include "include/turns.h"

namespace headway {

/// Batches add to a sum in the order of their numbers, so that it has the same bits however many are computed at a time. A later batch waits until
/// each earlier one has added to that sum or has ended; since batches are begun in their order, one of them can always go on.
class Turns {
 public:
  /// What the calling thread computes from here to `end` belongs to this batch.
  void begin(int64_t number);
  void end();
  /// Does what was put aside, batch by batch, and forgets all batches.
  void finish();

  /// Waits until the calling thread's batch may add to a sum.
  void wait_for(const at::Tensor &sum);
  /// Lets the next batch add to it.
  void leave(const at::Tensor &sum);
  /// Calls `complete` with each sum that the batch `last`, behind which none comes, is through with.
  void watch(int64_t last, std::function<void(const at::Tensor &sum)> complete);
  /// Says before the way back that the calling thread's batch puts something aside for a sum: that is complete when `finish` is through.
  void announce(const at::Tensor &sum);

  /// Keeps for `finish` what the calling thread's batch would have a later one wait for too long.
  void put_aside(std::function<void()> addition);

  /// Those that the calling thread's batch takes part in; null outside of one.
  static Turns *current();

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  int64_t ended_ = 0;               // so many batches from the first one on have ended,
  std::set<int64_t> ended_beyond_;  // and these behind one that has not
  std::unordered_map<const void *, int64_t> next_;
  std::map<int64_t, std::vector<std::function<void()>>> aside_;
  int64_t last_ = -1;
  std::function<void(const at::Tensor &)> complete_;
  std::set<const void *> announced_;
};

/// A batch's turn at a sum, for as long as it lives; nothing outside of a batch.
class Turn {
 public:
  explicit Turn(const at::Tensor &sum) : sum_(sum) {
    if (auto *turns = Turns::current()) turns->wait_for(sum_);
  }
  ~Turn() {
    if (auto *turns = Turns::current()) turns->leave(sum_);
  }
  Turn(const Turn &) = delete;
  Turn &operator=(const Turn &) = delete;

 private:
  at::Tensor sum_;
};

}  // namespace headway

struct ct_turns_s {
  headway::Turns turns;
};
