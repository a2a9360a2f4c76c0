// The losses of one input and one target element each, by their definition. The fast version:
// core/kernels/loss/pointwise_loss.h.
#pragma once
#include <cmath>

#include "norma/core/kernels/loss_shape.h"
#include "norma/core/kernels/plain/elementwise.h"

namespace norma::kernels::plain {

/// The loss of input x and target t, and its derivatives along x and t. Logistic, with log σ(x) =
/// -softplus(-x), is -w (p t log σ(x) + (1 - t) log σ(-x)), p being the weight of the positives.
struct LossTerms {
  double value, dx, dt;
};
inline LossTerms loss_terms(PointwiseLoss kind, double x, double t, double w, double p) {
  const double d = x - t, sign = d > 0 ? 1.0 : d < 0 ? -1.0 : 0.0;
  if (kind == PointwiseLoss::Squared) return {d * d, 2 * d, -2 * d};
  if (kind == PointwiseLoss::Absolute) return {std::fabs(d), sign, -sign};
  return {w * (p * t * softplus(-x) + (1 - t) * softplus(x)),
          w * ((1 - t) * sigmoid(x) - p * t * sigmoid(-x)), w * (p * softplus(-x) - softplus(x))};
}
template <class T>
LossTerms loss_terms(PointwiseLoss kind, PointwiseInputs<T> in, int64_t i) {
  return loss_terms(kind, double(in.x[i]), double(in.target[i]),
                    in.weight ? double(in.weight[i]) : 1.0,
                    in.pos_weight ? double(in.pos_weight[i]) : 1.0);
}

template <class T>
void pointwise_loss(PointwiseLoss kind, int64_t count, PointwiseInputs<T> in, T* loss) {
  for (int64_t i = 0; i < count; ++i) loss[i] = static_cast<T>(loss_terms(kind, in, i).value);
}

template <class T>
double pointwise_loss_sum(PointwiseLoss kind, int64_t count, PointwiseInputs<T> in) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += loss_terms(kind, in, i).value;
  return sum;
}

template <class T>
void pointwise_loss_backward(PointwiseLoss kind, int64_t count, PointwiseInputs<T> in,
                             LossGradient<T> g, T* dx, T* dtarget) {
  for (int64_t i = 0; i < count; ++i) {
    const LossTerms terms = loss_terms(kind, in, i);
    const double slope = double(g.values[i * g.stride]) * g.scale;
    if (dx) dx[i] = static_cast<T>(terms.dx * slope);
    if (dtarget) dtarget[i] = static_cast<T>(terms.dt * slope);
  }
}

}  // namespace norma::kernels::plain
