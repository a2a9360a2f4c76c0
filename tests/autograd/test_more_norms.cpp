#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"

using namespace norma;
namespace F = norma::functional;

TEST_CASE("instance_norm, rms_norm, local_response_norm: derivatives") {
  manual_seed(1);
  const Tensor x = random_leaf({2, 3, 2, 2}), w = random_leaf({3}), b = random_leaf({3});
  CHECK(gradient_error(
            [](const auto& v) { return F::instance_norm(v[0], {.weight = v[1], .bias = v[2]}); },
            {x, w, b}) == "");
  const Tensor mean = randn({3}, {.dtype = kFloat64}), var = mean.abs() + 0.5;
  CHECK(gradient_error(
            [&](const auto& v) {
              return F::instance_norm(
                  v[0], {.running_mean = mean, .running_var = var, .use_input_stats = false});
            },
            {x}) == "");
  CHECK(gradient_error(
            [](const auto& v) {
              return F::rms_norm(v[0], {2, 2}, v[1]);
            },
            {x, random_leaf({2, 2})}) == "");
  CHECK(gradient_error([](const auto& v) { return F::rms_norm(v[0], 3, {}, 0.1); },
                       {random_leaf({2, 3})}) == "");
  CHECK(gradient_error([](const auto& v) { return F::local_response_norm(v[0], 2, 0.5); }, {x}) ==
        "");
}

TEST_CASE("Norms without a bias: derivatives") {
  manual_seed(2);
  const Tensor x = random_leaf({3, 4, 2}), w = random_leaf({4});
  CHECK(gradient_error(
            [](const auto& v) { return F::batch_norm(v[0], {.weight = v[1], .training = true}); },
            {x, w}) == "");
  CHECK(gradient_error([](const auto& v) { return F::group_norm(v[0], 2, v[1]); }, {x, w}) == "");
  CHECK(gradient_error([](const auto& v) { return F::layer_norm(v[0], 2, v[1]); },
                       {x, random_leaf({2})}) == "");
}

TEST_CASE("More norms: errors") {
  const Tensor x = zeros({2, 3, 4});
  CHECK(error_of([&] { F::instance_norm(x, {.use_input_stats = false}); }) ==
        "[instance_norm] Expected running_mean and running_var to be defined, both, when "
        "use_input_stats is false, and both or none otherwise");
  CHECK(error_of([&] {
          F::instance_norm(zeros({2, 3, 1}));
        }) ==
        "[instance_norm] Expected more than 1 spatial element when training, got input size "
        "[2, 3, 1]");
  CHECK(error_of([&] { F::instance_norm(x, {.weight = ones({2})}); }) ==
        "[instance_norm] expected weight of size [3], got [2] for input size [2, 3, 4]");
  CHECK(error_of([&] { F::rms_norm(x, 3); }) ==
        "[rms_norm] Given normalized_shape=[3], expected input with shape [*, 3], but got input of "
        "size [2, 3, 4]");
  CHECK(error_of([&] { F::rms_norm(x, Shape()); }) ==
        "[rms_norm] expected normalized_shape of at least one dimension, got []");
  CHECK(error_of([&] { F::rms_norm(x, 4, ones({3})); }) ==
        "[rms_norm] expected weight of size [4], got [3] for input size [2, 3, 4]");
  CHECK(error_of([&] {
          F::local_response_norm(zeros({2, 3}), 2);
        }) ==
        "[local_response_norm] Expected 3D or higher dimensionality input (got 2 dimensions)");
  CHECK(error_of([&] { F::local_response_norm(x, 0); }) ==
        "[local_response_norm] expected size of at least 1, got 0");
}

TEST_CASE("batch_norm refuses an eps of 0 with batch statistics, group_norm empty planes") {
  const Tensor x = randn({3, 4});
  const auto message = [&](bool training, double eps) {
    return error_of([&] {
      F::batch_norm(
          x,
          {.running_mean = zeros({4}), .running_var = ones({4}), .training = training, .eps = eps});
    });
  };
  CHECK(message(true, 0) == "[batch_norm] eps must be positive during training, but got 0.0");
  CHECK(message(true, -1) == "[batch_norm] eps must be positive during training, but got -1.0");
  CHECK(message(false, -1) == "[batch_norm] eps must be non-negative, but got -1.0");
  CHECK(message(false, 0) == "no error");
  for (const Shape& sizes : {Shape{2, 4, 0}, {0, 4, 0, 3}, {2, 0}, {2, 0, 3}}) {
    CHECK(error_of([&] { F::group_norm(zeros(sizes), 2); }) ==
          "[group_norm] Expected number of channels and cells to be greater than 0, got input of "
          "shape " +
              sizes.str());
  }
  CHECK(F::group_norm(zeros({0, 4, 3}), 2).sizes() == Shape{0, 4, 3});
}
