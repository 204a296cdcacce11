// Groups of processes by c10d: a TCPStore for what is small, Gloo for tensors.
#include "process_groups.hpp"

#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/version.h>

#include <cstdlib>

using namespace headway;
using std::chrono::milliseconds;

namespace headway {

std::unique_ptr<ct_exchange_s> begin_exchange(ct_group_s &group, const std::optional<at::Tensor> &parts, const at::Tensor &rows, int receiver) {
  TORCH_CHECK(rows.dim() >= 1 && rows.size(0) == group.ranks && rows.is_contiguous(), "a row for each rank is needed, one after the other");
  TORCH_CHECK(!parts || (parts->sizes() == rows.sizes() && parts->is_contiguous()), "a part for each rank is needed, one after the other");
  auto begun = std::make_unique<ct_exchange_s>();
  int tag = group.exchanges++;
  // Each rank begins with the one behind it, so that none is sent to by all at once.
  for (int step = 1; step < group.ranks; step++) {
    int to = (group.rank + step) % group.ranks, from = (group.rank + group.ranks - step) % group.ranks;
    std::vector<at::Tensor> in{rows[from]}, out{parts ? (*parts)[to] : rows[group.rank]};
    if (receiver < 0 || receiver == group.rank) begun->messages.push_back(group.group->recv(in, from, tag));
    if (receiver >= 0 && receiver != to) continue;
    begun->messages.push_back(group.group->send(out, to, tag));
    group.bytes_sent += static_cast<int64_t>(out[0].nbytes());
  }
  return begun;
}

void end_exchange(ct_exchange_s &exchange) {
  // All are waited for, so that none still writes into memory that the caller lets go.
  std::exception_ptr failure;
  for (auto &message : exchange.messages) {
    try {
      message->wait();
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace headway

namespace {

const c10::intrusive_ptr<c10d::Store> &store_of(ct_store store) {
  TORCH_CHECK(store != nullptr, "a store is missing");
  return store->store;
}

ct_group_s &group_of(ct_group group) {
  TORCH_CHECK(group != nullptr, "a group is missing");
  return *group;
}

void all_gather(ct_group_s &group, const at::Tensor &tensor, const at::Tensor &out) {
  TORCH_CHECK(out.dim() == tensor.dim() + 1 && out.size(0) == group.ranks && out.sizes().slice(1) == tensor.sizes(), "room for every rank's is needed");
  std::vector<at::Tensor> own{tensor.contiguous()};
  std::vector<std::vector<at::Tensor>> all{out.unbind(0)};
  group.bytes_sent += static_cast<int64_t>(tensor.nbytes()) * (group.ranks - 1);
  group.group->allgather(all, own)->wait();
}

/// Gloo's headers are not part of PyTorch's wheel: known numbers go round before any that matter do.
void check(ct_group_s &group) {
  for (auto type : {at::kFloat, at::kBFloat16, at::kDouble}) {
    auto numbers = at::arange(group.ranks, at::kDouble);
    auto all = at::zeros({group.ranks, 3}, type);
    all_gather(group, at::full({3}, group.rank + 1, type), all);
    auto received = at::full({group.ranks, 2}, group.rank * group.ranks + group.rank, type);
    auto parts = at::stack({numbers + group.rank * group.ranks, numbers + group.rank * group.ranks}, 1).to(type);
    end_exchange(*begin_exchange(group, parts, received));
    auto wanted = (numbers * group.ranks + group.rank).to(type).to(at::kDouble);
    TORCH_CHECK(
        all.to(at::kDouble).eq((numbers + 1).unsqueeze(1).to(type).to(at::kDouble)).all().item<bool>() &&
            received.to(at::kDouble).eq(wanted.unsqueeze(1)).all().item<bool>(),
        "libtorch's Gloo does not exchange numbers as this program calls it; install the version of PyTorch that it was built for, ", TORCH_VERSION);
  }
  group.bytes_sent = 0;
}

}  // namespace

int ct_store_open(const char *host, int port, bool serves, const char *prefix, int64_t timeout_ms, ct_store *out) {
  return guarded("open the store of all ranks", {}, [&] {
    // c10d writes what it throws to standard error, too, with a stack of calls.
    if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) {
      FLAGS_caffe2_log_level = c10::GLOG_ERROR;
      c10::UpdateLoggingLevelsFromFlags();
    }
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(port);
    options.isServer = serves;
    // Who is missing is found by those who wait for it, which can say who it is.
    options.waitWorkers = false;
    options.timeout = milliseconds(timeout_ms);
    auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
    *out = new ct_store_s{c10::make_intrusive<c10d::PrefixStore>(prefix, std::move(store))};
  });
}

void ct_store_close(ct_store store) { delete store; }

int ct_store_set(ct_store store, const char *key, const void *bytes, int64_t count) {
  return guarded("store", {}, [&] {
    auto *from = static_cast<const uint8_t *>(bytes);
    store_of(store)->set(key, std::vector<uint8_t>(from, from + count));
  });
}

int ct_store_get(
    ct_store store, const char *key, int64_t timeout_ms, bool *is_there, void (*take)(const void *bytes, int64_t count, void *context), void *context) {
  return guarded("read the store", {}, [&] {
    *is_there = true;
    try {
      store_of(store)->wait({key}, milliseconds(timeout_ms));
    } catch (const c10::DistNetworkError &) {
      throw;
    } catch (const c10::DistStoreError &) {
      *is_there = false;
      return;
    }
    auto bytes = store_of(store)->get(key);
    take(bytes.data(), static_cast<int64_t>(bytes.size()), context);
  });
}

int ct_store_has(ct_store store, const char *key, bool *has) {
  return guarded("read the store", {}, [&] { *has = store_of(store)->check({key}); });
}

int ct_store_add(ct_store store, const char *key, int64_t amount, int64_t *sum) {
  return guarded("count in the store", {}, [&] { *sum = store_of(store)->add(key, amount); });
}

int ct_store_delete(ct_store store, const char *key) {
  return guarded("delete from the store", {}, [&] { store_of(store)->deleteKey(key); });
}

int ct_group_join(
    ct_store store, int rank, int ranks, const char *address, const char *interface, int64_t timeout_ms, ct_group *out) {
  return guarded("join the group of all ranks", {}, [&] {
    auto options = c10d::ProcessGroupGloo::Options::create(milliseconds(timeout_ms));
    options->devices.push_back(
        interface != nullptr ? c10d::ProcessGroupGloo::createDeviceForInterface(interface) : c10d::ProcessGroupGloo::createDeviceForHostname(address));
    auto joined = std::make_unique<ct_group_s>();
    joined->group = c10::make_intrusive<c10d::ProcessGroupGloo>(store_of(store), rank, ranks, options);
    joined->rank = rank;
    joined->ranks = ranks;
    check(*joined);
    *out = joined.release();
  });
}

void ct_group_leave(ct_group group) { delete group; }

int ct_group_all_gather(ct_group group, ct_tensor tensor, ct_tensor out) {
  return guarded("gather from all ranks", {tensor, out}, [&] { all_gather(group_of(group), get(tensor), get(out)); });
}

int ct_group_exchange(ct_group group, ct_tensor parts, ct_tensor received, ct_exchange *out) {
  return guarded("exchange between ranks", {parts, received}, [&] { *out = begin_exchange(group_of(group), get(parts), get(received)).release(); });
}

int ct_group_share(ct_group group, ct_tensor rows, int receiver, ct_exchange *out) {
  return guarded("share between ranks", {rows}, [&] { *out = begin_exchange(group_of(group), std::nullopt, get(rows), receiver).release(); });
}

int ct_exchange_end(ct_exchange exchange) {
  std::unique_ptr<ct_exchange_s> held(exchange);
  return guarded("exchange between ranks", {}, [&] {
    if (held) end_exchange(*held);
  });
}

int64_t ct_group_bytes_sent(ct_group group) { return group == nullptr ? 0 : group->bytes_sent.load(); }
