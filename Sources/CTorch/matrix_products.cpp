// The work of a product is cut into parts of rows and columns, which threads take one by one. Since an element's sum has one order, how it is cut
// changes no bit.
#include "matrix_products.hpp"

#include "gradient_sink.hpp"
#include "kernels/matrix_kernels.hpp"
#include "kernels/parallel.hpp"

namespace headway {

namespace {

/// The most rows of a part: a batch of patterns, so that one thread lays columns out once.
constexpr int64_t part_rows = 1024;
/// The fewest rows of a part; laying out the columns would take too large a share of less.
constexpr int64_t least_rows = 96;

/// Whether the float32 kernels are faster than libtorch's products, which go to MKL: on AMD's processors MKL leaves half of each vector of AVX-512 empty.
bool multiplies_float32() {
#if defined(__x86_64__)
  static const bool found = __builtin_cpu_is("amd") && __builtin_cpu_supports("avx512f");
  return found;
#else
  return false;
#endif
}

/// Whether products of matrices of a type go by the kernels on this processor.
bool has_own_products(at::ScalarType type) { return type == at::kFloat ? multiplies_float32() : type == at::kBFloat16 && !multiplies_bfloat16(); }

/// Room for the threads of a product, kept for each thread that computes some.
float *room_for(int64_t numbers) {
  thread_local at::Tensor room;
  if (!room.defined() || room.numel() < numbers) room = at::empty({numbers}, at::kFloat);
  return room.mutable_data_ptr<float>();
}

bool lies_in_rows_or_columns(const at::Tensor &x) { return x.stride(0) == 1 || x.stride(1) == 1; }

int64_t rounded_up(int64_t count, int64_t step) { return (count + step - 1) / step * step; }

template <class T>
void multiply(
    const at::Tensor &a, const at::Tensor &b, const std::optional<at::Tensor> &bias, const at::Tensor &blocks, T *to, float *total, int64_t row) {
  int64_t rows = a.size(0), columns = b.size(1);
  if (rows == 0 || columns == 0) return;
  auto &kernels = matrix_kernels<T>();
  auto added = bias ? bias->to(a.scalar_type()).contiguous() : at::Tensor();
  MatrixProduct<T> whole{};
  if (blocks.defined() && a.stride(1) == 1) {
    TORCH_CHECK(blocks.numel() == kernels.blocks_words(a.size(1), columns), "the blocks are not those of the weight");
    whole.blocks = reinterpret_cast<const uint32_t *>(blocks.const_data_ptr<int32_t>());
    whole.block_columns = rounded_up(columns, kernels.column_step);
  }
  whole.depth = a.size(1);
  whole.a = static_cast<const T *>(a.const_data_ptr());
  whole.b = static_cast<const T *>(b.const_data_ptr());
  // A matrix of one row or column has both steps of 1 or any; the kernels look at `a_step` and `b_column`.
  whole.a_row = a.stride(0), whole.a_step = a.stride(1);
  whole.b_step = b.stride(0), whole.b_column = b.stride(1);
  whole.bias = bias ? static_cast<const T *>(added.const_data_ptr()) : nullptr;
  whole.c = to, whole.total = total, whole.c_row = row;
  int64_t threads = threads_here(), part_columns = kernels.part_columns(whole.a_step != 1);
  int64_t across = (columns + part_columns - 1) / part_columns, down = (rows + part_rows - 1) / part_rows;
  while (threads > 1 && across * down < 4 * threads && rows / (down + 1) >= least_rows) down++;
  int64_t width = (columns + across - 1) / across, height = (rows + down - 1) / down;
  width = rounded_up(width, kernels.column_step);
  across = (columns + width - 1) / width, down = (rows + height - 1) / height;
  int64_t room = kernels.room(height, width);
  // Made here, since nothing in the loop may throw.
  float *rooms = room_for(room * threads);
  parallel_items(across * down, [&](int64_t item, int thread) {
    int64_t m = item % down * height, n = item / down * width;
    auto part = whole;
    part.rows = std::min(height, rows - m), part.columns = std::min(width, columns - n);
    part.a += m * whole.a_row, part.b += n * whole.b_column;
    // What comes next is known only to a thread that is alone.
    int64_t next = (item + 1) / down * width;
    part.first_column = n, part.next_column = threads == 1 && next < columns ? next - n : 0;
    if (part.bias != nullptr) part.bias += n;
    if (part.c != nullptr)
      part.c += m * row + n;
    else
      part.total += m * row + n;
    kernels.multiply(part, rooms + thread * room);
  });
}

/// Runs `body(zero)` with a number of the type that both operands have.
template <class Body>
void with_type(const at::Tensor &a, Body &&body) {
  if (a.scalar_type() == at::kFloat)
    body(float{});
  else
    body(bf16{});
}

void check(const at::Tensor &a, const at::Tensor &b) {
  TORCH_CHECK(a.dim() == 2 && b.dim() == 2 && a.size(1) == b.size(0), "[M, K] and [K, N] are needed, not ", a.sizes(), " and ", b.sizes());
}

}  // namespace

bool multiplies_bfloat16() {
#if defined(__x86_64__)
  static const bool found = __builtin_cpu_supports("amx-bf16");
  return found;
#else
  return true;
#endif
}

bool keeps_blocks(at::ScalarType type) {
  if (!has_own_products(type)) return false;
  return type == at::kFloat ? matrix_kernels<float>().lay_out_blocks != nullptr : matrix_kernels<bf16>().lay_out_blocks != nullptr;
}

bool has_own_product(const at::Tensor &a, const at::Tensor &b) {
  if (!a.is_cpu() || !b.is_cpu() || a.dim() != 2 || b.dim() != 2 || a.scalar_type() != b.scalar_type()) return false;
  return lies_in_rows_or_columns(a) && lies_in_rows_or_columns(b) && has_own_products(a.scalar_type());
}

at::Tensor laid_out_blocks(const at::Tensor &b) {
  TORCH_CHECK(b.dim() == 2, "a matrix is needed, not ", b.sizes());
  at::Tensor blocks;
  if (!has_own_product(b, b) || !keeps_blocks(b.scalar_type())) return blocks;
  with_type(b, [&](auto zero) {
    using T = decltype(zero);
    auto &kernels = matrix_kernels<T>();
    // Rows are read in long enough pieces.
    int64_t columns = b.size(1), step = 8 * kernels.column_step;
    MatrixProduct<T> whole{};
    whole.depth = b.size(0);
    whole.b = static_cast<const T *>(b.const_data_ptr());
    whole.b_step = b.stride(0), whole.b_column = b.stride(1);
    whole.block_columns = rounded_up(columns, kernels.column_step);
    blocks = at::empty({kernels.blocks_words(whole.depth, columns)}, at::kInt);
    auto *to = reinterpret_cast<uint32_t *>(blocks.mutable_data_ptr<int32_t>());
    parallel_items((columns + step - 1) / step, [&](int64_t item, int) {
      auto part = whole;
      part.first_column = item * step, part.columns = std::min(step, columns - item * step);
      part.b += part.first_column * whole.b_column;
      kernels.lay_out_blocks(part, to);
    });
  });
  return blocks;
}

void matrix_product_into(
    at::Tensor &to, const at::Tensor &a, const at::Tensor &b, const std::optional<at::Tensor> &bias, const at::Tensor &blocks) {
  check(a, b);
  if (has_own_product(a, b) && to.scalar_type() == a.scalar_type() && to.stride(1) == 1) {
    TORCH_CHECK(to.size(0) == a.size(0) && to.size(1) == b.size(1), "the result is [", a.size(0), ", ", b.size(1), "]");
    TORCH_CHECK(!bias || (bias->dim() == 1 && bias->size(0) == b.size(1)), "the bias needs ", b.size(1), " numbers");
    with_type(a, [&](auto zero) {
      using T = decltype(zero);
      multiply<T>(a, b, bias, blocks, static_cast<T *>(to.mutable_data_ptr()), nullptr, to.stride(0));
    });
  } else if (bias) {
    at::addmm_out(to, bias->to(a.scalar_type()), a, b);
  } else {
    at::mm_out(to, a, b);
  }
}

at::Tensor matrix_product(const at::Tensor &a, const at::Tensor &b, const std::optional<at::Tensor> &bias, const at::Tensor &blocks) {
  check(a, b);
  auto result = at::empty({a.size(0), b.size(1)}, a.options());
  matrix_product_into(result, a, b, bias, blocks);
  return result;
}

void add_matrix_product(const at::Tensor &a, const at::Tensor &b, const at::Tensor &total) {
  check(a, b);
  if (has_own_product(a, b) && total.scalar_type() == at::kFloat && total.dim() == 2 && total.stride(1) == 1 && total.is_cpu()) {
    TORCH_CHECK(total.size(0) == a.size(0) && total.size(1) == b.size(1), "the total is [", a.size(0), ", ", b.size(1), "]");
    with_type(a, [&](auto zero) {
      using T = decltype(zero);
      multiply<T>(a, b, std::nullopt, at::Tensor(), nullptr, total.mutable_data_ptr<float>(), total.stride(0));
    });
  } else {
    accumulate(at::mm(a, b), total);
  }
}

}  // namespace headway
