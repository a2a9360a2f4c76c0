// Images and signals of another size. Part of autograd/functional.h, in a file of its own.
#pragma once
#include <vector>

#include "norma/autograd/functional.h"

namespace norma {

/// How cells between those of an image are computed: the nearest one, as PyTorch's first versions
/// or exactly; a mixture of two along each axis (Linear for signals, Bilinear for images); of four
/// (images); the mean of an area.
enum class Interpolation { Nearest, NearestExact, Linear, Bilinear, Bicubic, Area };

namespace functional {

/// Either `size` or `scale_factor`, a number for each axis, or one for all.
struct InterpolateOptions {
  Shape size = {};  ///< of the output: one number for all axes, or one for each
  std::vector<double> scale_factor = {};        ///< instead of `size`: output size / input size
  Interpolation mode = Interpolation::Nearest;  ///< how values between the cells are made
  /// Whether the corners of input and output are the centres of the same cells, or the edges of
  /// the cells coincide (false, the default). Of Linear, Bilinear and Bicubic alone.
  std::optional<bool> align_corners = {};
  /// Whether what is computed with is the ratio of the sizes, not `scale_factor` itself.
  std::optional<bool> recompute_scale_factor = {};

  /// Throws `[op] …` on options that are wrong for every input: neither or both of `size` and
  /// `scale_factor`, `align_corners` with another mode, `recompute_scale_factor` with `size`.
  void check(const char* op) const;
};
/// [N, C, H, W] (any mode but Linear) or [N, C, L] (any but Bilinear and Bicubic) with another
/// height and width, or length: ⌊size · scale_factor⌋ where that is given.
/// PyTorch: `F.interpolate`. Errors: another rank than the mode takes, sizes below 1, not one
/// number for each axis.
Tensor interpolate(const Tensor& input, const InterpolateOptions& options);

}  // namespace functional
}  // namespace norma
