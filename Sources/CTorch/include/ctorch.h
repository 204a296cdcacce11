// The C boundary to libtorch: only what Headway uses, written by hand. Work side by side, turns at sums of gradients and groups of processes have headers
// of their own (side_by_side.h, turns.h, process_groups.h).
//
// Every function that can fail returns 0 for success and 1 for failure; `ct_error` then tells what went wrong, with the
// operation's name and the shapes of its tensors. Nothing of C++ crosses this header. Tensors are opaque; whoever
// receives one through an `out` parameter releases it with `ct_release`. Shapes in comments: T tokens, H query heads,
// K key/value heads, D values per head, B samples, M labels, V vocabulary.
//
// On Linux the functions are in a shared library that the first call loads (loader.c, where each has its line). Where it cannot be loaded they fail as
// any operation does; what cannot fail then gives something without meaning.
#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor_s *ct_tensor;
typedef struct ct_generator_s *ct_generator;

/// Element types, in the order of `ElementType` in Swift.
enum ct_dtype {
  CT_FLOAT32 = 0,
  CT_FLOAT16 = 1,
  CT_BFLOAT16 = 2,
  CT_FLOAT64 = 3,
  CT_INT64 = 4,
  CT_INT32 = 5,
  CT_UINT8 = 6,
  CT_BOOL = 7,
  CT_INT8 = 8,
  CT_INT16 = 9
};

enum ct_device_type { CT_CPU = 0, CT_CUDA = 1, CT_MPS = 2 };

/// Loads what every other function needs, where that has not been done.
int ct_load(void);
bool ct_is_loaded(void);
/// The text of this thread's last failure; valid until the next failing call on the thread.
const char *ct_error(void);
/// The version of libtorch that this program was compiled against.
const char *ct_libtorch_version(void);
/// What vector code the fused kernels run with on this processor: "avx512", "avx2" or "portable".
const char *ct_vector_code(void);

// Devices and threads.
int ct_set_threads(int threads);
int ct_get_threads(void);
/// Processors in this process's affinity mask; 0 where the system has none.
int ct_affinity_processors(void);
/// Loads libtorch's CUDA library on first use; `*count` is the number of CUDA devices that answer. Fails where there is no such library;
/// `*is_loaded` is true where there is one and only asking it failed.
int ct_cuda_device_count(int *count, bool *is_loaded);
/// Bytes of a CUDA device's memory that nobody has taken.
int ct_cuda_free_memory(int device_index, int64_t *bytes);
bool ct_mps_available(void);
int ct_synchronize(int device_type, int device_index);
/// From now on freed memory stays with the process, and large tensors lie on huge pages: training asks for the same sizes again and again, and
/// otherwise the kernel would clear fresh pages each time. To be called before the first tensor is made; nothing where the C library has no such setting.
void ct_keep_freed_memory(void);

// Creation.
/// A tensor over memory that stays where it is (a mapped file). `release(owner)` is called when the last view is gone.
/// Such memory is read-only: operations that would write to it fail instead of crashing.
int ct_from_mapped(const void *data, int dtype, const int64_t *shape, int dimensions, void *owner, void (*release)(void *), ct_tensor *out);
/// Copies `bytes` bytes, which must be exactly those of the shape.
int ct_from_bytes(const void *data, int64_t bytes, int dtype, const int64_t *shape, int dimensions, ct_tensor *out);
int ct_full(double value, int dtype, const int64_t *shape, int dimensions, int device_type, int device_index, ct_tensor *out);
void ct_release(ct_tensor tensor);

// Properties.
int ct_dtype_of(ct_tensor tensor);
int ct_dimensions(ct_tensor tensor);
void ct_shape(ct_tensor tensor, int64_t *shape);
void ct_device_of(ct_tensor tensor, int *device_type, int *device_index);
bool ct_is_mapped(ct_tensor tensor);
/// Copies the elements, in row-major order, to `data` of exactly `bytes` bytes.
int ct_copy_out(ct_tensor tensor, void *data, int64_t bytes);

// Gradients.
int ct_set_requires_gradient(ct_tensor tensor, bool required);
bool ct_requires_gradient(ct_tensor tensor);
/// Gradient recording of this thread: returns what it was.
bool ct_set_gradient_mode(bool enabled);
/// Gradients of `outputs` (each weighted by `seeds[i]`, or a scalar where `seeds` is null) by `inputs`; `results[i]` is
/// null where an input had no part in the outputs. Frees the graph.
int ct_gradients(const ct_tensor *outputs, const ct_tensor *seeds, int output_count, const ct_tensor *inputs, int input_count, ct_tensor *results);
int ct_detach(ct_tensor a, ct_tensor *out);

// Training. What is written in place here must not be needed by a graph that is still to be walked back, and is never mapped memory.
/// From now on the gradient of `leaf` is added to `total` (its shape, a type at least as wide) as soon as `ct_backward` finds it, and not kept.
/// The vocabulary projection of `ct_linear_cross_entropy` adds its own while it forms the loss, whose weight in the backward pass must be 1.
int ct_collect_gradient(ct_tensor leaf, ct_tensor total);
/// Walks back from `outputs` (each weighted by `seeds[i]`, or a scalar where `seeds` is null) to every leaf. Frees the graph.
int ct_backward(const ct_tensor *outputs, const ct_tensor *seeds, int count);
/// Takes away what `ct_backward` left with a leaf that has no `total`; null where there was nothing.
int ct_take_gradient(ct_tensor leaf, ct_tensor *out);
/// Writes each source over its destination, converted.
int ct_copy_into(const ct_tensor *destinations, const ct_tensor *sources, int count);
/// Writes the rows of `source` from bounds b_0 … b_B over those of `destination` that begin at `starts[i]`; for what no graph remembers.
int ct_write_rows(ct_tensor destination, const int64_t *starts, ct_tensor source, const int64_t *bounds, int samples);
/// A copy in memory of its own, row-major, cut off from any graph.
int ct_clone(ct_tensor a, int dtype, ct_tensor *out);
/// √Σx² over all elements of all tensors, summed up in double precision.
int ct_global_norm(const ct_tensor *tensors, int count, double *norm);
typedef struct {
  /// Updates done when this one is done, from 1.
  int64_t step;
  double learning_rate, beta1, beta2, epsilon, weight_decay;
  /// Gradients are divided by this first: the norm over its limit where it was clipped, else 1.
  double gradient_divisor;
} ct_adamw_options;
/// One update of AdamW; all lists hold `count` float32 tensors of equal shapes. Gradients are left at zero, and `copies`, of whatever type, get the new
/// weights; where `copies` is null there are none. On a processor this is one pass over memory, elsewhere libtorch's fused kernel and two more.
int ct_adamw_step(
    const ct_tensor *weights, const ct_tensor *gradients, const ct_tensor *first_moments, const ct_tensor *second_moments,
    const ct_tensor *copies, int count, ct_adamw_options options);
/// How many elements differ.
int ct_count_different(ct_tensor a, ct_tensor b, int64_t *count);

// Shape.
int ct_reshape(ct_tensor a, const int64_t *shape, int dimensions, ct_tensor *out);
int ct_transpose(ct_tensor a, int first, int second, ct_tensor *out);
int ct_narrow(ct_tensor a, int dimension, int64_t start, int64_t length, ct_tensor *out);
int ct_index_select(ct_tensor a, int dimension, ct_tensor indices, ct_tensor *out);
int ct_concatenate(const ct_tensor *tensors, int count, int dimension, ct_tensor *out);
int ct_contiguous(ct_tensor a, ct_tensor *out);
int ct_to_dtype(ct_tensor a, int dtype, ct_tensor *out);
int ct_to_device(ct_tensor a, int device_type, int device_index, ct_tensor *out);

// Arithmetic.
int ct_add(ct_tensor a, ct_tensor b, ct_tensor *out);
int ct_subtract(ct_tensor a, ct_tensor b, ct_tensor *out);
int ct_multiply(ct_tensor a, ct_tensor b, ct_tensor *out);
int ct_divide(ct_tensor a, ct_tensor b, ct_tensor *out);
int ct_scale(ct_tensor a, double factor, ct_tensor *out);
int ct_shift(ct_tensor a, double term, ct_tensor *out);
int ct_absolute(ct_tensor a, ct_tensor *out);
int ct_sum(ct_tensor a, ct_tensor *out);
int ct_sum_dimension(ct_tensor a, int dimension, ct_tensor *out);
/// Sum over the rows of each segment: a [T, …] and bounds b_0 … b_B give [B, …], in float32 or wider.
int ct_segment_sum(ct_tensor a, const int64_t *bounds, int segments, ct_tensor *out);
int ct_matmul(ct_tensor a, ct_tensor b, ct_tensor *out);
int ct_argmax(ct_tensor a, int dimension, ct_tensor *out);
int ct_log_softmax(ct_tensor a, ct_tensor *out);
/// cap · tanh(a / cap).
int ct_soft_cap(ct_tensor a, double cap, ct_tensor *out);
int ct_all_finite(ct_tensor a, bool *finite);

// Parts of a decoder.
/// x [T, in] by each weight [out, in] (and its bias [out] or null) gives a [T, out] each in x's type; a weight of another type is converted a part at a time.
int ct_linear(ct_tensor x, const ct_tensor *weights, const ct_tensor *biases, int count, ct_tensor *out);
/// Lays a weight [out, in] out, once, for the products of gradients with it that follow: as many bytes as it has. They hang on the tensor, and products are
/// the same with them and without; a weight that is changed later is read itself.
int ct_lay_out(ct_tensor weight);
/// Whether that is of any use for weights of a type on this processor.
bool ct_lays_out(int dtype);
/// Which elements are left out: each with probability `rate`, the others grow by 1 / (1 − rate). Key and position are those of a counter-based
/// generator (Philox): the same two leave out the same elements again, at any number of threads.
typedef struct {
  double rate;
  uint64_t key, position;
} ct_dropout;
/// y [T, out] + scale · dropout(x) [T, in] · downᵀ · upᵀ in y's type, with down [r, in] and up [out, r]; computed in float32, or float64 where an
/// operand is, and rounded once.
int ct_add_low_rank(ct_tensor y, ct_tensor x, ct_tensor down, ct_tensor up, double scale, ct_dropout dropout, ct_tensor *out);
int ct_embedding(ct_tensor weight, ct_tensor indices, ct_tensor *out);
/// x / sqrt(mean(x²) + epsilon) · (weight + offset) over the last dimension; offset is 1 for Gemma.
int ct_rms_norm(ct_tensor x, ct_tensor weight, double epsilon, double offset, ct_tensor *out);
/// The residual stream and its normalisation in one pass: sum = x + addend, normed = rms_norm(sum).
int ct_add_rms_norm(ct_tensor x, ct_tensor addend, ct_tensor weight, double epsilon, double offset, ct_tensor *sum, ct_tensor *normed);
/// (x − mean(x)) / sqrt(variance(x) + epsilon) · weight + bias over the last dimension; weight and bias may be null.
int ct_layer_norm(ct_tensor x, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *out);
/// sum = x + addend, normed = layer_norm(sum), in one pass.
int ct_add_layer_norm(ct_tensor x, ct_tensor addend, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *sum, ct_tensor *normed);

enum ct_activation { CT_SILU = 0, CT_GELU = 1, CT_GELU_TANH = 2, CT_RELU = 3 };
int ct_activate(ct_tensor x, int activation, ct_tensor *out);
/// activation(gate) · up.
int ct_gated_activation(ct_tensor gate, ct_tensor up, int activation, ct_tensor *out);
/// Rotates the halves of each head: x [T, heads, D], cosine and sine [T, D/2] float32.
int ct_rotary(ct_tensor x, ct_tensor cosine, ct_tensor sine, ct_tensor *out);

/// The unscaled rotation per place of each pair of a head's values: 1 / base^(2i / dimension), `[dimension / 2]` float32.
int ct_rotary_frequencies(double base, int64_t dimension, ct_tensor *out);
/// Cosines and sines `[T, D/2]` float32 of places [T] times frequencies `[D/2]` or `[T, D/2]`.
int ct_rotary_tables(ct_tensor positions, ct_tensor frequencies, ct_tensor *cosine, ct_tensor *sine);

/// What `ct_packed_attention` is asked for.
typedef struct {
  /// B + 1 bounds of the samples in the queries, and where each sample's keys begin and how many there are: with gradients end to end, otherwise
  /// anywhere. A query sees its own sample's keys only; queries are the last ones of their sample's keys.
  const int64_t *query_bounds;
  const int64_t *key_starts;
  const int64_t *key_counts;
  int samples;
  double scale;
  /// Keys that a query sees at most, itself included; 0: all before it.
  int64_t window;
  /// Also accumulate Σ_k |Γ ⊙ ∂L/∂Γ| for each query and head in the backward pass, into `saliency` [T, H] float32.
  ct_tensor saliency;
  /// For each sample the earlier one that it continues, -1 for none: the keys of that one, and of all that this one continues, stand in front of its
  /// own. Null where no sample continues another. Only without gradients.
  const int64_t *parents;
  /// Logits x become softcap · tanh(x / softcap); 0 where they stay as they are.
  double softcap;
} ct_attention_options;
/// Causal attention of packed samples with a gate on every head's output.
/// queries [T, H, D], keys and values [S, K, D], gates [T, H] float32 or null; gives [T, H·D]. The gradient by the gates is
/// Σ_d ∂L/∂(gated output) ⊙ output, accumulated in float32 (float64 in float64).
int ct_packed_attention(ct_tensor queries, ct_tensor keys, ct_tensor values, ct_tensor gates, ct_attention_options options, ct_tensor *out);

/// Σ_i weights_i · cross-entropy(hidden_i · weightᵀ + bias, targets_i), a scalar in float32, and each label's own cross-entropy [M].
/// The logits of at most `chunk` labels exist at a time; the gradient is formed in the same pass. Logits are capped as by `ct_soft_cap` where `softcap`
/// is not 0.
int ct_linear_cross_entropy(
    ct_tensor hidden, ct_tensor weight, ct_tensor bias, ct_tensor targets, ct_tensor label_weights, int64_t chunk, double softcap,
    ct_tensor *loss, ct_tensor *each);

// Linear algebra, batched over leading dimensions.
/// a [..., n, k] = q r with r [..., min(n, k), k] upper triangular; `*q` [..., n, min(n, k)] is null where it is not asked for.
int ct_qr(ct_tensor a, bool with_q, ct_tensor *q, ct_tensor *r);
/// a [..., n, k] = u diag(s) vh with m = min(n, k): u [..., n, m], s [..., m] falling, vh [..., m, k].
int ct_svd(ct_tensor a, ct_tensor *u, ct_tensor *s, ct_tensor *vh);
/// Solves a x = b for symmetric a [..., k, k] and b [..., k, m] by Cholesky's factors; `*least_pivots` [...] is 0 where a is not positive definite,
/// and x means nothing there.
int ct_solve_positive_definite(ct_tensor a, ct_tensor b, ct_tensor *solution, ct_tensor *least_pivots);

// Random numbers.
/// A generator that starts from all 64 bits of its seed.
int ct_generator_make(uint64_t seed, ct_generator *out);
void ct_generator_release(ct_generator generator);
int ct_uniform(ct_generator generator, double low, double high, const int64_t *shape, int dimensions, ct_tensor *out);
int ct_normal(ct_generator generator, double mean, double deviation, const int64_t *shape, int dimensions, ct_tensor *out);

#ifdef __cplusplus
}
#endif
#endif
