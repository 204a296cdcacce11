// Linear layers. libtorch multiplies operands of one type; here the weight may have another one, as float16 checkpoints have on a processor, which
// multiplies in bfloat16.
#include "differentiable.hpp"
#include "gradient_sink.hpp"
#include "kernels/parallel.hpp"
#include "kernels/row_kernels.hpp"
#include "laid_out_weight.hpp"
#include "linear.hpp"
#include "matrix_products.hpp"

using namespace headway;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

namespace {

/// Elements that are converted at a time: 16 MiB in bfloat16, which costs a few percent of the product with some hundred rows.
constexpr int64_t part_elements = int64_t(1) << 23;

/// Converts parts of a weight into one buffer that is used again. A buffer is kept for each thread: made and freed between the activations that a pass
/// keeps, it would leave holes among them that nothing else fits into (OPT-6.7B took twice the memory).
struct Converter {
  explicit Converter(at::ScalarType type) : type(type) {}

  /// The part in the other type; valid until the thread's next conversion.
  at::Tensor operator()(const at::Tensor &part) const {
    thread_local at::Tensor wide, narrow;
    // libtorch converts to and from float32 with vector code, and between the two halves of its width one number at a time: four times slower.
    auto halves = part.scalar_type() == at::kHalf && type == at::kBFloat16;
    return copied(halves ? copied(part, wide, at::kFloat) : part, narrow, type);
  }

 private:
  at::ScalarType type;

  static at::Tensor copied(const at::Tensor &from, at::Tensor &buffer, at::ScalarType type) {
    if (!buffer.defined() || buffer.scalar_type() != type || buffer.device() != from.device() || buffer.numel() < from.numel())
      buffer = at::empty({std::max(part_elements, from.numel())}, from.options().dtype(type));
    auto to = buffer.narrow(0, 0, from.numel()).view(from.sizes());
    to.copy_(from);
    return to;
  }
};

/// The most rows of x that go through a weight together: with more, products of matrices are as fast or faster (docs/Performance.md).
template <class T>
int64_t product_tokens() {
  // Of bfloat16 these are the processor's own products where it has matrix units.
  return sizeof(T) == sizeof(bf16) && multiplies_bfloat16() ? 4 : row_kernels<T>().product_tokens;
}

/// Whether a product has so few rows, as text that is being written has, that reading the weight is most of its work (measured: docs/Performance.md). No
/// graph remembers such products.
bool by_rows(const at::Tensor &x, const at::Tensor &weight) {
  if (at::GradMode::is_enabled() || !x.is_cpu() || !weight.is_cpu() || x.dim() != 2 || weight.dim() != 2) return false;
  if (x.scalar_type() != weight.scalar_type() || x.size(1) != weight.size(1) || !weight.is_contiguous()) return false;
  if (x.scalar_type() == at::kFloat) return x.size(0) <= product_tokens<float>();
  if (x.scalar_type() == at::kBFloat16) return x.size(0) <= product_tokens<bf16>();
  return false;
}

/// One of the weights that a product of few rows goes through, and where its results go.
template <class T>
struct RowProduct {
  const T *weight, *bias;
  T *to;
  int64_t rows;
};

/// Rows of one of them that a thread takes at a time.
struct RowPart {
  size_t product;
  int64_t row, rows;
};

/// The bytes of such a part. Threads take one after the other, so that those that are held up by other programs take fewer; long parts are read faster, and
/// short ones at the end leave less to wait for.
constexpr int64_t least_part = int64_t(1) << 16, most_part = int64_t(1) << 19;

/// x by several weights, which threads read as if they were one, so that they meet once.
template <class T>
std::vector<at::Tensor> products_by_rows(
    const at::Tensor &input, const std::vector<at::Tensor> &weights, const std::vector<std::optional<at::Tensor>> &biases) {
  auto x = input.contiguous();
  int64_t tokens = x.size(0), n = x.size(1);
  std::vector<at::Tensor> added, results;
  std::vector<RowProduct<T>> products;
  std::vector<RowPart> parts;
  int64_t left = 0, threads = at::get_num_threads(), row_bytes = std::max<int64_t>(1, n * static_cast<int64_t>(sizeof(T)));
  for (auto &weight : weights) left += weight.size(0);
  for (size_t i = 0; i < weights.size(); i++) {
    int64_t rows = weights[i].size(0);
    added.push_back(biases[i] ? biases[i]->to(x.scalar_type()).contiguous() : at::Tensor());
    TORCH_CHECK(!biases[i] || (added[i].dim() == 1 && added[i].size(0) == rows), "the bias needs ", rows, " numbers");
    results.push_back(at::empty({tokens, rows}, x.options()));
    products.push_back(
        {static_cast<const T *>(weights[i].const_data_ptr()), biases[i] ? static_cast<const T *>(added[i].const_data_ptr()) : nullptr,
         static_cast<T *>(results[i].mutable_data_ptr()), rows});
    for (int64_t row = 0, count; row < rows; row += count, left -= count) {
      int64_t bytes = std::clamp(left * row_bytes / (2 * threads), least_part, most_part);
      count = std::min(rows - row, std::max<int64_t>(4, bytes / row_bytes / 4 * 4));
      parts.push_back({i, row, count});
    }
  }
  auto *from = static_cast<const T *>(x.const_data_ptr());
  auto &kernels = row_kernels<T>();
  // Made here, since nothing in the loops may throw. To a whole cache line: loads of vectors that cross one take twice as long.
  constexpr int64_t line = 16;
  auto numbers = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(tokens * n + line));
  auto *wide = numbers.get() + (-reinterpret_cast<uintptr_t>(numbers.get()) % 64) / sizeof(float);
  auto rooms = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(product_room * threads));
  kernels.spread(from, wide, tokens, n);
  parallel_items(static_cast<int64_t>(parts.size()), [&](int64_t item, int thread) {
    auto [index, row, height] = parts[static_cast<size_t>(item)];
    auto &product = products[index];
    kernels.products(
        wide, product.weight + row * n, product.bias == nullptr ? nullptr : product.bias + row, product.to + row,
        rooms.get() + thread * product_room, tokens, height, n, product.rows);
  });
  return results;
}

/// Linear layers whose products are not libtorch's, or whose weight has another type. The gradient by a weight whose sum is kept elsewhere
/// (`GradientSink`) is added to it at once, without a rounding in between.
struct Linear : Function<Linear> {
  static at::Tensor forward(
      AutogradContext *context, const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias, bool by_weight,
      const std::optional<at::Tensor> &total) {
    auto y = linear_product(x, weight, bias);
    // The input is kept only for the gradient by the weight, which frozen weights do not have.
    context->save_for_backward({weight, by_weight ? x : at::Tensor()});
    if (total) context->saved_data["total"] = *total;
    if (bias) context->saved_data["bias type"] = bias->scalar_type();
    return y;
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto &weight = saved[0], &x = saved[1];
    auto gradient = gradients[0].contiguous();
    variable_list result(5);
    if (context->needs_input_grad(0)) result[0] = product_with(gradient, weight);
    auto total = context->saved_data.find("total");
    if (x.defined() && total != context->saved_data.end()) {
      Turn turn(total->second.toTensor());
      add_matrix_product(gradient.t(), x, total->second.toTensor());
    } else if (x.defined()) {
      result[1] = matrix_product(gradient.t(), x).to(weight.scalar_type());
    }
    auto bias_type = context->saved_data.find("bias type");
    if (bias_type != context->saved_data.end() && context->needs_input_grad(2)) result[2] = gradient.sum(0).to(bias_type->second.toScalarType());
    return result;
  }
};

}  // namespace

namespace headway {

at::Tensor linear_product(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
  if (x.scalar_type() == weight.scalar_type())
    return has_own_product(x, weight.t()) ? matrix_product(x, weight.t(), bias) : at::linear(x, weight, bias);
  auto result = at::empty({x.size(0), weight.size(0)}, x.options());
  auto added = bias ? bias->to(x.scalar_type()) : at::Tensor();
  int64_t step = std::max<int64_t>(1, part_elements / std::max<int64_t>(1, weight.size(1)));
  Converter converted(x.scalar_type());
  for (int64_t row = 0; row < weight.size(0); row += step) {
    int64_t rows = std::min(step, weight.size(0) - row);
    auto to = result.narrow(1, row, rows);
    auto part = converted(weight.narrow(0, row, rows)).t();
    matrix_product_into(to, x, part, bias ? std::optional(added.narrow(0, row, rows)) : std::nullopt);
  }
  return result;
}

// In parts of columns: parts of rows would have to be summed up in the narrow type.
at::Tensor product_with(const at::Tensor &gradient, const at::Tensor &weight) {
  if (gradient.scalar_type() == weight.scalar_type()) return matrix_product(gradient, weight, std::nullopt, laid_out(weight));
  auto result = at::empty({gradient.size(0), weight.size(1)}, gradient.options());
  int64_t step = std::max<int64_t>(1, part_elements / std::max<int64_t>(1, weight.size(0)));
  Converter converted(gradient.scalar_type());
  for (int64_t column = 0; column < weight.size(1); column += step) {
    int64_t columns = std::min(step, weight.size(1) - column);
    auto to = result.narrow(1, column, columns);
    matrix_product_into(to, gradient, converted(weight.narrow(1, column, columns)));
  }
  return result;
}

}  // namespace headway

namespace {

at::Tensor linear_layer(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
  TORCH_CHECK(x.dim() > 0 && weight.dim() == 2 && x.size(-1) == weight.size(1), "[…, in] and a weight [out, in] are needed");
  TORCH_CHECK(x.is_floating_point() && weight.is_floating_point(), "floating-point numbers are needed");
  auto lengths = x.sizes().vec();
  lengths.back() = weight.size(0);
  auto rows = x.reshape({-1, x.size(-1)});
  if (rows.scalar_type() == weight.scalar_type() && !has_own_product(rows, weight.t())) return at::linear(x, weight, bias);
  bool recording = at::GradMode::is_enabled();
  return applied<Linear>(rows, weight, bias, recording && weight.requires_grad(), recording ? sink_of(weight) : std::nullopt).view(lengths);
}

}  // namespace

int ct_linear(ct_tensor x, const ct_tensor *weights, const ct_tensor *biases, int count, ct_tensor *out) {
  return guarded("linear", {x, count > 0 ? weights[0] : nullptr, count > 0 ? biases[0] : nullptr}, [&] {
    auto &input = get(x);
    std::vector<at::Tensor> layers, results;
    std::vector<std::optional<at::Tensor>> added;
    for (int i = 0; i < count; i++) {
      layers.push_back(get(weights[i]));
      added.push_back(get_optional(biases[i]));
    }
    if (!layers.empty() && std::all_of(layers.begin(), layers.end(), [&](auto &weight) { return by_rows(input, weight); })) {
      results = input.scalar_type() == at::kFloat ? products_by_rows<float>(input, layers, added) : products_by_rows<bf16>(input, layers, added);
    } else {
      for (size_t i = 0; i < layers.size(); i++) results.push_back(linear_layer(input, layers[i], added[i]));
    }
    for (int i = 0; i < count; i++) out[i] = wrap(results[static_cast<size_t>(i)]);
  });
}
