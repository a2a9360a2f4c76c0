#include "norma/tests/layers/helpers.h"

using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

struct Net : nn::Cloneable<Net> {
  int64_t width;
  nn::Linear fc;
  nn::BatchNorm1d bn;

  explicit Net(int64_t w) : width(w), fc(2, w), bn(w) {
    register_module("fc", fc);
    register_module("bn", bn);
  }
  Net fresh() const { return Net(width); }
  Tensor forward(const Tensor& x) override { return bn(fc(x)); }
};

struct Wrong : nn::Cloneable<Wrong> {
  int64_t width;
  explicit Wrong(int64_t w) : width(w) { register_module("fc", nn::Linear(2, w)); }
  Wrong fresh() const { return Wrong(width + 1); }
};

}  // namespace

TEST_CASE("clone() does not cut off a derived class") {
  struct Wider : nn::Linear {
    Wider() : nn::Linear(2, 3) {}
    Tensor forward(const Tensor& x) override { return nn::Linear::forward(x) * 2.0; }
  };
  const std::string want =
      "[clone] expected a class that can be cloned, got Wider; construct a fresh Wider and call "
      "its "
      "load_state_dict(old.state_dict()), or derive Wider from nn::Cloneable<Wider>";
  CHECK(error_of([] { Wider().clone(); }) == want);
  nn::Sequential net{Wider(), nn::ReLU()};
  CHECK(error_of([&] { net.clone(); }) == want);
}

TEST_CASE("clone() is deep") {
  Net net(3);
  net(norma::randn({4, 2})).sum().backward();
  net.fc.requires_grad_(false);
  net.bn.eval();
  net.bn.freeze_stats();
  const Net copy = net.clone();

  CHECK_FALSE(copy.is_same(net));
  CHECK_FALSE(copy.fc.weight.is_same(net.fc.weight));
  const auto theirs = net.state_dict(), ours = copy.state_dict();
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(ours[i].first == theirs[i].first);
    CHECK(norma::equal(ours[i].second, theirs[i].second));
    CHECK(ours[i].second.raw_data() != theirs[i].second.raw_data());
    CHECK(ours[i].second.requires_grad() == theirs[i].second.requires_grad());
    CHECK_FALSE(ours[i].second.grad().defined());
  }
  CHECK_FALSE(copy.fc.weight.requires_grad());
  CHECK(copy.bn.weight.requires_grad());
  CHECK(copy.is_training());
  CHECK_FALSE(copy.bn.is_training());
  CHECK(copy.bn.is_frozen());

  net.bn.freeze_stats(false);
  net.fc.weight.requires_grad_(true);
  CHECK(copy.bn.is_frozen());
  CHECK_FALSE(copy.fc.weight.requires_grad());
}

TEST_CASE("clone() takes no random numbers and keeps dtypes") {
  Net net(3);
  net.to(norma::kFloat64);
  const auto before = norma::default_generator().state();
  const Net copy = net.clone();
  CHECK(norma::default_generator().state() == before);
  CHECK(copy.fc.weight.dtype() == norma::kFloat64);
  CHECK(copy.bn.running_mean.dtype() == norma::kFloat64);
}

TEST_CASE("every built-in module clones, with its options") {
  const nn::Sequential net{nn::Linear(2, 3, {.bias = false}),
                           nn::BatchNorm1d(3, {.eps = 0.1, .momentum = std::nullopt}),
                           nn::BatchNorm2d(3, {.affine = false, .track_running_stats = false}),
                           nn::ReLU(),
                           nn::LeakyReLU(0.3),
                           nn::GELU({.approximate = "tanh"}),
                           nn::Sigmoid(),
                           nn::Tanh(),
                           nn::Softmax(1),
                           nn::LogSoftmax(0),
                           nn::Dropout(0.1),
                           nn::Dropout2d(0.2),
                           nn::Conv2d(4, 6, 3, {.padding = 1, .groups = 2, .bias = false}),
                           nn::Conv1d(4, 6, 3, {.stride = 2, .groups = 2}),
                           nn::MaxPool2d(2),
                           nn::MaxPool1d(3, {.stride = 1}),
                           nn::AvgPool2d(3, {.stride = 1}),
                           nn::AdaptiveAvgPool2d(1),
                           nn::Embedding(5, 3, {.padding_idx = 1, .max_norm = 2.0}),
                           nn::Flatten(0, 1),
                           nn::Identity(),
                           nn::LayerNorm({2, 3}, {.eps = 0.5, .elementwise_affine = false}),
                           nn::GroupNorm(2, 4, {.eps = 0.5, .affine = false}),
                           nn::CrossEntropyLoss(),
                           nn::NLLLoss(),
                           nn::MSELoss(),
                           nn::L1Loss(),
                           nn::BCEWithLogitsLoss(),
                           nn::Sequential(nn::Sequential(nn::Linear(1, 1)), Net(2))};
  const nn::Sequential copy = net.clone();
  CHECK(copy.str() == net.str());
  CHECK(names_of(copy.state_dict()) == names_of(net.state_dict()));
  for (int64_t i = 0; i < net.size(); ++i) CHECK_FALSE(copy[i].is_same(net[i]));
}

TEST_CASE("losses clone their options and weights") {
  const Tensor w = norma::tensor({1.0, 3.0});
  nn::CrossEntropyLoss loss(
      {.weight = w, .ignore_index = 1, .reduction = norma::Reduction::Sum, .label_smoothing = 0.1});
  nn::CrossEntropyLoss copy = loss.clone();
  const Tensor x = norma::randn({4, 2}), y = norma::tensor({0, 1, 0, 0});
  CHECK(norma::equal(copy(x, y), loss(x, y)));
  loss.weight.fill_(9.0);
  CHECK(to_vector(copy.weight) == std::vector<double>({1, 3}));
  CHECK(to_vector(w) == std::vector<double>({1, 3}));
}

TEST_CASE("Sequential::clone keeps names, flags and what is shared") {
  const nn::Linear shared(2, 2);
  nn::Sequential net;
  net.push_back("in", shared).push_back("act", nn::ReLU()).push_back("out", shared);
  net.eval();
  const nn::Sequential copy = net.clone();
  CHECK(names_of(copy.state_dict()) == "in.weight in.bias out.weight out.bias");
  CHECK(copy[0].is_same(copy[2]));
  CHECK_FALSE(copy[0].is_same(shared));
  CHECK_FALSE(copy.is_training());
  CHECK_FALSE(copy[0].is_training());

  const nn::Sequential across{nn::Sequential(shared), nn::Sequential(shared)};
  CHECK(has(error_of([&] { across.clone(); }), "[clone]"));
  CHECK(has(error_of([&] { across.clone(); }), "load_state_dict"));
}

TEST_CASE("modules without clone() say what to do") {
  const std::string message = error_of([] { nn::Sequential(nn::ReLU(), MLP()).clone(); });
  CHECK(has(message, "[clone] expected a class that can be cloned, got MLP"));
  CHECK(has(message, "load_state_dict"));
  CHECK(has(message, "nn::Cloneable<MLP>"));

  struct Head : nn::Sequential {
    Head() : nn::Sequential(nn::Linear(2, 2), nn::ReLU()) {}
  };
  CHECK(has(error_of([] { Head().clone(); }), "got Head"));
}

TEST_CASE("a fresh() of another structure is found out") {
  CHECK(has(error_of([] { Wrong(2).clone(); }), "got another tensor \"weight\""));
}
