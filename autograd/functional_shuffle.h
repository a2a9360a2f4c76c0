// Cells moved from place to place. Part of autograd/functional.h, in a file of its own.
#pragma once
#include "norma/autograd/functional.h"

namespace norma::functional {

/// [*, C r², H, W] as [*, C, H r, W r]: cell (i, j) of every r × r block is a channel of its own.
/// Errors: a factor below 1, channels that r² does not divide, fewer than three dimensions.
Tensor pixel_shuffle(const Tensor& input, int64_t upscale_factor);
/// The reverse: [*, C, H r, W r] as [*, C r², H, W]. Errors: a factor below 1, height or width that
/// r does not divide, fewer than three dimensions.
Tensor pixel_unshuffle(const Tensor& input, int64_t downscale_factor);
/// [N, C, …] with channel i of group g at place i · groups + g. Errors: `groups` below 1, or that
/// do not divide the channels; fewer than three dimensions.
Tensor channel_shuffle(const Tensor& input, int64_t groups);

/// How a window slides over an image.
struct UnfoldOptions {
  Pair dilation = 1;  ///< how far apart the kernel's cells lie
  Pair padding = 0;   ///< zeros around the image
  Pair stride = 1;    ///< how far the window moves, along each axis
};
/// What every window of [N, C, H, W] or [C, H, W] sees, as the columns of [N, C kh kw, L] or
/// [C kh kw, L] for L windows, row by row: im2col. Errors: integers, other ranks, a kernel, stride
/// or dilation below 1, a negative padding, a padded image smaller than the window.
Tensor unfold(const Tensor& input, Pair kernel_size, const UnfoldOptions& options = {});
/// The adjoint: adds the columns of [N, C kh kw, L] or [C kh kw, L] up to images [N, C, H, W] or
/// [C, H, W] of `output_size` (H, W). Errors as of `unfold`, and columns that make no such image.
Tensor fold(const Tensor& input, Pair output_size, Pair kernel_size,
            const UnfoldOptions& options = {});

}  // namespace norma::functional
