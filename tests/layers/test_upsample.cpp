#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;
namespace F = norma::functional;

TEST_CASE("Upsample computes, prints and clones as in PyTorch") {
  manual_seed(1);
  const Tensor x = randn({1, 2, 3, 4});
  nn::Upsample twice({.scale_factor = {2}, .mode = Interpolation::Bilinear});
  CHECK(twice.str() == "Upsample(scale_factor=2.0, mode='bilinear')");
  CHECK(twice(x).sizes() == Shape{1, 2, 6, 8});
  CHECK(equal(twice.clone()(x), twice(x)));
  CHECK(twice.options().scale_factor == std::vector<double>{2});
  CHECK(nn::Upsample({.size = {5, 7}}).str() == "Upsample(size=(5, 7), mode='nearest')");
  CHECK(nn::Upsample({.size = 5, .mode = Interpolation::Linear}).str() ==
        "Upsample(size=5, mode='linear')");
  CHECK(nn::Upsample({.scale_factor = {2, 1.5}, .mode = Interpolation::Bicubic}).str() ==
        "Upsample(scale_factor=(2.0, 1.5), mode='bicubic')");
  CHECK(nn::Upsample({.size = 5, .mode = Interpolation::NearestExact}).str() ==
        "Upsample(size=5, mode='nearest-exact')");
  CHECK(nn::Upsample({.size = 5, .mode = Interpolation::Area}).str() ==
        "Upsample(size=5, mode='area')");
  CHECK(error_of([] { nn::Upsample({}); }) ==
        "[Upsample] either size or scale_factor should be defined");
}

TEST_CASE("UpsamplingNearest2d and UpsamplingBilinear2d are Upsample") {
  const Tensor x = randn({1, 2, 3, 4});
  nn::UpsamplingNearest2d nearest({.scale_factor = {2}});
  CHECK(nearest.str() == "UpsamplingNearest2d(scale_factor=2.0, mode='nearest')");
  CHECK(equal(nearest.clone()(x), F::interpolate(x, {.scale_factor = {2}})));
  nn::UpsamplingBilinear2d bilinear({.size = {5, 6}});
  CHECK(bilinear.str() == "UpsamplingBilinear2d(size=(5, 6), mode='bilinear')");
  CHECK(equal(
      bilinear.clone()(x),
      F::interpolate(x, {.size = {5, 6}, .mode = Interpolation::Bilinear, .align_corners = true})));
}
