// Distances between the rows of two matrices.
#include <cmath>
#include <string>

#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"

namespace norma {

using namespace autograd;

namespace {

constexpr int64_t kFewRows = 25;  // up to which Euclidean distances are those of the differences

/// x₁ - x₂ for all pairs of rows.
Tensor differences(const Tensor& a, const Tensor& b) { return a.unsqueeze(-2) - b.unsqueeze(-3); }

/// √(|x₁|² + |x₂|² - 2 x₁·x₂), as PyTorch computes √Σ(x₁ - x₂)² for many rows.
Tensor euclidean_values(const Tensor& a, const Tensor& b) {
  const NoGradGuard no_grad;
  const Tensor squares = a.square().sum(-1, true) + b.square().sum(-1, true).transpose(-2, -1);
  return (squares - a.matmul(b.transpose(-2, -1)) * 2).clamp_min(0).sqrt();
}

Tensor euclidean(const Tensor& a, const Tensor& b) {
  const Tensor out = euclidean_values(a, b);
  return record({"cdist", {{"p", 2.0}, {"compute_mode", "use_mm_for_euclid_dist"}}}, out, {&a, &b},
                [x1 = Saved(a), x2 = Saved(b), y = Saved(out)](const Tensor& g, InputGrads& d) {
                  // 0 at distance 0.
                  const Tensor w = where(y->eq(0), zeros_like(g), g / *y);
                  if (d.needs(0)) d[0] = *x1 * w.sum(-1, true) - w.matmul(*x2);
                  if (d.needs(1)) {
                    const Tensor wt = w.transpose(-2, -1);
                    d[1] = *x2 * wt.sum(-1, true) - wt.matmul(*x1);
                  }
                });
}

/// Σ|x₁ - x₂|^p to the power 1/p.
Tensor power_values(const Tensor& a, const Tensor& b, double p) {
  const NoGradGuard no_grad;
  const Tensor apart = differences(a, b);
  return p == 0 ? apart.ne(0).sum(-1).to(a.dtype()) : apart.norm(p, -1);
}

Tensor power_distance(const Tensor& a, const Tensor& b, double p) {
  const Tensor out = power_values(a, b, p);
  return record({"cdist", {{"p", p}, {"compute_mode", "donot_use_mm_for_euclid_dist"}}}, out,
                {&a, &b},
                [p, x1 = Saved(a), x2 = Saved(b), y = Saved(out)](const Tensor& g, InputGrads& d) {
                  const Tensor apart = differences(*x1, *x2), length = y->unsqueeze(-1);
                  const Tensor sign = apart.gt(0).to(g.dtype()) - apart.lt(0).to(g.dtype());
                  const Tensor none = zeros({}, {.dtype = g.dtype()});
                  Tensor slope;
                  if (p == 0) {
                    slope = sign * none;
                  } else if (p == 2) {
                    slope = apart / length;
                  } else if (std::isinf(p)) {
                    slope = sign * apart.abs().eq(length).to(g.dtype());
                  } else {
                    // 0 where apart is 0, whatever the power of 0 is.
                    const Tensor part = (apart.abs() / length).masked_fill(apart.eq(0), 1);
                    slope = sign * part.pow(p - 1);
                  }
                  slope = where(length.eq(0), none, slope) * g.unsqueeze(-1);
                  if (d.needs(0)) d[0] = slope.sum(-2);
                  if (d.needs(1)) d[1] = slope.sum(-3).neg();
                });
}

}  // namespace

Tensor cdist(const Tensor& x1, const Tensor& x2, double p) {
  const char* const op = "cdist";
  const Shape& s1 = check_floating(op, x1)->sizes;
  const Shape& s2 = check_floating(op, x2)->sizes;
  if (s1.size() < 2 || s2.size() < 2 || s1.back() != s2.back()) {
    fail(op, "expected rows of one length, [*, P, M] and [*, R, M], got ", s1, " and ", s2);
  }
  if (x1.dtype() != x2.dtype()) {
    fail(op, "expected operands of one dtype, got ", x1.dtype(), " and ", x2.dtype(),
         "; convert with to()");
  }
  if (!(p >= 0)) fail(op, "expected p of at least 0, got ", rounded(p));
  const bool many = x1.size(-2) > kFewRows || x2.size(-2) > kFewRows;
  return p == 2 && many ? euclidean(x1, x2) : power_distance(x1, x2, p);
}

}  // namespace norma
