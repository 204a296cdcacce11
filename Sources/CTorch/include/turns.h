// The order in which batches that are computed side by side add to the sums of their gradients (ct_collect_gradient).
#ifndef HEADWAY_TURNS_H
#define HEADWAY_TURNS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_turns_s *ct_turns;

ct_turns ct_turns_make(void);
void ct_turns_free(ct_turns turns);

/// From here to `ct_turns_end` what the calling thread computes and walks back belongs to the batch `number`, counted from 0. To each sum it adds after
/// all batches with lower numbers, waiting for these where it must; so batches must be begun in their order.
void ct_turns_begin(ct_turns turns, int64_t number);
/// Ends the calling thread's batch, whether it was successful or not: later ones wait for it no more.
void ct_turns_end(ct_turns turns);
/// Adds what batches put aside, in their order, and begins to count anew. No batch may be under way.
int ct_turns_finish(ct_turns turns);

#ifdef __cplusplus
}
#endif
#endif
