// Activations of straight pieces as layers.
//
// Errors of all: those of the function behind it (autograd/functional_activations.h), in forward:
// an undefined tensor, integers and bools where the function takes none.
#pragma once
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// min(max(x, 0), 6).
class ReLU6 : public Cloneable<ReLU6> {
 public:
  Tensor forward(const Tensor& input) override;
  ReLU6 fresh() const { return {}; }
};

/// min(max(x, min_val), max_val), min_val being below max_val. Errors: max_val <= min_val.
class Hardtanh : public Cloneable<Hardtanh> {
 public:
  explicit Hardtanh(double min_val = -1.0, double max_val = 1.0);
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  Hardtanh fresh() const { return Hardtanh(min_val_, max_val_); }

 private:
  double min_val_, max_val_;
};

/// min(max(x + 3, 0), 6) / 6.
class Hardsigmoid : public Cloneable<Hardsigmoid> {
 public:
  Tensor forward(const Tensor& input) override;
  Hardsigmoid fresh() const { return {}; }
};

/// x min(max(x + 3, 0), 6) / 6.
///
/// Howard et al., "Searching for MobileNetV3", arXiv:1905.02244.
class Hardswish : public Cloneable<Hardswish> {
 public:
  Tensor forward(const Tensor& input) override;
  Hardswish fresh() const { return {}; }
};

/// x where |x| > lambda, 0 elsewhere.
class Hardshrink : public Cloneable<Hardshrink> {
 public:
  explicit Hardshrink(double lambda = 0.5) : lambda_(lambda) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  Hardshrink fresh() const { return Hardshrink(lambda_); }

 private:
  double lambda_;
};

/// x brought nearer to 0 by lambda, and 0 where |x| <= lambda. Errors, in forward: lambda < 0.
class Softshrink : public Cloneable<Softshrink> {
 public:
  explicit Softshrink(double lambda = 0.5) : lambda_(lambda) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  Softshrink fresh() const { return Softshrink(lambda_); }

 private:
  double lambda_;
};

/// x where x > threshold, value elsewhere.
class Threshold : public Cloneable<Threshold> {
 public:
  Threshold(double threshold, double value) : threshold_(threshold), value_(value) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  Threshold fresh() const { return Threshold(threshold_, value_); }

 private:
  double threshold_;
  double value_;
};

struct PReLUOptions {
  int64_t num_parameters = 1;  ///< 1, or the number of channels
  double init = 0.25;          ///< of all slopes to begin with
};

/// x where x > 0, weight x elsewhere.
///
/// Parameter: `weight` [num_parameters], filled with `init`; one for all, or one per channel (axis
/// 1). Errors: fewer than one; in forward, another number of channels, another dtype.
///
/// He et al., "Delving deep into rectifiers", arXiv:1502.01852.
class PReLU : public Cloneable<PReLU> {
 public:
  explicit PReLU(const PReLUOptions& options = {});
  explicit PReLU(int64_t num_parameters, double init = 0.25);
  Tensor forward(const Tensor& input) override;
  /// Fills the weight with `init` again.
  void reset_parameters();
  std::string extra_repr() const override;
  PReLU fresh() const { return PReLU(options_); }

  Tensor weight;  ///< [num_parameters]

 private:
  PReLUOptions options_;
};

}  // namespace norma::nn
