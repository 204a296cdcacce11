#include "laid_out_weight.hpp"

#include "matrix_products.hpp"

namespace headway {

const LaidOutWeight *laid_out(const at::Tensor &weight) {
  auto *found = dynamic_cast<LaidOutWeight *>(weight.unsafeGetTensorImpl()->get_backend_meta());
  return found != nullptr && found->version == weight._version() ? found : nullptr;
}

}  // namespace headway

using namespace headway;

int ct_lay_out(ct_tensor weight, bool backward) {
  return guarded("laying a weight out", {weight}, [&] {
    auto &tensor = get(weight);
    TORCH_CHECK(tensor.dim() == 2, "a weight [out, in] is needed");
    if (auto *found = laid_out(tensor); found != nullptr && (found->backward.defined() || !backward)) return;
    auto made = c10::make_intrusive<LaidOutWeight>();
    made->version = tensor._version();
    made->forward = laid_out_blocks(tensor.t());
    if (backward) made->backward = laid_out_blocks(tensor);
    if (made->forward.defined()) tensor.unsafeGetTensorImpl()->set_backend_meta(std::move(made));
  });
}

bool ct_lays_out(int dtype) {
  bool result = false;
  return guarded("products of a type", {}, [&] { result = keeps_blocks(scalar_type(dtype)); }) == 0 && result;
}
