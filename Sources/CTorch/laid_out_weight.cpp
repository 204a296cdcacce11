#include "laid_out_weight.hpp"

#include "boundary.hpp"
#include "matrix_products.hpp"

namespace headway {

namespace {

/// Hangs on a weight's tensor.
struct LaidOutWeight : c10::BackendMeta {
  at::Tensor blocks;
  /// The weight's version: one that was changed since is read itself.
  uint32_t version = 0;
};

}  // namespace

at::Tensor laid_out(const at::Tensor &weight) {
  auto *found = dynamic_cast<LaidOutWeight *>(weight.unsafeGetTensorImpl()->get_backend_meta());
  return found != nullptr && found->version == weight._version() ? found->blocks : at::Tensor();
}

}  // namespace headway

using namespace headway;

int ct_lay_out(ct_tensor weight) {
  return guarded("laying a weight out", {weight}, [&] {
    auto &tensor = get(weight);
    TORCH_CHECK(tensor.dim() == 2, "a weight [out, in] is needed");
    if (laid_out(tensor).defined()) return;
    auto made = c10::make_intrusive<LaidOutWeight>();
    made->version = tensor._version();
    made->blocks = laid_out_blocks(tensor);
    if (made->blocks.defined()) tensor.unsafeGetTensorImpl()->set_backend_meta(std::move(made));
  });
}

bool ct_lays_out(int dtype) {
  bool result = false;
  return guarded("products of a type", {}, [&] { result = keeps_blocks(scalar_type(dtype)); }) == 0 && result;
}
