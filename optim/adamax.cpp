#include "norma/optim/adamax.h"

#include <cmath>

#include "norma/core/elementary.h"
#include "norma/core/memory.h"
#include "norma/optim/limits.h"

namespace norma::optim {

Adamax::Adamax(std::vector<Tensor> params, const AdamaxOptions& options)
    : Adamax(one_group<AdamaxParamGroup>(std::move(params)), options) {}

Adamax::Adamax(std::vector<AdamaxParamGroup> groups, const AdamaxOptions& defaults) try
    : GroupedOptimizer("Adamax", {{"step", StateField::Counter}, {"exp_avg"}, {"exp_inf"}},
                       defaults) {
  add_param_groups(std::move(groups));
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

OptionFields Adamax::option_fields(AdamaxOptions& o, const AdamaxParamGroup& group) const {
  return with_memory(0, [&]() -> OptionFields {
    return {{"lr", o.lr, group.lr, detail::kLearningRate},
            {"eps", o.eps, group.eps, detail::kEpsilon},
            {"betas.0", o.betas[0], detail::part(group.betas, 0), detail::kBeta1},
            {"betas.1", o.betas[1], detail::part(group.betas, 1), detail::kBeta2},
            {"weight_decay", o.weight_decay, group.weight_decay, detail::kWeightDecay},
            {"maximize", o.maximize, group.maximize}};
  });
}

void Adamax::update(const Elements& elements) const {
  const AdamaxOptions& o = options(elements.group);
  const double sign = o.maximize ? -1 : 1, decay = o.weight_decay;
  const double beta1 = o.betas[0], beta2 = o.betas[1];
  const double rate = o.lr / (1 - elementary::pow(beta1, elements.count));
  elements.each<2, Level256>([=, eps = o.eps]<class T>(T& p, T g, T& m, T& u) NORMA_INLINE {
    T d = T(sign) * g;
    if (decay != 0) d += T(decay) * p;
    m = T(beta1) * m + T(1 - beta1) * d;
    const T kept = T(beta2) * u, now = std::abs(d) + T(eps);
    u = kept > now || kept != kept ? kept : now;  // NaN stays
    p -= T(rate) * m / u;
  });
}

}  // namespace norma::optim
