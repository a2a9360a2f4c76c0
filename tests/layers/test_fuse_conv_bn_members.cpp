// fuse_conv_bn with an example: pairs that are members of a class.
#include <unistd.h>

#include <filesystem>

#include "norma/tests/layers/fuse_conv_bn_helpers.h"

using norma::kFloat32;
using norma::kFloat64;
using norma::randn;
using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

/// ResNet's block: two convolutions around a shortcut, as members.
struct Residual : nn::Cloneable<Residual> {
  int64_t in, out, stride;
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  nn::Sequential shortcut;

  Residual(int64_t inputs, int64_t outputs, int64_t step)
      : in(inputs),
        out(outputs),
        stride(step),
        conv1(in, out, 3, {.stride = stride, .padding = 1, .bias = false}),
        conv2(out, out, 3, {.padding = 1, .bias = false}),
        bn1(out),
        bn2(out) {
    if (stride != 1 || in != out) {
      shortcut.push_back(nn::Conv2d(in, out, 1, {.stride = stride, .bias = false}));
      shortcut.push_back(nn::BatchNorm2d(out));
    }
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    register_module("shortcut", shortcut);
  }
  Residual fresh() const { return Residual(in, out, stride); }
  Tensor forward(const Tensor& x) override {
    const Tensor y = bn2(conv2(relu(bn1(conv1(x)))));
    return relu(y + shortcut(x));
  }
};

/// He et al.'s network for small images; the stem is a row, the blocks hold members.
nn::Sequential resnet(int64_t blocks) {
  nn::Sequential net;
  net.push_back(nn::Sequential(nn::Conv2d(3, 8, 3, {.padding = 1, .bias = false}),
                               nn::BatchNorm2d(8), nn::ReLU()));
  int64_t in = 8;
  for (const int64_t out : {8, 16, 32}) {
    for (int64_t i = 0; i < blocks; ++i) {
      net.push_back(Residual(in, out, i == 0 && out != 8 ? 2 : 1));
      in = out;
    }
  }
  net.push_back(nn::AdaptiveAvgPool2d(1)).push_back(nn::Flatten());
  net.push_back("fc", nn::Linear(32, 10));
  return net;
}

nn::Sequential trained_resnet(int64_t blocks) {
  nn::Sequential net = resnet(blocks);
  for (int i = 0; i < 20; ++i) net(randn({8, 3, 12, 12}));  // statistics that fit
  for (Tensor& parameter : net.parameters()) {
    const norma::NoGradGuard no_grad;
    if (parameter.dim() == 1) parameter.add_(randn(parameter.sizes()) * 0.2);
  }
  net.eval();
  return net;
}

struct Sequence : nn::Cloneable<Sequence> {
  nn::Conv1d conv;
  nn::Linear fc;
  nn::BatchNorm1d conv_bn, fc_bn;
  Sequence() : conv(4, 5, 3, {.bias = false}), fc(5, 6, {.bias = false}), conv_bn(5), fc_bn(6) {
    register_module("conv", conv);
    register_module("fc", fc);
    register_module("conv_bn", conv_bn);
    register_module("fc_bn", fc_bn);
  }
  Sequence fresh() const { return Sequence(); }
  Tensor forward(const Tensor& x) override {
    return fc_bn(fc(relu(conv_bn(conv(x))).mean(Shape{2})));
  }
};

std::vector<Tensor> tensors_of(const nn::Module& model) {
  std::vector<Tensor> values;
  for (const auto& [name, tensor] : model.state_dict()) values.push_back(tensor.detach().clone());
  return values;
}

}  // namespace

TEST_CASE("every pair of a ResNet is folded") {
  norma::manual_seed(2);
  nn::Sequential net = trained_resnet(3);
  const std::string printed = net.str();
  const std::vector<Tensor> before = tensors_of(net);
  const Tensor x = randn({4, 3, 16, 16});
  const norma::Generator::State drawn = norma::default_generator().state();
  nn::Sequential fast = nn::fuse_conv_bn(net, x.slice(0, 0, 1));
  CHECK(norma::default_generator().state() == drawn);

  int64_t norms = 0;
  for (const nn::Module* module : fast.modules()) {
    CHECK_FALSE(module->is_training());
    CHECK(dynamic_cast<const nn::BatchNorm*>(module) == nullptr);
    norms += is_folded(*module);
  }
  CHECK(norms == 1 + 2 * 9 + 2);
  CHECK(fast.buffers().empty());
  CHECK(mismatch(fast(x), net(x), 1e-5, 1e-5) == "");

  CHECK(net.str() == printed);
  const std::vector<Tensor> after = tensors_of(net);
  CHECK(after.size() == before.size());
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(norma::equal(after[i], before[i]));
  for (const Tensor& parameter : net.parameters()) {
    CHECK(parameter.requires_grad());
    CHECK_FALSE(parameter.grad().defined());
  }

  const nn::Module& unknown = net;
  CHECK(norma::equal((*nn::fuse_conv_bn(unknown, x))(x), fast(x)));

  net.to(kFloat64);
  const Tensor wide = x.to(kFloat64);
  CHECK(mismatch(nn::fuse_conv_bn(net, wide)(wide), net(wide), 1e-12, 1e-12) == "");
}

TEST_CASE("the norm hands on what it is given, for every handle") {
  norma::manual_seed(3);
  Residual block(3, 4, 2);
  train_norms(block);
  const Tensor x = randn({2, 3, 6, 6});
  Residual fast = nn::fuse_conv_bn(block, x);
  CHECK(folded_in(fast) == "bn1 bn2 shortcut.1");
  CHECK(is_folded(fast.bn1));
  CHECK_FALSE(is_folded(block.bn1));
  CHECK(has(fast.str(),
            "(bn1): BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, "
            "track_running_stats=True, folded=True)"));
  CHECK(
      has(fast.str(), "(conv1): Conv2d(3, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))"));
  CHECK(has(block.str(), "padding=(1, 1), bias=False)"));
  const Tensor y = randn({2, 4, 5, 5});
  CHECK(fast.bn1(y).is_same(y));
  CHECK(norma::equal(fast.bn1.with_relu(y), y.relu()));
  // bn1(conv1(x)) by hand, and what the layer alone gives now.
  CHECK(mismatch(fast.conv1(x), block.bn1(block.conv1(x)), 1e-5, 1e-5) == "");
  // Gradients reach the new bias.
  fast(x).sum().backward();
  for (const Tensor& parameter : fast.parameters()) CHECK(parameter.grad().defined());
  CHECK(names_of(fast.named_parameters()) ==
        "conv1.weight conv1.bias conv2.weight conv2.bias shortcut.0.weight shortcut.0.bias");
  // What a member says of itself stays as it was built; the layer that calls go to is behind it.
  CHECK(norma::equal(fast.conv1.weight, block.conv1.weight));
  CHECK(norma::equal(fast.conv1.forward(x), block.conv1(x)));
  CHECK(norma::equal(fast.bn1.forward(y), block.bn1(y)));
  CHECK(fast.conv1.state_dict().size() == 2);
  Residual copy = fast.clone();
  CHECK(norma::equal(copy.conv1(x), fast.conv1(x)));
  CHECK(norma::equal(copy.conv1.clone()(x), fast.conv1(x)));
  auto& one = dynamic_cast<nn::Conv2d&>(*fast.conv1.replacement());
  CHECK(norma::equal(one.weight, fast.state_dict()[0].second));
  one.reset_parameters();
  CHECK(fast.state_dict()[1].second.abs().max().item<float>() <= 1 / std::sqrt(27.0f));
}

TEST_CASE("one- and two-dimensional inputs") {
  norma::manual_seed(4);
  Sequence net;
  train_norms(net);
  const Tensor x = randn({3, 4, 9});
  Sequence fast = nn::fuse_conv_bn(net, x);
  CHECK(folded_in(fast) == "conv_bn fc_bn");
  CHECK(mismatch(fast(x), net(x), 1e-5, 1e-5) == "");

  // Linear's channels come last, BatchNorm1d's second: with as many of both, nothing else tells.
  nn::Sequential row(nn::Linear(5, 5), nn::BatchNorm1d(5));
  train_norms(row);
  const Tensor square = randn({2, 5, 5});
  CHECK(folded_in(nn::fuse_conv_bn(row, square)) == "");
  CHECK(folded_in(nn::fuse_conv_bn(row, randn({2, 5}))) == "1");
  CHECK(error_of([&] { nn::fuse_conv_bn(row)(square); }) ==
        "[BatchNorm1d] expected 2D input, as the layer gives that it was folded into, got input "
        "size [2, 5, 5] (in 1, a BatchNorm1d)");
}

TEST_CASE("classes with a forward of their own, and frozen or odd norms") {
  struct Own : nn::Cloneable<Own, nn::Conv2d> {
    Own() : Cloneable(3, 3, 1) {}
    Own fresh() const { return Own(); }
  };
  struct Odd : nn::Cloneable<Odd> {
    Own own;
    nn::Conv2d conv;
    nn::BatchNorm2d bn, batch_stats, frozen;
    nn::Conv2d last;
    Odd()
        : conv(3, 3, 1),
          bn(3),
          batch_stats(3, {.track_running_stats = false}),
          frozen(3),
          last(3, 3, 1) {
      register_module("own", own);
      register_module("conv", conv);
      register_module("bn", bn);
      register_module("batch_stats", batch_stats);
      register_module("frozen", frozen);
      register_module("last", last);
      frozen.freeze_stats();
    }
    Odd fresh() const { return Odd(); }
    Tensor forward(const Tensor& x) override { return frozen(last(batch_stats(conv(bn(own(x)))))); }
  };
  norma::manual_seed(5);
  Odd net;
  train_norms(net);
  const Tensor x = randn({2, 3, 4, 4});
  Odd fast = nn::fuse_conv_bn(net, x);
  CHECK(folded_in(fast) == "frozen");
  CHECK(mismatch(fast(x), net(x), 1e-5, 1e-5) == "");
  CHECK(has(fast.str(), "frozen=True, folded=True)"));
}

TEST_CASE("frozen parameters stay so, and recording may be off") {
  norma::manual_seed(6);
  Residual block(3, 4, 1);
  train_norms(block);
  block.requires_grad_(false);
  block.conv2.weight.requires_grad_();
  const Tensor x = randn({2, 3, 5, 5});
  const norma::NoGradGuard no_grad;
  Residual fast = nn::fuse_conv_bn(block, x);
  CHECK_FALSE(norma::grad_enabled());
  CHECK(folded_in(fast) == "bn1 bn2 shortcut.1");
  CHECK(mismatch(fast(x), block(x), 1e-5, 1e-5) == "");
  for (const auto& [name, parameter] : fast.named_parameters()) {
    INFO(name);
    CHECK(parameter.requires_grad() == name.starts_with("conv2"));
  }
  CHECK_FALSE(block.conv1.weight.requires_grad());
  CHECK_FALSE(norma::is_anomaly_enabled());
}

TEST_CASE("a forward may draw and count") {
  struct Counting : nn::Cloneable<Counting> {
    nn::Conv2d conv;
    nn::BatchNorm2d bn;
    Tensor runs;
    Counting() : conv(3, 3, 1), bn(3), runs(register_buffer("runs", norma::zeros({1}))) {
      register_module("conv", conv);
      register_module("bn", bn);
    }
    Counting fresh() const { return Counting(); }
    Tensor forward(const Tensor& x) override {
      const Tensor y = bn(conv(x)) + randn(x.sizes());
      const norma::NoGradGuard no_grad;
      runs.add_(1.0);
      return y;
    }
  };
  Counting net;
  train_norms(net);
  norma::manual_seed(7);
  const Tensor next = randn({3});
  norma::manual_seed(7);
  Tensor example = norma::ones({1, 3, 4, 4});
  const Counting fast = nn::fuse_conv_bn(net, example);
  CHECK(norma::equal(randn({3}), next));
  CHECK(folded_in(fast) == "bn");
  CHECK(fast.runs.item<float>() == 0);
  CHECK(net.runs.item<float>() == 0);
}

TEST_CASE("folded models are cloned, converted, saved and loaded") {
  norma::manual_seed(8);
  nn::Sequential net = trained_resnet(1), other_net = trained_resnet(1);
  const Tensor x = randn({2, 3, 8, 8});
  nn::Sequential fast = nn::fuse_conv_bn(net, x), other = nn::fuse_conv_bn(other_net, x);
  const Tensor want = fast(x);
  nn::Sequential copy = fast.clone();
  CHECK(norma::equal(copy(x), want));
  CHECK(copy.str() == fast.str());
  for (const Tensor& ours : copy.parameters()) {
    CHECK(ours.requires_grad());
    for (const Tensor& theirs : fast.parameters()) CHECK(ours.raw_data() != theirs.raw_data());
  }
  CHECK(folded_in(nn::fuse_conv_bn(fast, x)) == folded_in(fast));
  CHECK(norma::equal(nn::fuse_conv_bn(fast)(x), want));

  const std::string name = "norma-folded-" + std::to_string(::getpid()) + ".safetensors";
  const std::string path = (std::filesystem::temp_directory_path() / name).string();
  norma::save(fast, path);
  CHECK_FALSE(norma::equal(other(x), want));
  norma::load(other, path);
  std::filesystem::remove(path);
  CHECK(norma::equal(other(x), want));
  // The two kinds do not mix: a norm would be done twice, or not at all.
  const std::string message = error_of([&] { net.load_state_dict(fast.state_dict()); });
  CHECK(has(message, "Missing key(s) in state_dict: \"0.1.weight\", \"0.1.bias\""));
  CHECK(has(message, "Unexpected key(s) in state_dict: \"0.0.bias\""));
  CHECK(has(error_of([&] { fast.load_state_dict(net.state_dict()); }),
            "Unexpected key(s) in state_dict: \"0.1.weight\""));

  fast.to(kFloat64);
  CHECK(fast(x.to(kFloat64)).dtype() == kFloat64);
  CHECK(mismatch(fast(x.to(kFloat64)).to(kFloat32), want, 1e-5, 1e-5) == "");
}

TEST_CASE("a folded model does not train, a norm is not folded twice") {
  Residual block(3, 4, 1);
  train_norms(block);
  const Tensor x = randn({2, 3, 5, 5});
  Residual fast = nn::fuse_conv_bn(block, x);
  const nn::Conv2d again = nn::fuse_conv_bn_eval(fast.conv1, block.bn1);  // with the bias it has
  CHECK(mismatch(nn::Conv2d(again)(x), block.bn1(fast.conv1(x)), 1e-5, 1e-5) == "");
  CHECK(error_of([&] { nn::fuse_conv_bn_eval(fast.conv1, fast.bn1); }) ==
        "[fuse_conv_bn_eval] expected a BatchNorm2d that does something, got one that was folded "
        "before");
  fast.train();
  CHECK(error_of([&] { fast(x); }) ==
        "[BatchNorm2d] expected evaluation mode, got a norm that trains although fuse_conv_bn "
        "folded it into the layer before it; train the model that was folded, and fold that again "
        "(in bn1, a BatchNorm2d)");
}

TEST_CASE("a Sequential folds only what nothing else holds") {
  struct Shared : nn::Cloneable<Shared> {
    nn::Conv2d conv;
    nn::Sequential body;
    Shared() : conv(3, 3, 1), body(conv, nn::BatchNorm2d(3)) { register_module("body", body); }
    Shared fresh() const { return Shared(); }
    Tensor forward(const Tensor& x) override { return body(x) + conv(x); }
  };
  norma::manual_seed(9);
  Shared net;
  train_norms(net);
  const Tensor x = randn({2, 3, 4, 4});
  CHECK(norma::equal(nn::fuse_conv_bn(net)(x), net(x)));
  CHECK(folded_in(nn::fuse_conv_bn(net, x)) == "");
}
