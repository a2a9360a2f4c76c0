#include "norma/optim/adam.h"

#include <cmath>

#include "norma/core/elementary.h"
#include "norma/core/memory.h"
#include "norma/optim/limits.h"

namespace norma::optim {

template <class Options>
AdamFamily<Options>::AdamFamily(const char* type, bool decoupled, const Options& defaults) try
    : GroupedOptimizer
  <Options, AdamParamGroup>(type,
                            {{"step", Optimizer::StateField::Counter},
                             {"exp_avg"},
                             {"exp_avg_sq"},
                             {"max_exp_avg_sq", Optimizer::StateField::Extra}},
                            defaults),
      decoupled_(decoupled) {}
catch (const std::bad_alloc&) {
  out_of_memory(0);
}

template <class Options>
AdamFamily<Options>::AdamFamily(const char* type, bool decoupled, std::vector<Tensor> params,
                                const Options& options) try
    : AdamFamily(type, decoupled, options) {
  this->add_param_group({.params = std::move(params)});
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

template <class Options>
AdamFamily<Options>::AdamFamily(const char* type, bool decoupled,
                                std::vector<AdamParamGroup> groups, const Options& defaults) try
    : AdamFamily(type, decoupled, defaults) {
  this->add_param_groups(std::move(groups));
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

template <class Options>
OptionFields AdamFamily<Options>::option_fields(Options& o, const AdamParamGroup& group) const {
  return with_memory(0, [&]() -> OptionFields {
    return {{"lr", o.lr, group.lr, detail::kLearningRate},
            {"eps", o.eps, group.eps, detail::kEpsilon},
            {"betas.0", o.betas[0], detail::part(group.betas, 0), detail::kBeta1},
            {"betas.1", o.betas[1], detail::part(group.betas, 1), detail::kBeta2},
            {"weight_decay", o.weight_decay, group.weight_decay, detail::kWeightDecay},
            {"amsgrad", o.amsgrad, group.amsgrad},
            {"maximize", o.maximize, group.maximize}};
  });
}

template <class Options>
bool AdamFamily<Options>::needs(std::size_t field, int64_t group) const {
  constexpr std::size_t kMaxExpAvgSq = 3;
  return field != kMaxExpAvgSq || this->options(group).amsgrad;
}

template <class Options>
void AdamFamily<Options>::update(const Elements& elements) const {
  const Options& o = this->options(elements.group);
  const double beta1 = o.betas[0], beta2 = o.betas[1];
  const double sign = o.maximize ? -1 : 1, eps = o.eps;
  const double coupled = decoupled_ ? 0 : o.weight_decay;
  const double kept = decoupled_ ? 1 - o.lr * o.weight_decay : 1;
  // In double, as PyTorch does.
  const double step = o.lr / (1 - elementary::pow(beta1, elements.count));
  const double root = std::sqrt(1 - elementary::pow(beta2, elements.count));
  const auto rule = [=]<class T>(T& p, T g, T& m, T& v, auto&... most) NORMA_INLINE {
    T d = T(sign) * g;
    if (coupled != 0) d += T(coupled) * p;
    m = T(beta1) * m + T(1 - beta1) * d;
    v = T(beta2) * v + T(1 - beta2) * d * d;
    T u = v;
    ((u = most = u <= most || most != most ? most : u), ...);  // NaN stays
    p = T(kept) * p - T(step) * m / (std::sqrt(u) / T(root) + T(eps));
  };
  if (o.amsgrad) {
    elements.each<3, Level256>(rule);
  } else {
    elements.each<2, Level256>(rule);
  }
}

Adam::Adam(std::vector<Tensor> params, const AdamOptions& options)
    : AdamFamily("Adam", /*decoupled=*/false, std::move(params), options) {}

Adam::Adam(std::vector<AdamParamGroup> groups, const AdamOptions& defaults)
    : AdamFamily("Adam", /*decoupled=*/false, std::move(groups), defaults) {}

AdamW::AdamW(std::vector<Tensor> params, const AdamWOptions& options)
    : AdamFamily("AdamW", /*decoupled=*/true, std::move(params), options) {}

AdamW::AdamW(std::vector<AdamWParamGroup> groups, const AdamWOptions& defaults)
    : AdamFamily("AdamW", /*decoupled=*/true, std::move(groups), defaults) {}

template class AdamFamily<AdamOptions>;
template class AdamFamily<AdamWOptions>;

}  // namespace norma::optim
