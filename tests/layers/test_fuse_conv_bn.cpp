#include "norma/tests/layers/fuse_conv_bn_helpers.h"
#include "norma/tests/support/tensors.h"

using norma::kFloat64;
using norma::randn;
using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

template <class Norm>
Norm trained(Norm norm) {
  train_norms(norm);
  return norm;
}

struct Block : nn::Cloneable<Block> {
  nn::Sequential body;
  nn::Conv2d conv;
  nn::BatchNorm2d bn;

  Block()
      : body(nn::Conv2d(3, 4, 3, {.bias = false}), nn::BatchNorm2d(4), nn::ReLU()),
        conv(4, 5, 1, {.bias = false}),
        bn(5) {
    register_module("body", body);
    register_module("conv", conv);
    register_module("bn", bn);
  }
  Block fresh() const { return Block(); }
  Tensor forward(const Tensor& x) override { return relu(bn(conv(body(x)))); }
};

/// Uses its row as a list.
struct List : nn::Cloneable<List> {
  nn::Sequential layers{nn::Linear(3, 4), nn::BatchNorm1d(4)};
  List() { register_module("layers", layers); }
  List fresh() const { return List(); }
  Tensor forward(const Tensor& x) override {
    const Tensor y = layers[0](x);
    return y + layers[1](y);
  }
};

struct Plain : nn::Module {
  Tensor forward(const Tensor& x) override { return x; }
};

struct OwnConv : nn::Cloneable<OwnConv, nn::Conv2d> {
  OwnConv() : Cloneable(3, 4, 3) {}
  OwnConv fresh() const { return OwnConv(); }
  Tensor forward(const Tensor& x) override { return nn::Conv2d::forward(x).relu(); }
};

struct OwnRow : nn::Cloneable<OwnRow, nn::Sequential> {
  OwnRow() { push_back(nn::Conv2d(3, 4, 3)).push_back(nn::BatchNorm2d(4)); }
  OwnRow fresh() const { return OwnRow(); }
  Tensor forward(const Tensor& x) override { return (*this)[0](x) + (*this)[1]((*this)[0](x)); }
};

}  // namespace

TEST_CASE("a convolution and its norm become one layer") {
  norma::manual_seed(1);
  for (const bool bias : {true, false}) {
    for (const bool affine : {true, false}) {
      for (const int64_t groups : {1, 2}) {
        INFO((bias ? "bias " : "") << (affine ? "affine " : "") << groups);
        auto conv = evaluating(nn::Conv2d(4, 6, {3, 2},
                                          {.stride = 2,
                                           .padding = {1, 2},
                                           .groups = groups,
                                           .bias = bias,
                                           .padding_mode = norma::PaddingMode::Circular}));
        auto bn = trained(nn::BatchNorm2d(6, {.eps = 1e-3, .affine = affine}));
        const Tensor x = randn({2, 4, 9, 8});
        nn::Conv2d one = nn::fuse_conv_bn_eval(conv, bn);
        CHECK(mismatch(one(x), bn(conv(x)), 1e-5, 1e-5) == "");
        CHECK(one.bias.defined());
        CHECK_FALSE(one.is_training());
        CHECK(one.options().groups == groups);
        CHECK(one.options().stride == norma::Pair(2));

        auto conv1 = evaluating(nn::Conv1d(4, 6, 3, {.groups = groups, .bias = bias}));
        auto bn1 = trained(nn::BatchNorm1d(6, {.affine = affine}));
        const Tensor z = randn({2, 4, 9});
        CHECK(mismatch(nn::fuse_conv_bn_eval(conv1, bn1)(z), bn1(conv1(z)), 1e-5, 1e-5) == "");

        auto linear = evaluating(nn::Linear(4, 6, {.bias = bias}));
        const Tensor v = randn({5, 4});
        CHECK(mismatch(nn::fuse_linear_bn_eval(linear, bn1)(v), bn1(linear(v)), 1e-5, 1e-5) == "");
      }
    }
  }
}

TEST_CASE("its weights are those of the formula") {
  auto conv = evaluating(nn::Conv2d(1, 2, 1));
  auto bn = evaluating(nn::BatchNorm2d(2, {.eps = 0.5}));
  {
    const norma::NoGradGuard no_grad;
    conv.weight.copy_(norma::tensor({3.0, -2.0}).reshape({2, 1, 1, 1}));
    conv.bias.copy_(norma::tensor({1.0, 2.0}));
    bn.running_mean.copy_(norma::tensor({0.5, 4.0}));
    bn.running_var.copy_(norma::tensor({3.5, 0.5}));
    bn.weight.copy_(norma::tensor({4.0, -1.0}));
    bn.bias.copy_(norma::tensor({10.0, 20.0}));
  }
  const nn::Conv2d one = nn::fuse_conv_bn_eval(conv, bn);  // s = 4 / 2 and -1 / 1
  CHECK(norma::equal(one.weight, norma::tensor({6.0, 2.0}).reshape({2, 1, 1, 1})));
  CHECK(norma::equal(one.bias, norma::tensor({11.0, 22.0})));
  CHECK(one.weight.requires_grad());
  conv.requires_grad_(false);
  CHECK_FALSE(nn::fuse_conv_bn_eval(conv, bn).bias.requires_grad());
}

TEST_CASE("doubles stay doubles, and the layers and the random numbers as they were") {
  auto conv = evaluating(nn::Conv2d(2, 3, 3));
  auto bn = trained(nn::BatchNorm2d(3));
  conv.to(kFloat64);
  bn.to(kFloat64);
  const Tensor x = randn({1, 2, 5, 5}, {.dtype = kFloat64});
  const Tensor w = conv.weight.detach().clone(), before = conv(x);
  norma::manual_seed(7);
  const Tensor next = randn({3});
  norma::manual_seed(7);
  nn::Conv2d one = nn::fuse_conv_bn_eval(conv, bn);
  CHECK(norma::equal(randn({3}), next));
  CHECK(mismatch(one(x), bn(conv(x)), 1e-12, 1e-12) == "");
  CHECK(norma::equal(conv.weight, w));
  CHECK(norma::equal(conv(x), before));
}

TEST_CASE("every pair in a model is folded, in a copy") {
  norma::manual_seed(2);
  nn::Sequential net(nn::Conv2d(2, 3, 3), nn::BatchNorm2d(3), nn::ReLU(), Block(),
                     nn::Sequential(nn::Conv2d(5, 2, 1), nn::BatchNorm2d(2)), nn::BatchNorm2d(2),
                     nn::Flatten());
  net.push_back("fc", nn::Linear(18, 6, {.bias = false})).push_back("norm", nn::BatchNorm1d(6));
  net.push_back(nn::Linear(6, 2));
  train_norms(net);
  const std::string printed = net.str();
  const Tensor x = randn({4, 2, 7, 7});
  const Tensor want = net(x);

  nn::Sequential fast = nn::fuse_conv_bn(net);
  CHECK(mismatch(fast(x), want, 1e-5, 1e-5) == "");
  CHECK_FALSE(fast.is_training());
  for (nn::Module* module : fast.modules()) CHECK_FALSE(module->is_training());
  CHECK(folded_in(fast) == "1 4.1 norm");
  CHECK(folded_in(net) == "");
  CHECK(has(fast.str(), "(0): Conv2d(2, 3, kernel_size=(3, 3), stride=(1, 1))"));
  CHECK(has(fast.str(), "(fc): Linear(in_features=18, out_features=6, bias=True)"));
  CHECK(has(fast.str(), "track_running_stats=True, folded=True)"));
  CHECK(names_of(fast.named_children()) == "0 1 2 3 4 5 6 fc norm 9");

  CHECK(net.str() == printed);
  CHECK(norma::equal(net(x), want));
  for (const Tensor& ours : fast.parameters()) {
    for (const Tensor& theirs : net.parameters()) CHECK(ours.raw_data() != theirs.raw_data());
  }
}

TEST_CASE("models that are known by their own class or by Module") {
  norma::manual_seed(3);
  Block block;
  train_norms(block);
  const Tensor x = randn({2, 3, 6, 6}), want = block(x);
  Block fast = nn::fuse_conv_bn(block);
  CHECK(folded_in(fast) == "");  // what a class holds needs an example
  CHECK(norma::equal(fast(x), want));
  fast = nn::fuse_conv_bn(block, x);
  CHECK(folded_in(fast) == "body.1 bn");
  CHECK(mismatch(fast(x), want, 1e-5, 1e-5) == "");
  const nn::Module& module = block;
  const std::shared_ptr<nn::Module> other = nn::fuse_conv_bn(module);
  CHECK(other->type_name() == "Block");
  CHECK(mismatch((*other)(x), want, 1e-5, 1e-5) == "");
}

TEST_CASE("what is no pair stays") {
  norma::manual_seed(4);
  nn::Conv2d conv(3, 3, 1);
  nn::BatchNorm2d shared(3);
  nn::Sequential net(conv, shared, conv, shared, nn::ReLU(), nn::BatchNorm2d(3));
  train_norms(net);
  const Tensor x = randn({2, 3, 4, 4});
  nn::Sequential fast = nn::fuse_conv_bn(net);
  CHECK(mismatch(fast(x), net(x), 1e-5, 1e-5) == "");
  CHECK(folded_in(fast) == "");

  nn::Sequential pair(nn::Linear(4, 4), nn::BatchNorm2d(4));  // of two kinds
  pair.eval();
  CHECK(folded_in(nn::fuse_conv_bn(pair)) == "");
  nn::Sequential without(nn::Linear(4, 4), nn::BatchNorm1d(4, {.track_running_stats = false}));
  without.eval();
  CHECK(folded_in(nn::fuse_conv_bn(without)) == "");
  CHECK(nn::fuse_conv_bn(evaluating(nn::Sequential())).empty());
  CHECK(nn::fuse_conv_bn(evaluating(nn::Linear(2, 3))).out_features() == 3);
}

TEST_CASE("what cannot be folded is told") {
  const auto bn = trained(nn::BatchNorm2d(4));
  CHECK(error_of([&] { nn::fuse_conv_bn_eval(nn::Conv2d(1, 4, 1), bn); }) ==
        "[fuse_conv_bn_eval] expected layers in evaluation mode, got a Conv2d that trains; call "
        "eval() first: what is folded in are the running statistics");
  const auto conv = evaluating(nn::Conv2d(1, 4, 1));
  CHECK(error_of([&] { nn::fuse_conv_bn_eval(conv, nn::BatchNorm2d(4)); }) ==
        "[fuse_conv_bn_eval] expected layers in evaluation mode, got a BatchNorm2d that trains; "
        "call eval() first: what is folded in are the running statistics");
  CHECK(error_of([&] { nn::fuse_conv_bn_eval(conv, evaluating(nn::BatchNorm2d(5))); }) ==
        "[fuse_conv_bn_eval] expected a BatchNorm2d of the 4 channels that the Conv2d gives, "
        "got one of 5");
  const auto without = evaluating(nn::BatchNorm1d(4, {.track_running_stats = false}));
  const auto linear = evaluating(nn::Linear(2, 4));
  CHECK(error_of([&] { nn::fuse_linear_bn_eval(linear, without); }) ==
        "[fuse_linear_bn_eval] expected a BatchNorm1d with running statistics, got one with "
        "track_running_stats = false; it needs the statistics of every batch and cannot be folded");
  auto wide = evaluating(nn::BatchNorm1d(4));
  wide.to(kFloat64);
  CHECK(error_of([&] { nn::fuse_linear_bn_eval(linear, wide); }) ==
        "[fuse_linear_bn_eval] expected layers of one dtype, got float32 and float64; convert one "
        "with to()");

  nn::Sequential net(nn::Linear(2, 3), nn::Sequential(nn::Linear(2, 4), wide));
  CHECK(error_of([&] { nn::fuse_conv_bn(net); }) ==
        "[fuse_conv_bn] expected layers in evaluation mode, got a Sequential that trains; call "
        "eval() first: what is folded in are the running statistics (in Sequential)");
  net.eval();
  CHECK(
      error_of([&] { nn::fuse_conv_bn(net); }) ==
      "[fuse_conv_bn] expected layers of one dtype, got float32 and float64; convert one with to() "
      "(in 1.1, a BatchNorm1d)");
  net[0].train();
  CHECK(has(error_of([&] { nn::fuse_conv_bn(net); }), "got a Linear that trains"));
  CHECK(has(error_of([&] { nn::fuse_conv_bn(net); }), "(in 0, a Linear)"));
  nn::Sequential with_plain(conv, Plain());
  with_plain.eval();
  CHECK(has(error_of([&] { nn::fuse_conv_bn(with_plain); }),
            "[clone] expected a class that can be cloned, got Plain; "));
}

TEST_CASE("classes with a forward of their own are left alone") {
  norma::manual_seed(5);
  nn::Sequential net(OwnConv(), nn::BatchNorm2d(4)), row{OwnRow(), nn::ReLU()};
  train_norms(net);
  train_norms(row);
  const Tensor x = randn({2, 3, 5, 5});
  nn::Sequential fast = nn::fuse_conv_bn(net), fast_row = nn::fuse_conv_bn(row);
  CHECK(fast[0].type_name() == "OwnConv");
  CHECK(folded_in(fast) == "");
  CHECK(norma::equal(fast(x), net(x)));
  CHECK(folded_in(fast_row) == "");
  CHECK(norma::equal(fast_row(x), row(x)));
}

TEST_CASE("a row that a class uses as a list is left alone") {
  norma::manual_seed(6);
  List list;
  train_norms(list);
  const Tensor x = randn({5, 3}), want = list(x);
  CHECK(norma::equal(nn::fuse_conv_bn(list)(x), want));
  CHECK(norma::equal(nn::fuse_conv_bn(list, x)(x), want));
}

TEST_CASE("a channel in which nothing varies becomes its bias, as with the norm") {
  auto bn = evaluating(nn::BatchNorm2d(2, {.eps = 0.0}));
  bn.running_var.fill_(0.0);
  bn.bias.detach().fill_(0.5);
  const auto conv = evaluating(nn::Conv2d(1, 2, 1));
  const norma::NoGradGuard no_grad;
  const Tensor x = randn({2, 1, 3, 3});
  auto fused = nn::fuse_conv_bn_eval(conv, bn);
  CHECK(norma::equal(fused(x), norma::full({2, 2, 3, 3}, 0.5)));
}

TEST_CASE("the norm of a Sequential is another module, which says what it is") {
  nn::Sequential net(nn::Linear(3, 2), nn::BatchNorm1d(2));
  net.eval();
  const nn::Sequential fast = nn::fuse_conv_bn(net);
  CHECK(fast.at<nn::Linear>(0).bias.defined());
  CHECK(has(error_of([&] { fast.at<nn::BatchNorm1d>(1); }),
            "expected BatchNorm1d at index 1, got BatchNorm1d(2, eps=1e-05, momentum=0.1, "
            "affine=True, bias=True, track_running_stats=True, folded=True)"));
}

TEST_CASE("replace() puts a module in the place of another") {
  nn::Sequential net(nn::Linear(2, 3), nn::ReLU());
  net.push_back("head", nn::Linear(3, 1));
  CHECK(&net.replace(-1, nn::Linear(3, 5)) == &net);
  CHECK(names_of(net.named_children()) == "0 1 head");
  CHECK(net(randn({4, 2})).sizes() == Shape({4, 5}));
  CHECK(net.parameters().size() == 4);
  net.replace(1, std::make_shared<nn::Tanh>());
  CHECK(net[1].type_name() == "Tanh");
  CHECK(has(error_of([&] { net.replace(3, nn::ReLU()); }),
            "expected an index below its size of 3, got 3"));
  CHECK(has(error_of([&] { net.replace(0, std::shared_ptr<nn::Module>()); }),
            "expected a module for \"0\", got a null pointer"));
  CHECK(has(error_of([&] {
              net.replace(0, nn::Sequential{nn::ReLU(), net});
            }),
            "got one that holds Sequential itself"));
  CHECK(net[0].type_name() == "Linear");
}
