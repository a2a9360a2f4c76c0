#include "norma/optim/sgd.h"

#include "norma/core/memory.h"
#include "norma/optim/limits.h"

namespace norma::optim {

SGD::SGD(std::vector<Tensor> params, const SGDOptions& options) try
    : GroupedOptimizer("SGD", {{"momentum_buffer"}}, options) {
  add_param_group({.params = std::move(params)});
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

SGD::SGD(std::vector<SGDParamGroup> groups, const SGDOptions& defaults) try
    : GroupedOptimizer("SGD", {{"momentum_buffer"}}, defaults) {
  add_param_groups(std::move(groups));
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

OptionFields SGD::option_fields(SGDOptions& o, const SGDParamGroup& group) const {
  return with_memory(0, [&]() -> OptionFields {
    const auto number = [](double x) { return x == x; };
    return {{"lr", o.lr, group.lr, detail::kLearningRate},
            {"momentum", o.momentum, group.momentum, detail::kMomentum},
            {"dampening", o.dampening, group.dampening, {number, "dampening value", "a number"}},
            {"weight_decay", o.weight_decay, group.weight_decay, detail::kWeightDecay},
            {"nesterov", o.nesterov, group.nesterov},
            {"maximize", o.maximize, group.maximize}};
  });
}

void SGD::check_options(const SGDOptions& o) const {
  if (o.nesterov && (o.momentum <= 0 || o.dampening != 0))
    fail("SGD", "Nesterov momentum requires a momentum and zero dampening; got momentum ",
         shortest(o.momentum), " and dampening ", shortest(o.dampening));
}

bool SGD::needs(std::size_t, int64_t group) const { return options(group).momentum != 0; }

void SGD::update(const Elements& elements) const {
  const SGDOptions& o = options(elements.group);
  const double sign = o.maximize ? -1 : 1, decay = o.weight_decay;
  // A new buffer holds zeros: without dampening its first value is the gradient.
  const double rest = elements.fresh ? 1 : 1 - o.dampening;
  const auto rule = [=, momentum = o.momentum, nesterov = o.nesterov, lr = o.lr]<class T>(
                        T& p, T g, auto&... buf) NORMA_INLINE {
    T d = T(sign) * g;
    if (decay != 0) d += T(decay) * p;
    ((buf = T(momentum) * buf + T(rest) * d, d = nesterov ? d + T(momentum) * buf : buf), ...);
    p -= T(lr) * d;
  };
  if (o.momentum != 0) {
    elements.each<1>(rule);
  } else {
    elements.each<0>(rule);
  }
}

}  // namespace norma::optim
