// Products with a weight that may have another element type than what it is multiplied with.
#pragma once

#include "boundary.hpp"

namespace headway {

/// x [T, in] · weight [out, in]ᵀ + bias [out] in x's type. A weight of another type is converted a part at a time, so that a mapped checkpoint of any size is
/// computed with in a type that it was not written in, without a converted copy.
at::Tensor linear_product(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias);

/// gradient [T, out] · weight [out, in] in gradient's type; a weight of another type is converted a part at a time.
at::Tensor product_with(const at::Tensor &gradient, const at::Tensor &weight);

}  // namespace headway
