// Causal attention over packed samples on processors, forward and backward (attention_kernels.inc), compiled once for each kind of processor.
//
// One call computes some neighbouring tokens of one sample for the query heads of one key/value head. Queries, keys and values are read where they
// lie, and no more than a tile of weights exists at a time.
#pragma once

#include <cstdint>

#include "row_kernels.hpp"

namespace headway {

/// Queries, and keys, of which the way back takes so many at a time: a multiple of every processor's tile of keys.
constexpr int64_t backward_tokens = 576;

/// Rows of keys and values that lie end to end.
struct KeyStretch {
  int64_t start, count;
};

/// What both directions know of a piece of work. `T` is float or bf16; everything is computed in float32.
template <class T>
struct AttentionPiece {
  const T *queries;  // the first head of the group at the piece's first token; heads lie end to end
  const T *keys;     // the head at row 0 of all keys
  const T *values;   // the head at row 0 of all values
  const KeyStretch *stretches;  // where the sample's keys lie, in their order
  int64_t tokens;    // queries of each head
  int64_t position;  // the first query's place among the keys: it sees those up to its own
  int64_t first_key, end_key;  // the places of the keys that are looked at
  int64_t groups, width;  // query heads, and numbers of a head
  int64_t query_stride, key_stride;  // from token to token
  int64_t window;    // how many keys a query sees at most; 0 for all
  float scale;
  float softcap;     // logits x become softcap · tanh(x / softcap); 0 where they stay as they are
};

template <class T>
struct AttentionForward {
  AttentionPiece<T> piece;
  T *output;          // laid out as the queries are
  float *sums;        // the log-sum-exp of each head's queries end to end
  int64_t sum_stride; // from head to head
};

template <class T>
struct AttentionBackward {
  AttentionPiece<T> piece;
  const T *gradient;        // by the output, laid out as the queries are
  const float *sums;        // as the forward kernel left them
  int64_t sum_stride;
  const float *row_terms;   // Σ gradient · output of each token and head
  int64_t row_stride;       // from token to token
  bool begins;              // whether by_queries and the saliency hold nothing yet, to which the piece is added otherwise
  float *by_queries;        // laid out as queries and keys are, or null: nothing but the saliency is wanted
  float *by_keys, *by_values;  // are added to
  float *saliency;          // Σ |weight · gradient by the weight| of each token and head; may be null
};

template <class T>
struct AttentionKernels {
  /// Numbers of room that a piece of either direction needs.
  int64_t (*room)(int64_t tokens, int64_t groups, int64_t width);
  void (*forward)(const AttentionForward<T> &work, float *room);
  void (*backward)(const AttentionBackward<T> &work, float *room);
};

template <class T>
const AttentionKernels<T> &attention_kernels();

}  // namespace headway
