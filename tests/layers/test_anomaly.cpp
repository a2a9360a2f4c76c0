// detect_anomaly names the module and its parameters.
#include <limits>

#include "norma/tests/layers/helpers.h"

using norma::DetectAnomalyGuard;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// sqrt has no finite gradient at 0.
struct Root : nn::Module {
  Tensor forward(const Tensor& x) override { return (x * 1.0).sqrt(); }
};

struct Net : nn::Module {
  nn::Sequential body;
  Root root;
  nn::Linear head;
  Net() : body(nn::Linear(2, 3), nn::BatchNorm1d(3), nn::ReLU()), head(3, 1) {
    register_module("body", body);
    register_module("root", root);
    register_module("head", head);
  }
  Tensor forward(const Tensor& x) override { return head(root(body(x))); }
};

void poison(Tensor parameter) {
  const norma::NoGradGuard no_grad;
  parameter.select(0, 1).fill_(kNan);
}

}  // namespace

TEST_CASE("forward: the module, and the parameter that was not finite") {
  Net net;
  const Tensor x = norma::randn({4, 2});
  const DetectAnomalyGuard guard;
  SECTION("a parameter") {
    poison(net.body.at<nn::Linear>(0).weight);
    CHECK(
        error_of([&] { net(x); }) ==
        "[linear] expected a finite result (detect_anomaly), got 4 of 12 values not finite in "
        "shape [4, 3], the first nan at [0, 1]; input 1 of 3, the parameter body.0.weight, was not "
        "finite before: 2 of 6 values not finite in shape [3, 2], the first nan at [1, 0] (in "
        "body.0, a Linear)");
  }
  SECTION("a buffer") {
    net.eval();
    poison(net.body.at<nn::BatchNorm1d>(1).running_var);
    CHECK(error_of([&] {
            net(x);
          }).find("[batch_norm] expected a finite result (detect_anomaly), got 4 of 12") == 0);
    CHECK(has(error_of([&] { net(x); }),
              "; input 4 of 5, the buffer body.1.running_var, was not finite before: 1 of 3 values "
              "not finite in shape [3], the first nan at [1] (in body.1, a BatchNorm1d)"));
  }
  SECTION("the data") {
    x.select(0, 2).fill_(kNan);
    CHECK(
        has(error_of([&] { net(x); }),
            "; input 0 of 3, a tensor outside the graph, was not finite before: 2 of 8 values not "
            "finite in shape [4, 2], the first nan at [2, 0] (in body.0, a Linear)"));
  }
  SECTION("a parameter that the caller passes on") {
    struct Scaled : nn::Module {
      Tensor scale = register_parameter("scale", norma::ones({2}));
      nn::Identity inner;
      Scaled() { register_module("inner", inner); }
      Tensor forward(const Tensor& x) override { return inner(scale) * x; }
    };
    Scaled scaled;
    poison(scaled.scale);
    CHECK(has(error_of([&] { scaled(x); }),
              "[mul] expected a finite result (detect_anomaly), got 4 of 8"));
    CHECK(has(error_of([&] { scaled(x); }),
              "; input 0 of 2, the parameter scale, was not finite before"));
    CHECK(has(error_of([&] { scaled(x); }), " (in Scaled)"));
  }
}

TEST_CASE("backward: the module whose forward recorded the operation") {
  Net net;
  net.eval();
  const Tensor x = norma::randn({4, 2});
  {
    const norma::NoGradGuard no_grad;
    net.body.at<nn::Linear>(0).weight.zero_();
    net.body.at<nn::Linear>(0).bias.fill_(-1);
    net.head.weight.fill_(1);
  }
  const std::string what =
      "[sqrt] expected a finite gradient in backward (detect_anomaly), got 12 of 12 values not "
      "finite in shape [4, 3], the first inf at [0, 0], for its input, the result of mul; the "
      "gradient of its result was finite";
  SECTION("with its path") {
    const DetectAnomalyGuard guard;
    CHECK(error_of([&] { net(x).sum().backward(); }) == what + " (in root, a Root)");
    nn::Sequential outer(nn::Identity(), net);
    CHECK(error_of([&] { outer(x).sum().backward(); }) == what + " (in 1.root, a Root)");
    CHECK(error_of([&] { net.root(net.body(x)).sum().backward(); }) == what + " (in root, a Root)");
  }
  SECTION("as an Error's properties") {
    const DetectAnomalyGuard guard;
    const Tensor loss = net(x).sum();
    try {
      loss.backward();
      FAIL("no error");
    } catch (const norma::Error& error) {
      CHECK(error.op() == "sqrt");
      CHECK(error.module_path() == "root");
    }
  }
  SECTION("outside of modules there is none") {
    const DetectAnomalyGuard guard;
    const Tensor leaf = norma::zeros({1}).requires_grad_();
    CHECK(has(error_of([&] {
                net.head(leaf.sqrt().expand({1, 3})).sum().backward();
              }),
              "for its input, a leaf; the gradient of its result was finite"));
    CHECK_FALSE(has(error_of([&] { leaf.sqrt().sum().backward(); }), "(in "));
  }
  SECTION("also when the module is gone") {
    const DetectAnomalyGuard guard;
    Tensor loss;
    {
      nn::Sequential gone(Root(), nn::Linear(3, 1));
      loss = gone(norma::zeros({2, 3}).requires_grad_()).sum();
    }
    CHECK(has(error_of([&] { loss.backward(); }), "(in 0, a Root)"));
  }
  SECTION("also for other errors of backward functions") {
    const DetectAnomalyGuard guard({.check_nan = false, .check_inf = false});
    Tensor kept;
    struct Leaky : nn::Module {
      Tensor& kept;
      explicit Leaky(Tensor& k) : kept(k) {}
      Tensor forward(const Tensor& x) override {
        kept = x.exp();
        return kept * 1.0;
      }
    };
    nn::Sequential leaky(nn::Linear(2, 2), Leaky(kept));
    const Tensor loss = leaky(x).sum();
    kept.detach().zero_();
    CHECK(has(error_of([&] { loss.backward(); }),
              "expected version 0; use an out-of-place "
              "operation or clone() (in 1, a Leaky)"));
  }
}

TEST_CASE("a gradient that is not finite names the parameter") {
  nn::Linear fc(1, 1, {.bias = false});
  {
    const norma::NoGradGuard no_grad;
    fc.weight.fill_(0.125);
  }
  nn::Sequential net(fc);
  const DetectAnomalyGuard guard;
  const Tensor x = norma::full({2, 1}, 2e38f);
  CHECK(
      error_of([&] { net(x).mean().mul(2.5).backward(); }) ==
      "[linear] expected a finite gradient in backward (detect_anomaly), got inf in shape [1, 1], "
      "for input 1 of 3, the parameter 0.weight; the gradient of its result was finite (in 0, a "
      "Linear)");
  net(x).mean().backward();
  CHECK(
      error_of([&] { net(x).mean().backward(); }) ==
      "[accumulate_grad] expected a finite gradient in backward (detect_anomaly), got inf in shape "
      "[1, 1], in the grad() of the parameter 0.weight, which held one before; what was added to "
      "it was finite; zero_grad() first (in 0, a Linear)");
}

TEST_CASE("where nothing is recorded, the results of modules are checked") {
  Net net;
  net.eval();
  const Tensor x = norma::randn({4, 2});
  const DetectAnomalyGuard guard;
  const norma::NoGradGuard no_grad;
  CHECK(error_of([&] { net(x); }) == "no error");
  SECTION("with their own parameters and buffers") {
    poison(net.body.at<nn::BatchNorm1d>(1).running_mean);
    CHECK(
        error_of([&] { net(x); }) ==
        "[BatchNorm1d] expected a finite result (detect_anomaly), got 4 of 12 values not finite in "
        "shape [4, 3], the first nan at [0, 1]; input 3 of 6, the buffer body.1.running_mean, was "
        "not finite before: 1 of 3 values not finite in shape [3], the first nan at [1] (in "
        "body.1, a BatchNorm1d)");
  }
  SECTION("with their input") {
    x.select(0, 2).fill_(kNan);
    CHECK(has(error_of([&] { net(x); }),
              "; input 0 of 3, a tensor outside the graph, was not finite before: 2 of 8"));
  }
  SECTION("losses too") {
    nn::MSELoss criterion;
    const Tensor y = norma::full({4, 2}, kNan);
    CHECK(
        error_of([&] { criterion(x, y); }) ==
        "[MSELoss] expected a finite result (detect_anomaly), got nan in shape []; input 1 of 2, a "
        "tensor outside the graph, was not finite before: 8 of 8 values not finite in shape [4, "
        "2], the first nan at [0, 0] (in MSELoss)");
  }
}

TEST_CASE("a training step with the mode on gives the same numbers") {
  norma::manual_seed(5);
  Net net;
  Net twin;
  twin.load_state_dict(net.state_dict());
  const Tensor x = norma::rand({8, 2});
  const auto step = [&](Net& model) {
    model.head(model.body(x)).square().mean().backward();
    std::vector<double> numbers;
    for (const Tensor& parameter : model.parameters()) {
      for (double value : to_vector(parameter.grad())) numbers.push_back(value);
    }
    for (const Tensor& buffer : model.buffers()) {
      for (double value : to_vector(buffer)) numbers.push_back(value);
    }
    return numbers;
  };
  const std::vector<double> want = step(net);
  const DetectAnomalyGuard guard;
  CHECK(step(twin) == want);
}
