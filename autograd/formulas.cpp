#include "norma/autograd/formulas.h"

#include "norma/autograd/ops.h"
#include "norma/core/factory.h"

namespace norma::autograd::formulas {

void linear(const Shape& x_sizes, const Tensor& x, const Tensor& w, const Tensor& g,
            InputGrads& d) {
  const int64_t outputs = g.sizes().back(), inputs = x_sizes.back();
  int64_t rows = 1;
  for (int64_t i = 0; i + 1 < x_sizes.size(); ++i) rows *= x_sizes[i];
  const Tensor flat = g.reshape({rows, outputs});
  if (d.needs(0)) d[0] = flat.matmul(w).reshape(x_sizes);
  if (d.needs(1)) d[1] = flat.t().matmul(x.reshape({rows, inputs}));
  if (d.needs(2)) d[2] = flat.sum({0});
}

namespace {

/// A normalised tensor in a shape in which the dimensions `reduced` share their statistics; weight
/// and bias have the shape `parameters` in it, and `own` elsewhere.
struct NormView {
  Shape sizes, reduced, parameters, own;
};

/// With x̂ = (x - mean) s, s = 1 / √(var + eps), y = x̂ w + b and ĝ = w g:
/// dx = s (ĝ - mean(ĝ) - x̂ mean(x̂ ĝ)), or s ĝ where mean and s are constants, which are given.
void norm(const NormView& view, double eps, const Tensor& given_mean, const Tensor& given_s,
          const Tensor& input, const Tensor& weight, const Tensor& grad, InputGrads& d) {
  const Tensor x = input.reshape(view.sizes), g = grad.reshape(view.sizes);
  const bool given = given_mean.defined();
  const Tensor centred = x - (given ? given_mean : x.mean(view.reduced, true));
  const Tensor s = given ? given_s : (centred.square().mean(view.reduced, true) + eps).pow(-0.5);
  const Tensor normalised = centred * s;
  if (d.needs(0)) {
    Tensor dx = weight.defined() ? g * weight.reshape(view.parameters) : g;
    if (!given) {
      dx = dx - dx.mean(view.reduced, true) -
           normalised * (normalised * dx).mean(view.reduced, true);
    }
    d[0] = (dx * s).reshape(input.sizes());
  }
  Shape others;
  for (int64_t i = 0; i < view.sizes.size(); ++i) {
    if (view.parameters[i] == 1) others.push_back(i);
  }
  if (d.needs(1)) d[1] = (g * normalised).sum(others).reshape(view.own);
  if (d.needs(2)) d[2] = g.sum(others).reshape(view.own);
}

}  // namespace

void batch_norm(ChannelShape shape, bool batch_stats, bool relu, double eps, const Tensor& stats,
                const Tensor& x, const Tensor& weight, const Tensor& grad, InputGrads& d) {
  const NormView view{
      {shape.n, shape.channels, shape.length}, {0, 2}, {1, shape.channels, 1}, {shape.channels}};
  const auto stat = [&](int64_t row) {
    return stats.select(0, row).reshape(view.parameters).to(x.dtype());
  };
  Tensor g = grad.reshape(view.sizes);
  if (relu) {
    const Tensor y = (x.detach().reshape(view.sizes) - stat(3)) * stat(4) + stat(5);
    g = g.masked_fill(y <= 0, 0);
  }
  norm(view, eps, batch_stats ? Tensor() : stat(0) + stat(1), batch_stats ? Tensor() : stat(2), x,
       weight, g, d);
}

void group_norm(ChannelShape shape, int64_t groups, const Shape& sizes, double eps, const Tensor& x,
                const Tensor& weight, const Tensor& g, InputGrads& d) {
  const int64_t own = shape.channels / groups;
  norm({{shape.n, groups, own, shape.length}, {2, 3}, {1, groups, own, 1}, sizes}, eps, Tensor(),
       Tensor(), x, weight, g, d);
}

namespace {

Shape logits(ClassShape s) { return {s.n, s.classes, s.inner}; }
Shape classes(ClassShape s) { return {1, s.classes, 1}; }
/// The gradient of each row, or one for all.
Tensor of_rows(ClassShape s, const Tensor& g) {
  return g.dim() == 0 ? g : g.reshape({s.n, 1, s.inner});
}
/// 0 in ignored rows.
Tensor of_counted(ClassShape s, const Tensor& g, const Tensor& target, int64_t ignore_index) {
  const Tensor ignored = target.reshape({s.n, 1, s.inner}).eq(ignore_index);
  return of_rows(s, g).masked_fill(ignored, 0);
}

/// What -log p counts in each row's loss, given its class y: (1 - s) w_y at y, and s / C w_c at
/// every c.
Tensor shares(ClassShape shape, const Tensor& target, const Tensor& weight, double smoothing,
              DType dtype) {
  const Tensor y = target.reshape({shape.n, 1, shape.inner});
  const Tensor all = arange(shape.classes).reshape(classes(shape));
  Tensor share =
      y.eq(all).to(dtype) * (1 - smoothing) + smoothing / static_cast<double>(shape.classes);
  return weight.defined() ? share * weight.reshape(classes(shape)) : share;
}

/// The gradient of -Σ_c q_c log p_c for p = softmax(x), times g of its row: (p Σ q - q) g.
Tensor softmax_gradient(ClassShape shape, const Tensor& x, const Tensor& q, const Tensor& g) {
  const Tensor p = x.reshape(logits(shape)).softmax(1);
  return ((p * q.sum({1}, true) - q) * g).reshape(x.sizes());
}

}  // namespace

void cross_entropy(ClassShape shape, const Tensor& x, const Tensor& target, const Tensor& weight,
                   int64_t ignore_index, double smoothing, const Tensor& g, InputGrads& d) {
  const Tensor q = shares(shape, target, weight, smoothing, g.dtype());
  d[0] = softmax_gradient(shape, x, q, of_counted(shape, g, target, ignore_index));
}

void soft_cross_entropy(ClassShape shape, const Tensor& x, const Tensor& target,
                        const Tensor& weight, double smoothing, const Tensor& g, InputGrads& d) {
  const double uniform = smoothing / static_cast<double>(shape.classes);
  Tensor q = target.reshape(logits(shape)) * (1 - smoothing) + uniform;
  Tensor slope = x.reshape(logits(shape)).log_softmax(1) * (smoothing - 1);
  if (weight.defined()) {
    const Tensor w = weight.reshape(classes(shape));
    q = q * w, slope = slope * w;
  }
  if (d.needs(0)) d[0] = softmax_gradient(shape, x, q, of_rows(shape, g));
  if (d.needs(1)) d[1] = (slope * of_rows(shape, g)).reshape(target.sizes());
}

void nll(ClassShape shape, const Shape& sizes, const Tensor& target, const Tensor& weight,
         int64_t ignore_index, const Tensor& g, InputGrads& d) {
  const Tensor q = shares(shape, target, weight, 0, g.dtype());
  d[0] = (q * of_counted(shape, g.neg(), target, ignore_index)).reshape(sizes);
}

void pointwise(PointwiseLoss kind, const Tensor& x, const Tensor& t, const Tensor& weight,
               const Tensor& pos_weight, const Tensor& g, InputGrads& d) {
  if (kind != PointwiseLoss::Logistic) {
    const Tensor error = x - t;
    const Tensor slope = kind == PointwiseLoss::Squared
                             ? 2 * error
                             : error.gt(0).to(x.dtype()) - error.lt(0).to(x.dtype());
    d[0] = slope * g;
    if (d.needs(1)) d[1] = d[0].neg();
    return;
  }
  // w ((1 - t) x + (1 + (p - 1) t) softplus(-x)), whose last factor has the slope -σ(-x).
  const Tensor share = weight.defined() ? weight * g : g;
  const Tensor extra =
      pos_weight.defined() ? pos_weight - 1 : full(Shape{}, 0, {.dtype = x.dtype()});
  if (d.needs(0)) d[0] = share * (1 - t - (1 + extra * t) * x.neg().sigmoid());
  if (d.needs(1)) {
    const Tensor softplus = stack({x, zeros_like(x)}).log_softmax(0).select(0, 0).neg();
    d[1] = share * (extra * softplus - x);
  }
}

}  // namespace norma::autograd::formulas
