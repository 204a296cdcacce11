// What the files share that send tensors between processes.
#pragma once

#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "boundary.hpp"
#include "include/process_groups.h"

struct ct_store_s {
  c10::intrusive_ptr<c10d::Store> store;
};

struct ct_group_s {
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group;
  int rank, ranks;
  /// Tags of messages: each exchange has its own.
  std::atomic<int> exchanges{0};
  std::atomic<int64_t> bytes_sent{0};
};

struct ct_exchange_s {
  std::vector<c10::intrusive_ptr<c10d::Work>> messages;
};

namespace headway {

/// Begins to receive the row of each other rank and to send it its part, or where there are no parts the row of this rank; with a receiver, that rank alone
/// receives. All stay as they are, but for the rows that are received, until the exchange has ended.
std::unique_ptr<ct_exchange_s> begin_exchange(
    ct_group_s &group, const std::optional<at::Tensor> &parts, const at::Tensor &rows, int receiver = -1);
void end_exchange(ct_exchange_s &exchange);

}  // namespace headway
