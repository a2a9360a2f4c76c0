// Smooth activations as layers.
//
// Errors of all: those of the function behind it (autograd/functional_activations.h), in forward:
// an undefined tensor, integers and bools where the function takes none.
#pragma once
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// x / (1 + exp(-x)), called swish, too.
///
/// Ramachandran et al., "Searching for activation functions", arXiv:1710.05941.
class SiLU : public Cloneable<SiLU> {
 public:
  Tensor forward(const Tensor& input) override;
  SiLU fresh() const { return {}; }
};

/// x tanh(log(1 + exp(x))).
///
/// Misra, "Mish: a self regularized non-monotonic activation function", arXiv:1908.08681.
class Mish : public Cloneable<Mish> {
 public:
  Tensor forward(const Tensor& input) override;
  Mish fresh() const { return {}; }
};

/// x where x > 0, alpha (exp(x) - 1) elsewhere.
///
/// Clevert et al., "Fast and accurate deep network learning by exponential linear units",
/// arXiv:1511.07289.
class ELU : public Cloneable<ELU> {
 public:
  explicit ELU(double alpha = 1.0) : alpha_(alpha) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  ELU fresh() const { return ELU(alpha_); }

 private:
  double alpha_;
};

/// λ x where x > 0, λ α (exp(x) - 1) elsewhere, with λ = 1.0507… and α = 1.6732…: mean 0 and
/// variance 1 are kept from layer to layer.
///
/// Klambauer et al., "Self-normalizing neural networks", arXiv:1706.02515.
class SELU : public Cloneable<SELU> {
 public:
  Tensor forward(const Tensor& input) override;
  SELU fresh() const { return {}; }
};

/// x where x > 0, alpha (exp(x / alpha) - 1) elsewhere. Errors, in forward: alpha = 0.
///
/// Barron, "Continuously differentiable exponential linear units", arXiv:1704.07483.
class CELU : public Cloneable<CELU> {
 public:
  explicit CELU(double alpha = 1.0) : alpha_(alpha) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  CELU fresh() const { return CELU(alpha_); }

 private:
  double alpha_;
};

/// log(1 + exp(beta x)) / beta, and x where beta x > threshold.
class Softplus : public Cloneable<Softplus> {
 public:
  explicit Softplus(double beta = 1.0, double threshold = 20.0)
      : beta_(beta), threshold_(threshold) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  Softplus fresh() const { return Softplus(beta_, threshold_); }

 private:
  double beta_;
  double threshold_;
};

/// x / (1 + |x|).
class Softsign : public Cloneable<Softsign> {
 public:
  Tensor forward(const Tensor& input) override;
  Softsign fresh() const { return {}; }
};

/// log(1 / (1 + exp(-x))), without overflow.
class LogSigmoid : public Cloneable<LogSigmoid> {
 public:
  Tensor forward(const Tensor& input) override;
  LogSigmoid fresh() const { return {}; }
};

/// x - tanh(x).
class Tanhshrink : public Cloneable<Tanhshrink> {
 public:
  Tensor forward(const Tensor& input) override;
  Tanhshrink fresh() const { return {}; }
};

/// a σ(b), a and b being the halves of the input along `dim`. Errors, in forward: an odd size.
///
/// Dauphin et al., "Language modeling with gated convolutional networks", arXiv:1612.08083.
class GLU : public Cloneable<GLU> {
 public:
  explicit GLU(int64_t dim = -1) : dim_(dim) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  GLU fresh() const { return GLU(dim_); }

 private:
  int64_t dim_;
};

}  // namespace norma::nn
