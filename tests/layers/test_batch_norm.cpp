#include "norma/tests/layers/golden_layers.h"
#include "norma/tests/layers/helpers.h"
#include "norma/tests/support/gradients.h"

using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

// Runs a case of golden_layers.h; `make` builds the layer.
template <class Layer>
void replay(const golden::BatchNormCase& golden, norma::DType dtype, double tolerance) {
  Layer bn(golden.sizes[1], golden.options);
  bn.to(dtype);
  CHECK(bn.weight.defined() == golden.options.affine);
  CHECK(bn.running_mean.defined() == golden.options.track_running_stats);
  if (golden.options.affine) {
    bn.load_state_dict(
        {{"weight", norma::tensor({1.5, -0.75})}, {"bias", norma::tensor({0.25, 2.0})}}, false);
  }
  for (std::size_t i = 0; i < golden.steps.size(); ++i) {
    INFO(golden.name << ", step " << i);
    const golden::BatchNormStep& step = golden.steps[i];
    bn.train(step.training);
    bn.zero_grad();
    Tensor x = tensor_of(step.input, golden.sizes, dtype).requires_grad_();
    const Tensor out = bn(x);
    weighted_sum(out).backward();
    CHECK(difference(out, step.output, tolerance) == "");
    CHECK(difference(x.grad(), step.input_grad, tolerance) == "");
    if (golden.options.affine) {
      CHECK(difference(bn.weight.grad(), step.weight_grad, tolerance) == "");
      CHECK(difference(bn.bias.grad(), step.bias_grad, tolerance) == "");
    }
    CHECK(difference(bn.running_mean, step.running_mean, tolerance) == "");
    CHECK(difference(bn.running_var, step.running_var, tolerance) == "");
    if (golden.options.track_running_stats)
      CHECK(bn.num_batches_tracked.template item<int64_t>() == step.batches);
  }
}

Tensor batch(const Shape& sizes) { return norma::randn(sizes) * 2.0 + 3.0; }

std::vector<std::vector<double>> statistics(const nn::BatchNorm& bn) {
  return {to_vector(bn.running_mean), to_vector(bn.running_var), to_vector(bn.num_batches_tracked)};
}

}  // namespace

TEST_CASE("every option over steps of training and evaluation, against PyTorch") {
  const auto [dtype, tolerance] =
      GENERATE(std::pair(norma::kFloat64, 1e-12), std::pair(norma::kFloat32, 2e-5));
  for (const golden::BatchNormCase& golden : golden::batch_norm_cases) {
    if (golden.sizes.size() == 4)
      replay<nn::BatchNorm2d>(golden, dtype, tolerance);
    else
      replay<nn::BatchNorm1d>(golden, dtype, tolerance);
  }
}

TEST_CASE("initial values and registered names") {
  const nn::BatchNorm2d bn(3);
  CHECK(names_of(bn.state_dict()) == "weight bias running_mean running_var num_batches_tracked");
  CHECK(to_vector(bn.weight) == std::vector<double>(3, 1.0));
  CHECK(to_vector(bn.bias) == std::vector<double>(3, 0.0));
  CHECK(to_vector(bn.running_mean) == std::vector<double>(3, 0.0));
  CHECK(to_vector(bn.running_var) == std::vector<double>(3, 1.0));
  CHECK(bn.num_batches_tracked.sizes() == Shape());
  CHECK(bn.num_batches_tracked.dtype() == norma::kInt64);
  CHECK(names_of(nn::BatchNorm1d(3, {.affine = false}).state_dict()) ==
        "running_mean running_var num_batches_tracked");
  CHECK(names_of(nn::BatchNorm1d(3, {.track_running_stats = false}).state_dict()) == "weight bias");
}

TEST_CASE("running statistics depend on train() alone, not on recording") {
  nn::BatchNorm1d bn(2);
  const norma::NoGradGuard no_grad;
  bn(batch({8, 2}));
  CHECK(bn.num_batches_tracked.item<int64_t>() == 1);
  CHECK(bn.running_mean.mean().item<double>() > 0.1);
  const auto before = statistics(bn);
  bn.eval();
  bn(batch({8, 2}));
  CHECK(statistics(bn) == before);
}

TEST_CASE("one value per channel is refused before anything changes") {
  nn::Sequential net(nn::Identity(), nn::BatchNorm1d(4), nn::BatchNorm2d(4));
  auto& bn = net.at<nn::BatchNorm1d>(1);
  auto& images = net.at<nn::BatchNorm2d>(2);
  bn(batch({8, 4}));
  const auto before = statistics(bn);
  CHECK(error_of([&] {
          net(batch({1, 4}));
        }) ==
        "[BatchNorm1d] Expected more than 1 value per channel when training, got input size "
        "[1, 4]; call eval() to use the running statistics, or give the DataLoader drop_last = "
        "true so that no batch of one is left over (in 1, a BatchNorm1d)");
  CHECK(statistics(bn) == before);
  CHECK(has(error_of([&] { bn(batch({1, 4, 1})); }), "got input size [1, 4, 1]"));
  CHECK(has(error_of([&] { images(batch({1, 4, 1, 1})); }), "got input size [1, 4, 1, 1]"));
  CHECK(images.num_batches_tracked.item<int64_t>() == 0);

  CHECK(bn(batch({1, 4, 2})).sizes() == Shape({1, 4, 2}));
  CHECK(images(batch({1, 4, 2, 1})).sizes() == Shape({1, 4, 2, 1}));
  net.eval();
  CHECK(bn(batch({1, 4})).sizes() == Shape({1, 4}));

  nn::BatchNorm1d stateless(4, {.track_running_stats = false});
  stateless.eval();
  CHECK(has(error_of([&] {
              stateless(batch({1, 4}));
            }),
            "Expected more than 1 value per channel when training, got input size [1, 4]; a layer "
            "with track_running_stats = false has only the statistics of the batch"));
}

TEST_CASE("a failed forward leaves the statistics alone") {
  nn::BatchNorm1d bn(2, {.momentum = std::nullopt});
  const auto before = statistics(bn);
  CHECK(error_of([&] { bn(norma::ones({4, 2}, {.dtype = norma::kInt64})); }) != "no error");
  CHECK(error_of([&] { bn(norma::ones({4, 3})); }) != "no error");
  CHECK(error_of([&] { bn(Tensor()); }) != "no error");
  CHECK(statistics(bn) == before);
}

TEST_CASE("the wrong axis: both sizes and the transpose that mends it") {
  nn::BatchNorm1d bn(128);
  CHECK(error_of([&] {
          bn(batch({32, 100, 128}));
        }) ==
        "[BatchNorm1d] expected 128 channels on axis 1, got input size [32, 100, 128] with 100; "
        "its last axis has 128: write bn(x.transpose(1, 2)).transpose(1, 2) (in BatchNorm1d)");
  CHECK(bn(batch({4, 10, 128}).transpose(1, 2)).transpose(1, 2).sizes() == Shape({4, 10, 128}));

  nn::BatchNorm2d images(3);
  CHECK(has(error_of([&] {
              images(batch({2, 8, 8, 3}));
            }),
            "write bn(x.permute({0, 3, 1, 2})).permute({0, 2, 3, 1})"));
  const Tensor x = batch({2, 8, 8, 3});
  CHECK(images(x.permute({0, 3, 1, 2})).permute({0, 2, 3, 1}).sizes() == x.sizes());

  const std::string plain = error_of([] { nn::BatchNorm1d(4)(batch({2, 5})); });
  CHECK(has(plain, "expected 4 channels on axis 1, got input size [2, 5] with 5"));
  CHECK_FALSE(has(plain, "transpose"));
}

TEST_CASE("the number of dimensions") {
  CHECK(error_of([] {
          nn::BatchNorm1d(4)(batch({2, 4, 3, 3}));
        }) ==
        "[BatchNorm1d] expected 2D or 3D input (got 4D input), [N, C] or [N, C, L], got input size "
        "[2, 4, 3, 3]; BatchNorm2d takes images [N, C, H, W] (in BatchNorm1d)");
  CHECK(has(error_of([] { nn::BatchNorm1d(4)(batch({4})); }),
            "expected 2D or 3D input (got 1D input), [N, C] or [N, C, L], got input size [4]; "
            "unsqueeze(0) makes a batch of one sample"));
  CHECK(has(error_of([] {
              nn::BatchNorm2d(3)(batch({3, 8, 8}));
            }),
            "got input size [3, 8, 8]; unsqueeze(0) makes a batch of one sample"));
  CHECK(has(error_of([] {
              nn::BatchNorm2d(3)(batch({2, 8, 8}));
            }),
            "got input size [2, 8, 8]; BatchNorm1d takes [N, C] and [N, C, L]"));
  CHECK(error_of([] {
          nn::BatchNorm2d(64)(batch({32, 64}));
        }) ==
        "[BatchNorm2d] expected 4D input (got 2D input), [N, C, H, W], got input size [32, 64]; "
        "BatchNorm1d takes [N, C] and [N, C, L] (in BatchNorm2d)");
}

TEST_CASE("freeze_stats keeps the running statistics through train()") {
  nn::BatchNorm1d bn(3);
  nn::Sequential net(nn::Linear(2, 3), bn);
  for (int i = 0; i < 5; ++i) net(batch({16, 2}));
  bn.freeze_stats();
  CHECK(net.at<nn::BatchNorm1d>(1).is_frozen());
  const auto before = statistics(bn);
  const Tensor x = batch({16, 2});
  net.eval();
  const Tensor in_evaluation = net(x);
  net.train();
  CHECK(bn.is_training());
  CHECK(norma::equal(net(x), in_evaluation));
  CHECK(net(batch({1, 2})).sizes() == Shape({1, 3}));
  CHECK(statistics(bn) == before);

  // Frozen statistics leave gamma and beta trainable.
  net(x).sum().backward();
  CHECK(bn.weight.grad().defined());
  CHECK(bn.bias.grad().defined());
  CHECK(bn.weight.requires_grad());

  CHECK(bn.str() ==
        "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True, "
        "frozen=True)");
  bn.freeze_stats(false);
  net(x);
  CHECK(statistics(bn) != before);
  CHECK(has(error_of([] { nn::BatchNorm1d(3, {.track_running_stats = false}).freeze_stats(); }),
            "[BatchNorm1d] expected running statistics to freeze"));
}

TEST_CASE("freeze_stats gives the gradients of evaluation") {
  nn::BatchNorm1d bn(2);
  bn.to(norma::kFloat64);
  for (int i = 0; i < 3; ++i) bn(norma::randn({8, 2}, {.dtype = norma::kFloat64}) + 1.0);
  bn.freeze_stats();
  Tensor x = norma::randn({5, 2}, {.dtype = norma::kFloat64}).requires_grad_();
  const std::string error = gradient_error([&](const std::vector<Tensor>& in) { return bn(in[0]); },
                                           {x, bn.weight, bn.bias});
  CHECK(error == "");
}

TEST_CASE("a large mean costs no accuracy, a constant channel gives beta exactly") {
  norma::manual_seed(1);
  const Tensor x = norma::randn({64, 2, 8}) + 10000.0;
  nn::BatchNorm1d single(2), exact(2);
  exact.to(norma::kFloat64);
  CHECK(difference(single(x), to_vector(exact(x.to(norma::kFloat64))), 1e-3) == "");
  CHECK(difference(single.running_var, to_vector(exact.running_var), 1e-3) == "");

  nn::BatchNorm2d bn(2);
  bn.load_state_dict({{"bias", norma::tensor({0.0, -1.5})}}, false);
  const std::vector<double> out =
      to_vector(bn(norma::full({3, 2, 4, 4}, 12345.678)).transpose(0, 1));
  CHECK(std::vector<double>(out.begin(), out.begin() + 48) == std::vector<double>(48, 0.0));
  CHECK(std::vector<double>(out.begin() + 48, out.end()) == std::vector<double>(48, -1.5));
}

TEST_CASE("a bias before BatchNorm changes nothing") {
  nn::Linear with(3, 4), without(3, 4, {.bias = false});
  without.load_state_dict({{"weight", with.weight}});
  nn::BatchNorm1d a(4), b(4);
  const Tensor x = norma::randn({16, 3});
  const Tensor y = a(with(x));
  CHECK(norma::allclose(y, b(without(x)), 1e-4, 1e-5));
  y.square().sum().backward();
  CHECK(norma::allclose(with.bias.grad(), norma::zeros({4}), 0.0, 1e-4));
}

TEST_CASE("reset") {
  nn::BatchNorm1d bn(2);
  bn(batch({4, 2}));
  bn.weight.detach().fill_(5.0);
  bn.reset_running_stats();
  CHECK(statistics(bn) == statistics(nn::BatchNorm1d(2)));
  CHECK(to_vector(bn.weight) == std::vector<double>({5, 5}));
  bn.reset_parameters();
  CHECK(to_vector(bn.weight) == std::vector<double>({1, 1}));
}

TEST_CASE("options are checked") {
  CHECK(error_of([] { nn::BatchNorm1d(-1); }) ==
        "[BatchNorm1d] expected num_features of at least 0, got -1");
  CHECK(error_of([] { nn::BatchNorm2d(2, {.eps = -1.0}); }) ==
        "[BatchNorm2d] expected a finite eps of at least 0, got -1.0");
  CHECK(error_of([] { nn::BatchNorm2d(2, {.eps = std::nan("")}); }) ==
        "[BatchNorm2d] expected a finite eps of at least 0, got nan");
  CHECK(error_of([] { nn::BatchNorm2d(2, {.momentum = 1.5}); }) ==
        "[BatchNorm2d] expected momentum between 0 and 1 (the weight of the new value), got 1.5; "
        "std::nullopt takes the cumulative average");
}

TEST_CASE("in evaluation, one sample gives what it gives in a batch") {
  norma::manual_seed(4);
  for (const Shape& sizes : {Shape{40, 3, 28, 28}, Shape{5, 20, 7, 7}, Shape{3, 40, 3, 3}}) {
    INFO(sizes.str());
    nn::BatchNorm2d bn(sizes[1]);
    bn(norma::randn(sizes) * 2.0 + 1.0);
    bn.eval();
    const Tensor x = norma::randn(sizes);
    CHECK(norma::equal(bn(x.slice(0, 0, 1)), bn(x).slice(0, 0, 1)));
    CHECK(norma::equal(bn.with_relu(x.slice(0, 0, 1)), bn(x).slice(0, 0, 1).relu()));
  }
}
