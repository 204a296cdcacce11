// Processes that work together: a store that all of them read and write, and messages between them, by PyTorch's c10d (TCPStore, Gloo).
#ifndef HEADWAY_PROCESS_GROUPS_H
#define HEADWAY_PROCESS_GROUPS_H

#include "ctorch.h"
#include "turns.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_store_s *ct_store;
typedef struct ct_group_s *ct_group;
typedef struct ct_exchange_s *ct_exchange;

/// Connects to the store at a host and port, and serves it there first where `serves` is set. Keys of this connection begin with `prefix`. One thread at a
/// time uses a connection.
int ct_store_open(const char *host, int port, bool serves, const char *prefix, int64_t timeout_ms, ct_store *out);
void ct_store_close(ct_store store);
int ct_store_set(ct_store store, const char *key, const void *bytes, int64_t count);
/// Waits for a key and hands over what it holds; after `timeout_ms` without one `is_there` is false.
int ct_store_get(
    ct_store store, const char *key, int64_t timeout_ms, bool *is_there, void (*take)(const void *bytes, int64_t count, void *context), void *context);
int ct_store_has(ct_store store, const char *key, bool *has);
/// Adds to a number, which begins at 0.
int ct_store_add(ct_store store, const char *key, int64_t amount, int64_t *sum);
int ct_store_delete(ct_store store, const char *key);

/// Joins a group of `ranks` processes as one of them. All join at about the same time; their messages go from and to the network interface that has
/// `address`, or the one named `interface` where that is not NULL.
int ct_group_join(
    ct_store store, int rank, int ranks, const char *address, const char *interface, int64_t timeout_ms, ct_group *out);
void ct_group_leave(ct_group group);
/// Every rank's tensor of one shape and type, in the order of the ranks: out[r] = tensor of rank r, out [ranks, …]. Returns when all is there.
int ct_group_all_gather(ct_group group, ct_tensor tensor, ct_tensor out);
/// Begins to send part[j] to each other rank j and to receive into received[j] what rank j sends this one; parts [ranks, n], received likewise. The row of
/// this rank is left alone. Exchanges are begun in one order on all ranks; the tensors stay as they are until it has ended.
int ct_group_exchange(ct_group group, ct_tensor parts, ct_tensor received, ct_exchange *out);
/// Begins to send the row of this rank, rows [ranks, n], to all others and to receive theirs, or to send it to one `receiver` alone where that is not −1;
/// likewise.
int ct_group_share(ct_group group, ct_tensor rows, int receiver, ct_exchange *out);
/// Waits for the end of an exchange and forgets it, whether it was successful or not.
int ct_exchange_end(ct_exchange exchange);
/// What this process has sent to others since it joined, in bytes of tensors.
int64_t ct_group_bytes_sent(ct_group group);

typedef struct ct_buckets_s *ct_buckets;

/// Sums of gradients that lie in buckets, which ranks reduce and scatter as they become known. Bucket b is buckets[b], float32 [ranks, n]; each sum is a view
/// of one of them, that with the number bucket_of[s]. The sum over all ranks of the row of this rank goes to shares[b], [n].
int ct_buckets_make(
    ct_group group, const ct_tensor *buckets, const ct_tensor *shares, int bucket_count, const ct_tensor *sums, const int32_t *bucket_of, int sum_count,
    ct_buckets *out);
void ct_buckets_free(ct_buckets buckets);
/// Has turns say which sums are complete: those that the batch with the number `last_batch`, behind which none comes, has added to. A bucket is sent when
/// all of its sums are and those before it were sent.
int ct_buckets_begin(ct_buckets buckets, ct_turns turns, int64_t last_batch);
/// Sends what is left, waits for the other ranks, adds up the shares in the order of the ranks and sets the buckets to zero.
int ct_buckets_finish(ct_buckets buckets);

#ifdef __cplusplus
}
#endif
#endif
