// Losses of each element of the input and the target by itself.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "norma/autograd/elementwise.h"
#include "norma/autograd/functional_activations.h"
#include "norma/autograd/functional_losses.h"
#include "norma/autograd/losses.h"
#include "norma/autograd/operands.h"
#include "norma/core/kernels/vector_math.h"

namespace norma::functional {

using namespace autograd;

namespace {

/// log x and log(1 - x), of which the loss takes at least -100.
NORMA_INLINE inline float log_of(float x) { return fast_log(x); }
NORMA_INLINE inline double log_of(double x) { return elementary::log(x); }
template <class T>
NORMA_INLINE inline T log_of_rest(T x) {
  // What rounding takes from 1 - x is not lost.
  const T rest = 1 - x;
  return log_of(rest) + (rest > 0 ? ((1 - rest) - x) / rest : T(0));
}
template <class T>
NORMA_INLINE inline T limited(T log) {
  return log < -100 ? T(-100) : log;
}

void check_probabilities(const char* name, const Tensor& x) {
  if ((x >= 0).logical_and(x <= 1).all().item<bool>()) return;
  fail("binary_cross_entropy", "all elements of ", name, " should be between 0 and 1");
}

/// A loss by its value(x - t), and its slope as a function of numbers and in tensor operations.
template <class Value, class Slope, class Formula>
Tensor of_difference(const Operation& told_as, const Tensor& input, const Tensor& target,
                     Reduction reduction, Value value, Slope slope, Formula formula) {
  const char* const op = told_as.name;
  check_floating(op, input);
  check_same_size(op, input, target);
  const Tensor losses = binary_floating(
      op, input, target, [value](auto x, auto t) NORMA_INLINE { return value(x - t); });
  return reduced(
      op,
      record(told_as, losses, {&input, &target},
             [=, x = Saved(input), t = Saved(target)](const Tensor& g, InputGrads& d) {
               const Tensor own =
                   g.mul(grad_enabled()
                             ? formula(*x - *t)
                             : binary_floating(op, *x, *t, [slope](auto a, auto b) NORMA_INLINE {
                                 return slope(a - b);
                               }));
               d[0] = own;
               if (d.needs(1)) d[1] = own.neg();
             }),
      reduction);
}

}  // namespace

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target,
                            const BinaryCrossEntropyOptions& options) {
  constexpr const char* kOp = "binary_cross_entropy";
  check_floating(kOp, input);
  check_same_size(kOp, input, target);
  check_constant(kOp, "weight", options.weight);
  check_probabilities("input", input);
  check_probabilities("target", target);
  Tensor losses = binary_floating(kOp, input, target, [](auto x, auto t) NORMA_INLINE {
    return (t - 1) * limited(log_of_rest(x)) - t * limited(log_of(x));
  });
  losses = record(kOp, losses, {&input, &target},
                  [x = Saved(input), t = Saved(target)](const Tensor& g, InputGrads& d) {
                    const Tensor range = (1 - *x) * *x;
                    if (d.needs(0)) d[0] = g.mul((*x - *t) / range.clamp_min(1e-12F));
                    if (d.needs(1)) d[1] = g.mul((1 - *x).log() - x->log());
                  });
  return reduced(kOp, options.weight.defined() ? losses * options.weight : losses,
                 options.reduction);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, const SmoothL1Options& options) {
  constexpr const char* kOp = "smooth_l1_loss";
  const double beta = options.beta;
  if (!(beta >= 0)) fail(kOp, "expected beta of 0 or more, got ", beta);
  if (beta == 0) {
    check_reduction(kOp, options.reduction);
    return l1_loss(input, target, options.reduction);
  }
  return of_difference(
      {kOp, {{"beta", beta}}}, input, target, options.reduction,
      [beta](auto d) NORMA_INLINE {
        using T = decltype(d);
        const T a = std::fabs(d), b = static_cast<T>(beta);
        return a < b ? a * a / (2 * b) : a - b / 2;
      },
      [beta](auto d) NORMA_INLINE {
        using T = decltype(d);
        const T b = static_cast<T>(beta);
        return d <= -b ? T(-1) : d >= b ? T(1) : d / b;
      },
      [beta](const Tensor& d) { return d.clamp(-beta, beta) / beta; });
}

Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberOptions& options) {
  constexpr const char* kOp = "huber_loss";
  const double delta = options.delta;
  if (!(delta > 0)) fail(kOp, "expected delta above 0, got ", delta);
  return of_difference(
      {kOp, {{"delta", delta}}}, input, target, options.reduction,
      [delta](auto d) NORMA_INLINE {
        using T = decltype(d);
        const T a = std::fabs(d), b = static_cast<T>(delta);
        return a <= b ? a * a / 2 : b * (a - b / 2);
      },
      [delta](auto d) NORMA_INLINE {
        using T = decltype(d);
        const T b = static_cast<T>(delta);
        return d <= -b ? -b : d >= b ? b : d;
      },
      [delta](const Tensor& d) { return d.clamp(-delta, delta); });
}

namespace {

/// x log x, 0 at 0; the gradient there is NaN, as in PyTorch.
Tensor times_own_log(const Tensor& x) {
  const Tensor zero = x.eq(0);
  const Tensor out = (x.detach() * x.detach().log()).masked_fill(zero, 0);
  return record("x log x", out, {&x}, [x = Saved(x)](const Tensor& g, InputGrads& d) {
    d[0] = g.mul(x->log().masked_fill(x->eq(0), 0) + *x / *x);
  });
}

}  // namespace

Tensor kl_div(const Tensor& input, const Tensor& target, const KLDivOptions& options) {
  check_floating("kl_div", input);
  check_floating("kl_div", target, "target");
  const Tensor losses =
      options.log_target ? target.exp() * (target - input) : times_own_log(target) - target * input;
  if (options.reduction != Reduction::BatchMean)
    return reduced("kl_div", losses, options.reduction);
  return input.dim() == 0 ? losses.sum() : losses.sum() / input.size(0);
}

Tensor poisson_nll_loss(const Tensor& input, const Tensor& target,
                        const PoissonNLLOptions& options) {
  defined_impl(input, "poisson_nll_loss");
  defined_impl(target, "poisson_nll_loss");
  Tensor losses = options.log_input ? input.exp() - target * input
                                    : input - target * (input + options.eps).log();
  if (options.full) {
    const Tensor& t = target;
    const Tensor stirling = t * t.log() - t + (2 * std::numbers::pi * t).log() * 0.5;
    losses = losses + stirling.masked_fill(t <= 1, 0);
  }
  return reduced("poisson_nll_loss", losses, options.reduction);
}

Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var,
                         const GaussianNLLOptions& options) {
  constexpr const char* kOp = "gaussian_nll_loss";
  const Shape &sizes = defined_impl(input, kOp)->sizes,
              &own = check_floating(kOp, var, "var")->sizes;
  defined_impl(target, kOp);
  if ((var < 0).any().item<bool>()) fail(kOp, "expected var of 0 or more, got a negative element");
  Shape rows = sizes;
  if (!rows.empty()) rows.erase(rows.size() - 1);
  int64_t mismatched = 0;
  for (int64_t i = 0; i < std::min(sizes.size(), own.size()); ++i)
    mismatched += own[i] != sizes[i] ? own[i] : 0;
  const bool short_by_one = own == rows && own.size() < sizes.size();
  if (own != sizes && !short_by_one && (own.size() != sizes.size() || mismatched != 1)) {
    fail(kOp, "expected var of the input's size ", sizes,
         ", or with one size 1 or without the last, ", "got ", own);
  }
  const Tensor variance = (short_by_one ? var.unsqueeze(-1) : var).clone();
  {
    const NoGradGuard guard;
    Tensor(variance).clamp_min_(options.eps);
  }
  Tensor losses = (variance.log() + (input - target).square() / variance) * 0.5;
  if (options.full) losses = losses + 0.5 * elementary::log(2 * std::numbers::pi);
  return reduced(kOp, losses, options.reduction);
}

Tensor soft_margin_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  check_floating("soft_margin_loss", input);
  const double unlimited = std::numeric_limits<double>::infinity();
  return reduced("soft_margin_loss", softplus(target.neg() * input, 1.0, unlimited), reduction);
}

Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target,
                                   const MultiLabelSoftMarginOptions& options) {
  constexpr const char* kOp = "multilabel_soft_margin_loss";
  const Shape& sizes = check_floating(kOp, input)->sizes;
  if (sizes.empty()) fail(kOp, "expected an input [*, C], got a number, []");
  check_constant(kOp, "weight", options.weight);
  Tensor losses = target * softplus(-input) + (1 - target) * softplus(input);
  if (options.weight.defined()) losses = losses * options.weight;
  return reduced(kOp, losses.sum({sizes.size() - 1}) / sizes.back(), options.reduction);
}

}  // namespace norma::functional
