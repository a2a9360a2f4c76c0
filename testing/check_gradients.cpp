#include "norma/testing/check_gradients.h"

#include <cmath>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/ops.h"
#include "norma/core/coordinates.h"
#include "norma/core/factory.h"
#include "norma/core/random.h"
#include "norma/core/text.h"
#include "norma/testing/compare.h"

namespace norma::testing {

namespace {

using Tensors = std::vector<Tensor>;
using Call = std::function<Tensors(nn::Module&, const Tensors&)>;

struct Variable {
  std::string name;
  Tensor tensor;
  bool is_parameter;
  Tensor grad = {};
};

class GradientCheck {
 public:
  GradientCheck(BorrowedModule& borrowed, const Call& call, const Tensors& inputs,
                const GradientOptions& options)
      : borrowed_(borrowed), call_(call), options_(options) {
    for (const auto& entry : borrowed.entries()) {
      if (!entry.is_parameter || !entry.requires_grad) continue;
      variables_.push_back({entry.name, entry.tensor, true});
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      inputs_.push_back(inputs[i].defined() ? inputs[i].detach().clone() : inputs[i]);
      if (!inputs[i].defined() || !is_floating(inputs[i].dtype())) continue;
      inputs_.back().requires_grad_();
      variables_.push_back({text("input ", i), inputs_.back(), false});
    }
  }

  std::vector<std::string> run() {
    const Tensor out = result();
    if (variables_.empty() || !out.defined()) return {};
    if (!out.requires_grad()) {
      return {"no result requires a gradient: forward detaches it, or computes without recording"};
    }
    // A gradient of its own for each element.
    Generator generator(20150211);
    weights_ = rand(out.sizes(), {.dtype = kFloat64}, generator).add(0.5);
    for (Variable& variable : variables_) variable.tensor.set_grad(Tensor());
    out.backward(weights_);
    for (Variable& variable : variables_) {
      const Tensor grad = variable.tensor.grad();
      if (grad.defined()) variable.grad = grad.clone();  // later ones are added to it
    }
    std::vector<std::string> faults;
    for (const Variable& variable : variables_) {
      if (variable.is_parameter && !variable.grad.defined() && options_.requires_use) {
        faults.push_back("the parameter " + variable.name +
                         " gets no gradient: no result depends on it (allow_unused permits that)");
        continue;
      }
      const std::string difference = variable.tensor.numel() > options_.max_elements
                                         ? along_a_direction(variable)
                                         : by_element(variable);
      if (!difference.empty()) faults.push_back(difference);
    }
    return faults;
  }

 private:
  /// All floating results in a row, computed from the same buffers and random numbers each time;
  /// undefined if none is floating.
  Tensor result() {
    borrowed_.restore_buffers();
    const RandomStateGuard guard;
    Tensors parts;
    for (const Tensor& part : call_(borrowed_.module(), inputs_)) {
      if (part.defined() && is_floating(part.dtype())) {
        parts.push_back(part.reshape({-1}).to(kFloat64));
      }
    }
    return parts.empty() ? Tensor() : cat(parts);
  }

  static std::string compared(const std::string& place, double analytic, double numeric,
                              double tolerance) {
    return text(place, ", backward() gives ", rounded(analytic, 9), ", central difference ",
                rounded(numeric, 9), ", tolerance ", rounded(tolerance, 9));
  }

  std::string by_element(const Variable& variable) {
    const GradcheckResult found =
        gradcheck([&](const Tensors&) { return result(); }, {variable.tensor}, options_.gradcheck);
    if (found.ok) return "";
    return compared("by element " + tuple_text(found.index) + " of " + variable.name,
                    found.analytic, found.numeric, found.tolerance);
  }

  // All elements at once: the derivative along a direction is a number.
  std::string along_a_direction(const Variable& variable) {
    Tensor tensor = variable.tensor;
    const Tensor before = tensor.detach().clone(), grad = variable.grad;
    Generator generator(20150213);
    const Tensor direction = randn(tensor.sizes(), {.dtype = kFloat64}, generator);
    const double analytic = grad.defined() ? grad.mul(direction).sum().item<double>() : 0;
    const NoGradGuard no_grad;
    const double eps = options_.gradcheck.eps;
    const auto shifted = [&](double step) {
      tensor.copy_(before.add(direction.mul(step)));
      return result().mul(weights_).sum().item<double>();
    };
    const double above = shifted(eps), numeric = (above - shifted(-eps)) / (2 * eps);
    tensor.copy_(before);
    const double tolerance = options_.gradcheck.atol + options_.gradcheck.rtol * std::fabs(numeric);
    if (std::fabs(analytic - numeric) <= tolerance) return "";
    return compared("along a drawn direction of " + variable.name, analytic, numeric, tolerance);
  }

  BorrowedModule& borrowed_;
  const Call& call_;
  const GradientOptions& options_;
  Tensors inputs_;
  std::vector<Variable> variables_;
  Tensor weights_;
};

}  // namespace

std::vector<std::string> gradient_faults(BorrowedModule& borrowed, const Call& call,
                                         const Tensors& inputs, bool training,
                                         const GradientOptions& options) {
  borrowed.begin(training, kFloat64);
  return GradientCheck(borrowed, call, inputs, options).run();
}

}  // namespace norma::testing
