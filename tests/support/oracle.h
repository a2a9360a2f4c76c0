// The plain kernels as oracles: what an operation gives, in float64 and by its definition, for the
// values of some tensors.
#pragma once
#include <norma/norma.h>

#include <cmath>
#include <vector>

#include "norma/core/kernels/plain/batch_norm.h"
#include "norma/core/kernels/plain/conv.h"
#include "norma/core/kernels/plain/loss.h"
#include "norma/core/kernels/plain/pool.h"
#include "norma/tests/support/tensors.h"

namespace oracle {

using Values = std::vector<double>;

inline Values room(int64_t count) { return Values(static_cast<std::size_t>(count)); }
inline const double* or_null(const Values& values) {
  return values.empty() ? nullptr : values.data();
}

struct Conv {
  norma::Shape sizes;    // of the output
  Values y, dx, dw, db;  // the gradients of Σ dy y
};

/// `dy` may be empty: no gradients then. `bias` may be undefined.
inline Conv conv2d(const norma::Tensor& input, const norma::Tensor& weight,
                   const norma::Tensor& bias, const norma::functional::ConvOptions& o,
                   const Values& dy = {}) {
  const norma::Shape x = input.sizes(), w = weight.sizes();
  const auto padding = o.pad_sizes({w[2], w[3]});
  const auto size = [](int64_t in, int64_t pad, int64_t kernel, int64_t dilation, int64_t stride) {
    return (in + pad - dilation * (kernel - 1) - 1) / stride + 1;
  };
  const norma::kernels::Conv2dShape s{
      .batch = x[0],
      .in_channels = x[1],
      .in_h = x[2],
      .in_w = x[3],
      .out_channels = w[0],
      .out_h = size(x[2], padding.top + padding.bottom, w[2], o.dilation.h, o.stride.h),
      .out_w = size(x[3], padding.left + padding.right, w[3], o.dilation.w, o.stride.w),
      .kernel_h = w[2],
      .kernel_w = w[3],
      .stride_h = o.stride.h,
      .stride_w = o.stride.w,
      .pad_top = padding.top,
      .pad_left = padding.left,
      .dilation_h = o.dilation.h,
      .dilation_w = o.dilation.w,
      .groups = o.groups};
  const Values px = to_vector(input), pw = to_vector(weight), pb = to_vector(bias);
  Conv result{{s.batch, s.out_channels, s.out_h, s.out_w}, {}, {}, {}, {}};
  result.y = room(result.sizes.numel());
  norma::kernels::plain::conv2d_forward(s, px.data(), pw.data(), or_null(pb), result.y.data());
  if (dy.empty()) return result;
  result.dx = room(x.numel());
  result.dw = room(w.numel());
  result.db = room(w[0]);
  norma::kernels::plain::conv2d_backward(s, px.data(), pw.data(), dy.data(), result.dx.data(),
                                         result.dw.data(), result.db.data());
  return result;
}

struct Norm {
  Values y, dx, dweight, dbias, running_mean, running_var;
};

/// A tensor of any rank with its channels in dimension 1, or [rows, size].
inline norma::kernels::ChannelShape channel_shape(const norma::Tensor& x) {
  return {x.size(0), x.size(1), x.numel() / (x.size(0) * x.size(1))};
}

inline Norm batch_norm(const norma::Tensor& input, const norma::functional::BatchNormArgs& args,
                       const norma::Tensor& dy) {
  const norma::kernels::ChannelShape s = channel_shape(input);
  const Values x = to_vector(input), w = to_vector(args.weight), b = to_vector(args.bias),
               g = to_vector(dy);
  Norm r{room(input.numel()), room(input.numel()),          room(s.channels),
         room(s.channels),    to_vector(args.running_mean), to_vector(args.running_var)};
  Values memory = room(6 * s.channels);
  const norma::kernels::BatchNormStats stats(memory.data(), s.channels);
  const bool own = args.training || r.running_mean.empty();
  if (own) {
    double* const mean = r.running_mean.empty() ? nullptr : r.running_mean.data();
    norma::kernels::plain::batch_norm_train<double>(s, x.data(), {or_null(w), or_null(b)}, args.eps,
                                                    {mean, r.running_var.data(), args.momentum},
                                                    args.relu, r.y.data(), stats);
  } else {
    norma::kernels::plain::batch_norm_eval<double>(s, x.data(), {or_null(w), or_null(b)}, args.eps,
                                                   r.running_mean.data(), r.running_var.data(),
                                                   args.relu, r.y.data(), stats);
  }
  norma::kernels::plain::batch_norm_backward(s, g.data(), x.data(), or_null(w), stats, own,
                                             args.relu, r.dx.data(), r.dweight.data(),
                                             r.dbias.data());
  return r;
}

inline Norm group_norm(const norma::Tensor& input, int64_t groups, const norma::Tensor& weight,
                       const norma::Tensor& bias, double eps, const norma::Tensor& dy) {
  const norma::kernels::ChannelShape s = channel_shape(input);
  const Values x = to_vector(input), w = to_vector(weight), b = to_vector(bias), g = to_vector(dy);
  Norm r{room(input.numel()), room(input.numel()), room(s.channels), room(s.channels), {}, {}};
  Values memory = room(3 * s.n * groups);
  const norma::kernels::NormStats stats(memory.data(), s.n * groups);
  norma::kernels::plain::group_norm<double>(s, groups, x.data(), {or_null(w), or_null(b)}, eps,
                                            r.y.data(), stats);
  norma::kernels::plain::group_norm_backward(s, groups, g.data(), x.data(), or_null(w), stats,
                                             r.dx.data(), r.dweight.data(), r.dbias.data());
  return r;
}

/// Of [rows, size]: one group of `size` channels.
inline Norm layer_norm(const norma::Tensor& input, const norma::Tensor& weight,
                       const norma::Tensor& bias, double eps, const norma::Tensor& dy) {
  return group_norm(input, 1, weight, bias, eps, dy);
}

struct Pooled {
  Values y, dx;
};

inline Pooled max_pool(const norma::kernels::Pool2dShape& s, const Values& x, const Values& dy) {
  Pooled r{room(s.planes * s.out_h * s.out_w), room(s.planes * s.in_h * s.in_w)};
  std::vector<int32_t> choice(r.y.size());
  norma::kernels::plain::max_pool_forward(s, x.data(), r.y.data(), choice.data());
  norma::kernels::plain::max_pool_backward(s, dy.data(), choice.data(), r.dx.data());
  return r;
}

inline Pooled avg_pool(const norma::kernels::Pool2dShape& s,
                       const norma::functional::AvgPoolOptions& options, const Values& x,
                       const Values& dy) {
  const norma::kernels::AvgPoolRule rule{options.count_include_pad,
                                         options.divisor_override.value_or(0)};
  Pooled r{room(s.planes * s.out_h * s.out_w), room(s.planes * s.in_h * s.in_w)};
  norma::kernels::plain::avg_pool_forward(s, rule, x.data(), r.y.data());
  norma::kernels::plain::avg_pool_backward(s, rule, dy.data(), r.dx.data());
  return r;
}

struct RowLoss {
  Values loss, dx;
};

/// Of rows of logits against probabilities `q`; the gradient is that of the sum of all rows.
inline RowLoss cross_entropy(const Values& x, const Values& q, int64_t rows, int64_t classes) {
  const norma::kernels::ClassShape s{rows, classes, 1};
  Values memory = room(norma::kernels::SoftmaxRows<double>::size(s));
  const norma::kernels::SoftmaxRows<double> softmax(memory.data(), s);
  const norma::kernels::SoftTargets<double> targets{q.data(), nullptr, 0.0};
  RowLoss r{room(rows), room(rows * classes)};
  const double one = 1;
  norma::kernels::plain::softmax_rows(s, x.data(), softmax);
  norma::kernels::plain::soft_cross_entropy_forward(s, x.data(), softmax, targets, r.loss.data());
  norma::kernels::plain::soft_cross_entropy_backward<double>(s, x.data(), softmax, targets,
                                                             {&one, 0, 1.0}, r.dx.data(), nullptr);
  return r;
}

}  // namespace oracle
