#include "norma/optim/rmsprop.h"

#include <cmath>

#include "norma/core/memory.h"
#include "norma/optim/limits.h"

namespace norma::optim {

RMSprop::RMSprop(std::vector<Tensor> params, const RMSpropOptions& options)
    : RMSprop(one_group<RMSpropParamGroup>(std::move(params)), options) {}

RMSprop::RMSprop(std::vector<RMSpropParamGroup> groups, const RMSpropOptions& defaults) try
    : GroupedOptimizer("RMSprop",
                       {{"step", StateField::Counter},
                        {"square_avg"},
                        {"momentum_buffer", StateField::Extra},
                        {"grad_avg", StateField::Extra}},
                       defaults) {
  add_param_groups(std::move(groups));
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

OptionFields RMSprop::option_fields(RMSpropOptions& o, const RMSpropParamGroup& group) const {
  return with_memory(0, [&]() -> OptionFields {
    return {{"lr", o.lr, group.lr, detail::kLearningRate},
            {"alpha", o.alpha, group.alpha, {detail::kNotNegative, "alpha value", "alpha >= 0"}},
            {"eps", o.eps, group.eps, detail::kEpsilon},
            {"weight_decay", o.weight_decay, group.weight_decay, detail::kWeightDecay},
            {"momentum", o.momentum, group.momentum, detail::kMomentum},
            {"centered", o.centered, group.centered},
            {"maximize", o.maximize, group.maximize}};
  });
}

bool RMSprop::needs(std::size_t field, int64_t group) const {
  constexpr std::size_t kMomentumBuffer = 2, kGradAvg = 3;
  const RMSpropOptions& o = options(group);
  return (field != kMomentumBuffer || o.momentum > 0) && (field != kGradAvg || o.centered);
}

void RMSprop::update(const Elements& elements) const {
  const RMSpropOptions& o = options(elements.group);
  const double sign = o.maximize ? -1 : 1, decay = o.weight_decay;
  // `mean` is none or one, as are buffers.
  const auto rule = [=, lr = o.lr, alpha = o.alpha, eps = o.eps, momentum = o.momentum](
                        auto& p, auto g, auto& v, auto* buf, auto* mean) NORMA_INLINE {
    using T = decltype(g);
    T d = T(sign) * g;
    if (decay != 0) d += T(decay) * p;
    v = T(alpha) * v + T(1 - alpha) * d * d;
    T square = v;
    if (mean) {
      *mean = T(alpha) * *mean + T(1 - alpha) * d;
      square = v - *mean * *mean;
    }
    d /= std::sqrt(square) + T(eps);
    if (buf) d = *buf = T(momentum) * *buf + d;
    p -= T(lr) * d;
  };
  const auto none = [](auto g) NORMA_INLINE { return static_cast<decltype(g)*>(nullptr); };
  if (o.momentum > 0 && o.centered) {
    elements.each<3, Level256>([=]<class T>(T& p, T g, T& v, T& buf, T& mean)
                                   NORMA_INLINE { rule(p, g, v, &buf, &mean); });
  } else if (o.momentum > 0) {
    elements.each<2, Level256>([=]<class T>(T& p, T g, T& v, T& buf)
                                   NORMA_INLINE { rule(p, g, v, &buf, none(g)); });
  } else if (o.centered) {
    elements.each<2, Level256>([=]<class T>(T& p, T g, T& v, T& mean)
                                   NORMA_INLINE { rule(p, g, v, none(g), &mean); });
  } else {
    elements.each<1, Level256>([=]<class T>(T& p, T g, T& v)
                                   NORMA_INLINE { rule(p, g, v, none(g), none(g)); });
  }
}

}  // namespace norma::optim
