#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
namespace F = norma::functional;

TEST_CASE("interpolate: by hand") {
  const Tensor x = tensor({1.0, 2.0, 4.0}).reshape({1, 1, 3});
  using V = std::vector<double>;
  const auto line = [&](const F::InterpolateOptions& o) { return to_vector(F::interpolate(x, o)); };
  CHECK(line({.scale_factor = {2}}) == V{1, 1, 2, 2, 4, 4});
  CHECK(line({.size = 2}) == V{1, 2});
  CHECK(line({.size = 2, .mode = Interpolation::NearestExact}) == V{1, 4});
  CHECK(line({.size = 6, .mode = Interpolation::Linear}) == V{1, 1.25, 1.75, 2.5, 3.5, 4});
  CHECK(line({.size = 5, .mode = Interpolation::Linear, .align_corners = true}) ==
        V{1, 1.5, 2, 3, 4});
  CHECK(line({.size = 1, .mode = Interpolation::Area}) == V{double(float(7.0 / 3))});
  // The nearest cell by what was asked for, or by the ratio of the sizes.
  const Tensor ramp = arange(5).to(kFloat32).reshape({1, 1, 5});
  CHECK(to_vector(F::interpolate(ramp, {.scale_factor = {1.5}})) == V{0, 0, 1, 2, 2, 3, 4});
  CHECK(to_vector(F::interpolate(ramp, {.scale_factor = {1.5}, .recompute_scale_factor = true})) ==
        V{0, 0, 1, 2, 2, 3, 4});
  CHECK(F::interpolate(zeros({2, 3, 4, 5}), {.scale_factor = {2, 0.5}}).sizes() ==
        Shape{2, 3, 8, 2});
  CHECK(F::interpolate(zeros({0, 3, 4, 5}), {.size = {7, 2}}).sizes() == Shape{0, 3, 7, 2});
}

TEST_CASE("interpolate: derivatives") {
  manual_seed(1);
  for (const Interpolation mode :
       {Interpolation::Nearest, Interpolation::NearestExact, Interpolation::Bilinear,
        Interpolation::Bicubic, Interpolation::Area}) {
    for (const Shape& size : {Shape{2, 5}, Shape{4, 3}}) {
      CHECK(gradient_error(
                [&](const auto& x) { return F::interpolate(x[0], {.size = size, .mode = mode}); },
                {random_leaf({2, 1, 3, 3})}) == "");
    }
  }
  for (const Interpolation mode : {Interpolation::Bilinear, Interpolation::Bicubic}) {
    CHECK(gradient_error(
              [&](const auto& x) {
                return F::interpolate(x[0],
                                      {.scale_factor = {1.7}, .mode = mode, .align_corners = true});
              },
              {random_leaf({1, 2, 3, 2})}) == "");
  }
  CHECK(gradient_error(
            [](const auto& x) {
              return F::interpolate(x[0], {.size = 7, .mode = Interpolation::Linear});
            },
            {random_leaf({2, 2, 4})}) == "");
}

TEST_CASE("interpolate: errors") {
  const Tensor x = zeros({1, 2, 3, 4});
  const auto message = [&](const F::InterpolateOptions& o) {
    return error_of([&] { F::interpolate(x, o); });
  };
  CHECK(message({}) == "[interpolate] either size or scale_factor should be defined");
  CHECK(message({.size = 2, .scale_factor = {2}}) ==
        "[interpolate] only one of size or scale_factor should be defined");
  CHECK(message({.size = 2, .align_corners = true}) ==
        "[interpolate] align_corners option can only be set with the interpolating modes: Linear, "
        "Bilinear, Bicubic");
  CHECK(message({.size = 2, .recompute_scale_factor = true}) ==
        "[interpolate] recompute_scale_factor is not meaningful with an explicit size");
  CHECK(message({.size = {2, 3, 4}}) ==
        "[interpolate] Input and output must have the same number of spatial dimensions, but got "
        "input with spatial dimensions of [3, 4] and 3 numbers for the output");
  CHECK(message({.size = 2, .mode = Interpolation::Linear}) ==
        "[interpolate] Got 4D input, but linear mode needs 3D input");
  CHECK(message({.size = {0, 2}}) ==
        "[interpolate] Input and output sizes should be greater than 0, but got input of size "
        "[1, 2, 3, 4] and output of size [1, 2, 0, 4]");
  CHECK(message({.scale_factor = {0.2}}) ==
        "[interpolate] Input and output sizes should be greater than 0, but got input of size "
        "[1, 2, 3, 4] and output of size [1, 2, 0, 4]");
  CHECK(error_of([&] { F::interpolate(x[0], {.size = 2, .mode = Interpolation::Bicubic}); }) ==
        "[interpolate] Got 3D input, but bicubic mode needs 4D input");
  CHECK(error_of([&] {
          F::interpolate(zeros({1, 0, 3, 4}), {.size = 2});
        }) == "[interpolate] expected at least one channel, got input of size [1, 0, 3, 4]");
  CHECK(error_of([&] { F::interpolate(x[0][0], {.size = 2}); }) ==
        "[interpolate] expected input [N, C, H, W] or [N, C, L], got [3, 4]");
  CHECK(error_of([&] { F::interpolate(x.to(kInt64), {.size = 2}); }) ==
        "[interpolate] expected a floating input, got int64; convert it with to(kFloat32)");
}
