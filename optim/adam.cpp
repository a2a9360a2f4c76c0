#include "norma/optim/adam.h"

#include <cmath>

#include "norma/core/simd.h"
#include "norma/optim/adamw.h"
#include "norma/optim/number.h"

namespace norma::optim {

namespace {

template <class T>
struct Factors {
  T sign, decay, beta1, rest1, beta2, rest2, lr, root, eps;
};

// `coupled`: decay is what the gradient takes of the parameter; else it multiplies the parameter.
template <class T, bool coupled, bool amsgrad>
void update(T* p, const T* g, T* exp_avg, T* exp_avg_sq, T* max_exp_avg_sq, int64_t n,
            Factors<T> f) {
  simd_narrow([=]() NORMA_INLINE {
    for (int64_t i = 0; i < n; ++i) {
      T value = p[i];
      T d = f.sign * g[i];
      if constexpr (coupled) {
        d += f.decay * value;
      } else {
        value *= f.decay;
      }
      const T m = f.beta1 * exp_avg[i] + f.rest1 * d;
      T v = f.beta2 * exp_avg_sq[i] + f.rest2 * d * d;
      exp_avg[i] = m;
      exp_avg_sq[i] = v;
      if constexpr (amsgrad) {
        const T most = max_exp_avg_sq[i];
        v = v <= most || most != most ? most : v;  // NaN stays
        max_exp_avg_sq[i] = v;
      }
      p[i] = value - f.lr * m / (std::sqrt(v) / f.root + f.eps);
    }
  });
}

// Corrections for the t-th update are computed in double, as PyTorch does.
template <class T, class Options>
Factors<T> factors(const Options& o, bool coupled, double t) {
  const double decay = coupled ? o.weight_decay : 1.0 - o.lr * o.weight_decay;
  return {static_cast<T>(o.maximize ? -1 : 1),
          static_cast<T>(decay),
          static_cast<T>(o.betas[0]),
          static_cast<T>(1.0 - o.betas[0]),
          static_cast<T>(o.betas[1]),
          static_cast<T>(1.0 - o.betas[1]),
          static_cast<T>(o.lr / (1.0 - std::pow(o.betas[0], t))),
          static_cast<T>(std::sqrt(1.0 - std::pow(o.betas[1], t))),
          static_cast<T>(o.eps)};
}

}  // namespace

template <class Options>
AdamFamily<Options>::AdamFamily(const char* type, bool decoupled, const Options& defaults)
    : GroupedOptimizer<Options, AdamParamGroup>(type,
                                                {{"step", Optimizer::StateField::Counter},
                                                 {"exp_avg"},
                                                 {"exp_avg_sq"},
                                                 {"max_exp_avg_sq", Optimizer::StateField::Extra}},
                                                defaults),
      decoupled_(decoupled) {}

template <class Options>
AdamFamily<Options>::AdamFamily(const char* type, bool decoupled, std::vector<Tensor> params,
                                const Options& options)
    : AdamFamily(type, decoupled, options) {
  this->add_param_group({.params = std::move(params)});
}

template <class Options>
AdamFamily<Options>::AdamFamily(const char* type, bool decoupled,
                                std::vector<AdamParamGroup> groups, const Options& defaults)
    : AdamFamily(type, decoupled, defaults) {
  this->add_param_groups(std::move(groups));
}

template <class Options>
void AdamFamily<Options>::check_options(const Options& o) const {
  const char* op = this->type_;
  if (!(o.lr >= 0)) fail(op, "Invalid learning rate: " + number(o.lr) + "; expected lr >= 0");
  if (!(o.eps >= 0)) fail(op, "Invalid epsilon value: " + number(o.eps) + "; expected eps >= 0");
  for (std::size_t i = 0; i < 2; ++i)
    if (!(o.betas[i] >= 0 && o.betas[i] < 1))
      fail(op, "Invalid beta parameter at index " + std::to_string(i) + ": " + number(o.betas[i]) +
                   "; expected 0 <= beta < 1");
  if (!(o.weight_decay >= 0))
    fail(op,
         "Invalid weight_decay value: " + number(o.weight_decay) + "; expected weight_decay >= 0");
}

template <class Options>
Options AdamFamily<Options>::merged(const AdamParamGroup& group, const Options& defaults) const {
  return {.lr = group.lr.value_or(defaults.lr),
          .betas = group.betas.value_or(defaults.betas),
          .eps = group.eps.value_or(defaults.eps),
          .weight_decay = group.weight_decay.value_or(defaults.weight_decay),
          .amsgrad = group.amsgrad.value_or(defaults.amsgrad),
          .maximize = group.maximize.value_or(defaults.maximize)};
}

template <class Options>
std::vector<OptionField> AdamFamily<Options>::option_fields(Options& o) const {
  return {{"lr", o.lr},
          {"betas.0", o.betas[0]},
          {"betas.1", o.betas[1]},
          {"eps", o.eps},
          {"weight_decay", o.weight_decay},
          {"amsgrad", o.amsgrad},
          {"maximize", o.maximize}};
}

template <class Options>
bool AdamFamily<Options>::needs(std::size_t field, int64_t group) const {
  constexpr std::size_t kMaxExpAvgSq = 3;
  return field != kMaxExpAvgSq || this->options(group).amsgrad;
}

template <class Options>
void AdamFamily<Options>::update(const Elements& e) const {
  const Options& o = this->options(e.group);
  // Without decay there is nothing to take from the parameter: 0 · inf would be NaN.
  const bool coupled = !decoupled_ && o.weight_decay != 0;
  dispatch_floating(e.dtype, [&]<class T>() {
    const auto data = [&](std::size_t field) { return static_cast<T*>(e.state[field]); };
    const auto run = [&](auto rule) {
      rule(static_cast<T*>(e.p), static_cast<const T*>(e.g), data(1), data(2), data(3), e.numel,
           factors<T>(o, coupled, e.count));
    };
    if (coupled) {
      run(o.amsgrad ? optim::update<T, true, true> : optim::update<T, true, false>);
    } else {
      run(o.amsgrad ? optim::update<T, false, true> : optim::update<T, false, false>);
    }
  });
}

template class AdamFamily<AdamOptions>;
template class AdamFamily<AdamWOptions>;

}  // namespace norma::optim
