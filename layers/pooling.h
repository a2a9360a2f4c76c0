// MaxPool2d, MaxPool1d, AvgPool2d and AdaptiveAvgPool2d.
#pragma once
#include "norma/autograd/functional.h"
#include "norma/layers/cloneable.h"

namespace norma::nn {

using MaxPool2dOptions = functional::MaxPoolOptions;
using MaxPool1dOptions = functional::MaxPool1dOptions;
using AvgPool2dOptions = functional::AvgPoolOptions;

/// What pools with a window have in common.
template <class Derived, class Size, class Options>
class Pool : public Cloneable<Derived> {
 public:
  Size kernel_size() const { return kernel_size_; }
  const Options& options() const { return options_; }
  Derived fresh() const { return Derived(kernel_size_, options_); }

 protected:
  Pool(const char* name, Size kernel_size, const Options& options)
      : kernel_size_(kernel_size), options_(options) {
    options.check(name, kernel_size);
  }

  Size kernel_size_;
  Options options_;
};

/// The largest value of each window of [N, C, H, W] or [C, H, W]. Options `stride` (default: the
/// kernel size), `padding` (with -∞), `dilation`, `ceil_mode`; numbers or `{height, width}`.
///
/// Output H' = ⌊(H + 2 padding - dilation (kernel - 1) - 1) / stride⌋ + 1, rounded up with
/// `ceil_mode`, where a last window that would start in the padding at the end is dropped. A NaN
/// is larger than everything; of equal values the first one takes the gradient.
///
/// Errors: sizes, strides and dilations below 1, padding below 0 or above half the kernel; in
/// forward, another rank, an empty image, and an image smaller than the window.
class MaxPool2d : public Pool<MaxPool2d, Pair, MaxPool2dOptions> {
 public:
  explicit MaxPool2d(Pair kernel_size, const MaxPool2dOptions& options = {})
      : Pool("MaxPool2d", kernel_size, options) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
};

/// The same along the last dimension of [N, C, L] or [C, L]. Errors likewise; in forward, integers,
/// too.
class MaxPool1d : public Pool<MaxPool1d, int64_t, MaxPool1dOptions> {
 public:
  explicit MaxPool1d(int64_t kernel_size, const MaxPool1dOptions& options = {})
      : Pool("MaxPool1d", kernel_size, options) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
};

/// The mean of each window; shapes and errors as for MaxPool2d. The padding is zeros, which count
/// in the divisor unless `{.count_include_pad = false}`; `divisor_override`, not 0, replaces it.
/// Integers are refused, too.
class AvgPool2d : public Pool<AvgPool2d, Pair, AvgPool2dOptions> {
 public:
  explicit AvgPool2d(Pair kernel_size, const AvgPool2dOptions& options = {})
      : Pool("AvgPool2d", kernel_size, options) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
};

/// Means over windows chosen so that the output is [N, C, h, w] whatever the input's size: cell
/// (i, j) averages rows ⌊i H/h⌋ to ⌈(i+1) H/h⌉ and columns likewise. `AdaptiveAvgPool2d(1)` is the
/// mean of each channel. Errors: sizes below 1; in forward, integers, another rank.
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
