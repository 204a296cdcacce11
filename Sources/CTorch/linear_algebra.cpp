// Linear algebra of small problems, many at a time: libtorch's LAPACK calls over batches.
#include <ATen/Functions.h>

#include "boundary.hpp"

using namespace headway;

int ct_qr(ct_tensor a, bool with_q, ct_tensor *q, ct_tensor *r) {
  return guarded("QR", {a}, [&] {
    auto [first, second] = at::linalg_qr(get(a), with_q ? "reduced" : "r");
    *q = with_q ? wrap(first) : nullptr;
    *r = wrap(second);
  });
}

int ct_svd(ct_tensor a, ct_tensor *u, ct_tensor *s, ct_tensor *vh) {
  return guarded("SVD", {a}, [&] {
    auto [left, values, right] = at::linalg_svd(get(a), false);
    *u = wrap(left);
    *s = wrap(values);
    *vh = wrap(right);
  });
}

int ct_solve_positive_definite(ct_tensor a, ct_tensor b, ct_tensor *solution, ct_tensor *least_pivots) {
  return guarded("positive definite solve", {a, b}, [&] {
    auto [factor, info] = at::linalg_cholesky_ex(get(a), false, false);
    auto pivots = at::diagonal(factor, 0, -2, -1).square().amin(-1);
    // What is not positive definite leaves a factor that means nothing.
    auto sound = info.eq(0).logical_and(pivots.isfinite());
    *least_pivots = wrap(at::where(sound, pivots, at::zeros_like(pivots)));
    *solution = wrap(at::cholesky_solve(get(b), factor));
  });
}
