// MaxPool2d, MaxPool1d, AvgPool2d and AdaptiveAvgPool2d.
#pragma once
#include "norma/autograd/functional.h"
#include "norma/layers/cloneable.h"

namespace norma::nn {

using MaxPool2dOptions = functional::MaxPoolOptions;
using MaxPool1dOptions = functional::MaxPool1dOptions;
using AvgPool2dOptions = functional::AvgPoolOptions;

/// The largest value of each window of [N, C, H, W] or [C, H, W]. Options `stride` (default: the
/// kernel size), `padding` (with -∞), `dilation`, `ceil_mode`; numbers or `{height, width}`.
///
/// Output H' = ⌊(H + 2 padding - dilation (kernel - 1) - 1) / stride⌋ + 1, rounded up with
/// `ceil_mode`, where a last window that would start in the padding at the end is dropped. A NaN
/// is larger than everything; of equal values the first one takes the gradient.
///
/// Errors: sizes, strides and dilations below 1, padding below 0 or above half the kernel; in
/// forward, another rank, an empty image, and an image smaller than the window.
class MaxPool2d : public Cloneable<MaxPool2d> {
 public:
  explicit MaxPool2d(Pair kernel_size, const MaxPool2dOptions& options = {});

  Tensor forward(const Tensor& input) override;
  Pair kernel_size() const { return kernel_size_; }
  const MaxPool2dOptions& options() const { return options_; }
  std::string extra_repr() const override;
  MaxPool2d fresh() const { return MaxPool2d(kernel_size_, options_); }

 private:
  Pair kernel_size_;
  MaxPool2dOptions options_;
};

/// The same along the last dimension of [N, C, L] or [C, L].
class MaxPool1d : public Cloneable<MaxPool1d> {
 public:
  explicit MaxPool1d(int64_t kernel_size, const MaxPool1dOptions& options = {});

  Tensor forward(const Tensor& input) override;
  int64_t kernel_size() const { return kernel_size_; }
  const MaxPool1dOptions& options() const { return options_; }
  std::string extra_repr() const override;
  MaxPool1d fresh() const { return MaxPool1d(kernel_size_, options_); }

 private:
  int64_t kernel_size_;
  MaxPool1dOptions options_;
};

/// The mean of each window; shapes and errors as for MaxPool2d. The padding is zeros, which count
/// in the divisor unless `{.count_include_pad = false}`; `divisor_override` replaces the divisor.
class AvgPool2d : public Cloneable<AvgPool2d> {
 public:
  explicit AvgPool2d(Pair kernel_size, const AvgPool2dOptions& options = {});

  Tensor forward(const Tensor& input) override;
  Pair kernel_size() const { return kernel_size_; }
  const AvgPool2dOptions& options() const { return options_; }
  std::string extra_repr() const override;
  AvgPool2d fresh() const { return AvgPool2d(kernel_size_, options_); }

 private:
  Pair kernel_size_;
  AvgPool2dOptions options_;
};

/// Means over windows chosen so that the output is [N, C, h, w] whatever the input's size: cell
/// (i, j) averages rows ⌊i H/h⌋ to ⌈(i+1) H/h⌉ and columns likewise. `AdaptiveAvgPool2d(1)` is the
/// mean of each channel.
class AdaptiveAvgPool2d : public Cloneable<AdaptiveAvgPool2d> {
 public:
  explicit AdaptiveAvgPool2d(Pair output_size);

  Tensor forward(const Tensor& input) override;
  Pair output_size() const { return output_size_; }
  std::string extra_repr() const override;
  AdaptiveAvgPool2d fresh() const { return AdaptiveAvgPool2d(output_size_); }

 private:
  Pair output_size_;
};

}  // namespace norma::nn
