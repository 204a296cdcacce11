// Independent pieces of work on libtorch's threads, one thread each. Apart from ctorch.h, since it knows nothing of tensors.
#ifndef HEADWAY_SIDE_BY_SIDE_H
#define HEADWAY_SIDE_BY_SIDE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Calls `body(item, lane, context)` for every item from 0 to below `count`, on as many threads as libtorch uses, each item on one of them: what it
/// computes uses no other thread. Lanes count from 0; no two calls of one lane overlap. Within itself it goes from item to item on one thread.
void ct_side_by_side(int64_t count, void (*body)(int64_t item, int lane, void *context), void *context);

#ifdef __cplusplus
}
#endif
#endif
