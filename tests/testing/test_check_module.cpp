// check_module: layers of Norma pass, each kind of fault is found and named, nothing is left
// changed.
#include <norma/testing.h>

#include <memory>
#include <stdexcept>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"
#include "norma/tests/testing/example.h"

using namespace norma;
using norma::testing::check_module;
using norma::testing::CheckModuleOptions;
using norma::testing::module_faults;

namespace {

/// Without the numbers, which are not what is asked.
Faults kinds(Faults faults) {
  for (std::string& fault : faults) {
    for (const char* end : {", backward() gives", " element differs", " elements differ"}) {
      const std::size_t at = fault.find(end);
      if (at == std::string::npos) continue;
      fault = fault.substr(0, at);
      if (end[1] == 'e') fault = fault.substr(0, fault.rfind(", "));  // "3 of 4"
    }
  }
  return faults;
}

template <class M>
Faults faults_of(M&& module) {
  return kinds(module_faults(module, {example_input()}));
}

}  // namespace

TEST_CASE("layers of Norma have no faults") {
  manual_seed(1);
  const Tensor x = example_input(), image = randn({2, 2, 6, 6}), steps = randn({2, 3, 4});
  const Faults none;
  CHECK(module_faults(nn::Linear(4, 2), {x}) == none);
  CHECK(module_faults(nn::BatchNorm1d(4), {x}) == none);
  CHECK(module_faults(nn::Dropout(0.5), {x}) == none);
  CHECK(module_faults(nn::Identity(), {x}) == none);
  CHECK(module_faults(nn::PReLU(), {x}) == none);
  CHECK(module_faults(nn::LayerNorm(4), {x}) == none);
  CHECK(module_faults(nn::Conv2d(2, 3, 3), {image}) == none);
  CHECK(module_faults(nn::Embedding(7, 3), {randint(0, 7, {3, 2})}) == none);
  CHECK(module_faults(nn::LSTM(4, 3, {.batch_first = true}), {steps}) == none);
  CHECK(module_faults(nn::MultiheadAttention(4, 2, {.batch_first = true}), {steps, steps, steps}) ==
        none);
  CHECK(module_faults(nn::MSELoss(), {x, randn({3, 4})}, {.batch_dim = std::nullopt}) == none);
  nn::Sequential net(nn::Conv2d(2, 3, 3), nn::BatchNorm2d(3), nn::ReLU(), nn::MaxPool2d(2),
                     nn::Flatten(), nn::Dropout(0.3), nn::Linear(12, 2));
  CHECK(module_faults(net, {image}) == none);
  nn::Module& any = net;
  CHECK(module_faults(any, {image}) == none);
  CHECK(module_faults(*std::make_shared<nn::Linear>(4, 2), {x}) == none);
}

TEST_CASE("check_module in any dtype, and with frozen parameters") {
  nn::Linear fc(4, 2);
  fc.to(kFloat64);
  CHECK(module_faults(fc, {example_input().to(kFloat64)}) == Faults());
  fc.requires_grad_(false);
  CHECK(module_faults(fc, {example_input().to(kFloat64)}) == Faults());
  for (const DType dtype : {kBool, kUInt8, kInt32, kInt64}) {
    CHECK(module_faults(nn::Flatten(), {ones({2, 3, 2}, {.dtype = dtype})}) == Faults());
  }
  // One of both is all there is to learn.
  fc.bias.requires_grad_();
  CHECK(module_faults(fc, {example_input().to(kFloat64)}) == Faults());
}

namespace {

struct Unregistered : nn::Module {
  Tensor w = ones({4}, {.requires_grad = true});
  nn::Dropout drop{0.5};
  nn::Linear fc{4, 4};
  Unregistered() { fc.to(kFloat64); }
  Tensor forward(const Tensor& x) override { return drop(fc((x * w).to(kFloat64))).to(x.dtype()); }
};

struct WrongGradient : nn::Cloneable<WrongGradient> {
  Tensor w;
  WrongGradient() : w(register_parameter("w", ones({4}))) {}
  WrongGradient fresh() const { return {}; }
  Tensor forward(const Tensor& x) override { return x * w * w.detach(); }
};

struct LargeWrongGradient : nn::Module {
  Tensor w;
  LargeWrongGradient() : w(register_parameter("w", ones({4, 50}))) {}
  Tensor forward(const Tensor& x) override { return matmul(x, w * w.detach()); }
};

struct NoGradient : nn::Module {
  nn::Linear fc;
  NoGradient() : fc(4, 2) { register_module("fc", fc); }
  Tensor forward(const Tensor& x) override {
    const NoGradGuard no_grad;
    return fc(x);
  }
};

struct Unused : nn::Module {
  Tensor a, b;
  Unused() : a(register_parameter("a", ones({4}))), b(register_parameter("b", ones({4}))) {}
  Tensor forward(const Tensor& x) override { return x * a; }
};

}  // namespace

TEST_CASE("check_module finds what is not registered") {
  Faults found = faults_of(Unregistered());
  REQUIRE(found.size() >= 3);
  found.resize(3);
  CHECK(found == Faults{"eval(): forward calls a Linear that is no registered module",
                        "eval(): forward calls a Dropout that is no registered module",
                        "eval(): forward uses, for mul, a tensor of shape [4] that requires a "
                        "gradient and is no registered parameter"});
}

TEST_CASE("check_module finds wrong gradients") {
  CHECK(has(faults_of(WrongGradient()).at(0), "gradients, in train(): by element ("));
  CHECK(faults_of(WrongGradient()).size() == 1);
  CHECK(has(module_faults(WrongGradient(), {example_input()}).at(0), ", central difference "));
  CHECK(faults_of(LargeWrongGradient()) ==
        Faults{"gradients, in train(): along a drawn direction of w"});
  CHECK(module_faults(WrongGradient(), {example_input()}, {.gradients = false}) == Faults());
  CHECK(faults_of(NoGradient()) ==
        Faults{"gradients, in train(): no result requires a gradient: forward detaches it, or "
               "computes without recording"});
  CHECK(faults_of(Unused()) == Faults{"gradients, in train(): the parameter b gets no gradient: no "
                                      "result depends on it (allow_unused permits that)"});
  CHECK(module_faults(Unused(), {example_input()}, {.allow_unused = true}) == Faults());
}

namespace {

struct ChangesBuffer : nn::Module {
  Tensor mean;
  ChangesBuffer() : mean(register_buffer("mean", zeros({4}))) {}
  Tensor forward(const Tensor& x) override {
    mean.add_(1);
    return x * 2;
  }
};

struct ChangesParameter : nn::Module {
  Tensor w;
  ChangesParameter() : w(register_parameter("w", ones({4}))) {}
  Tensor forward(const Tensor& x) override {
    Tensor y = x * w;
    if (is_training()) w.detach().mul_(1.0);
    if (is_training()) w.set_data(w.detach() + 1);
    return y;
  }
};

struct KeepsHistory : nn::Module {
  Tensor mean;
  KeepsHistory() : mean(register_buffer("mean", zeros({4}))) {}
  Tensor forward(const Tensor& x) override {
    if (is_training()) mean.copy_(x.mean(0));
    return x * 2;
  }
};

struct ChangesInput : nn::Module {
  Tensor forward(const Tensor& x) override {
    Tensor y = x.detach();
    y.mul_(2);
    return x * 1;
  }
};

struct Counts : nn::Module {
  nn::Shared<Tensor> calls = zeros({});
  Tensor forward(const Tensor& x) override {
    *calls = *calls + 1;
    return x * calls->item<double>();
  }
};

struct Draws : nn::Module {
  Tensor forward(const Tensor& x) override { return x + rand_like(x); }
};

struct SwitchesRecording : nn::Module {
  Tensor forward(const Tensor& x) override {
    set_grad_enabled(false);
    return x;
  }
};

struct SwitchesMode : nn::Module {
  nn::Dropout drop;
  SwitchesMode() : drop(0.5) { register_module("drop", drop); }
  Tensor forward(const Tensor& x) override {
    train();
    eval();
    return drop(x);
  }
};

struct NoEval : nn::Module {
  nn::Dropout drop;
  NoEval() : drop(0.5) { register_module("drop", drop); }
  void train(bool) override { Module::train(true); }
  Tensor forward(const Tensor& x) override { return drop(x); }
};

struct NothingBack : nn::Module {
  using Module::forward;
  std::vector<Tensor> forward(const Tensor&, const Tensor&) { return {}; }
};

struct Fails : nn::Module {
  Tensor forward(const Tensor& x) override {
    if (!is_training()) throw std::runtime_error("no");
    return x;
  }
};

}  // namespace

TEST_CASE("check_module finds calls that change something") {
  CHECK(faults_of(ChangesBuffer()) == Faults{"eval(): forward changes the buffer mean"});
  CHECK(faults_of(ChangesParameter()).at(0) == "train(): forward changes the parameter w");
  CHECK(faults_of(KeepsHistory()) ==
        Faults{"train(): forward leaves the buffer mean with the operations that it came from; "
               "update it under NoGradGuard"});
  const Faults found = faults_of(ChangesInput());
  REQUIRE(found.size() >= 2);
  CHECK(found[0] == "eval(): forward changes input 0");
  CHECK(found[1] == "train(): forward changes input 0");
  CHECK(faults_of(Counts()).at(0) == "eval(): a second call gives another result");
  CHECK(faults_of(Counts()).at(1) ==
        "train(): a second call from the same seed and state gives another result");
  CHECK(faults_of(Draws()).at(0) == "eval(): a second call gives another result");
  CHECK(has(module_faults(Draws(), {example_input()}).at(0),
            "; forward draws random numbers, or keeps a state that is not registered"));
  CHECK(faults_of(SwitchesRecording()).at(0) ==
        "eval(): forward leaves the recording of gradients switched off");
  CHECK(grad_enabled());
  CHECK(faults_of(SwitchesMode()).at(0) ==
        "train(): forward changes the mode of the module itself");
  CHECK(faults_of(NoEval()).at(0) == "eval(): does not reach the module itself");
  CHECK(faults_of(Fails()) == Faults{"eval(): no"});
  CHECK(module_faults(NothingBack(), {example_input(), example_input()}).at(0) ==
        "eval(): forward returns no tensor");
}

namespace {

struct Mixes : nn::Module {
  Tensor forward(const Tensor& x) override { return x - x.mean(0, true); }
};

struct Sums : nn::Module {
  Tensor forward(const Tensor& x) override { return x.sum(); }
};

struct Float32 : nn::Module {
  Tensor forward(const Tensor& x) override { return x.to(kFloat32) * 2; }
};

struct OtherTable : nn::Module {
  Tensor table = ones({4, 2});
  Tensor forward(const Tensor& x) override { return matmul(x, table); }
};

struct Raw : nn::Module {
  Tensor forward(const Tensor& x) override {
    Tensor same = zeros_like(x);
    dispatch_floating(x.dtype(), [&]<class T>() {
      for (int64_t i = 0; i < x.numel(); ++i) same.data_ptr<T>()[i] = x.data_ptr<T>()[i];
    });
    return same + (x - x.detach());
  }
};

struct Caches : nn::Module {
  Tensor w;
  nn::Shared<Tensor> cache;
  nn::Shared<double> seen = 0.0;
  Caches() : w(register_parameter("w", ones({4}))) {}
  Tensor forward(const Tensor& x) override {
    if (is_training()) return x * w;
    // Forgets that loading changes w back.
    if (w[0].item<double>() > *seen || cache->dtype() != x.dtype()) {
      *cache = w.detach().clone();
      seen = w[0].item<double>();
    }
    return x * *cache;
  }
};

}  // namespace

TEST_CASE("check_module finds samples that depend on each other, dtypes, layouts, stale values") {
  CHECK(faults_of(Mixes()) ==
        Faults{"batch independence: in eval(), sample 0 alone gives another result than in its "
               "batch"});
  CHECK(module_faults(Mixes(), {example_input()}, {.batch_dim = std::nullopt}) == Faults());
  CHECK(faults_of(Sums()) ==
        Faults{"batch independence: no result has the 3 samples of the first input along dimension "
               "0; batch_dim = std::nullopt leaves this out"});
  Faults found = faults_of(Float32());
  REQUIRE(found.size() >= 2);
  CHECK(found[0] == "dtype: in eval(): parameters and inputs are float64, result 0 is float32");
  CHECK(found[1] == "dtype: in train(): parameters and inputs are float64, result 0 is float32");
  found = module_faults(OtherTable(), {example_input()});
  REQUIRE(found.size() == 2);
  CHECK(
      has(found[0], "dtype, in eval(): with parameters and inputs in float64, [matmul] expected"));
  CHECK(faults_of(Raw()) == Faults{"inputs with gaps in memory: they give another result than the "
                                   "same values without"});
  CHECK(faults_of(Caches()).back() ==
        "state round trip: after other values were used and the saved ones loaded, eval() gives "
        "another result");
}

namespace {

struct ForgetsOption : nn::Cloneable<ForgetsOption> {
  double factor;
  Tensor w;
  explicit ForgetsOption(double f = 1) : factor(f), w(register_parameter("w", ones({4}))) {}
  ForgetsOption fresh() const { return ForgetsOption(); }
  Tensor forward(const Tensor& x) override { return x * w * factor; }
};

struct SharesTensor : nn::Cloneable<SharesTensor> {
  Tensor w;
  explicit SharesTensor(const Tensor& values) : w(register_parameter("w", values)) {}
  SharesTensor fresh() const { return SharesTensor(w.detach()); }
  SharesTensor clone() const { return fresh(); }
  std::shared_ptr<nn::Module> clone_module() const override {
    return std::make_shared<SharesTensor>(clone());
  }
  Tensor forward(const Tensor& x) override { return x * w; }
};

struct OfBase : WrongGradient {
  Tensor forward(const Tensor& x) override { return x * w; }
};

}  // namespace

TEST_CASE("check_module finds clones that are none") {
  CHECK(faults_of(ForgetsOption(1)) == Faults());
  const Faults found = module_faults(ForgetsOption(2), {example_input()});
  CHECK(kinds(found) == Faults{"clone(): in eval(): gives another result than the original",
                               "clone(): in train(): gives another result than the original"});
  CHECK(has(found.at(0), "; something of it is not registered, or fresh() has other options"));
  CHECK(module_faults(ForgetsOption(2), {example_input()}, {.clone = false}) == Faults());
  CHECK(faults_of(SharesTensor(ones({4}))) ==
        Faults{"clone(): shares the memory of the parameter w"});
  CHECK(faults_of(OfBase()) ==
        Faults{"clone(): is that of a base class of OfBase; derive from nn::Cloneable<OfBase, "
               "Base> and give it `OfBase fresh() const`"});
  // A class without clone() is not asked, nor is a Module& whose class has none.
  Mixes none;
  nn::Module& any = none;
  CHECK(module_faults(any, {example_input()}, {.batch_dim = std::nullopt}) == Faults());
}

namespace {

struct Pair2 : nn::Cloneable<Pair2> {
  Tensor w;
  Pair2() : w(register_parameter("w", ones({4}))) {}
  Pair2 fresh() const { return {}; }
  using Module::forward;
  std::pair<Tensor, std::optional<Tensor>> forward(const Tensor& a, const Tensor& b) {
    return {a * w + b, (a * b).sum(1)};
  }
  Tensor scaled(const Tensor& a, double by) { return a * w * by; }
};

struct Masked : nn::Module {
  using Module::forward;
  Tensor forward(const Tensor& x, const Tensor& mask) { return mask.defined() ? x * mask : x * 1; }
};

}  // namespace

TEST_CASE("check_module takes modules of several inputs and other calls") {
  CHECK(module_faults(Pair2(), {example_input(), example_input()}) == Faults());
  CHECK(module_faults(
            Pair2(), [](Pair2& net, const std::vector<Tensor>& x) { return net.scaled(x[0], 2.0); },
            {example_input()}) == Faults());
  check_module(Pair2(),
               [](Pair2& net, const std::vector<Tensor>& x) { return net.scaled(x[0], 2.0); },
               {example_input()});
  // A mask is the same for all samples, and may be missing.
  CHECK(module_faults(Masked(), {example_input(), ones({4})}) == Faults());
  CHECK(module_faults(Masked(), {example_input(), Tensor()}) == Faults());
  CHECK(module_faults(nn::Linear(4, 2), {example_input(), example_input()}).at(0) ==
        "eval(): [check_module] expected inputs that Linear can be called with, got 2 tensors; "
        "give check_module a function that calls it, after the module");
}

TEST_CASE("check_module's error has all faults") {
  check_module(nn::Linear(4, 2), {example_input()});
  CHECK(error_of([] { check_module(Unused(), {example_input()}); }) ==
        "[check_module] expected a module without faults, got 1 fault in Unused:\n- gradients, in "
        "train(): the "
        "parameter b gets no gradient: no result depends on it (allow_unused permits that)");
  CHECK(has(error_of([] { check_module(ForgetsOption(2), {example_input()}); }),
            "got 2 faults in ForgetsOption:\n- clone(): "));
}

TEST_CASE("check_module refuses inputs that say nothing") {
  nn::Linear fc(4, 2);
  const auto error = [&](const std::vector<Tensor>& inputs,
                         const CheckModuleOptions& options = {}) {
    return error_of([&] { check_module(fc, inputs, options); });
  };
  CHECK(error({}) == "[check_module] expected example inputs, got none");
  CHECK(error({Tensor()}) == "[check_module] expected example inputs, got none");
  CHECK(error({zeros({1, 4})}) ==
        "[check_module] expected an input with at least two samples along dimension 0, got one of "
        "shape [1, 4]; batch_dim = std::nullopt leaves the samples' independence out");
  CHECK(error({zeros({2, 4})}, {.batch_dim = -1}) ==
        "[check_module] expected batch_dim >= 0, got -1");
  CHECK(error({zeros({4})}, {.batch_dim = std::nullopt}) == "no error");
}
