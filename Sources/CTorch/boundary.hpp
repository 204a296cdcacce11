// What every file of this target shares: the handle, and the guard that turns exceptions into a status and a text.
#pragma once

#include <ATen/ATen.h>

#include <initializer_list>
#include <optional>
#include <string>

#include "include/ctorch.h"

struct ct_tensor_s {
  at::Tensor value;
};

namespace headway {

void set_error(std::string text);
std::string describe(const char *operation, std::initializer_list<ct_tensor> tensors);

inline ct_tensor wrap(at::Tensor value) { return new ct_tensor_s{std::move(value)}; }

/// The tensor of a handle; a null handle is an error of the caller that must not become a crash.
inline const at::Tensor &get(ct_tensor tensor) {
  TORCH_CHECK(tensor != nullptr, "a tensor is missing");
  return tensor->value;
}
inline std::optional<at::Tensor> get_optional(ct_tensor tensor) {
  return tensor == nullptr ? std::nullopt : std::optional<at::Tensor>(tensor->value);
}

at::ScalarType scalar_type(int dtype);
at::Generator ct_generator_value(ct_generator generator);
at::Device device(int device_type, int device_index);
/// Whether the memory belongs to a read-only mapping.
bool is_mapped(const at::Tensor &tensor);

template <class Body>
int guarded(const char *operation, std::initializer_list<ct_tensor> tensors, Body &&body) noexcept {
  try {
    body();
    return 0;
  } catch (const c10::Error &error) {
    try {
      set_error(describe(operation, tensors) + ": " + error.what_without_backtrace());
    } catch (...) {
    }
  } catch (const std::exception &error) {
    try {
      set_error(describe(operation, tensors) + ": " + error.what());
    } catch (...) {
    }
  } catch (...) {
    try {
      set_error(describe(operation, tensors) + ": an unknown error");
    } catch (...) {
    }
  }
  return 1;
}

}  // namespace headway
