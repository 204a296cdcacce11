// Reading tensors' memory.
#pragma once

#include <ATen/ATen.h>

namespace headway {

/// The numbers of a tensor of just that type. libtorch's own template for it has one name in what GCC makes, as the library of PyTorch 2.11 was, and
/// another in what Clang looks for.
template <class T>
const T *numbers(const at::Tensor &x) {
  TORCH_CHECK(x.scalar_type() == c10::CppTypeToScalarType<T>::value, "numbers of another type, ", x.scalar_type());
  return static_cast<const T *>(x.const_data_ptr());
}

}  // namespace headway
