// ConvTranspose2d and ConvTranspose1d: convolutions that make images larger.
#pragma once
#include "norma/autograd/functional_conv_transpose.h"
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// Numbers stand for both axes, pairs are `{height, width}`; in the order of PyTorch's arguments.
struct ConvTranspose2dOptions {
  Pair stride = 1;          ///< how far apart the input's cells come to lie
  Pair padding = 0;         ///< takes so many rows and columns from each side of the output
  Pair output_padding = 0;  ///< adds so many at the bottom and the right
  int64_t groups = 1;       ///< blocks of channels that do not see each other
  bool bias = true;         ///< whether there is a `bias`
  Pair dilation = 1;        ///< how far apart the kernel's cells lie
};

/// Transposed convolution of [N, C, H, W] or [C, H, W], the gradient of a Conv2d with respect to
/// its input: each cell of the input adds the kernel, scaled by it, to the output. Output
/// [N, O, H', W'] or [O, H', W'] with, and likewise for W',
///
///     H' = (H - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1
///
/// so that it undoes the sizes of a Conv2d of the same options: kernel 4, stride 2 and padding 1
/// double an image. A Conv2d with a stride gives several sizes the same result; `output_padding`
/// says which of them is meant, or the size itself: `up(x, {28, 28})`.
///
/// Parameters: `weight` [C, O/groups, kh, kw] and `bias` [O] (absent with `{.bias = false}`), both
/// drawn from U(-k, k) with k = 1/√(O/groups · kh · kw).
///
/// Errors, in the constructor: channels that groups do not divide, sizes, strides and dilations
/// below 1, negative paddings, an output_padding not below stride or dilation. In forward: another
/// rank, type or number of channels, an empty image, an output of no cell.
class ConvTranspose2d : public Cloneable<ConvTranspose2d> {
 public:
  ConvTranspose2d(int64_t in_channels, int64_t out_channels, Pair kernel_size,
                  const ConvTranspose2dOptions& options = {});

  Tensor forward(const Tensor& input) override;
  /// With the output padding that gives [H', W'], or the sizes of the whole output. Errors: a size
  /// that this layer never gives.
  Tensor forward(const Tensor& input, const Shape& output_size);
  using Cloneable::operator();
  Tensor operator()(const Tensor& input, const Shape& output_size);
  /// Draws new initial values.
  void reset_parameters();

  int64_t in_channels() const { return in_channels_; }
  int64_t out_channels() const { return out_channels_; }
  Pair kernel_size() const { return kernel_size_; }
  const ConvTranspose2dOptions& options() const { return options_; }
  std::string extra_repr() const override;
  ConvTranspose2d fresh() const {
    return ConvTranspose2d(in_channels_, out_channels_, kernel_size_, options_);
  }

  Tensor weight, bias;  ///< `bias` undefined without one

 private:
  int64_t in_channels_, out_channels_;
  Pair kernel_size_;
  ConvTranspose2dOptions options_;
};

struct ConvTranspose1dOptions {
  int64_t stride = 1;          ///< how far apart the input's cells come to lie
  int64_t padding = 0;         ///< cells cut off at each end
  int64_t output_padding = 0;  ///< cells more at the end, less than stride or dilation
  int64_t groups = 1;          ///< blocks of channels that do not see each other
  bool bias = true;            ///< whether there is a `bias`
  int64_t dilation = 1;        ///< how far apart the kernel's cells lie
};

/// The same along the last dimension of [N, C, L] or [C, L]. Parameters: `weight` [C, O/groups, k]
/// and `bias` [O]. Errors likewise.
class ConvTranspose1d : public Cloneable<ConvTranspose1d> {
 public:
  ConvTranspose1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
                  const ConvTranspose1dOptions& options = {});

  Tensor forward(const Tensor& input) override;
  Tensor forward(const Tensor& input, const Shape& output_size);
  using Cloneable::operator();
  Tensor operator()(const Tensor& input, const Shape& output_size);
  /// Draws new initial values.
  void reset_parameters();

  int64_t in_channels() const { return in_channels_; }
  int64_t out_channels() const { return out_channels_; }
  int64_t kernel_size() const { return kernel_size_; }
  const ConvTranspose1dOptions& options() const { return options_; }
  std::string extra_repr() const override;
  ConvTranspose1d fresh() const {
    return ConvTranspose1d(in_channels_, out_channels_, kernel_size_, options_);
  }

  Tensor weight, bias;  ///< `bias` undefined without one

 private:
  int64_t in_channels_, out_channels_, kernel_size_;
  ConvTranspose1dOptions options_;
};

}  // namespace norma::nn
