#include "norma/tests/layers/golden_layers.h"
#include "norma/tests/layers/helpers.h"

using norma::Reduction;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

void check(const std::string& name, nn::Loss&& loss, const Tensor& target) {
  INFO(name);
  loss.to(norma::kFloat64);
  const auto& golden = golden::loss_cases.at(name);
  Tensor x = tensor_of(golden.input, {4, 3}).requires_grad_();
  const Tensor out = loss(x, target);
  weighted_sum(out).backward();
  CHECK(difference(out, golden.output, 1e-12) == "");
  CHECK(difference(x.grad(), golden.input_grad, 1e-12) == "");
}

}  // namespace

TEST_CASE("losses against PyTorch") {
  const Tensor w = tensor_of(golden::class_weights, {3});
  const Tensor y = norma::tensor({2, 0, -100, 1}), z = norma::tensor({2, 0, 1, 1});
  const Tensor soft = tensor_of(golden::soft_targets, {4, 3});
  const Tensor bits = tensor_of(golden::bit_targets, {4, 3});

  check("cross_entropy", nn::CrossEntropyLoss(), z);
  check("cross_entropy_all", nn::CrossEntropyLoss({.weight = w, .label_smoothing = 0.1}), y);
  check("cross_entropy_sum", nn::CrossEntropyLoss({.ignore_index = 1, .reduction = Reduction::Sum}),
        z);
  check("cross_entropy_none", nn::CrossEntropyLoss({.weight = w, .reduction = Reduction::None}), y);
  check("cross_entropy_soft", nn::CrossEntropyLoss({.weight = w, .label_smoothing = 0.2}), soft);
  check("nll", nn::NLLLoss({.weight = w, .ignore_index = 0}), z);
  check("nll_none", nn::NLLLoss({.reduction = Reduction::None}), y);
  check("mse", nn::MSELoss(), bits);
  check("mse_sum", nn::MSELoss({.reduction = Reduction::Sum}), bits);
  check("l1", nn::L1Loss(), bits);
  check("l1_none", nn::L1Loss({.reduction = Reduction::None}), bits);
  check("bce", nn::BCEWithLogitsLoss(), bits);
  check("bce_weights", nn::BCEWithLogitsLoss({.weight = bits + 0.5, .pos_weight = w}), bits);
  check("bce_none", nn::BCEWithLogitsLoss({.pos_weight = w, .reduction = Reduction::None}), bits);
}

TEST_CASE("weights are buffers, the loss's own") {
  const Tensor w = norma::ones({3});
  nn::CrossEntropyLoss loss({.weight = w});
  CHECK(names_of(loss.state_dict()) == "weight");
  CHECK(names_of(nn::NLLLoss({.weight = w}).named_buffers()) == "weight");
  CHECK(names_of(nn::BCEWithLogitsLoss({.weight = w, .pos_weight = w}).named_buffers()) ==
        "weight pos_weight");
  CHECK(nn::CrossEntropyLoss().state_dict().empty());
  loss.weight.fill_(2.0);
  CHECK(to_vector(w) == std::vector<double>(3, 1.0));
  loss.to(norma::kFloat64);
  CHECK(w.dtype() == norma::kFloat32);
  // Changing the buffer changes the loss.
  nn::CrossEntropyLoss sum({.weight = w, .reduction = Reduction::Sum});
  const Tensor x = norma::randn({2, 3}), y = norma::tensor({0, 1});
  const double before = sum(x, y).item<double>();
  sum.weight.fill_(2.0);
  CHECK(sum(x, y).item<double>() == Approx(2 * before));
}

TEST_CASE("a loss takes two tensors") {
  nn::Sequential net{nn::CrossEntropyLoss()};
  CHECK(has(error_of([&] {
              net(norma::ones({2, 3}));
            }),
            "CrossEntropyLoss gives or takes something else"));

  struct Hinge : nn::Loss {
    using nn::Loss::forward;
    Tensor forward(const Tensor& input, const Tensor& target) override {
      return (1.0 - input * target).clamp_min(0.0).mean();
    }
  };
  CHECK(Hinge()(norma::tensor({0.5, -2.0}), norma::tensor({1.0, -1.0})).item<double>() == 0.25);
}

TEST_CASE("options are checked") {
  CHECK(error_of([] { nn::CrossEntropyLoss({.label_smoothing = 1.5}); }) ==
        "[CrossEntropyLoss] expected label_smoothing between 0 and 1, got 1.5");
  CHECK(error_of([] {
          nn::CrossEntropyLoss({.weight = norma::ones({2, 2})});
        }) == "[CrossEntropyLoss] expected one weight per class [C], got weight of size [2, 2]");
  CHECK(has(error_of([] { nn::NLLLoss({.weight = norma::ones({2, 2})}); }), "[NLLLoss]"));
}
