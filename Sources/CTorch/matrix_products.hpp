// Products of matrices by Headway's own kernels, where these are faster than libtorch's.
#pragma once

#include "boundary.hpp"

namespace headway {

/// Whether libtorch's products of bfloat16 are faster than the kernels: on processors with matrix units, and on others than x86, for which the kernels have no
/// code of their own. AMD's with AVX512-BF16 have kernels with that instruction, which on Intel's without matrix units is half as fast as a float32 one: there
/// and where there is none, the kernels compute in float32 arithmetic (measured: docs/Performance.md).
bool multiplies_bfloat16();

/// Whether the product a [M, K] · b [K, N] goes by the kernels. Its bits then depend neither on the other rows and columns nor on the threads.
bool has_own_product(const at::Tensor &a, const at::Tensor &b);

/// a [M, K] · b [K, N] + bias [N], by the kernels where `has_own_product`; either may be transposed. Rounded once, where the kernels are used.
/// `blocks` is b as `laid_out_blocks`, if there is one.
at::Tensor matrix_product(
    const at::Tensor &a, const at::Tensor &b, const std::optional<at::Tensor> &bias = std::nullopt, const at::Tensor &blocks = {});

/// The same into `to` [M, N], whose rows may lie apart.
void matrix_product_into(
    at::Tensor &to, const at::Tensor &a, const at::Tensor &b, const std::optional<at::Tensor> &bias = std::nullopt, const at::Tensor &blocks = {});

/// Whether products of a type read a matrix that was laid out where it lies. Those of widened bfloat16 do not: they would read twice as many bytes, or widen it
/// again each time, and neither was faster (docs/Performance.md).
bool keeps_blocks(at::ScalarType type);

/// b as the kernels read it, for many products with the same one: as many bytes as b has, and up to 31 columns more. Undefined where the type's are not kept.
/// The bits of a product are the same with it and without.
at::Tensor laid_out_blocks(const at::Tensor &b);

/// total += a · b. Where the kernels are used and `total` is float32, the product is never rounded to a narrower type.
void add_matrix_product(const at::Tensor &a, const at::Tensor &b, const at::Tensor &total);

}  // namespace headway
