// fuse_conv_bn_: folding in the model itself, whose class needs no clone().
#include "norma/tests/layers/fuse_conv_bn_helpers.h"

using norma::randn;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

/// A block of a ResNet by its members, a class without clone().
struct Block : nn::Module {
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  Tensor runs;
  Block()
      : conv1(3, 3, 3, {.padding = 1, .bias = false}),
        conv2(3, 3, 1),
        bn1(3),
        bn2(3),
        runs(register_buffer("runs", norma::zeros({1}))) {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
  }
  Tensor forward(const Tensor& x) override {
    const norma::NoGradGuard no_grad;
    runs.add_(1.0);
    return recorded(x);
  }
  Tensor recorded(const Tensor& x) {
    const norma::autograd::EnableGradGuard grad;
    return relu(x + bn2(conv2(relu(bn1(conv1(x))))));
  }
};

/// Adds what a detached result of its convolution gives, which only a second run shows.
struct Leaking : nn::Module {
  nn::Conv2d conv;
  nn::BatchNorm2d bn;
  Leaking() : conv(3, 3, 1), bn(3) {
    register_module("conv", conv);
    register_module("bn", bn);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = conv(x);
    const double largest = y.max().item<double>();
    return bn(y) + largest;
  }
};

}  // namespace

TEST_CASE("a class without clone() is folded in itself") {
  norma::manual_seed(2);
  Block net;
  train_norms(net);
  net.conv1.weight.requires_grad_(false);
  const Tensor x = randn({4, 3, 6, 6}), want = net(x);
  const norma::Generator::State drawn = norma::default_generator().state();
  nn::fuse_conv_bn_(net, x.slice(0, 0, 1));
  CHECK(norma::default_generator().state() == drawn);

  CHECK(folded_in(net) == "bn1 bn2");
  CHECK(is_folded(net.bn1));
  CHECK(net.conv1.replacement());
  CHECK(net.runs.item<float>() == 1);
  CHECK(mismatch(net(x), want, 1e-5, 1e-5) == "");
  CHECK(names_of(net.named_parameters()) == "conv1.weight conv1.bias conv2.weight conv2.bias");
  CHECK_FALSE(net.named_parameters()[0].second.requires_grad());
  CHECK(net.named_parameters()[2].second.requires_grad());
  CHECK_FALSE(net.conv1.weight.requires_grad());
  CHECK(net.conv2.weight.requires_grad());

  const Tensor once = net(x);
  nn::fuse_conv_bn_(net, x);
  CHECK(norma::equal(net(x), once));
}

TEST_CASE("the rows of a Sequential are folded in themselves, without an example") {
  norma::manual_seed(3);
  nn::Sequential net(nn::Conv2d(3, 4, 3), nn::BatchNorm2d(4), nn::ReLU(), nn::Flatten(),
                     nn::Linear(64, 5), nn::BatchNorm1d(5));
  train_norms(net);
  const Tensor x = randn({4, 3, 6, 6}), want = net(x);
  nn::Sequential copy = nn::fuse_conv_bn(net);
  CHECK(folded_in(net) == "");
  nn::fuse_conv_bn_(net);
  CHECK(folded_in(net) == "1 5");
  CHECK(norma::equal(net(x), copy(x)));
  CHECK(mismatch(net(x), want, 1e-5, 1e-5) == "");
}

TEST_CASE("an error leaves the model as it was") {
  norma::manual_seed(4);
  Leaking net;
  train_norms(net);
  const Tensor x = randn({2, 3, 4, 4});
  const std::string printed = net.str();
  const Tensor want = net(x);
  const norma::NamedTensors state = net.state_dict();
  const std::vector<Tensor> kept = [&] {
    std::vector<Tensor> values;
    for (const auto& entry : state) values.push_back(entry.second.detach().clone());
    return values;
  }();
  const auto is_as_it_was = [&] {
    CHECK(net.str() == printed);
    CHECK_FALSE(net.conv.replacement());
    CHECK_FALSE(net.bn.replacement());
    CHECK(norma::equal(net(x), want));
    const norma::NamedTensors now = net.state_dict();
    REQUIRE(now.size() == state.size());
    for (std::size_t i = 0; i < now.size(); ++i) {
      CHECK(now[i].second.is_same(state[i].second));
      CHECK(norma::equal(now[i].second, kept[i]));
    }
  };

  CHECK(has(error_of([&] { nn::fuse_conv_bn_(net, x); }),
            "[fuse_conv_bn] expected the folded model to give for the example what the model "
            "gives, got values that differ by "));
  is_as_it_was();
  CHECK(has(error_of([&] { nn::fuse_conv_bn_(net, randn({2, 4, 4, 4})); }), "(in conv, a Conv2d)"));
  is_as_it_was();

  net.bn.train();
  const std::string want_error =
      "[fuse_conv_bn] expected layers in evaluation mode, got a BatchNorm2d that trains; call "
      "eval() first: what is folded in are the running statistics (in bn, a BatchNorm2d)";
  CHECK(error_of([&] { nn::fuse_conv_bn_(net, x); }) == want_error);
  CHECK(error_of([&] { nn::fuse_conv_bn_(net); }) == want_error);
  net.eval();
  is_as_it_was();

  // A pair whose norm does not fit, behind one that does.
  nn::Sequential row(nn::Linear(3, 4), nn::BatchNorm1d(4), nn::Linear(4, 2), nn::BatchNorm1d(3));
  train_norms(row);
  const std::string before = row.str();
  CHECK(has(error_of([&] { nn::fuse_conv_bn_(row); }),
            "[fuse_conv_bn] expected a BatchNorm1d of the 2 channels that the Linear gives"));
  CHECK(row.str() == before);
}

TEST_CASE("a module that was replaced may come back") {
  nn::Sequential net(nn::Linear(2, 2), nn::Linear(2, 2));
  const nn::Linear original = net.at<nn::Linear>(0);
  const Tensor x = randn({3, 2}), want = net(x);
  nn::Linear second(2, 2), third(2, 2);
  net.set_submodule("0", second);
  net.set_submodule("0", third);
  const Tensor replaced = net(x);
  CHECK_FALSE(norma::equal(replaced, want));
  net.set_submodule("0", original);
  CHECK(norma::equal(net(x), want));
  CHECK_FALSE(original.replacement());
  // Handles on those that stood there go on to it.
  CHECK(norma::equal(second(x), nn::Linear(original)(x)));
  CHECK(norma::equal(third(x), nn::Linear(original)(x)));
  net.set_submodule("0", third);
  CHECK(norma::equal(net(x), replaced));
  CHECK(error_of([&] { net.set_submodule("0", third); }) ==
        "[set_submodule] expected another module for \"0\", got one that holds the Linear that "
        "stands there; give it a clone");
  CHECK(norma::equal(net(x), replaced));
}
