#include "norma/optim/radam.h"

#include <cmath>

#include "norma/core/elementary.h"
#include "norma/core/memory.h"
#include "norma/optim/limits.h"

namespace norma::optim {

RAdam::RAdam(std::vector<Tensor> params, const RAdamOptions& options)
    : RAdam(one_group<RAdamParamGroup>(std::move(params)), options) {}

RAdam::RAdam(std::vector<RAdamParamGroup> groups, const RAdamOptions& defaults) try
    : GroupedOptimizer("RAdam", {{"step", StateField::Counter}, {"exp_avg"}, {"exp_avg_sq"}},
                       defaults) {
  add_param_groups(std::move(groups));
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

OptionFields RAdam::option_fields(RAdamOptions& o, const RAdamParamGroup& group) const {
  return with_memory(0, [&]() -> OptionFields {
    return {{"lr", o.lr, group.lr, detail::kLearningRate},
            {"eps", o.eps, group.eps, detail::kEpsilon},
            {"betas.0", o.betas[0], detail::part(group.betas, 0), detail::kBeta1},
            {"betas.1", o.betas[1], detail::part(group.betas, 1), detail::kBeta2},
            {"weight_decay", o.weight_decay, group.weight_decay, detail::kWeightDecay},
            {"decoupled_weight_decay", o.decoupled_weight_decay, group.decoupled_weight_decay},
            {"maximize", o.maximize, group.maximize}};
  });
}

void RAdam::update(const Elements& elements) const {
  const RAdamOptions& o = options(elements.group);
  const double sign = o.maximize ? -1 : 1, eps = o.eps;
  const double coupled = o.decoupled_weight_decay ? 0 : o.weight_decay;
  const double kept = o.decoupled_weight_decay ? 1 - o.lr * o.weight_decay : 1;
  const double beta1 = o.betas[0], beta2 = o.betas[1];
  const double decayed = elementary::pow(beta2, elements.count), correction = 1 - decayed;
  const double most = 2 / (1 - beta2) - 1;
  const double length = most - 2 * elements.count * decayed / correction;
  const bool adaptive = length > 5;
  const double rect =
      std::sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length));
  const double rate = o.lr / (1 - elementary::pow(beta1, elements.count)) *
                      (adaptive ? rect * std::sqrt(correction) : 1);
  elements.each<2, Level256>([=]<class T>(T& p, T g, T& m, T& v) NORMA_INLINE {
    T d = T(sign) * g;
    if (coupled != 0) d += T(coupled) * p;
    m = T(beta1) * m + T(1 - beta1) * d;
    v = T(beta2) * v + T(1 - beta2) * d * d;
    p = T(kept) * p - T(rate) * m / (adaptive ? std::sqrt(v) + T(eps) : T(1));
  });
}

}  // namespace norma::optim
