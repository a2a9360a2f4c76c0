// Losses.
#include <algorithm>
#include <string>

#include "norma/autograd/formulas.h"
#include "norma/autograd/functional.h"
#include "norma/autograd/losses.h"
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

using autograd::check_constant;
using autograd::check_floating;
using autograd::check_reduction;
using autograd::check_same_size;
using autograd::data_or_null;
using autograd::InputGrads;
using autograd::packed;
using autograd::record;
using autograd::Saved;
namespace formulas = autograd::formulas;
using kernels::ClassShape;
using kernels::ClassTargets;
using kernels::LossGradient;
using kernels::PointwiseInputs;
using kernels::PointwiseLoss;
using kernels::SoftmaxRows;

/// Sizes of a classification problem and of its loss per row.
struct Classes {
  ClassShape shape;
  Shape loss_sizes;
};

Classes check_logits(const char* op, const Tensor& input, const Tensor& target,
                     const Tensor& weight, Reduction reduction) {
  check_reduction(op, reduction);
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
double total_weight(const char* op, const ClassShape& shape, const Tensor& target,
                    const Tensor& weight, int64_t ignore_index) {
  const int64_t classes = shape.classes;
  const int64_t* y = impl_of(target)->data_as<int64_t>();
  const int64_t count = target.numel();
  int64_t counted = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (y[i] == ignore_index) continue;
    ++counted;
    if (y[i] >= 0 && y[i] < classes) continue;
    fail(op, "Target ", y[i], " is out of bounds. Expected classes from 0 to ", classes - 1,
         ", or ignore_index ", ignore_index,
         y[i] == classes ? "; subtract 1 where they count from 1" : "");
  }
  if (!weight.defined()) return static_cast<double>(counted);
  return dispatch_floating(weight.dtype(), [&]<class T>() {
    const T* w = impl_of(weight)->data_as<T>();
    double sum = 0;
    for (int64_t i = 0; i < count; ++i) {
      if (y[i] != ignore_index) sum += static_cast<double>(w[y[i]]);
    }
    return sum;
  });
}

/// What becomes of the losses of all rows.
struct Reduce {
  /// For observers.
  autograd::Option told() const {
    constexpr const char* kWords[] = {"none", "mean", "sum"};
    return {"reduction", kWords[static_cast<int>(kind)]};
  }
  Reduction kind;
  double divisor;  // of the mean

  Tensor number(double sum, DType dtype) const {
    const double value = kind == Reduction::Mean ? sum / divisor : sum;
    Tensor out = new_tensor(Shape{}, dtype);
    dispatch_floating(dtype,
                      [&]<class T>() { *impl_of(out)->data_as<T>() = static_cast<T>(value); });
    return out;
  }
  /// The gradients of the rows, given that of the result.
  template <class T>
  LossGradient<T> gradient(const Tensor& g) const {
    return {impl_of(g)->data_as<T>(), kind == Reduction::None ? 1 : 0,
            kind == Reduction::Mean ? 1.0 / divisor : 1.0};
  }
};

/// Whether a result is neither recorded nor told, so that it is all there is to do.
bool is_unseen(const autograd::Inputs& inputs) {
  return !autograd::observer() && !autograd::recording(inputs);
}

/// What backward needs of a loss's arguments; undefined where it needs none.
struct SavedLoss {
  Saved input, target, weight, pos_weight = {};
};

/// Records a loss of inputs of one size, whose `backward(saved, g, d)` is told the gradients of the
/// rows and finds room for those of the inputs in d. `formula`: the same in tensor operations.
template <class Backward, class Formula>
Tensor record_loss(const autograd::Operation& op, const Tensor& out, const autograd::Inputs& inputs,
                   const autograd::Inputs& read_besides, const Shape& sizes, const Reduce& reduce,
                   SavedLoss saved, Backward backward, Formula formula) {
  auto with_room = [=, saved = std::move(saved), backward = std::move(backward),
                    formula = std::move(formula)](const Tensor& grad, InputGrads& d) {
    if (grad_enabled())
      return formula(saved, reduce.kind == Reduction::Mean ? grad.div(reduce.divisor) : grad, d);
    const Tensor g = grad.contiguous();
    for (int i = 0; i < d.count(); ++i) {
      if (d.needs(i)) d[i] = new_tensor(sizes, g.dtype());
    }
    dispatch_floating(g.dtype(), [&]<class T>() { backward(saved, reduce.gradient<T>(g), d); });
  };
  return record(op, out, inputs, std::move(with_room), read_besides);
}

/// The loss of every row as `forward(losses)` writes it, or what becomes of them.
template <class Forward>
Tensor row_loss(const Classes& classes, DType dtype, const Reduce& reduce, Forward forward) {
  return dispatch_floating(dtype, [&]<class T>() {
    if (reduce.kind == Reduction::None) {
      Tensor losses = new_tensor(classes.loss_sizes, dtype);
      forward(impl_of(losses)->data_as<T>());
      return losses;
    }
    const int64_t rows = classes.shape.rows();
    kernels::Scratch<T> losses(rows);
    forward(losses.data());
    return reduce.number(kernels::ordered_sum(rows, losses.data()), dtype);
  });
}

/// The pos_weight of losses that have none.
const Tensor kNone;

/// Room for the softmax of every row, kept for backward.
Tensor softmax_space(ClassShape shape, DType dtype) {
  return dispatch_floating(
      dtype, [&]<class T>() { return new_tensor({SoftmaxRows<T>::size(shape)}, dtype); });
}

template <class T>
SoftmaxRows<T> softmax_of(const Tensor& saved, ClassShape shape) {
  return SoftmaxRows<T>(impl_of(saved)->data_as<T>(), shape);
}

template <class T>
ClassTargets<T> class_targets(const Tensor& index, const Tensor& weight, int64_t ignore_index,
                              double smoothing = 0) {
  return {impl_of(index)->data_as<int64_t>(), data_or_null<T>(weight), ignore_index, smoothing};
}

Tensor index_cross_entropy(const Classes& classes, const Tensor& input, const Tensor& target,
                           const CrossEntropyOptions& options) {
  const ClassShape shape = classes.shape;
  const int64_t ignore = options.ignore_index;
  const double smoothing = options.label_smoothing;
  const Tensor x = packed(input), y = packed(target), w = packed(options.weight);
  const Reduce reduce{options.reduction, total_weight("cross_entropy", shape, y, w, ignore)};
  const Tensor softmax = softmax_space(shape, x.dtype());
  Tensor out = row_loss(classes, x.dtype(), reduce, [&]<class T>(T* losses) {
    const T* px = impl_of(x)->data_as<T>();
    const SoftmaxRows<T> rows = softmax_of<T>(softmax, shape);
    kernels::softmax_rows<T>(shape, px, rows);
    kernels::cross_entropy_forward<T>(shape, px, rows, class_targets<T>(y, w, ignore, smoothing),
                                      losses);
  });
  if (is_unseen({&input})) return out;
  return record_loss(
      {"cross_entropy", {{"ignore_index", ignore}, {"label_smoothing", smoothing}, reduce.told()}},
      out, {&input}, {&target, &options.weight, &kNone}, input.sizes(), reduce,
      {Saved(x, input), Saved(y), Saved(w)},
      [=]<class T>(const SavedLoss& s, LossGradient<T> g, InputGrads& d) {
        kernels::cross_entropy_backward<T>(
            shape, softmax_of<T>(softmax, shape),
            class_targets<T>(*s.target, *s.weight, ignore, smoothing), g, data_or_null<T>(d[0]));
      },
      [=](const SavedLoss& s, const Tensor& g, InputGrads& d) {
        formulas::cross_entropy(shape, *s.input, *s.target, *s.weight, ignore, smoothing, g, d);
      });
}

Tensor soft_cross_entropy(const Classes& classes, const Tensor& input, const Tensor& target,
                          const CrossEntropyOptions& options) {
  const ClassShape shape = classes.shape;
  const double smoothing = options.label_smoothing;
  const Reduce reduce{options.reduction,
                      shape.classes > 0 ? static_cast<double>(shape.rows()) : 0.0};
  const Tensor x = packed(input), q = packed(target), w = packed(options.weight);
  const Tensor softmax = softmax_space(shape, x.dtype());
  Tensor out = row_loss(classes, x.dtype(), reduce, [&]<class T>(T* losses) {
    const T* px = impl_of(x)->data_as<T>();
    const SoftmaxRows<T> rows = softmax_of<T>(softmax, shape);
    kernels::softmax_rows<T>(shape, px, rows);
    kernels::soft_cross_entropy_forward<T>(
        shape, px, rows, {impl_of(q)->data_as<T>(), data_or_null<T>(w), smoothing}, losses);
  });
  if (is_unseen({&input, &target})) return out;
  return record_loss(
      {"cross_entropy", {{"label_smoothing", smoothing}, reduce.told()}}, out, {&input, &target},
      {&options.weight, &kNone}, input.sizes(), reduce,
      {Saved(x, input), Saved(q, target), Saved(w)},
      [=]<class T>(const SavedLoss& s, LossGradient<T> g, InputGrads& d) {
        kernels::soft_cross_entropy_backward<T>(
            shape, impl_of(*s.input)->data_as<T>(), softmax_of<T>(softmax, shape),
            {impl_of(*s.target)->data_as<T>(), data_or_null<T>(*s.weight), smoothing}, g,
            data_or_null<T>(d[0]), data_or_null<T>(d[1]));
      },
      [=](const SavedLoss& s, const Tensor& g, InputGrads& d) {
        formulas::soft_cross_entropy(shape, *s.input, *s.target, *s.weight, smoothing, g, d);
      });
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

template <class T>
PointwiseInputs<T> pointwise_inputs(const Tensor& x, const Tensor& target, const Tensor& weight,
                                    const Tensor& pos_weight) {
  return {impl_of(x)->data_as<T>(), impl_of(target)->data_as<T>(), data_or_null<T>(weight),
          data_or_null<T>(pos_weight)};
}

/// In the wider of the floating types of input and target.
Tensor pointwise(const char* op, PointwiseLoss kind, const Tensor& input, const Tensor& target,
                 const BceOptions& options) {
  check_floating(op, input);
  check_reduction(op, options.reduction);
  check_same_size(op, input, target);
  const DType dtype = std::max(input.dtype(), target.dtype());
  const auto packed_as = [dtype](const Tensor& tensor) {
    return packed(tensor.dtype() == dtype ? tensor : tensor.detach().to(dtype));
  };
  const Tensor x = packed_as(input), t = packed_as(target);
  const Tensor w = spread(op, "weight", options.weight, input, dtype);
  const Tensor p = spread(op, "pos_weight", options.pos_weight, input, dtype);
  const int64_t count = x.numel();
  const Reduce reduce{options.reduction, static_cast<double>(count)};
  Tensor out = dispatch_floating(dtype, [&]<class T>() {
    const PointwiseInputs<T> in = pointwise_inputs<T>(x, t, w, p);
    if (reduce.kind != Reduction::None) {
      return reduce.number(kernels::pointwise_loss_sum<T>(kind, count, in), dtype);
    }
    Tensor losses = new_tensor(x.sizes(), dtype);
    kernels::pointwise_loss<T>(kind, count, in, impl_of(losses)->data_as<T>());
    return losses;
  });
  if (is_unseen({&input, &target})) return out;
  return record_loss(
      {op, {reduce.told()}}, out, {&input, &target}, {&w, &p}, x.sizes(), reduce,
      {Saved(x, input), Saved(t, target), Saved(w), Saved(p)},
      [=]<class T>(const SavedLoss& s, LossGradient<T> g, InputGrads& d) {
        kernels::pointwise_loss_backward<T>(
            kind, count, pointwise_inputs<T>(*s.input, *s.target, *s.weight, *s.pos_weight), g,
            data_or_null<T>(d[0]), data_or_null<T>(d[1]));
      },
      [=](const SavedLoss& s, const Tensor& g, InputGrads& d) {
        formulas::pointwise(kind, *s.input, *s.target, *s.weight, *s.pos_weight, g, d);
      });
}

}  // namespace

Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyOptions& options) {
  const Classes classes =
      check_logits("cross_entropy", input, target, options.weight, options.reduction);
  const double smoothing = options.label_smoothing;
  if (!(smoothing >= 0.0 && smoothing <= 1.0)) {
    fail("cross_entropy", "label_smoothing must be between 0.0 and 1.0. Got: ", smoothing);
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
  const Classes classes =
      check_logits("nll_loss", input, target, options.weight, options.reduction);
  check_index_sizes("nll_loss", classes, input, target);
  if (target.dtype() != kInt64) {
    fail("nll_loss", "expected target of type int64 (classes), got ", target.dtype(),
         "; convert it with to(kInt64)");
  }
  const ClassShape shape = classes.shape;
  const int64_t ignore = options.ignore_index;
  const Tensor x = packed(input), y = packed(target), w = packed(options.weight);
  const Reduce reduce{options.reduction, total_weight("nll_loss", shape, y, w, ignore)};
  Tensor out = row_loss(classes, x.dtype(), reduce, [&]<class T>(T* losses) {
    kernels::nll_forward<T>(shape, impl_of(x)->data_as<T>(), class_targets<T>(y, w, ignore),
                            losses);
  });
  if (is_unseen({&input})) return out;
  return record_loss(
      {"nll_loss", {{"ignore_index", ignore}, reduce.told()}}, out, {&input},
      {&target, &options.weight, &kNone}, input.sizes(), reduce, {Saved(), Saved(y), Saved(w)},
      [=]<class T>(const SavedLoss& s, LossGradient<T> g, InputGrads& d) {
        kernels::nll_backward<T>(shape, class_targets<T>(*s.target, *s.weight, ignore), g,
                                 data_or_null<T>(d[0]));
      },
      [=, sizes = input.sizes()](const SavedLoss& s, const Tensor& g, InputGrads& d) {
        formulas::nll(shape, sizes, *s.target, *s.weight, ignore, g, d);
      });
}

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return pointwise("mse_loss", PointwiseLoss::Squared, input, target, {.reduction = reduction});
}

Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return pointwise("l1_loss", PointwiseLoss::Absolute, input, target, {.reduction = reduction});
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const BceOptions& options) {
  return pointwise("binary_cross_entropy_with_logits", PointwiseLoss::Logistic, input, target,
                   options);
}

}  // namespace norma::functional
