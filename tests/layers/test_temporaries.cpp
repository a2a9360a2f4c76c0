// Layers overwrite temporaries, and only those: what a module or a user keeps stays as it was.
#include <utility>

#include "norma/tests/layers/helpers.h"
#include "norma/tests/support/tensors.h"

using norma::NoGradGuard;
using norma::randn;
using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

/// Keeps what passes through.
struct Keep : nn::Module {
  Tensor kept;
  Tensor forward(const Tensor& x) override { return kept = x; }
};

/// Classes with a forward of their own that needs its input to the end.
struct Residual : nn::ReLU {
  Tensor forward(const Tensor& x) override { return nn::ReLU::forward(x) + x; }
};
struct Difference : nn::BatchNorm2d {
  Difference() : nn::BatchNorm2d(3) {}
  Tensor forward(const Tensor& x) override { return nn::BatchNorm2d::forward(x) - x; }
};
struct Around : nn::Sequential {
  Around() : nn::Sequential(nn::BatchNorm2d(3), nn::ReLU()) {}
  Tensor forward(const Tensor& x) override { return nn::Sequential::forward(x) + x; }
};

Tensor image() {
  norma::manual_seed(4);
  return randn({2, 3, 20, 33});
}

}  // namespace

TEST_CASE("layers write into temporaries") {
  const NoGradGuard no_grad;
  nn::BatchNorm2d norm(3);
  norm.eval();
  nn::ReLU relu;
  nn::Sequential both(nn::BatchNorm2d(3), nn::ReLU());
  both.eval();
  for (nn::Module* layer : {static_cast<nn::Module*>(&norm), static_cast<nn::Module*>(&relu),
                            static_cast<nn::Module*>(&both)}) {
    INFO(layer->type_name());
    Tensor x = image();
    const Tensor want = (*layer)(image());
    const void* memory = x.raw_data();
    CHECK((*layer)(x).raw_data() != memory);
    CHECK(differing_bits(x, image()) == "");
    const Tensor y = (*layer)(std::move(x));
    CHECK(y.raw_data() == memory);
    CHECK(differing_bits(y, want) == "");
  }
}

TEST_CASE("a Sequential leaves its input and what a module keeps as they were") {
  for (const bool training : {true, false}) {
    for (const bool records : {true, false}) {
      INFO((training ? "training" : "evaluation") << (records ? "" : ", nothing recorded"));
      const auto first = std::make_shared<Keep>(), second = std::make_shared<Keep>(),
                 third = std::make_shared<Keep>();
      nn::Sequential net(nn::Identity(), nn::Dropout(0.0), first, nn::BatchNorm2d(3), second,
                         nn::ReLU(), third, nn::ReLU());
      net.train(training);
      nn::Sequential alone(nn::BatchNorm2d(3));
      alone.train(training);
      const Tensor x = image().requires_grad_(records);
      const Tensor y = net(x);
      CHECK(differing_bits(x, image()) == "");
      CHECK(first->kept.raw_data() == x.raw_data());
      const Tensor normalised = alone(image());
      CHECK(differing_bits(second->kept, normalised) == "");
      CHECK(differing_bits(third->kept, normalised.relu()) == "");
      CHECK(differing_bits(y, normalised.relu()) == "");
    }
  }
}

TEST_CASE("BatchNorm and ReLU in a row are one operation with the same bits") {
  for (const bool training : {true, false}) {
    nn::Sequential net(nn::BatchNorm2d(3), nn::ReLU());
    nn::Sequential apart = net.clone();
    net.train(training);
    apart.train(training);
    const Tensor x = image().requires_grad_(), other = image().requires_grad_();
    const Tensor dy = randn(x.sizes());
    const Tensor y = net(x);
    CHECK(y.grad_fn_name() == "batch_norm_relu");
    const Tensor normalised = apart[0](other);
    const Tensor want = apart[1](normalised);
    CHECK(differing_bits(y, want) == "");
    y.backward(dy);
    want.backward(dy);
    CHECK(differing_bits(x.grad(), other.grad()) == "");
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(differing_bits(net.parameters()[i].grad(), apart.parameters()[i].grad()) == "");
    }
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(differing_bits(net.buffers()[i], apart.buffers()[i]) == "");
    }
    nn::BatchNorm2d layer(3);
    layer.train(training);
    CHECK(differing_bits(layer.with_relu(image()), want) == "");
  }
}

TEST_CASE("derived classes run their own forward, whatever they are given") {
  const Tensor x = image();
  for (const bool in_sequential : {false, true}) {
    const NoGradGuard no_grad;
    const auto run = [&](auto layer) {
      layer.eval();
      nn::Sequential net(nn::Identity(), layer);
      net.eval();
      return in_sequential ? net(image()) : layer(image());
    };
    CHECK(differing_bits(run(Residual()), x.relu() + x) == "");
    nn::BatchNorm2d norm(3);
    norm.eval();
    CHECK(differing_bits(run(Difference()), norm(x) - x) == "");
    CHECK(differing_bits(run(Around()), norm(x).relu() + x) == "");
  }
  // Not one operation: neither is what it looks like.
  nn::Sequential net(nn::BatchNorm2d(3), Residual()), other{Difference(), nn::ReLU()};
  nn::BatchNorm2d norm(3);
  const Tensor normalised = norm(x);
  CHECK(differing_bits(net(x), normalised.relu() + normalised) == "");
  CHECK(differing_bits(other(x), (normalised - x).relu()) == "");
}

TEST_CASE("errors name the module that was given a temporary") {
  nn::Sequential net(nn::Identity(), nn::BatchNorm2d(4), nn::ReLU());
  const std::string want =
      "[BatchNorm2d] expected 4 channels on axis 1, got input size "
      "[2, 3, 20, 33] with 3 (in 1, a BatchNorm2d)";
  CHECK(error_of([&] { net(image()); }) == want);
  const Tensor x = image();
  CHECK(error_of([&] { net(x); }) == want);
}

TEST_CASE("without a graph, what follows a convolution stays in its memory") {
  const NoGradGuard no_grad;
  struct Look : nn::Module {
    const void* memory = nullptr;
    Tensor forward(const Tensor& x) override {
      memory = x.raw_data();
      return x;
    }
  };
  const auto look = std::make_shared<Look>();
  nn::Sequential net(nn::Conv2d(3, 3, 1), look, nn::BatchNorm2d(3), nn::ReLU(), nn::BatchNorm2d(3));
  net.eval();
  CHECK(net(image()).raw_data() == look->memory);
}
