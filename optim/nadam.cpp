#include "norma/optim/nadam.h"

#include <cmath>

#include "norma/core/elementary.h"
#include "norma/core/memory.h"
#include "norma/optim/limits.h"

namespace norma::optim {

NAdam::NAdam(std::vector<Tensor> params, const NAdamOptions& options)
    : NAdam(one_group<NAdamParamGroup>(std::move(params)), options) {}

NAdam::NAdam(std::vector<NAdamParamGroup> groups, const NAdamOptions& defaults) try
    : GroupedOptimizer("NAdam",
                       {{"step", StateField::Counter},
                        {"mu_product", StateField::Product},
                        {"exp_avg"},
                        {"exp_avg_sq"}},
                       defaults) {
  add_param_groups(std::move(groups));
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

OptionFields NAdam::option_fields(NAdamOptions& o, const NAdamParamGroup& group) const {
  return with_memory(0, [&]() -> OptionFields {
    return {{"lr", o.lr, group.lr, detail::kLearningRate},
            {"eps", o.eps, group.eps, detail::kEpsilon},
            {"betas.0", o.betas[0], detail::part(group.betas, 0), detail::kBeta1},
            {"betas.1", o.betas[1], detail::part(group.betas, 1), detail::kBeta2},
            {"weight_decay", o.weight_decay, group.weight_decay, detail::kWeightDecay},
            {"momentum_decay",
             o.momentum_decay,
             group.momentum_decay,
             {detail::kNotNegative, "momentum_decay value", "momentum_decay >= 0"}},
            {"decoupled_weight_decay", o.decoupled_weight_decay, group.decoupled_weight_decay},
            {"maximize", o.maximize, group.maximize}};
  });
}

double NAdam::factor(double count, int64_t group) const {
  const NAdamOptions& o = options(group);
  return o.betas[0] * (1 - 0.5 * elementary::pow(0.96, count * o.momentum_decay));
}

void NAdam::update(const Elements& elements) const {
  const NAdamOptions& o = options(elements.group);
  const double sign = o.maximize ? -1 : 1, eps = o.eps;
  const double coupled = o.decoupled_weight_decay ? 0 : o.weight_decay;
  const double kept = o.decoupled_weight_decay ? 1 - o.lr * o.weight_decay : 1;
  const double beta1 = o.betas[0], beta2 = o.betas[1];
  const double mu = factor(elements.count, elements.group);
  const double next = factor(elements.count + 1, elements.group);
  const double of_grad = o.lr * (1 - mu) / (1 - elements.product);
  const double of_mean = o.lr * next / (1 - elements.product * next);
  const double correction = 1 - elementary::pow(beta2, elements.count);
  elements.each<2, Level256>([=]<class T>(T& p, T g, T& m, T& v) NORMA_INLINE {
    T d = T(sign) * g;
    if (coupled != 0) d += T(coupled) * p;
    m = T(beta1) * m + T(1 - beta1) * d;
    v = T(beta2) * v + T(1 - beta2) * d * d;
    const T root = std::sqrt(v / T(correction)) + T(eps);
    p = T(kept) * p - T(of_grad) * d / root - T(of_mean) * m / root;
  });
}

}  // namespace norma::optim
