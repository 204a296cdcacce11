#include "turns.hpp"

#include <ATen/core/grad_mode.h>

namespace headway {

namespace {
thread_local Turns *current_turns = nullptr;
thread_local int64_t current_batch = 0;
}  // namespace

Turns *Turns::current() { return current_turns; }

void Turns::begin(int64_t number) {
  current_turns = this;
  current_batch = number;
}

void Turns::end() {
  current_turns = nullptr;
  std::lock_guard<std::mutex> hold(lock_);
  ended_beyond_.insert(current_batch);
  while (ended_beyond_.erase(ended_) != 0) ended_++;
  changed_.notify_all();
}

void Turns::wait_for(const at::Tensor &sum) {
  std::unique_lock<std::mutex> hold(lock_);
  auto *key = sum.unsafeGetTensorImpl();
  changed_.wait(hold, [&] { return ended_ >= current_batch || next_[key] >= current_batch; });
}

void Turns::leave(const at::Tensor &sum) {
  bool is_complete;
  {
    std::lock_guard<std::mutex> hold(lock_);
    auto *key = sum.unsafeGetTensorImpl();
    next_[key] = current_batch + 1;
    is_complete = complete_ && current_batch == last_ && announced_.count(key) == 0;
    changed_.notify_all();
  }
  if (is_complete) complete_(sum);
}

void Turns::watch(int64_t last, std::function<void(const at::Tensor &sum)> complete) {
  last_ = last;
  complete_ = std::move(complete);
}

void Turns::announce(const at::Tensor &sum) {
  std::lock_guard<std::mutex> hold(lock_);
  announced_.insert(sum.unsafeGetTensorImpl());
}

void Turns::put_aside(std::function<void()> addition) {
  std::lock_guard<std::mutex> hold(lock_);
  aside_[current_batch].push_back(std::move(addition));
}

void Turns::finish() {
  for (auto &[number, additions] : aside_)
    for (auto &addition : additions) addition();
  aside_.clear();
  next_.clear();
  ended_beyond_.clear();
  announced_.clear();
  complete_ = nullptr;
  ended_ = 0;
}

}  // namespace headway

ct_turns ct_turns_make(void) { return new ct_turns_s; }
void ct_turns_free(ct_turns turns) { delete turns; }
void ct_turns_begin(ct_turns turns, int64_t number) { turns->turns.begin(number); }
void ct_turns_end(ct_turns turns) { turns->turns.end(); }
int ct_turns_finish(ct_turns turns) {
  return headway::guarded("finish turns", {}, [&] {
    at::NoGradGuard none;
    turns->turns.finish();
  });
}
