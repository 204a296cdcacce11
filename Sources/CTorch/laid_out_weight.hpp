// Weights that many products of gradients read, laid out once.
#pragma once

#include <ATen/ATen.h>

namespace headway {

/// A weight [out, in] as gradient · weight reads it (`laid_out_blocks`), where that hangs on it and is still what the weight is; else undefined.
at::Tensor laid_out(const at::Tensor &weight);

}  // namespace headway
