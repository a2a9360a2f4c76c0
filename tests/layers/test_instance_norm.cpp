#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/stderr_of.h"

using namespace norma;
namespace F = norma::functional;

TEST_CASE("InstanceNorm: names, printing, training and evaluation") {
  nn::InstanceNorm2d plain(3);
  CHECK(plain.state_dict().empty());
  CHECK(plain.str() ==
        "InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, "
        "track_running_stats=False)");
  nn::InstanceNorm1d whole(2, {.affine = true, .track_running_stats = true});
  const NamedTensors state = whole.state_dict();
  REQUIRE(state.size() == 5);
  CHECK(state[0].first == "weight");
  CHECK(state[2].first == "running_mean");
  CHECK(state[4].first == "num_batches_tracked");
  CHECK(whole.str() ==
        "InstanceNorm1d(2, eps=1e-05, momentum=0.1, affine=True, bias=True, "
        "track_running_stats=True)");
  manual_seed(1);
  const Tensor x = randn({3, 2, 5}) + 2;
  const Tensor y = whole(x);
  CHECK(y.mean({0, 2}).abs().max().item<double>() < 1e-6);
  CHECK(allclose(whole.running_mean, x.mean({0, 2}) * 0.1));
  CHECK(allclose(whole.running_var, x.var(2).mean(0) * 0.1 + 0.9));
  CHECK(whole.num_batches_tracked.item<int64_t>() == 0);
  nn::InstanceNorm1d copy = whole.clone();
  copy.eval();
  CHECK(allclose(copy(x), F::batch_norm(x, {.running_mean = whole.running_mean,
                                            .running_var = whole.running_var})));
  CHECK(equal(whole.running_mean, copy.running_mean));
  CHECK(equal(plain(zeros({3, 2, 2})), zeros({3, 2, 2})));
  whole.reset_parameters();
  CHECK(equal(whole.running_var, ones({2})));
  CHECK(nn::InstanceNorm3d(2)(zeros({1, 2, 2, 2, 2})).sizes() == Shape{1, 2, 2, 2, 2});
  CHECK(nn::InstanceNorm2d(2, {.affine = true, .bias = false}).parameters().size() == 1);
}

TEST_CASE("InstanceNorm: errors and a warning") {
  nn::InstanceNorm2d norm(3, {.affine = true});
  CHECK(error_of([&] {
          norm.forward(zeros({2, 4, 5, 5}));
        }) ==
        "[InstanceNorm2d] expected input's size at dim=1 to match num_features (3), but got: 4");
  CHECK(error_of([&] {
          norm.forward(zeros({4, 5}));
        }) == "[InstanceNorm2d] expected 3D or 4D input (got 2D input)");
  CHECK(error_of([&] { norm.forward(Tensor()); }) ==
        "[InstanceNorm2d] expected a tensor, got an undefined one");
  CHECK(error_of([] { nn::InstanceNorm1d(-1); }) ==
        "[InstanceNorm1d] expected num_features of at least 0, got -1");
  CHECK(error_of([] { nn::InstanceNorm1d(1, {.momentum = 2}); }) ==
        "[InstanceNorm1d] expected momentum between 0 and 1 (the weight of the new value), got "
        "2.0");
  CHECK(has(stderr_of([] {
              nn::InstanceNorm1d(3).forward(zeros({2, 4, 5}));
            }),
            "expected input's size at dim=1 to match num_features (3), but got: 4; without "
            "parameters and statistics, num_features is not used"));
}

TEST_CASE("RMSNorm and LocalResponseNorm print, clone and compute") {
  nn::RMSNorm norm({3, 4}, {.eps = 1e-3});
  CHECK(norm.str() == "RMSNorm((3, 4), eps=0.001, elementwise_affine=True)");
  CHECK(nn::RMSNorm(4).str() == "RMSNorm((4,), eps=None, elementwise_affine=True)");
  CHECK(nn::RMSNorm(4, {.elementwise_affine = false}).parameters().empty());
  const Tensor x = randn({2, 3, 4});
  CHECK(equal(norm.clone()(x), F::rms_norm(x, {3, 4}, norm.weight, 1e-3)));
  norm.reset_parameters();
  CHECK(equal(norm.weight, ones({3, 4})));
  CHECK(error_of([] { nn::RMSNorm(-1); }) ==
        "[RMSNorm] expected sizes in normalized_shape of at least 0, got -1");
  CHECK(error_of([] { nn::RMSNorm{Shape()}; }) ==
        "[RMSNorm] expected normalized_shape of at least one dimension, got []");
  nn::LocalResponseNorm local(3, {.alpha = 0.1});
  CHECK(local.str() == "LocalResponseNorm(3, alpha=0.1, beta=0.75, k=1.0)");
  CHECK(equal(local.clone()(x), F::local_response_norm(x, 3, 0.1)));
  CHECK(error_of([] { nn::LocalResponseNorm(0); }) ==
        "[LocalResponseNorm] expected size of at least 1, got 0");
}

TEST_CASE("Norms without a bias, and BatchNorm3d") {
  nn::BatchNorm2d norm(3, {.bias = false});
  CHECK(norm.parameters().size() == 1);
  CHECK(norm.str() ==
        "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=False, "
        "track_running_stats=True)");
  CHECK(nn::LayerNorm(3, {.bias = false}).str() ==
        "LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=False)");
  CHECK(nn::GroupNorm(1, 3, {.bias = false}).str() ==
        "GroupNorm(1, 3, eps=1e-05, affine=True, bias=False)");
  const Tensor x = randn({2, 3, 2, 2});
  CHECK(equal(norm.clone()(x), norm(x)));
  CHECK(equal(nn::GroupNorm(1, 3, {.bias = false}).clone()(x), F::group_norm(x, 1, ones({3}))));

  nn::BatchNorm3d volume(3);
  const Tensor y = randn({2, 3, 2, 2, 2});
  nn::BatchNorm1d flat(3);
  CHECK(allclose(volume(y), flat(y.reshape({2, 3, 8})).reshape(y.sizes()), 1e-5, 1e-6));
  CHECK(equal(volume.running_var, flat.running_var));
  CHECK(volume.clone().str() ==
        "BatchNorm3d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, "
        "track_running_stats=True)");
  CHECK(error_of([&] { volume.forward(x); }) ==
        "[BatchNorm3d] expected 5D input (got 4D input), [N, C, D, H, W], got input size "
        "[2, 3, 2, 2]; BatchNorm2d takes images [N, C, H, W]");
  CHECK(error_of([&] { nn::BatchNorm2d(3).forward(y); }) ==
        "[BatchNorm2d] expected 4D input (got 5D input), [N, C, H, W], got input size "
        "[2, 3, 2, 2, 2]; BatchNorm3d takes [N, C, D, H, W]");
}
