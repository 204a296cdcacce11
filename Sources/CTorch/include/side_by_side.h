// Independent work on libtorch's threads, one thread each. Apart from ctorch.h, since it knows nothing of tensors.
#ifndef HEADWAY_SIDE_BY_SIDE_H
#define HEADWAY_SIDE_BY_SIDE_H

#ifdef __cplusplus
extern "C" {
#endif

/// Calls `body(lane, context)` on `lanes` threads at once, or on as many as libtorch uses where those are fewer, and returns when all are done. Lanes count
/// from 0. What is computed on a lane uses no other thread. Within itself it is called once, on the calling thread.
void ct_side_by_side(int lanes, void (*body)(int lane, void *context), void *context);

#ifdef __cplusplus
}
#endif
#endif
