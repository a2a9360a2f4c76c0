#include "norma/autograd/gradcheck.h"

#include <cmath>
#include <ostream>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/ops.h"
#include "norma/core/coordinates.h"
#include "norma/core/factory.h"
#include "norma/core/memory.h"
#include "norma/core/random.h"

namespace norma {

namespace {

void check_inputs(const char* op, const std::vector<Tensor>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& input = inputs[i];
    if (!input.defined()) fail(op, "expected defined inputs, got an undefined one");
    if (!input.requires_grad()) continue;
    const std::string which = text("input ", i);
    if (input.dtype() != kFloat64) {
      fail(op, "expected ", which, " to be float64, got ", input.dtype(),
           "; float32 has too few digits for differences");
    }
    if (!input.is_leaf())
      fail(op, "expected ", which, " to be a leaf, got the result of ", input.grad_fn_name());
    if (!input.is_contiguous())
      fail(op, "expected ", which, " to be contiguous; call contiguous() first");
  }
}

void check_result(const char* op, const Tensor& out) {
  if (out.requires_grad()) return;
  fail(op,
       "expected a function whose result depends on an input that requires_grad, got one that "
       "does not");
}

/// Removes the inputs' gradients, and restores them at the end of the scope.
class KeptGradients {
 public:
  explicit KeptGradients(const std::vector<Tensor>& inputs) : inputs_(inputs) {
    for (Tensor& input : inputs_) {
      grads_.push_back(input.grad());
      input.set_grad(Tensor());
    }
  }
  ~KeptGradients() {
    for (std::size_t i = 0; i < inputs_.size(); ++i) inputs_[i].set_grad(grads_[i]);
  }

 private:
  std::vector<Tensor> inputs_, grads_;
};

/// (f(x + eps) - f(x - eps)) / (2 eps) for an element x that `f` reads. x is restored, also when f
/// throws.
double central_difference(double& x, double eps, const std::function<double()>& f) {
  struct Restored {
    double& element;
    const double value = element;
    ~Restored() { element = value; }
  } const before{x};
  x = before.value + eps;
  const double above = f();
  x = before.value - eps;
  return (above - f()) / (2 * eps);
}

}  // namespace

GradcheckResult gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& function,
                          const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  return with_memory(0, [&] {
    if (!function) fail("gradcheck", "expected a function of the inputs, got none");
    check_inputs("gradcheck", inputs);
    const KeptGradients kept(inputs);
    const Tensor out = function(inputs);
    check_result("gradcheck", out);
    Generator generator(20150211);
    const Tensor weights = rand(out.sizes(), {.dtype = kFloat64}, generator).add(0.5);
    out.backward(weights.to(out.dtype()));

    const NoGradGuard no_grad;
    const auto weighted_sum = [&] {
      return function(inputs).to(kFloat64).mul(weights).sum().item<double>();
    };
    GradcheckResult worst;
    double worst_excess = -1;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Tensor& input = inputs[i];
      if (!input.requires_grad()) continue;
      const Tensor grad = input.grad().defined() ? input.grad().contiguous() : zeros_like(input);
      double* values = input.data_ptr<double>();
      for (int64_t k = 0; k < input.numel(); ++k) {
        const double numeric = central_difference(values[k], options.eps, weighted_sum),
                     analytic = grad.data_ptr<double>()[k];
        const double tolerance = options.atol + options.rtol * std::fabs(numeric);
        const double error = std::fabs(analytic - numeric);
        // NaN never passes.
        const double excess = error == error ? error / tolerance : INFINITY;
        if (excess <= worst_excess) continue;
        worst_excess = excess;
        worst = {.ok = excess <= 1,
                 .input = static_cast<int>(i),
                 .index = unravel(k, input.sizes()),
                 .analytic = analytic,
                 .numeric = numeric,
                 .tolerance = tolerance,
                 .message = {}};
      }
    }
    if (worst.input >= 0) {
      worst.message = text(worst.ok ? "gradients agree" : "gradients differ", "; worst at input ",
                           worst.input, ", element ", worst.index, ": backward() gives ",
                           rounded(worst.analytic, 9), ", central difference ",
                           rounded(worst.numeric, 9), ", tolerance ", rounded(worst.tolerance, 9));
    } else {
      worst.message = "gradients agree: no elements to check";
    }
    return worst;
  });
}

GradcheckResult gradgradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& function,
                              const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  return with_memory(0, [&] {
    if (!function) fail("gradgradcheck", "expected a function of the inputs, got none");
    check_inputs("gradgradcheck", inputs);
    const Tensor out = function(inputs);
    check_result("gradgradcheck", out);
    Generator generator(20150212);
    std::vector<Tensor> all = inputs;
    all.push_back(rand(out.sizes(), {.dtype = kFloat64}, generator).add(0.5).requires_grad_());
    const auto gradients = [&](const std::vector<Tensor>& values) {
      const std::vector<Tensor> own(values.begin(), values.end() - 1);
      const autograd::EnableGradGuard recording;  // gradcheck evaluates without
      const Tensor result = function(own);
      std::vector<Tensor> wanted, flat;
      for (const Tensor& input : own) {
        if (input.requires_grad()) wanted.push_back(input);
      }
      for (const Tensor& gradient :
           autograd::grad({result}, wanted, {values.back().to(result.dtype())}, true, true, true)) {
        if (gradient.defined()) flat.push_back(gradient.reshape({-1}).to(kFloat64));
      }
      const Tensor found = cat(flat);
      // Gradients that are constants have derivatives of 0.
      return found.requires_grad() ? found : found + values.back().sum() * 0.0;
    };
    return gradcheck(gradients, all, options);
  });
}

std::ostream& operator<<(std::ostream& out, const GradcheckResult& result) {
  return out << result.message;
}

}  // namespace norma
