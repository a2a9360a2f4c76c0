// Upsample and its relatives: images and signals of another size.
#pragma once
#include "norma/autograd/functional_interpolate.h"
#include "norma/layers/cloneable.h"

namespace norma::nn {

using UpsampleOptions = functional::InterpolateOptions;

/// [N, C, H, W] or [N, C, L] with another height and width, or length:
/// `nn::Upsample({.scale_factor = {2}, .mode = Interpolation::Bilinear})`. See
/// `functional::interpolate`.
class Upsample : public Cloneable<Upsample> {
 public:
  explicit Upsample(const UpsampleOptions& options);

  Tensor forward(const Tensor& input) override;
  const UpsampleOptions& options() const { return options_; }
  std::string extra_repr() const override;
  Upsample fresh() const { return Upsample(options_); }

 private:
  UpsampleOptions options_;
};

struct Upsampling2dOptions {
  Shape size = {};
  std::vector<double> scale_factor = {};
};

/// Upsample of images to the nearest cell.
class UpsamplingNearest2d : public Cloneable<UpsamplingNearest2d, Upsample> {
 public:
  explicit UpsamplingNearest2d(const Upsampling2dOptions& options)
      : Cloneable(UpsampleOptions{.size = options.size, .scale_factor = options.scale_factor}) {}
  UpsamplingNearest2d fresh() const {
    return UpsamplingNearest2d({options().size, options().scale_factor});
  }
};

/// Upsample of images, bilinear with `align_corners`.
class UpsamplingBilinear2d : public Cloneable<UpsamplingBilinear2d, Upsample> {
 public:
  explicit UpsamplingBilinear2d(const Upsampling2dOptions& options)
      : Cloneable(UpsampleOptions{.size = options.size,
                                  .scale_factor = options.scale_factor,
                                  .mode = Interpolation::Bilinear,
                                  .align_corners = true}) {}
  UpsamplingBilinear2d fresh() const {
    return UpsamplingBilinear2d({options().size, options().scale_factor});
  }
};

}  // namespace norma::nn
