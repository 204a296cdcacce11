// The boundary as programs are linked with it: each function loads libHeadwayTorch.so, which the rest of this folder becomes (Package.swift), and
// passes its arguments on. A function of ctorch.h without a line here is an undefined symbol for the linker; a line that differs does not compile.
// Elsewhere all of it is linked.
#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>

#include "ctorch.h"
#include "loading.h"
#include "process_groups.h"
#include "side_by_side.h"
#include "turns.h"

static loading_library torch = {
    .file = "libHeadwayTorch.so",
    .name = "libtorch",
    .remedy = HEADWAY_LIBRARY_REMEDY("torch==2.15.*"),
};

int ct_load(void) { return loading_load(&torch) ? 0 : 1; }
const char *ct_error(void) { return loading_error(&torch, "ct_error"); }
bool ct_is_loaded(void) { return torch.handle != NULL; }

// Needs no libtorch.
int ct_affinity_processors(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

#define LAZY(type, otherwise, name, parameters, arguments) LOADING_FUNCTION(torch, otherwise, type, name, parameters, arguments)
#define STATUS(name, parameters, arguments) LAZY(int, 1, name, parameters, arguments)

LAZY(const char *, "none", ct_libtorch_version, (void), ())
LAZY(const char *, "none", ct_vector_code, (void), ())
STATUS(ct_set_threads, (int threads), (threads))
STATUS(ct_get_threads, (void), ())
STATUS(ct_cuda_device_count, (int *count, bool *is_loaded), (count, is_loaded))
STATUS(ct_cuda_free_memory, (int device_index, int64_t *bytes), (device_index, bytes))
LAZY(bool, false, ct_mps_available, (void), ())
STATUS(ct_synchronize, (int device_type, int device_index), (device_type, device_index))
LAZY(void, (void)0, ct_keep_freed_memory, (void), ())
// The memory goes back to its owner.
LAZY(int, (release != NULL ? release(owner) : (void)0, 1), ct_from_mapped,
    (const void *data, int dtype, const int64_t *shape, int dimensions, void *owner, void (*release)(void *), ct_tensor *out),
    (data, dtype, shape, dimensions, owner, release, out))
STATUS(ct_from_bytes, (const void *data, int64_t bytes, int dtype, const int64_t *shape, int dimensions, ct_tensor *out),
    (data, bytes, dtype, shape, dimensions, out))
STATUS(ct_full, (double value, int dtype, const int64_t *shape, int dimensions, int device_type, int device_index, ct_tensor *out),
    (value, dtype, shape, dimensions, device_type, device_index, out))
LAZY(void, (void)0, ct_release, (ct_tensor tensor), (tensor))
STATUS(ct_dtype_of, (ct_tensor tensor), (tensor))
STATUS(ct_dimensions, (ct_tensor tensor), (tensor))
LAZY(void, (void)0, ct_shape, (ct_tensor tensor, int64_t *shape), (tensor, shape))
LAZY(void, (void)0, ct_device_of, (ct_tensor tensor, int *device_type, int *device_index), (tensor, device_type, device_index))
LAZY(bool, false, ct_is_mapped, (ct_tensor tensor), (tensor))
STATUS(ct_copy_out, (ct_tensor tensor, void *data, int64_t bytes), (tensor, data, bytes))
STATUS(ct_set_requires_gradient, (ct_tensor tensor, bool required), (tensor, required))
LAZY(bool, false, ct_requires_gradient, (ct_tensor tensor), (tensor))
LAZY(bool, false, ct_set_gradient_mode, (bool enabled), (enabled))
STATUS(ct_gradients,
    (const ct_tensor *outputs, const ct_tensor *seeds, int output_count, const ct_tensor *inputs, int input_count, ct_tensor *results),
    (outputs, seeds, output_count, inputs, input_count, results))
STATUS(ct_detach, (ct_tensor a, ct_tensor *out), (a, out))
STATUS(ct_collect_gradient, (ct_tensor leaf, ct_tensor total), (leaf, total))
STATUS(ct_backward, (const ct_tensor *outputs, const ct_tensor *seeds, int count), (outputs, seeds, count))
STATUS(ct_take_gradient, (ct_tensor leaf, ct_tensor *out), (leaf, out))
STATUS(ct_copy_into, (const ct_tensor *destinations, const ct_tensor *sources, int count), (destinations, sources, count))
STATUS(ct_write_rows, (ct_tensor destination, const int64_t *starts, ct_tensor source, const int64_t *bounds, int samples),
    (destination, starts, source, bounds, samples))
STATUS(ct_clone, (ct_tensor a, int dtype, ct_tensor *out), (a, dtype, out))
STATUS(ct_global_norm, (const ct_tensor *tensors, int count, double *norm), (tensors, count, norm))
STATUS(ct_adamw_step,
    (const ct_tensor *weights, const ct_tensor *gradients, const ct_tensor *first_moments, const ct_tensor *second_moments, const ct_tensor *copies,
     int count, ct_adamw_options options),
    (weights, gradients, first_moments, second_moments, copies, count, options))
STATUS(ct_count_different, (ct_tensor a, ct_tensor b, int64_t *count), (a, b, count))
STATUS(ct_reshape, (ct_tensor a, const int64_t *shape, int dimensions, ct_tensor *out), (a, shape, dimensions, out))
STATUS(ct_transpose, (ct_tensor a, int first, int second, ct_tensor *out), (a, first, second, out))
STATUS(ct_narrow, (ct_tensor a, int dimension, int64_t start, int64_t length, ct_tensor *out), (a, dimension, start, length, out))
STATUS(ct_index_select, (ct_tensor a, int dimension, ct_tensor indices, ct_tensor *out), (a, dimension, indices, out))
STATUS(ct_concatenate, (const ct_tensor *tensors, int count, int dimension, ct_tensor *out), (tensors, count, dimension, out))
STATUS(ct_contiguous, (ct_tensor a, ct_tensor *out), (a, out))
STATUS(ct_to_dtype, (ct_tensor a, int dtype, ct_tensor *out), (a, dtype, out))
STATUS(ct_to_device, (ct_tensor a, int device_type, int device_index, ct_tensor *out), (a, device_type, device_index, out))
STATUS(ct_add, (ct_tensor a, ct_tensor b, ct_tensor *out), (a, b, out))
STATUS(ct_subtract, (ct_tensor a, ct_tensor b, ct_tensor *out), (a, b, out))
STATUS(ct_multiply, (ct_tensor a, ct_tensor b, ct_tensor *out), (a, b, out))
STATUS(ct_divide, (ct_tensor a, ct_tensor b, ct_tensor *out), (a, b, out))
STATUS(ct_scale, (ct_tensor a, double factor, ct_tensor *out), (a, factor, out))
STATUS(ct_shift, (ct_tensor a, double term, ct_tensor *out), (a, term, out))
STATUS(ct_absolute, (ct_tensor a, ct_tensor *out), (a, out))
STATUS(ct_sum, (ct_tensor a, ct_tensor *out), (a, out))
STATUS(ct_sum_dimension, (ct_tensor a, int dimension, ct_tensor *out), (a, dimension, out))
STATUS(ct_segment_sum, (ct_tensor a, const int64_t *bounds, int segments, ct_tensor *out), (a, bounds, segments, out))
STATUS(ct_matmul, (ct_tensor a, ct_tensor b, ct_tensor *out), (a, b, out))
STATUS(ct_argmax, (ct_tensor a, int dimension, ct_tensor *out), (a, dimension, out))
STATUS(ct_log_softmax, (ct_tensor a, ct_tensor *out), (a, out))
STATUS(ct_soft_cap, (ct_tensor a, double cap, ct_tensor *out), (a, cap, out))
STATUS(ct_all_finite, (ct_tensor a, bool *finite), (a, finite))
STATUS(ct_lay_out, (ct_tensor weight), (weight))
LAZY(bool, false, ct_lays_out, (int dtype), (dtype))
STATUS(ct_linear, (ct_tensor x, const ct_tensor *weights, const ct_tensor *biases, int count, ct_tensor *out), (x, weights, biases, count, out))
STATUS(ct_add_low_rank, (ct_tensor y, ct_tensor x, ct_tensor down, ct_tensor up, double scale, ct_dropout dropout, ct_tensor *out),
    (y, x, down, up, scale, dropout, out))
STATUS(ct_embedding, (ct_tensor weight, ct_tensor indices, ct_tensor *out), (weight, indices, out))
STATUS(ct_rms_norm, (ct_tensor x, ct_tensor weight, double epsilon, double offset, ct_tensor *out), (x, weight, epsilon, offset, out))
STATUS(ct_add_rms_norm, (ct_tensor x, ct_tensor addend, ct_tensor weight, double epsilon, double offset, ct_tensor *sum, ct_tensor *normed),
    (x, addend, weight, epsilon, offset, sum, normed))
STATUS(ct_layer_norm, (ct_tensor x, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *out), (x, weight, bias, epsilon, out))
STATUS(ct_add_layer_norm, (ct_tensor x, ct_tensor addend, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *sum, ct_tensor *normed),
    (x, addend, weight, bias, epsilon, sum, normed))
STATUS(ct_activate, (ct_tensor x, int activation, ct_tensor *out), (x, activation, out))
STATUS(ct_gated_activation, (ct_tensor gate, ct_tensor up, int activation, ct_tensor *out), (gate, up, activation, out))
STATUS(ct_rotary, (ct_tensor x, ct_tensor cosine, ct_tensor sine, ct_tensor *out), (x, cosine, sine, out))
STATUS(ct_rotary_frequencies, (double base, int64_t dimension, ct_tensor *out), (base, dimension, out))
STATUS(ct_rotary_tables, (ct_tensor positions, ct_tensor frequencies, ct_tensor *cosine, ct_tensor *sine), (positions, frequencies, cosine, sine))
STATUS(ct_packed_attention, (ct_tensor queries, ct_tensor keys, ct_tensor values, ct_tensor gates, ct_attention_options options, ct_tensor *out),
    (queries, keys, values, gates, options, out))
STATUS(ct_linear_cross_entropy,
    (ct_tensor hidden, ct_tensor weight, ct_tensor bias, ct_tensor targets, ct_tensor label_weights, int64_t chunk, double softcap, ct_tensor *loss,
     ct_tensor *each),
    (hidden, weight, bias, targets, label_weights, chunk, softcap, loss, each))
STATUS(ct_qr, (ct_tensor a, bool with_q, ct_tensor *q, ct_tensor *r), (a, with_q, q, r))
STATUS(ct_svd, (ct_tensor a, ct_tensor *u, ct_tensor *s, ct_tensor *vh), (a, u, s, vh))
STATUS(ct_solve_positive_definite, (ct_tensor a, ct_tensor b, ct_tensor *solution, ct_tensor *least_pivots), (a, b, solution, least_pivots))
STATUS(ct_generator_make, (uint64_t seed, ct_generator *out), (seed, out))
LAZY(void, (void)0, ct_generator_release, (ct_generator generator), (generator))
STATUS(ct_uniform, (ct_generator generator, double low, double high, const int64_t *shape, int dimensions, ct_tensor *out),
    (generator, low, high, shape, dimensions, out))
STATUS(ct_normal, (ct_generator generator, double mean, double deviation, const int64_t *shape, int dimensions, ct_tensor *out),
    (generator, mean, deviation, shape, dimensions, out))
// The work is done on the one thread that there is.
LAZY(ct_turns, NULL, ct_turns_make, (void), ())
LAZY(void, (void)0, ct_turns_free, (ct_turns turns), (turns))
LAZY(void, (void)0, ct_turns_begin, (ct_turns turns, int64_t number), (turns, number))
LAZY(void, (void)0, ct_turns_end, (ct_turns turns), (turns))
STATUS(ct_turns_finish, (ct_turns turns), (turns))
STATUS(ct_store_open, (const char *host, int port, bool serves, const char *prefix, int64_t timeout_ms, ct_store *out),
    (host, port, serves, prefix, timeout_ms, out))
LAZY(void, (void)0, ct_store_close, (ct_store store), (store))
STATUS(ct_store_set, (ct_store store, const char *key, const void *bytes, int64_t count), (store, key, bytes, count))
STATUS(ct_store_get,
    (ct_store store, const char *key, int64_t timeout_ms, bool *is_there, void (*take)(const void *bytes, int64_t count, void *context), void *context),
    (store, key, timeout_ms, is_there, take, context))
STATUS(ct_store_has, (ct_store store, const char *key, bool *has), (store, key, has))
STATUS(ct_store_add, (ct_store store, const char *key, int64_t amount, int64_t *sum), (store, key, amount, sum))
STATUS(ct_store_delete, (ct_store store, const char *key), (store, key))
STATUS(ct_group_join,
    (ct_store store, int rank, int ranks, const char *address, const char *interface, int64_t timeout_ms, ct_group *out),
    (store, rank, ranks, address, interface, timeout_ms, out))
LAZY(void, (void)0, ct_group_leave, (ct_group group), (group))
STATUS(ct_group_all_gather, (ct_group group, ct_tensor tensor, ct_tensor out), (group, tensor, out))
STATUS(ct_group_exchange, (ct_group group, ct_tensor parts, ct_tensor received, ct_exchange *out), (group, parts, received, out))
STATUS(ct_group_share, (ct_group group, ct_tensor rows, int receiver, ct_exchange *out), (group, rows, receiver, out))
STATUS(ct_exchange_end, (ct_exchange exchange), (exchange))
LAZY(int64_t, 0, ct_group_bytes_sent, (ct_group group), (group))
STATUS(ct_buckets_make,
    (ct_group group, const ct_tensor *buckets, const ct_tensor *shares, int bucket_count, const ct_tensor *sums, const int32_t *bucket_of, int sum_count,
     ct_buckets *out),
    (group, buckets, shares, bucket_count, sums, bucket_of, sum_count, out))
LAZY(void, (void)0, ct_buckets_free, (ct_buckets buckets), (buckets))
STATUS(ct_buckets_begin, (ct_buckets buckets, ct_turns turns, int64_t last_batch), (buckets, turns, last_batch))
STATUS(ct_buckets_finish, (ct_buckets buckets), (buckets))
LAZY(void, body(0, context), ct_side_by_side, (int lanes, void (*body)(int lane, void *context), void *context), (lanes, body, context))
#else
#include "ctorch.h"

int ct_load(void) { return 0; }
bool ct_is_loaded(void) { return true; }
int ct_affinity_processors(void) { return 0; }
#endif
