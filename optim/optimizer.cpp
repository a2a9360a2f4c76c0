#include "norma/optim/optimizer.h"

#include <cmath>
#include <limits>
#include <unordered_set>

#include "norma/autograd/grad_mode.h"
#include "norma/core/tensor_impl.h"

namespace norma::optim {

void Optimizer::zero_grad(bool set_to_none) {
  for (const auto& group : group_parameters_) {
    for (const Tensor& parameter : group) {
      Tensor& grad = parameter.impl()->grad;
      if (!grad.defined()) continue;
      if (set_to_none) {
        grad = Tensor();
      } else {
        NoGradGuard no_grad;
        grad.detach().zero_();
      }
    }
  }
}

void Optimizer::check_group(int64_t group, const char* op) const {
  if (group >= 0 && group < group_count()) return;
  fail(op, "expected a parameter group in [0, " + std::to_string(group_count()) + "), got " +
               std::to_string(group));
}

const std::vector<Tensor>& Optimizer::parameters(int64_t group) const {
  check_group(group, "Optimizer::parameters");
  return group_parameters_[static_cast<std::size_t>(group)];
}

int64_t Optimizer::parameter_count() const {
  std::size_t count = 0;
  for (const auto& group : group_parameters_) count += group.size();
  return static_cast<int64_t>(count);
}

void Optimizer::set_lr(double lr) {
  for (int64_t group = 0; group < group_count(); ++group) set_lr(group, lr);
}

double Optimizer::initial_lr(int64_t group) {
  check_group(group, "Optimizer::initial_lr");
  double& initial = initial_lrs_[static_cast<std::size_t>(group)];
  if (std::isnan(initial)) initial = lr(group);
  return initial;
}

void Optimizer::add_parameters(std::vector<Tensor> parameters, const char* op) {
  if (parameters.empty())
    fail(op, "optimizer got an empty parameter list; expected at least one parameter");
  std::unordered_set<const TensorImpl*> known;
  for (const auto& group : group_parameters_)
    for (const Tensor& parameter : group) known.insert(parameter.impl());
  const std::size_t in_other_groups = known.size();
  std::unordered_set<const TensorImpl*> own;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& parameter = parameters[i];
    const std::string which = "parameter " + std::to_string(i);
    if (!parameter.defined()) fail(op, "expected tensors, got an undefined one as " + which);
    if (!is_floating(parameter.dtype()))
      fail(op, "expected floating parameters, got " + which + " of dtype " +
                   dtype_name(parameter.dtype()));
    if (!parameter.is_leaf())
      fail(op, "can't optimize a non-leaf Tensor: " + which + " of shape " +
                   parameter.sizes().str() + " was made by " + parameter.grad_fn_name() +
                   "; pass the leaf it was made from, or detach().requires_grad_() it");
    if (in_other_groups > 0 && known.count(parameter.impl()) > 0)
      fail(op, "some parameters appear in more than one parameter group: " + which + " of shape " +
                   parameter.sizes().str());
    if (!own.insert(parameter.impl()).second)
      fail(op, "expected every parameter once, got " + which + " of shape " +
                   parameter.sizes().str() + " twice in one parameter group");
  }
  group_parameters_.push_back(std::move(parameters));
  initial_lrs_.push_back(std::numeric_limits<double>::quiet_NaN());
}

void Optimizer::check_layout(const OptimizerState& state, const std::string& type,
                             const char* op) const {
  if (state.type != type)
    fail(op, "expected the state of an optimizer " + type + ", got one of \"" + state.type + "\"");
  const std::size_t groups = group_parameters_.size();
  if (state.groups.size() != groups || state.group_sizes.size() != groups)
    fail(op,
         "loaded state dict has a different number of parameter groups: "
         "expected " +
             std::to_string(groups) + ", got " + std::to_string(state.groups.size()) +
             (state.groups.size() == state.group_sizes.size()
                  ? ""
                  : " with " + std::to_string(state.group_sizes.size()) + " sizes"));
  for (std::size_t g = 0; g < groups; ++g) {
    const auto expected = static_cast<int64_t>(group_parameters_[g].size());
    if (state.group_sizes[g] != expected)
      fail(op,
           "loaded state dict contains a parameter group that doesn't match the size of "
           "optimizer's group: expected " +
               std::to_string(expected) + " parameters in group " + std::to_string(g) + ", got " +
               std::to_string(state.group_sizes[g]));
  }
}

}  // namespace norma::optim
