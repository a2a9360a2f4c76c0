// Losses.
#include <algorithm>
#include <string>

#include "norma/autograd/functional.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/loss/class_loss.h"
#include "norma/core/kernels/loss/pointwise_loss.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/sums.h"
#include "norma/core/tensor_impl.h"

namespace norma::functional {
namespace {

using autograd::check_floating;
using autograd::data_or_null;
using autograd::InputGrads;
using autograd::packed;
using autograd::record;
using autograd::Saved;
using kernels::ClassShape;
using kernels::ClassTargets;
using kernels::LossGradient;
using kernels::PointwiseInputs;
using kernels::PointwiseLoss;
using kernels::SoftmaxRows;
using kernels::SoftTargets;

void check_constant(const char* op, const char* name, const Tensor& weight) {
  if (!weight.defined() || !weight.requires_grad()) return;
  fail(op, "expected ", name,
       " that needs no gradient, got one that requires_grad; pass its detach()");
}

/// Sizes of a classification problem and of its loss per row.
struct Classes {
  ClassShape shape;
  Shape loss_sizes;
};

Classes check_logits(const char* op, const Tensor& input, const Tensor& target,
                     const Tensor& weight) {
  defined_impl(input, op);
  defined_impl(target, op);
  if (!is_floating(input.dtype()) && is_floating(target.dtype())) {
    fail(op, "expected a floating input and a target, got ", input.dtype(), " and then ",
         target.dtype(), "; the input comes first: loss(net(x), target)");
  }
  check_floating(op, input);
  const Shape& sizes = input.sizes();
  if (sizes.empty()) fail(op, "expected an input [N, C], [N, C, d1, …] or [C], got a number, []");
  Classes classes{{1, sizes[0], 1}, {}};
  if (sizes.size() > 1) {
    classes.shape.n = sizes[0];
    classes.shape.classes = sizes[1];
    classes.loss_sizes = sizes;
    classes.loss_sizes.erase(1);
    for (int64_t i = 2; i < sizes.size(); ++i) classes.shape.inner *= sizes[i];
  }
  check_constant(op, "weight", weight);
  const int64_t count = classes.shape.classes;
  if (weight.defined() && weight.sizes() != Shape{count}) {
    fail(op, "weight tensor should be defined either for all ", count,
         " classes or no classes but got weight tensor of shape: ", weight.sizes());
  }
  if (weight.defined() && weight.dtype() != input.dtype()) {
    fail(op, "expected weight of the input's type ", input.dtype(), ", got ", weight.dtype(),
         "; convert one with to()");
  }
  return classes;
}

void check_index_sizes(const char* op, const Classes& classes, const Tensor& input,
                       const Tensor& target) {
  const Shape &expected = classes.loss_sizes, &got = target.sizes();
  if (got == expected) return;
  if (!expected.empty() && !got.empty() && got[0] != expected[0]) {
    fail(op, "Expected input batch_size (", expected[0], ") to match target batch_size (", got[0],
         "), got input size ", input.sizes(), " and target size ", got);
  }
  std::string hint;
  if (got.size() == expected.size() + 1 && got.back() == 1) hint = "; call squeeze(-1) on it";
  fail(op, "Expected target size ", expected, ", got ", got, " for input size ", input.sizes(),
       hint);
}

/// Checks every class and gives Σ w_y over those that count.
double total_weight(const char* op, int64_t classes, const Tensor& target, const Tensor& weight,
                    int64_t ignore_index) {
  const int64_t* y = target.impl()->data_as<int64_t>();
  const int64_t count = target.numel();
  int64_t counted = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (y[i] == ignore_index) continue;
    ++counted;
    if (y[i] >= 0 && y[i] < classes) continue;
    fail(op, "Target ", y[i], " is out of bounds. Expected classes from 0 to ", classes - 1,
         ", or ignore_index ", ignore_index);
  }
  if (!weight.defined()) return static_cast<double>(counted);
  return dispatch_floating(weight.dtype(), [&]<class T>() {
    const T* w = weight.impl()->data_as<T>();
    double sum = 0;
    for (int64_t i = 0; i < count; ++i) {
      if (y[i] != ignore_index) sum += static_cast<double>(w[y[i]]);
    }
    return sum;
  });
}

Tensor number(double value, DType dtype) {
  Tensor out = new_tensor(Shape{}, dtype);
  dispatch_floating(dtype, [&]<class T>() { *out.impl()->data_as<T>() = static_cast<T>(value); });
  return out;
}

/// The loss of every row as `fill(losses)` writes it, their sum, or their sum over `divisor`;
/// `space` has room for them.
template <class T, class Fill>
Tensor reduced(const Classes& classes, Reduction reduction, double divisor, T* space, Fill fill) {
  if (reduction == Reduction::None) {
    const Tensor losses = new_tensor(classes.loss_sizes, dtype_of<T>);
    fill(losses.impl()->data_as<T>());
    return losses;
  }
  fill(space);
  const double sum = kernels::ordered_sum(classes.shape.rows(), space);
  return number(reduction == Reduction::Mean ? sum / divisor : sum, dtype_of<T>);
}

/// The pos_weight of losses that have none.
const Tensor kNone;

/// Room for the softmax of every row, kept for backward, and for the losses behind it.
Tensor softmax_space(ClassShape shape, DType dtype) {
  return dispatch_floating(
      dtype, [&]<class T>() { return new_tensor({SoftmaxRows<T>::size(shape)}, dtype); });
}

template <class T>
LossGradient<T> loss_gradient(const Tensor& g, Reduction reduction, double divisor) {
  return {g.impl()->data_as<T>(), reduction == Reduction::None ? 1 : 0,
          reduction == Reduction::Mean ? 1.0 / divisor : 1.0};
}

template <class T>
SoftmaxRows<T> softmax_of(const Tensor& saved, ClassShape shape) {
  return SoftmaxRows<T>(saved.impl()->data_as<T>(), shape);
}

Tensor index_cross_entropy(const Classes& classes, const Tensor& input, const Tensor& target,
                           const CrossEntropyOptions& options) {
  const ClassShape shape = classes.shape;
  const Reduction reduction = options.reduction;
  const int64_t ignore = options.ignore_index;
  const double smoothing = options.label_smoothing;
  const Tensor x = packed(input), y = packed(target), w = packed(options.weight);
  const double divisor = total_weight("cross_entropy", shape.classes, y, w, ignore);
  const Tensor softmax = softmax_space(shape, x.dtype());
  const Tensor out = dispatch_floating(x.dtype(), [&]<class T>() {
    const T* px = x.impl()->data_as<T>();
    const SoftmaxRows<T> rows = softmax_of<T>(softmax, shape);
    const ClassTargets<T> targets{y.impl()->data_as<int64_t>(), data_or_null<T>(w), ignore,
                                  smoothing};
    kernels::softmax_rows<T>(shape, px, rows);
    return reduced<T>(classes, reduction, divisor, rows.spare, [&](T* losses) {
      kernels::cross_entropy_forward<T>(shape, px, rows, targets, losses);
    });
  });
  if (!autograd::recording({&input})) return out;
  return record(
      "cross_entropy", out, {&input},
      [=, sizes = input.sizes(), sy = Saved(y), sw = Saved(w)](const Tensor& grad, InputGrads& d) {
        const Tensor g = grad.contiguous();
        d[0] = new_tensor(sizes, g.dtype());
        dispatch_floating(g.dtype(), [&]<class T>() {
          const ClassTargets<T> targets{sy->impl()->data_as<int64_t>(), data_or_null<T>(*sw),
                                        ignore, smoothing};
          kernels::cross_entropy_backward<T>(shape, softmax_of<T>(softmax, shape), targets,
                                             loss_gradient<T>(g, reduction, divisor),
                                             d[0].impl()->data_as<T>());
        });
      },
      {&target, &options.weight, &kNone});
}

Tensor soft_cross_entropy(const Classes& classes, const Tensor& input, const Tensor& target,
                          const CrossEntropyOptions& options) {
  const ClassShape shape = classes.shape;
  const Reduction reduction = options.reduction;
  const double smoothing = options.label_smoothing;
  const double divisor = shape.classes > 0 ? static_cast<double>(shape.rows()) : 0.0;
  const Tensor x = packed(input), q = packed(target), w = packed(options.weight);
  const Tensor softmax = softmax_space(shape, x.dtype());
  const Tensor out = dispatch_floating(x.dtype(), [&]<class T>() {
    const T* px = x.impl()->data_as<T>();
    const SoftmaxRows<T> rows = softmax_of<T>(softmax, shape);
    const SoftTargets<T> targets{q.impl()->data_as<T>(), data_or_null<T>(w), smoothing};
    kernels::softmax_rows<T>(shape, px, rows);
    return reduced<T>(classes, reduction, divisor, rows.spare, [&](T* losses) {
      kernels::soft_cross_entropy_forward<T>(shape, px, rows, targets, losses);
    });
  });
  if (!autograd::recording({&input, &target})) return out;
  return record(
      "cross_entropy", out, {&input, &target},
      [=, sx = Saved(x), sq = Saved(q), sw = Saved(w)](const Tensor& grad, InputGrads& d) {
        const Tensor g = grad.contiguous();
        for (const int i : {0, 1}) {
          if (d.needs(i)) d[i] = new_tensor(sx->sizes(), g.dtype());
        }
        dispatch_floating(g.dtype(), [&]<class T>() {
          const SoftTargets<T> targets{sq->impl()->data_as<T>(), data_or_null<T>(*sw), smoothing};
          kernels::soft_cross_entropy_backward<T>(shape, sx->impl()->data_as<T>(),
                                                  softmax_of<T>(softmax, shape), targets,
                                                  loss_gradient<T>(g, reduction, divisor),
                                                  data_or_null<T>(d[0]), data_or_null<T>(d[1]));
        });
      },
      {&options.weight, &kNone});
}

/// Both as contiguous tensors of the wider of their floating types.
struct PointwisePair {
  Tensor x, target;
};

PointwisePair check_pair(const char* op, const Tensor& input, const Tensor& target) {
  check_floating(op, input);
  const TensorImpl* t = defined_impl(target, op);
  if (t->sizes != input.sizes()) {
    fail(op, "Target size ", t->sizes, " must be the same as input size ", input.sizes(),
         "; reshape or expand one to the other's size");
  }
  const DType dtype = std::max(input.dtype(), t->dtype);
  return {packed(input.dtype() == dtype ? input : input.detach().to(dtype)),
          packed(t->dtype == dtype ? target : target.detach().to(dtype))};
}

Tensor pointwise(const char* op, PointwiseLoss kind, const Tensor& input, const Tensor& target,
                 const PointwisePair& pair, const Tensor& w, const Tensor& p, Reduction reduction) {
  const DType dtype = pair.x.dtype();
  const int64_t count = pair.x.numel();
  const double divisor = static_cast<double>(count);
  Tensor out;
  dispatch_floating(dtype, [&]<class T>() {
    const PointwiseInputs<T> in{pair.x.impl()->data_as<T>(), pair.target.impl()->data_as<T>(),
                                data_or_null<T>(w), data_or_null<T>(p)};
    if (reduction == Reduction::None) {
      out = new_tensor(pair.x.sizes(), dtype);
      kernels::pointwise_loss<T>(kind, count, in, out.impl()->data_as<T>());
    } else {
      const double sum = kernels::pointwise_loss_sum<T>(kind, count, in);
      out = number(reduction == Reduction::Mean ? sum / divisor : sum, dtype);
    }
  });
  if (!autograd::recording({&input, &target})) return out;
  return record(op, out, {&input, &target},
                [=, x = Saved(pair.x), t = Saved(pair.target), sw = Saved(w), sp = Saved(p)](
                    const Tensor& grad, InputGrads& d) {
                  const Tensor g = grad.contiguous();
                  for (const int i : {0, 1}) {
                    if (d.needs(i)) d[i] = new_tensor(x->sizes(), g.dtype());
                  }
                  dispatch_floating(g.dtype(), [&]<class T>() {
                    const PointwiseInputs<T> in{x->impl()->data_as<T>(), t->impl()->data_as<T>(),
                                                data_or_null<T>(*sw), data_or_null<T>(*sp)};
                    kernels::pointwise_loss_backward<T>(
                        kind, count, in, loss_gradient<T>(g, reduction, divisor),
                        data_or_null<T>(d[0]), data_or_null<T>(d[1]));
                  });
                },
                {&w, &p});
}

/// `weight` with a value for every element of the input.
Tensor spread(const char* op, const char* name, const Tensor& weight, const Tensor& input,
              DType dtype) {
  if (!weight.defined()) return weight;
  check_constant(op, name, weight);
  const Shape& sizes = input.sizes();
  const int64_t extra = sizes.size() - weight.dim();
  bool fits = extra >= 0;
  for (int64_t i = 0; fits && i < weight.dim(); ++i) {
    fits = weight.size(i) == 1 || weight.size(i) == sizes[extra + i];
  }
  if (!fits) {
    fail(op, "expected ", name, " that broadcasts to the input's size ", sizes, ", got ",
         weight.sizes());
  }
  return weight.detach().to(dtype).expand(sizes).contiguous();
}

}  // namespace

Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyOptions& options) {
  const Classes classes = check_logits("cross_entropy", input, target, options.weight);
  const double smoothing = options.label_smoothing;
  if (!(smoothing >= 0.0 && smoothing <= 1.0)) {
    fail("cross_entropy",
         "label_smoothing must be between 0.0 and 1.0. Got: ", std::to_string(smoothing));
  }
  const DType got = target.dtype();
  if (target.sizes() == input.sizes()) {
    if (!is_floating(target.dtype())) {
      fail("cross_entropy",
           "Expected floating point type for target with class probabilities, got ", got,
           "; class indices have the size ", classes.loss_sizes);
    }
    if (target.dtype() != input.dtype()) {
      fail("cross_entropy", "expected probabilities of the input's type ", input.dtype(), ", got ",
           got, "; convert one with to()");
    }
    if (options.ignore_index >= 0) {
      fail("cross_entropy", "ignore_index is not supported for floating point target, got ",
           options.ignore_index);
    }
    return soft_cross_entropy(classes, input, target, options);
  }
  check_index_sizes("cross_entropy", classes, input, target);
  if (target.dtype() != kInt64) {
    fail("cross_entropy",
         "expected target of type int64 (classes), or floating probabilities of "
         "the input's size ",
         input.sizes(), ", got ", got, " of size ", target.sizes(),
         "; convert classes with to(kInt64)");
  }
  return index_cross_entropy(classes, input, target, options);
}

Tensor nll_loss(const Tensor& input, const Tensor& target, const NllOptions& options) {
  const Classes classes = check_logits("nll_loss", input, target, options.weight);
  check_index_sizes("nll_loss", classes, input, target);
  if (target.dtype() != kInt64) {
    fail("nll_loss", "expected target of type int64 (classes), got ", target.dtype(),
         "; convert it with to(kInt64)");
  }
  const ClassShape shape = classes.shape;
  const Reduction reduction = options.reduction;
  const int64_t ignore = options.ignore_index;
  const Tensor x = packed(input), y = packed(target), w = packed(options.weight);
  const double divisor = total_weight("nll_loss", shape.classes, y, w, ignore);
  const Tensor out = dispatch_floating(x.dtype(), [&]<class T>() {
    const ClassTargets<T> targets{y.impl()->data_as<int64_t>(), data_or_null<T>(w), ignore, 0.0};
    const kernels::Scratch<T> space(shape.rows());
    return reduced<T>(classes, reduction, divisor, space.data(), [&](T* losses) {
      kernels::nll_forward<T>(shape, x.impl()->data_as<T>(), targets, losses);
    });
  });
  if (!autograd::recording({&input})) return out;
  return record(
      "nll_loss", out, {&input},
      [=, sizes = input.sizes(), sy = Saved(y), sw = Saved(w)](const Tensor& grad, InputGrads& d) {
        const Tensor g = grad.contiguous();
        d[0] = new_tensor(sizes, g.dtype());
        dispatch_floating(g.dtype(), [&]<class T>() {
          kernels::nll_backward<T>(
              shape, {sy->impl()->data_as<int64_t>(), data_or_null<T>(*sw), ignore, 0.0},
              loss_gradient<T>(g, reduction, divisor), d[0].impl()->data_as<T>());
        });
      },
      {&target, &options.weight, &kNone});
}

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return pointwise("mse_loss", PointwiseLoss::Squared, input, target,
                   check_pair("mse_loss", input, target), Tensor(), Tensor(), reduction);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return pointwise("l1_loss", PointwiseLoss::Absolute, input, target,
                   check_pair("l1_loss", input, target), Tensor(), Tensor(), reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const BceOptions& options) {
  const char* op = "binary_cross_entropy_with_logits";
  const PointwisePair pair = check_pair(op, input, target);
  const DType dtype = pair.x.dtype();
  const Tensor w = spread(op, "weight", options.weight, input, dtype);
  const Tensor p = spread(op, "pos_weight", options.pos_weight, input, dtype);
  return pointwise(op, PointwiseLoss::Logistic, input, target, pair, w, p, options.reduction);
}

}  // namespace norma::functional
