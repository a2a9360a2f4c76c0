// Gradients of operations whose backward is a fused loop, in tensor operations instead: what is
// recorded where gradients are differentiated themselves (create_graph). For Norma's own sources.
//
// Each takes what its operation saved and the gradient g of the result, and fills in those of the
// inputs that are needed.
#pragma once
#include "norma/autograd/node.h"
#include "norma/core/kernels/loss_shape.h"
#include "norma/core/kernels/norm_stats.h"

namespace norma::autograd::formulas {

using kernels::ChannelShape;
using kernels::ClassShape;
using kernels::PointwiseLoss;

/// y = x wᵀ + b; undefined x or w are those that no gradient needs.
void linear(const Shape& x_sizes, const Tensor& x, const Tensor& w, const Tensor& g, InputGrads& d);

/// `stats` as BatchNormStats: where the statistics are not the batch's, they are constants. `relu`:
/// of the ReLU of the norm.
void batch_norm(ChannelShape shape, bool batch_stats, bool relu, double eps, const Tensor& stats,
                const Tensor& x, const Tensor& weight, const Tensor& g, InputGrads& d);
/// `sizes`: of weight and bias.
void group_norm(ChannelShape shape, int64_t groups, const Shape& sizes, double eps, const Tensor& x,
                const Tensor& weight, const Tensor& g, InputGrads& d);

// In the losses, g is a number, or one for every row.
void cross_entropy(ClassShape shape, const Tensor& x, const Tensor& target, const Tensor& weight,
                   int64_t ignore_index, double smoothing, const Tensor& g, InputGrads& d);
void soft_cross_entropy(ClassShape shape, const Tensor& x, const Tensor& target,
                        const Tensor& weight, double smoothing, const Tensor& g, InputGrads& d);
/// `sizes`: of the log-probabilities.
void nll(ClassShape shape, const Shape& sizes, const Tensor& target, const Tensor& weight,
         int64_t ignore_index, const Tensor& g, InputGrads& d);
void pointwise(PointwiseLoss kind, const Tensor& x, const Tensor& target, const Tensor& weight,
               const Tensor& pos_weight, const Tensor& g, InputGrads& d);

}  // namespace norma::autograd::formulas
