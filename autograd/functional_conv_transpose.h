// Transposed convolutions. Part of autograd/functional.h, in a file of its own.
#pragma once
#include "norma/autograd/functional.h"

namespace norma::functional {

/// In the order of PyTorch's arguments.
struct ConvTransposeOptions {
  Pair stride = 1;          ///< how far apart the input's cells come to lie
  Pair padding = 0;         ///< takes so many rows and columns from each side of the output
  Pair output_padding = 0;  ///< adds so many at the bottom and the right; below stride or dilation
  int64_t groups = 1;       ///< blocks of channels that do not see each other
  Pair dilation = 1;        ///< how far apart the kernel's cells lie

  /// Throws `[op] …` on options that are wrong for every input: a stride, dilation or groups below
  /// 1, a negative padding, an output_padding below neither stride nor dilation.
  void check(const char* op) const;
};
struct ConvTranspose1dOptions {
  int64_t stride = 1;          ///< how far apart the input's cells come to lie
  int64_t padding = 0;         ///< cells cut off at each end
  int64_t output_padding = 0;  ///< cells more at the end, less than stride or dilation
  int64_t groups = 1;          ///< blocks of channels that do not see each other
  int64_t dilation = 1;        ///< how far apart the kernel's cells lie

  void check(const char* op) const;  ///< as of ConvTransposeOptions
};

/// The transposed convolution, which is the gradient of conv2d with respect to its input: each
/// input cell adds the kernel, scaled by it, to the output. input [N, C, H, W] or [C, H, W], weight
/// [C, O/groups, kh, kw], bias [O] or undefined; output [N, O, H', W'] or [O, H', W'] with, and
/// likewise for W', H' = (H - 1) stride - 2 padding + dilation (kh - 1) + output_padding + 1.
/// Errors: other ranks, types and sizes, an empty image, and an output of no cell.
Tensor conv_transpose2d(const Tensor& input, const Tensor& weight, const Tensor& bias = Tensor(),
                        const ConvTransposeOptions& options = {});
/// The same along one dimension: input [N, C, L] or [C, L], weight [C, O/groups, k]. Errors as for
/// `conv_transpose2d`.
Tensor conv_transpose1d(const Tensor& input, const Tensor& weight, const Tensor& bias = Tensor(),
                        const ConvTranspose1dOptions& options = {});

}  // namespace norma::functional
