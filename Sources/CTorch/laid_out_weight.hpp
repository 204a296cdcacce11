// Weights that many products read, laid out once.
#pragma once

#include "boundary.hpp"

namespace headway {

/// A weight [out, in] as the kernels read it in products with it and with its transpose; hangs on the weight's tensor.
struct LaidOutWeight : c10::BackendMeta {
  /// For x · weightᵀ, and for gradient · weight; each undefined where it was not asked for.
  at::Tensor forward, backward;
  /// The weight's version: one that was changed since is read itself.
  uint32_t version = 0;
};

/// What hangs on a weight, if anything does and is still what the weight is.
const LaidOutWeight *laid_out(const at::Tensor &weight);

}  // namespace headway
