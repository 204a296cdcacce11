// Creating, describing and releasing tensors.
#include <torch/version.h>

#include "boundary.hpp"

namespace headway {

namespace {
thread_local std::string last_error;

struct Mapping {
  void *owner;
  void (*release)(void *);
};
/// Its address marks the storages that lie in a read-only mapping, whatever view they are seen through.
void release_mapping(void *context) {
  auto *mapping = static_cast<Mapping *>(context);
  if (mapping->release != nullptr) mapping->release(mapping->owner);
  delete mapping;
}
}  // namespace

void set_error(std::string text) { last_error = std::move(text); }

std::string describe(const char *operation, std::initializer_list<ct_tensor> tensors) {
  std::string text = operation;
  if (tensors.size() == 0) return text;
  text += "(";
  bool first = true;
  for (ct_tensor tensor : tensors) {
    if (!first) text += ", ";
    first = false;
    if (tensor == nullptr || !tensor->value.defined()) {
      text += "none";
      continue;
    }
    text += "[";
    for (int64_t i = 0; i < tensor->value.dim(); i++) {
      if (i > 0) text += ", ";
      text += std::to_string(tensor->value.size(i));
    }
    text += "] ";
    text += c10::toString(tensor->value.scalar_type());
  }
  return text + ")";
}

at::ScalarType scalar_type(int dtype) {
  switch (dtype) {
    case CT_FLOAT32: return at::kFloat;
    case CT_FLOAT16: return at::kHalf;
    case CT_BFLOAT16: return at::kBFloat16;
    case CT_FLOAT64: return at::kDouble;
    case CT_INT64: return at::kLong;
    case CT_INT32: return at::kInt;
    case CT_UINT8: return at::kByte;
    case CT_BOOL: return at::kBool;
    case CT_INT8: return at::kChar;
    case CT_INT16: return at::kShort;
    default: TORCH_CHECK(false, "unknown element type ", dtype);
  }
}

at::Device device(int device_type, int device_index) {
  switch (device_type) {
    case CT_CPU: return at::Device(at::kCPU);
    case CT_CUDA: return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device_index));
    case CT_MPS: return at::Device(at::kMPS);
    default: TORCH_CHECK(false, "unknown device ", device_type);
  }
}

bool is_mapped(const at::Tensor &tensor) {
  return tensor.has_storage() && tensor.storage().data_ptr().get_deleter() == &release_mapping;
}

}  // namespace headway

using namespace headway;

const char *ct_error(void) { return last_error.c_str(); }
const char *ct_libtorch_version(void) { return TORCH_VERSION; }

int ct_from_mapped(const void *data, int dtype, const int64_t *shape, int dimensions, void *owner, void (*release)(void *), ct_tensor *out) {
  bool owned = false;
  int status = guarded("map", {}, [&] {
    auto type = scalar_type(dtype);
    at::IntArrayRef sizes(shape, static_cast<size_t>(dimensions));
    auto bytes = static_cast<size_t>(c10::multiply_integers(sizes)) * c10::elementSize(type);
    auto *mapping = new Mapping{owner, release};
    // From here on the storage gives the mapping back, also when something below throws.
    at::DataPtr pointer(const_cast<void *>(data), mapping, &release_mapping, at::Device(at::kCPU));
    owned = true;
    at::Storage storage(c10::Storage::use_byte_size_t(), bytes, std::move(pointer), nullptr, false);
    auto tensor = at::empty({0}, at::TensorOptions().dtype(type));
    tensor.set_(storage, 0, sizes, {});
    *out = wrap(std::move(tensor));
  });
  if (status != 0 && !owned && release != nullptr) release(owner);
  return status;
}

int ct_from_bytes(const void *data, int64_t bytes, int dtype, const int64_t *shape, int dimensions, ct_tensor *out) {
  return guarded("tensor", {}, [&] {
    auto tensor = at::empty(at::IntArrayRef(shape, static_cast<size_t>(dimensions)), at::TensorOptions().dtype(scalar_type(dtype)));
    TORCH_CHECK(
        static_cast<int64_t>(tensor.nbytes()) == bytes, "the shape ", tensor.sizes(), " needs ", tensor.nbytes(), " bytes, but ", bytes,
        " were given");
    if (bytes > 0) std::memcpy(tensor.mutable_data_ptr(), data, static_cast<size_t>(bytes));
    *out = wrap(std::move(tensor));
  });
}

int ct_full(double value, int dtype, const int64_t *shape, int dimensions, int device_type, int device_index, ct_tensor *out) {
  return guarded("full", {}, [&] {
    *out = wrap(at::full(
        at::IntArrayRef(shape, static_cast<size_t>(dimensions)), value,
        at::TensorOptions().dtype(scalar_type(dtype)).device(device(device_type, device_index))));
  });
}

void ct_release(ct_tensor tensor) { delete tensor; }

int ct_dtype_of(ct_tensor tensor) {
  switch (tensor->value.scalar_type()) {
    case at::kFloat: return CT_FLOAT32;
    case at::kHalf: return CT_FLOAT16;
    case at::kBFloat16: return CT_BFLOAT16;
    case at::kDouble: return CT_FLOAT64;
    case at::kLong: return CT_INT64;
    case at::kInt: return CT_INT32;
    case at::kByte: return CT_UINT8;
    case at::kBool: return CT_BOOL;
    case at::kChar: return CT_INT8;
    case at::kShort: return CT_INT16;
    default: return -1;
  }
}
int ct_dimensions(ct_tensor tensor) { return static_cast<int>(tensor->value.dim()); }
void ct_shape(ct_tensor tensor, int64_t *shape) {
  for (int64_t i = 0; i < tensor->value.dim(); i++) shape[i] = tensor->value.size(i);
}
void ct_device_of(ct_tensor tensor, int *device_type, int *device_index) {
  auto device = tensor->value.device();
  *device_type = device.is_cuda() ? CT_CUDA : device.is_mps() ? CT_MPS : CT_CPU;
  *device_index = device.has_index() ? device.index() : 0;
}
bool ct_is_mapped(ct_tensor tensor) { return is_mapped(tensor->value); }

int ct_copy_out(ct_tensor tensor, void *data, int64_t bytes) {
  return guarded("read", {tensor}, [&] {
    auto source = get(tensor).detach().to(at::kCPU).contiguous();
    TORCH_CHECK(
        static_cast<int64_t>(source.nbytes()) == bytes, "the tensor has ", source.nbytes(), " bytes, but room for ", bytes, " was given");
    if (bytes > 0) std::memcpy(data, source.const_data_ptr(), static_cast<size_t>(bytes));
  });
}
