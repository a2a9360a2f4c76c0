// Activations as layers.
//
// Errors of all: those of the function behind it (autograd/functional_activations.h), in forward:
// an undefined tensor, integers and bools where the function takes none.
#pragma once
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// max(x, 0).
class ReLU : public Cloneable<ReLU> {
 public:
  Tensor forward(const Tensor& input) override;
  ReLU fresh() const { return {}; }

 protected:
  Tensor forward_donated(Tensor&& input) override;
};

/// x where x > 0, negative_slope x elsewhere.
class LeakyReLU : public Cloneable<LeakyReLU> {
 public:
  explicit LeakyReLU(double negative_slope = 0.01) : negative_slope_(negative_slope) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  LeakyReLU fresh() const { return LeakyReLU(negative_slope_); }

 private:
  double negative_slope_;
};

struct GELUOptions {
  /// "none", or "tanh" for 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))).
  std::string approximate = "none";
};

/// x Φ(x), Φ the distribution function of the standard normal. Errors: another `approximate`.
///
/// Hendrycks and Gimpel, "Gaussian error linear units", arXiv:1606.08415.
class GELU : public Cloneable<GELU> {
 public:
  explicit GELU(const GELUOptions& options = {});
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  GELU fresh() const;

 private:
  bool tanh_;
};

/// 1 / (1 + exp(-x)).
class Sigmoid : public Cloneable<Sigmoid> {
 public:
  Tensor forward(const Tensor& input) override;
  Sigmoid fresh() const { return {}; }
};

/// (exp(x) - exp(-x)) / (exp(x) + exp(-x)).
class Tanh : public Cloneable<Tanh> {
 public:
  Tensor forward(const Tensor& input) override;
  Tanh fresh() const { return {}; }
};

/// exp(x_i) / Σ_j exp(x_j) along `dim`. For training, give the logits to CrossEntropyLoss instead.
/// Errors: no such dimension.
class Softmax : public Cloneable<Softmax> {
 public:
  explicit Softmax(int64_t dim) : dim_(dim) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  Softmax fresh() const { return Softmax(dim_); }

 private:
  int64_t dim_;
};

/// log(softmax(x)) along `dim`, computed without overflow; NLLLoss takes it. Errors: no such
/// dimension.
class LogSoftmax : public Cloneable<LogSoftmax> {
 public:
  explicit LogSoftmax(int64_t dim) : dim_(dim) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  LogSoftmax fresh() const { return LogSoftmax(dim_); }

 private:
  int64_t dim_;
};

/// softmax(-x) along `dim`. Errors: no such dimension.
class Softmin : public Cloneable<Softmin> {
 public:
  explicit Softmin(int64_t dim) : dim_(dim) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  Softmin fresh() const { return Softmin(dim_); }

 private:
  int64_t dim_;
};

/// The softmax over the channels of [N, C, H, W] or [C, H, W], for each place of the image. Errors:
/// another number of dimensions.
class Softmax2d : public Cloneable<Softmax2d> {
 public:
  Tensor forward(const Tensor& input) override;
  Softmax2d fresh() const { return {}; }
};

}  // namespace norma::nn
