// fuse_conv_bn with an example: which pairs it sees in a run.
#include "norma/tests/layers/fuse_conv_bn_helpers.h"

using norma::randn;
using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

/// Two convolutions and two norms, called as a test says.
struct Probe : nn::Cloneable<Probe> {
  using Call = Tensor (*)(Probe&, const Tensor&);
  Call call;
  nn::Conv2d conv, other;
  nn::BatchNorm2d bn, further;
  std::shared_ptr<Tensor> kept = std::make_shared<Tensor>();

  explicit Probe(Call way)
      : call(way),
        conv(3, 3, 1, {.bias = false}),
        other(3, 3, 1),
        bn(3),
        further(3, {.affine = false}) {
    register_module("conv", conv);
    register_module("other", other);
    register_module("bn", bn);
    register_module("further", further);
  }
  Probe fresh() const { return Probe(call); }
  Tensor forward(const Tensor& x) override { return call(*this, x); }
};

/// What is folded of a model that computes `call`; outputs must agree on other inputs, too.
std::string folded_of(Probe::Call call) {
  norma::manual_seed(1);
  Probe probe(call);
  train_norms(probe);
  Probe fast = nn::fuse_conv_bn(probe, randn({1, 3, 4, 5}));
  const Tensor x = randn({2, 3, 6, 4});
  CHECK(mismatch(fast(x), probe(x), 1e-5, 1e-5) == "");
  return folded_in(fast);
}

std::string refusal_of(Probe::Call call) {
  Probe probe(call);
  train_norms(probe);
  return error_of([&] { nn::fuse_conv_bn(probe, randn({1, 3, 4, 5})); });
}

}  // namespace

TEST_CASE("a pair is a norm that takes all that a layer gives") {
  using P = Probe;
  CHECK(folded_of([](P& m, const Tensor& x) { return m.bn(m.conv(x)); }) == "bn");
  CHECK(folded_of([](P& m, const Tensor& x) {
          const Tensor y = m.conv(x);
          Tensor z = m.bn(y);
          return z.relu_();
        }) == "bn");
  CHECK(folded_of([](P& m, const Tensor& x) { return m.bn.with_relu(m.conv(x)); }) == "bn");
  CHECK(folded_of([](P& m, const Tensor& x) { return m.bn(m.conv(x)) + m.further(m.other(x)); }) ==
        "bn further");
  // Twice, but never one without the other.
  CHECK(folded_of([](P& m, const Tensor& x) { return m.bn(m.conv(x)) + m.bn(m.conv(x * 2.0)); }) ==
        "bn");
  // Norm, ReLU, layer; only the last norm follows a layer.
  CHECK(folded_of([](P& m, const Tensor& x) { return m.further(m.conv(relu(m.bn(x)))); }) ==
        "further");
}

TEST_CASE("what is no pair is left alone") {
  using P = Probe;
  const std::vector<std::pair<const char*, P::Call>> calls = {
      {"norms first", [](P& m, const Tensor& x) { return m.conv(relu(m.bn(x))); }},
      {"used twice",
       [](P& m, const Tensor& x) {
         const Tensor y = m.conv(x);
         return relu(m.bn(y)) + y;
       }},
      {"two norms",
       [](P& m, const Tensor& x) {
         const Tensor y = m.conv(x);
         return m.bn(y) + m.further(y);
       }},
      {"a view of it is used",
       [](P& m, const Tensor& x) {
         const Tensor y = m.conv(x);
         return m.bn(y) * y.select(1, 0).unsqueeze(1);
       }},
      {"a layer called twice", [](P& m, const Tensor& x) { return m.bn(m.conv(x)) + m.conv(x); }},
      {"a layer called again under NoGradGuard",
       [](P& m, const Tensor& x) {
         const Tensor y = m.bn(m.conv(x));
         const norma::NoGradGuard no_grad;
         return y + m.conv(x);
       }},
      {"a layer called past its operator",
       [](P& m, const Tensor& x) { return m.bn(m.conv(x)) + m.conv.forward(x); }},
      {"its weight used elsewhere",
       [](P& m, const Tensor& x) {
         return m.bn(m.conv(x)) + norma::functional::conv2d(x, m.conv.weight, Tensor(), {});
       }},
      {"a norm called twice", [](P& m, const Tensor& x) { return m.bn(m.conv(x)) + m.bn(x); }},
      {"a norm called past its operator",
       [](P& m, const Tensor& x) { return m.bn(m.conv(x)) + m.bn.forward(x); }},
      {"a norm of two layers",
       [](P& m, const Tensor& x) { return m.bn(m.conv(x)) + m.bn(m.other(x)); }},
      {"a norm of two layers, one of them called again",
       [](P& m, const Tensor& x) {
         const Tensor y = m.bn(m.conv(x)), z = m.bn(m.other(x));
         return y + z + m.other(x);
       }},
      {"no norm", [](P& m, const Tensor& x) { return m.other(m.conv(x)); }},
      {"a ReLU in between", [](P& m, const Tensor& x) { return m.bn(relu(m.conv(x))); }},
      {"an addition in place in between",
       [](P& m, const Tensor& x) {
         Tensor y = m.conv(x);
         y.add_(1.0);
         return m.bn(y);
       }},
      {"changed afterwards",
       [](P& m, const Tensor& x) {
         Tensor y = m.conv(x);
         const Tensor z = m.bn(y);
         y.mul_(2.0);
         return z;
       }},
      {"changed afterwards, outside of the graph",
       [](P& m, const Tensor& x) {
         Tensor y = m.conv(x);
         const Tensor z = m.bn(y);
         const norma::NoGradGuard no_grad;
         y.zero_();
         return z;
       }},
      {"given back",
       [](P& m, const Tensor& x) {
         Tensor y = m.conv(x);
         m.bn(y);
         return y;
       }},
      {"kept",
       [](P& m, const Tensor& x) {
         *m.kept = m.conv(x);
         return m.bn(*m.kept);
       }},
      {"under NoGradGuard",
       [](P& m, const Tensor& x) {
         const norma::NoGradGuard no_grad;
         return m.bn(m.conv(x));
       }},
  };
  for (const auto& [name, call] : calls) {
    INFO(name);
    CHECK(folded_of(call) == "");
  }
}

TEST_CASE("layers whose results are let go, and whose addresses come back") {
  // y dies before the second call, whose result may lie where it lay.
  CHECK(folded_of([](Probe& m, const Tensor& x) {
          { const Tensor y = m.other(x); }
          return m.bn(m.conv(x));
        }) == "bn");
}

namespace {

/// Every copy has another name for its layer.
struct Fickle : nn::Module {
  static inline int built = 0;
  nn::Conv2d conv{3, 3, 1};
  nn::BatchNorm2d bn{3};
  Fickle() {
    register_module("conv" + std::to_string(built++), conv);
    register_module("bn", bn);
  }
  std::shared_ptr<nn::Module> clone_module() const override {
    auto copy = std::make_shared<Fickle>();
    copy->eval();
    return copy;
  }
  Tensor forward(const Tensor& x) override { return bn(conv(x)); }
};

}  // namespace

TEST_CASE("copies whose modules have other names are refused") {
  Fickle fickle;
  fickle.eval();
  CHECK(error_of([&] {
          nn::fuse_conv_bn(fickle, randn({1, 3, 4, 4}));
        }) == "[fuse_conv_bn] expected a clone() with the same modules, got one without conv1");
}

TEST_CASE("what goes wrong is told") {
  using P = Probe;
  Probe probe([](P& m, const Tensor& x) { return m.bn(m.conv(x)); });
  CHECK(has(error_of([&] {
              nn::fuse_conv_bn(probe, randn({1, 3, 4, 4}));
            }),
            "[fuse_conv_bn] expected layers in evaluation mode, got a Probe that trains"));
  probe.eval();
  CHECK(error_of([&] { nn::fuse_conv_bn(probe, Tensor()); }) ==
        "[fuse_conv_bn] expected an example of the model's input, got an undefined tensor");
  CHECK(has(error_of([&] {
              nn::fuse_conv_bn(probe, randn({1, 2, 4, 4}));
            }),
            "(in conv, a Conv2d)"));
  CHECK_FALSE(norma::is_anomaly_enabled());  // also after an error
  const nn::Module& unknown = probe;
  CHECK(has(error_of([&] { nn::fuse_conv_bn(unknown, Tensor()); }), "[fuse_conv_bn] "));
  CHECK(error_of([&] {
          nn::fuse_conv_bn(probe, randn({0, 3, 4, 4}));
        }) ==
        "[fuse_conv_bn] expected an example for which there is something to compare, got one that "
        "gives an output of shape [0, 3, 4, 4]");
  const std::string hidden = refusal_of([](P& m, const Tensor& x) {
    const Tensor y = m.conv(x);
    return m.bn(y) + y.detach();
  });
  CHECK(has(hidden,
            "[fuse_conv_bn] expected the folded model to give for the example what the model "
            "gives, got values that differ by "));
  CHECK(has(hidden,
            "; what a layer gives is used besides its norm where no graph shows it (detach(), "
            "item(), NoGradGuard), or forward() gives something else each time: fold the pairs by "
            "hand, with fuse_conv_bn_eval"));
  CHECK(has(hidden, " where the largest is "));
  // What a member says of its weight stays as it was.
  CHECK(folded_of([](P& m, const Tensor& x) {
          return m.bn(m.conv(x)) / m.conv.weight.detach().sum();
        }) == "bn");
  nn::Sequential without_clone;
  struct Plain : nn::Module {
    Tensor forward(const Tensor& x) override { return x; }
  };
  without_clone.push_back(Plain());
  without_clone.eval();
  CHECK(has(error_of([&] { nn::fuse_conv_bn(without_clone, randn({1})); }),
            "[clone] expected a class that can be cloned, got Plain; "));
}
