#include "norma/optim/sgd.h"

#include "norma/core/simd.h"
#include "norma/optim/number.h"

namespace norma::optim {

namespace {

enum class Rule { Plain, Momentum, Nesterov };

template <class T>
struct Factors {
  T sign, decay, momentum, rest, lr;
};

template <class T, Rule rule, bool decays>
void update(T* p, const T* g, T* buf, int64_t n, Factors<T> f) {
  simd([=]() NORMA_INLINE {
    for (int64_t i = 0; i < n; ++i) {
      T d = f.sign * g[i];
      if constexpr (decays) d += f.decay * p[i];
      if constexpr (rule != Rule::Plain) {
        const T velocity = f.momentum * buf[i] + f.rest * d;
        buf[i] = velocity;
        d = rule == Rule::Nesterov ? d + f.momentum * velocity : velocity;
      }
      p[i] -= f.lr * d;
    }
  });
}

template <class T, Rule rule>
void update(T* p, const T* g, T* buf, int64_t n, const Factors<T>& f) {
  if (f.decay != T(0)) {
    update<T, rule, true>(p, g, buf, n, f);
  } else {
    update<T, rule, false>(p, g, buf, n, f);
  }
}

template <class T>
void update(const SGDOptions& o, T* p, const T* g, T* buf, int64_t n, bool first) {
  // A new buffer holds zeros: without dampening its first value is the gradient.
  const double rest = first ? 1.0 : 1.0 - o.dampening;
  const Factors<T> f{static_cast<T>(o.maximize ? -1 : 1), static_cast<T>(o.weight_decay),
                     static_cast<T>(o.momentum), static_cast<T>(rest), static_cast<T>(o.lr)};
  if (!buf) {
    update<T, Rule::Plain>(p, g, buf, n, f);
  } else if (o.nesterov) {
    update<T, Rule::Nesterov>(p, g, buf, n, f);
  } else {
    update<T, Rule::Momentum>(p, g, buf, n, f);
  }
}

}  // namespace

SGD::SGD(std::vector<Tensor> params, const SGDOptions& options)
    : GroupedOptimizer("SGD", {{"momentum_buffer"}}, options) {
  add_param_group({.params = std::move(params)});
}

SGD::SGD(std::vector<SGDParamGroup> groups, const SGDOptions& defaults)
    : GroupedOptimizer("SGD", {{"momentum_buffer"}}, defaults) {
  add_param_groups(std::move(groups));
}

void SGD::check_options(const SGDOptions& options) const {
  if (!(options.lr >= 0))
    fail("SGD", "Invalid learning rate: " + number(options.lr) + "; expected lr >= 0");
  if (!(options.momentum >= 0))
    fail("SGD", "Invalid momentum value: " + number(options.momentum) + "; expected momentum >= 0");
  if (!(options.weight_decay >= 0))
    fail("SGD", "Invalid weight_decay value: " + number(options.weight_decay) +
                    "; expected weight_decay >= 0");
  if (options.nesterov && (options.momentum <= 0 || options.dampening != 0))
    fail("SGD", "Nesterov momentum requires a momentum and zero dampening; got momentum " +
                    number(options.momentum) + " and dampening " + number(options.dampening));
}

SGDOptions SGD::merged(const SGDParamGroup& group, const SGDOptions& defaults) const {
  return {.lr = group.lr.value_or(defaults.lr),
          .momentum = group.momentum.value_or(defaults.momentum),
          .dampening = group.dampening.value_or(defaults.dampening),
          .weight_decay = group.weight_decay.value_or(defaults.weight_decay),
          .nesterov = group.nesterov.value_or(defaults.nesterov),
          .maximize = group.maximize.value_or(defaults.maximize)};
}

std::vector<OptionField> SGD::option_fields(SGDOptions& o) const {
  return {{"lr", o.lr},
          {"momentum", o.momentum},
          {"dampening", o.dampening},
          {"weight_decay", o.weight_decay},
          {"nesterov", o.nesterov},
          {"maximize", o.maximize}};
}

bool SGD::needs(std::size_t, int64_t group) const { return options(group).momentum != 0; }

void SGD::update(const Elements& e) const {
  dispatch_floating(e.dtype, [&]<class T>() {
    optim::update(options(e.group), static_cast<T*>(e.p), static_cast<const T*>(e.g),
                  static_cast<T*>(e.state[0]), e.numel, e.fresh);
  });
}

}  // namespace norma::optim
