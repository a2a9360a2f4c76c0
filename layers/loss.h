// Losses as modules, called with the prediction and the target: `loss(output, target)`.
//
// Errors of all: those of the function behind it (autograd/functional.h), in forward: an undefined
// tensor, an input of integers or bools, sizes that do not fit, Reduction::BatchMean.
#pragma once
#include "norma/autograd/functional.h"
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// The base of losses. Derive and override `forward(input, target)` to write one.
class Loss : public Callable<Loss> {
 public:
  using Module::forward;
  virtual Tensor forward(const Tensor& input, const Tensor& target) = 0;

 protected:
  /// A copy, so that later changes of the caller's tensor have no effect.
  static Tensor own(const Tensor& weight);
};

using CrossEntropyLossOptions = functional::CrossEntropyOptions;

/// The loss of classifiers, from logits: l_n = -w[y_n] · log_softmax(x_n)[y_n].
///
/// - input [N, C], [N, C, d1, …] or [C]: logits, no softmax before them.
/// - target [N], [N, d1, …] or []: kInt64 classes in [0, C); or probabilities of the input's shape.
///
/// `{.weight}` [C] weighs the classes (a buffer), targets equal to `{.ignore_index = -100}` are
/// ignored, `{.label_smoothing = e}` mixes the target with e/C everywhere.
/// `{.reduction = Reduction::Mean}` divides the sum by the sum of w[y_n] over the targets that are
/// not ignored (NaN if all are), by N for probabilities; `Sum` and `None` do not divide.
///
/// Errors: a weight that is no vector, a label_smoothing outside of [0, 1]; in forward, another
/// number of weights, a class out of range, targets of another dtype.
///
/// Label smoothing: Szegedy et al., "Rethinking the Inception architecture", arXiv:1512.00567.
class CrossEntropyLoss : public Cloneable<CrossEntropyLoss, Loss> {
 public:
  explicit CrossEntropyLoss(const CrossEntropyLossOptions& options = {});
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  CrossEntropyLoss fresh() const { return CrossEntropyLoss(options_); }

  Tensor weight;  ///< of the options

 private:
  CrossEntropyLossOptions options_;
};

using NLLLossOptions = functional::NllOptions;

/// l_n = -w[y_n] · x_n[y_n] from log-probabilities, as LogSoftmax gives them. Shapes, options and
/// reduction as in CrossEntropyLoss, without smoothing and probabilities. Errors likewise.
class NLLLoss : public Cloneable<NLLLoss, Loss> {
 public:
  explicit NLLLoss(const NLLLossOptions& options = {});
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  NLLLoss fresh() const { return NLLLoss(options_); }

  Tensor weight;  ///< of the options

 private:
  NLLLossOptions options_;
};

struct MSELossOptions {
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};

/// (x - y)², averaged over all elements by default.
class MSELoss : public Cloneable<MSELoss, Loss> {
 public:
  explicit MSELoss(const MSELossOptions& options = {}) : options_(options) {}
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  MSELoss fresh() const { return MSELoss(options_); }

 private:
  MSELossOptions options_;
};

struct L1LossOptions {
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};

/// |x - y|, averaged over all elements by default.
class L1Loss : public Cloneable<L1Loss, Loss> {
 public:
  explicit L1Loss(const L1LossOptions& options = {}) : options_(options) {}
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  L1Loss fresh() const { return L1Loss(options_); }

 private:
  L1LossOptions options_;
};

using BCEWithLogitsLossOptions = functional::BceOptions;

/// Binary cross-entropy from logits, without overflow: -w [p y log σ(x) + (1 - y) log(1 - σ(x))],
/// averaged over all elements by default; targets of the input's shape in [0, 1]. `{.weight}` w and
/// `{.pos_weight}` p (buffers) broadcast to the input. Errors: weights that do not broadcast.
class BCEWithLogitsLoss : public Cloneable<BCEWithLogitsLoss, Loss> {
 public:
  explicit BCEWithLogitsLoss(const BCEWithLogitsLossOptions& options = {});
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  BCEWithLogitsLoss fresh() const { return BCEWithLogitsLoss(options_); }

  Tensor weight, pos_weight;  ///< of the options

 private:
  BCEWithLogitsLossOptions options_;
};

}  // namespace norma::nn
