// Adam with decoupled weight decay.
#pragma once
#include "norma/optim/adam.h"

namespace norma::optim {

/// Adam's options, with another default of weight_decay.
struct AdamWOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};  ///< each in [0, 1)
  double eps = 1e-8;
  double weight_decay = 1e-2;
  bool amsgrad = false;
  bool maximize = false;
};

using AdamWParamGroup = AdamParamGroup;

extern template class AdamFamily<AdamWOptions>;

/// Adam, except that weight decay does not pass through the averages: instead of
/// `g = g + weight_decay · p`, the update begins with
///
///     p = (1 − lr · weight_decay) p
///
///     optim::AdamW optimizer(optim::split_weight_decay(model, 1e-2), {.lr = 1e-3});
///
/// State and errors are Adam's.
///
/// Loshchilov and Hutter, "Decoupled weight decay regularization", arXiv:1711.05101.
class AdamW : public AdamFamily<AdamWOptions> {
 public:
  explicit AdamW(std::vector<Tensor> params, const AdamWOptions& options = {})
      : AdamFamily("AdamW", /*decoupled=*/true, std::move(params), options) {}
  explicit AdamW(std::vector<AdamWParamGroup> groups, const AdamWOptions& defaults = {})
      : AdamFamily("AdamW", /*decoupled=*/true, std::move(groups), defaults) {}
};

}  // namespace norma::optim
