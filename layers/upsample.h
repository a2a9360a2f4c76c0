// Upsample and its relatives: images and signals of another size.
#pragma once
#include "norma/autograd/functional_interpolate.h"
#include "norma/layers/cloneable.h"

namespace norma::nn {

using UpsampleOptions = functional::InterpolateOptions;

/// What layers that change the size have in common. Errors: those of functional::interpolate, of
/// the options in the constructor.
class UpsampleBase : public Module {
 public:
  Tensor forward(const Tensor& input) override;
  const UpsampleOptions& options() const { return options_; }
  std::string extra_repr() const override;

 protected:
  UpsampleBase(const char* name, const UpsampleOptions& options);

 private:
  UpsampleOptions options_;
};

/// [N, C, H, W] or [N, C, L] with another height and width, or length:
/// `nn::Upsample({.scale_factor = {2}, .mode = Interpolation::Bilinear})`. See
/// `functional::interpolate`.
class Upsample : public Cloneable<Upsample, UpsampleBase> {
 public:
  explicit Upsample(const UpsampleOptions& options) : Cloneable("Upsample", options) {}
  Upsample fresh() const { return Upsample(options()); }
};

struct Upsampling2dOptions {
  Shape size = {};                        ///< of the output: one number, or {height, width}
  std::vector<double> scale_factor = {};  ///< instead of `size`
};

/// Upsample of images to the nearest cell.
class UpsamplingNearest2d : public Cloneable<UpsamplingNearest2d, UpsampleBase> {
 public:
  explicit UpsamplingNearest2d(const Upsampling2dOptions& options)
      : Cloneable("UpsamplingNearest2d",
                  UpsampleOptions{.size = options.size, .scale_factor = options.scale_factor}) {}
  UpsamplingNearest2d fresh() const {
    return UpsamplingNearest2d({options().size, options().scale_factor});
  }
};

/// Upsample of images, bilinear with `align_corners`.
class UpsamplingBilinear2d : public Cloneable<UpsamplingBilinear2d, UpsampleBase> {
 public:
  explicit UpsamplingBilinear2d(const Upsampling2dOptions& options)
      : Cloneable("UpsamplingBilinear2d", UpsampleOptions{.size = options.size,
                                                          .scale_factor = options.scale_factor,
                                                          .mode = Interpolation::Bilinear,
                                                          .align_corners = true}) {}
  UpsamplingBilinear2d fresh() const {
    return UpsamplingBilinear2d({options().size, options().scale_factor});
  }
};

}  // namespace norma::nn
