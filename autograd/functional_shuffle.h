// Cells moved from place to place. Part of autograd/functional.h, in a file of its own.
#pragma once
#include "norma/autograd/functional.h"

namespace norma::functional {

/// [*, C r², H, W] as [*, C, H r, W r]: cell (i, j) of every r × r block is a channel of its own.
Tensor pixel_shuffle(const Tensor& input, int64_t upscale_factor);
/// The reverse: [*, C, H r, W r] as [*, C r², H, W].
Tensor pixel_unshuffle(const Tensor& input, int64_t downscale_factor);
/// [N, C, …] with channel i of group g at place i · groups + g.
Tensor channel_shuffle(const Tensor& input, int64_t groups);

/// How a window slides over an image.
struct UnfoldOptions {
  Pair dilation = 1;  ///< how far apart the kernel's cells lie
  Pair padding = 0;   ///< zeros around the image
  Pair stride = 1;    ///< how far the window moves, along each axis
};
/// What every window of [N, C, H, W] or [C, H, W] sees, as the columns of [N, C kh kw, L] or
/// [C kh kw, L] for L windows, row by row: im2col.
Tensor unfold(const Tensor& input, Pair kernel_size, const UnfoldOptions& options = {});
/// The adjoint: adds the columns of [N, C kh kw, L] or [C kh kw, L] up to images [N, C, H, W] or
/// [C, H, W] of `output_size` (H, W).
Tensor fold(const Tensor& input, Pair output_size, Pair kernel_size,
            const UnfoldOptions& options = {});

}  // namespace norma::functional
