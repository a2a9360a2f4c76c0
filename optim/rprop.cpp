#include "norma/optim/rprop.h"

#include <cmath>

#include "norma/core/memory.h"
#include "norma/optim/limits.h"

namespace norma::optim {

Rprop::Rprop(std::vector<Tensor> params, const RpropOptions& options)
    : Rprop(one_group<RpropParamGroup>(std::move(params)), options) {}

Rprop::Rprop(std::vector<RpropParamGroup> groups, const RpropOptions& defaults) try
    : GroupedOptimizer("Rprop", {{"step", StateField::Counter}, {"prev"}, {"step_size"}},
                       defaults) {
  add_param_groups(std::move(groups));
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

OptionFields Rprop::option_fields(RpropOptions& o, const RpropParamGroup& group) const {
  return with_memory(0, [&]() -> OptionFields {
    constexpr auto number = [](double x) { return x == x; };
    const auto size = [&](std::size_t i) { return detail::part(group.step_sizes, i); };
    return {{"lr", o.lr, group.lr, detail::kLearningRate},
            {"etas.0", o.etas[0], detail::part(group.etas, 0)},
            {"etas.1", o.etas[1], detail::part(group.etas, 1)},
            {"step_sizes.0", o.step_sizes[0], size(0), {number, "smallest step size", "a number"}},
            {"step_sizes.1", o.step_sizes[1], size(1), {number, "largest step size", "a number"}},
            {"maximize", o.maximize, group.maximize}};
  });
}

void Rprop::check_options(const RpropOptions& o) const {
  if (!(0 < o.etas[0] && o.etas[0] < 1 && 1 < o.etas[1]))
    fail("Rprop", "Invalid eta values: ", shortest(o.etas[0]), ", ", shortest(o.etas[1]),
         "; expected 0 < etas[0] < 1 < etas[1]");
}

double Rprop::initial_value(std::size_t field, int64_t group) const {
  constexpr std::size_t kStepSize = 2;
  return field == kStepSize ? options(group).lr : 0;
}

void Rprop::update(const Elements& elements) const {
  const RpropOptions& o = options(elements.group);
  const double sign = o.maximize ? -1 : 1, less = o.etas[0], more = o.etas[1];
  const double least = o.step_sizes[0], most = o.step_sizes[1];
  elements.each<2>([=]<class T>(T& p, T g, T& prev, T& size) NORMA_INLINE {
    const T d = T(sign) * g, change = d * prev;
    size *= change > 0 ? T(more) : change < 0 ? T(less) : T(1);
    size = size < T(least) ? T(least) : size;
    size = size > T(most) ? T(most) : size;
    prev = change < 0 ? T(0) : d;
    p -= prev > 0 ? size : prev < 0 ? -size : T(0);
  });
}

}  // namespace norma::optim
