// One-dimensional averages, adaptive maxima, power means, and the reverse of max pooling.
//
// Errors of all: a kernel, stride or output size below 1, a negative padding or one of more than
// half the kernel; in forward, an undefined tensor, integers, another rank, an image smaller than
// the window.
#pragma once
#include "norma/autograd/functional_pool.h"
#include "norma/layers/pooling.h"

namespace norma::nn {

using AvgPool1dOptions = functional::AvgPool1dOptions;

/// AvgPool2d along the last dimension of [N, C, L] or [C, L].
class AvgPool1d : public Pool<AvgPool1d, int64_t, AvgPool1dOptions> {
 public:
  explicit AvgPool1d(int64_t kernel_size, const AvgPool1dOptions& options = {})
      : Pool("AvgPool1d", kernel_size, options) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
};

/// AdaptiveAvgPool2d along the last dimension.
class AdaptiveAvgPool1d : public Cloneable<AdaptiveAvgPool1d> {
 public:
  explicit AdaptiveAvgPool1d(int64_t output_size);
  Tensor forward(const Tensor& input) override;
  int64_t output_size() const { return output_size_; }
  std::string extra_repr() const override;
  AdaptiveAvgPool1d fresh() const { return AdaptiveAvgPool1d(output_size_); }

 private:
  int64_t output_size_;
};

/// Maxima over windows chosen as those of AdaptiveAvgPool2d, of [N, C, H, W] or [C, H, W].
class AdaptiveMaxPool2d : public Cloneable<AdaptiveMaxPool2d> {
 public:
  explicit AdaptiveMaxPool2d(Pair output_size);
  Tensor forward(const Tensor& input) override;
  Pair output_size() const { return output_size_; }
  std::string extra_repr() const override;
  AdaptiveMaxPool2d fresh() const { return AdaptiveMaxPool2d(output_size_); }

 private:
  Pair output_size_;
};

/// The same along the last dimension of [N, C, L] or [C, L].
class AdaptiveMaxPool1d : public Cloneable<AdaptiveMaxPool1d> {
 public:
  explicit AdaptiveMaxPool1d(int64_t output_size);
  Tensor forward(const Tensor& input) override;
  int64_t output_size() const { return output_size_; }
  std::string extra_repr() const override;
  AdaptiveMaxPool1d fresh() const { return AdaptiveMaxPool1d(output_size_); }

 private:
  int64_t output_size_;
};

struct LPPool2dOptions {
  OptionalPair stride = {};  ///< default: the kernel size
  bool ceil_mode = false;    ///< rounds the output's size up instead of down
};

/// (Σ x^p)^(1/p) of each window, p being `norm_type`. Errors, in forward: p = 0.
class LPPool2d : public Cloneable<LPPool2d> {
 public:
  LPPool2d(double norm_type, Pair kernel_size, const LPPool2dOptions& options = {});
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  LPPool2d fresh() const { return LPPool2d(norm_type_, kernel_size_, options_); }

 private:
  double norm_type_;
  Pair kernel_size_;
  LPPool2dOptions options_;
};

struct MaxUnpool2dOptions {
  OptionalPair stride = {};  ///< default: the kernel size
  Pair padding = 0;          ///< that of the pooling
};

/// Puts values back where `functional::max_pool2d_with_indices` found them, zeros elsewhere:
/// ```cpp
/// const auto [pooled, indices] = functional::max_pool2d_with_indices(x, 2);
/// unpool(pooled, indices, {x.size(2), x.size(3)});
/// ```
/// Errors, in forward: those of functional::max_unpool2d.
class MaxUnpool2d : public Cloneable<MaxUnpool2d> {
 public:
  explicit MaxUnpool2d(Pair kernel_size, const MaxUnpool2dOptions& options = {});
  using Module::forward;
  Tensor forward(const Tensor& input, const Tensor& indices, OptionalPair output_size = {});
  Tensor operator()(const Tensor& input, const Tensor& indices, OptionalPair output_size = {});
  std::string extra_repr() const override;
  MaxUnpool2d fresh() const { return MaxUnpool2d(kernel_size_, options_); }

 private:
  Pair kernel_size_;
  MaxUnpool2dOptions options_;
};

}  // namespace norma::nn
