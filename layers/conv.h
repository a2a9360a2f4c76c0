// Conv2d and Conv1d: the convolutional layers.
#pragma once
#include "norma/autograd/functional.h"
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// Numbers stand for both axes, pairs are `{height, width}`.
struct Conv2dOptions {
  Pair stride = 1;                                ///< how far the window moves, along each axis
  Padding padding = 0;                            ///< a number, a pair, "same" or "valid"
  Pair dilation = 1;                              ///< how far apart the kernel's cells lie
  int64_t groups = 1;                             ///< blocks of channels that do not see each other
  bool bias = true;                               ///< whether there is a `bias`
  PaddingMode padding_mode = PaddingMode::Zeros;  ///< what is added around the input
};

/// Convolution (cross-correlation: the kernel is not flipped) of [N, C, H, W] or [C, H, W] with
/// `out_channels` kernels:
///
///     y[o] = bias[o] + Σ_c weight[o, c] ⋆ x[c]
///
/// Output [N, O, H', W'] or [O, H', W'] with, and likewise for W',
///
///     H' = ⌊(H + 2 padding - dilation (kernel - 1) - 1) / stride⌋ + 1
///
/// With `groups` = g, output channels of block i see only input channels of block i; g = C is a
/// depthwise convolution. `padding = "same"` keeps the size at stride 1; of an odd number of rows
/// or columns to add, the bottom or the right gets the extra one. Before a BatchNorm,
/// `{.bias = false}`: the norm subtracts any bias again.
///
/// Parameters: `weight` [O, C/groups, kh, kw] and `bias` [O] (absent with `{.bias = false}`), both
/// drawn from U(-k, k) with k = 1/√(C/groups · kh · kw).
///
/// Errors, in the constructor: channels that groups do not divide, sizes, strides and dilations
/// below 1, negative padding, "same" with a stride. In forward: another rank, type or number of
/// channels, and a kernel larger than the padded input.
class Conv2d : public Cloneable<Conv2d> {
 public:
  Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size,
         const Conv2dOptions& options = {});

  Tensor forward(const Tensor& input) override;
  /// Draws new initial values.
  void reset_parameters();

  int64_t in_channels() const { return in_channels_; }
  int64_t out_channels() const { return out_channels_; }
  Pair kernel_size() const { return kernel_size_; }
  const Conv2dOptions& options() const { return options_; }
  std::string extra_repr() const override;
  Conv2d fresh() const { return Conv2d(in_channels_, out_channels_, kernel_size_, options_); }

  Tensor weight, bias;  ///< `bias` undefined without one

 private:
  int64_t in_channels_, out_channels_;
  Pair kernel_size_;
  Conv2dOptions options_;
};

struct Conv1dOptions {
  int64_t stride = 1;                             ///< how far the window moves, along each axis
  Padding1d padding = 0;                          ///< a number, "same" or "valid"
  int64_t dilation = 1;                           ///< how far apart the kernel's cells lie
  int64_t groups = 1;                             ///< blocks of channels that do not see each other
  bool bias = true;                               ///< whether there is a `bias`
  PaddingMode padding_mode = PaddingMode::Zeros;  ///< what is added around the input
};

/// Convolution of [N, C, L] or [C, L], signals or sequences, along the last dimension. Output
/// [N, O, L'] or [O, L'], L' = ⌊(L + 2 padding - dilation (kernel - 1) - 1) / stride⌋ + 1; of an
/// odd number of cells to add for "same", the end gets the extra one. Options, initial values and
/// errors are those of Conv2d.
///
/// Parameters: `weight` [O, C/groups, k] and `bias` [O] (absent with `{.bias = false}`).
class Conv1d : public Cloneable<Conv1d> {
 public:
  Conv1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
         const Conv1dOptions& options = {});

  Tensor forward(const Tensor& input) override;
  /// Draws new initial values.
  void reset_parameters();

  int64_t in_channels() const { return in_channels_; }
  int64_t out_channels() const { return out_channels_; }
  int64_t kernel_size() const { return kernel_size_; }
  const Conv1dOptions& options() const { return options_; }
  std::string extra_repr() const override;
  Conv1d fresh() const { return Conv1d(in_channels_, out_channels_, kernel_size_, options_); }

  Tensor weight, bias;  ///< `bias` undefined without one

 private:
  int64_t in_channels_, out_channels_, kernel_size_;
  Conv1dOptions options_;
};

}  // namespace norma::nn
