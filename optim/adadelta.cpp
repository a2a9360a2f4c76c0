#include "norma/optim/adadelta.h"

#include <cmath>

#include "norma/core/memory.h"
#include "norma/optim/limits.h"

namespace norma::optim {

Adadelta::Adadelta(std::vector<Tensor> params, const AdadeltaOptions& options)
    : Adadelta(one_group<AdadeltaParamGroup>(std::move(params)), options) {}

Adadelta::Adadelta(std::vector<AdadeltaParamGroup> groups, const AdadeltaOptions& defaults) try
    : GroupedOptimizer("Adadelta", {{"step", StateField::Counter}, {"square_avg"}, {"acc_delta"}},
                       defaults) {
  add_param_groups(std::move(groups));
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

OptionFields Adadelta::option_fields(AdadeltaOptions& o, const AdadeltaParamGroup& group) const {
  return with_memory(0, [&]() -> OptionFields {
    constexpr auto share = [](double x) { return x >= 0 && x <= 1; };
    return {{"lr", o.lr, group.lr, detail::kLearningRate},
            {"rho", o.rho, group.rho, {share, "rho value", "0 <= rho <= 1"}},
            {"eps", o.eps, group.eps, detail::kEpsilon},
            {"weight_decay", o.weight_decay, group.weight_decay, detail::kWeightDecay},
            {"maximize", o.maximize, group.maximize}};
  });
}

void Adadelta::update(const Elements& elements) const {
  const AdadeltaOptions& o = options(elements.group);
  const double sign = o.maximize ? -1 : 1, decay = o.weight_decay;
  elements.each<2, Level256>(
      [=, lr = o.lr, rho = o.rho, eps = o.eps]<class T>(T& p, T g, T& v, T& u) NORMA_INLINE {
        T d = T(sign) * g;
        if (decay != 0) d += T(decay) * p;
        v = T(rho) * v + T(1 - rho) * d * d;
        d = std::sqrt(u + T(eps)) / std::sqrt(v + T(eps)) * d;
        u = T(rho) * u + T(1 - rho) * d * d;
        p -= T(lr) * d;
      });
}

}  // namespace norma::optim
