#include "norma/optim/adagrad.h"

#include <cmath>

#include "norma/core/memory.h"
#include "norma/optim/limits.h"

namespace norma::optim {

Adagrad::Adagrad(std::vector<Tensor> params, const AdagradOptions& options)
    : Adagrad(one_group<AdagradParamGroup>(std::move(params)), options) {}

Adagrad::Adagrad(std::vector<AdagradParamGroup> groups, const AdagradOptions& defaults) try
    : GroupedOptimizer("Adagrad", {{"step", StateField::Counter}, {"sum"}}, defaults) {
  add_param_groups(std::move(groups));
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

OptionFields Adagrad::option_fields(AdagradOptions& o, const AdagradParamGroup& group) const {
  return with_memory(0, [&]() -> OptionFields {
    constexpr auto positive = detail::kNotNegative;
    return {{"lr", o.lr, group.lr, detail::kLearningRate},
            {"lr_decay", o.lr_decay, group.lr_decay, {positive, "lr_decay value", "lr_decay >= 0"}},
            {"weight_decay", o.weight_decay, group.weight_decay, detail::kWeightDecay},
            {"initial_accumulator_value",
             o.initial_accumulator_value,
             {},
             {positive, "initial_accumulator_value value", "initial_accumulator_value >= 0"}},
            {"eps", o.eps, group.eps, detail::kEpsilon},
            {"maximize", o.maximize, group.maximize}};
  });
}

double Adagrad::initial_value(std::size_t, int64_t group) const {
  return options(group).initial_accumulator_value;
}

void Adagrad::update(const Elements& elements) const {
  const AdagradOptions& o = options(elements.group);
  const double sign = o.maximize ? -1 : 1, decay = o.weight_decay;
  const double rate = o.lr / (1 + (elements.count - 1) * o.lr_decay);
  elements.each<1, Level256>([=, eps = o.eps]<class T>(T& p, T g, T& sum) NORMA_INLINE {
    T d = T(sign) * g;
    if (decay != 0) d += T(decay) * p;
    sum += d * d;
    p -= T(rate) * d / (std::sqrt(sum) + T(eps));
  });
}

}  // namespace norma::optim
