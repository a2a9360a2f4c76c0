// What a registry keeps is the same module, and a registered tensor stays the member it was.
#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/stderr_of.h"
#include "norma/tests/support/strict_warnings.h"

namespace nn = norma::nn;
using norma::Tensor;

namespace {

Tensor input() { return norma::ones({3, 2}); }

struct Base : nn::Module {
  nn::Linear fc;
  Base() : fc(2, 2) { register_module("fc", fc); }
  Tensor forward(const Tensor& x) override { return fc(x); }
};
struct Derived : Base {
  Tensor forward(const Tensor& x) override { return fc(x) * 0 + 42; }
};
struct Parent : nn::Module {
  template <class M>
  void add(M&& module) {
    register_module("part", std::forward<M>(module));
  }
};

// Its copies are made anew.
struct Anew : nn::Module {
  nn::Linear fc;
  Anew() : fc(2, 2) { register_module("fc", fc); }
  Anew(const Anew&) : nn::Module(), fc(2, 2) { register_module("fc", fc); }
};

// Its forward gives a registered member another tensor.
struct Average : nn::Module {
  Tensor mean;
  Average() : mean(register_buffer("mean", norma::zeros({2}))) {}
  Tensor forward(const Tensor& x) override {
    mean = mean * 0.9 + x.mean(0) * 0.1;
    return x - mean;
  }
};
struct InPlace : nn::Module {
  Tensor mean, weight, output;
  InPlace() {
    mean = register_buffer("mean", norma::zeros({2}));
    weight = register_parameter("weight", norma::ones({2}));
    register_buffer("no member", norma::ones({2}));
  }
  Tensor forward(const Tensor& x) override {
    mean.mul_(0.9).add_(x.detach().mean(0) * 0.1);
    output = x * weight + buffers()[1];
    return output;
  }
};
struct Decay : nn::Module {
  Tensor w;
  Decay() { w = register_parameter("w", norma::ones({2})); }
  Tensor forward(const Tensor& x) override {
    const Tensor y = x * w;
    w = w * 0.9;
    return y;
  }
};
template <class M>
struct Holder : nn::Module {
  M part;
  Holder() { register_module("part", part); }
  Tensor forward(const Tensor& x) override { return part(x); }
};

struct Same : nn::Cloneable<Same> {
  nn::Dropout drop{0.5};
  Same() { register_module("drop", drop); }
  Same fresh() const { return *this; }
};
struct Sharing : nn::Cloneable<Sharing> {
  Tensor weight;
  explicit Sharing(const Tensor& w) : weight(register_parameter("weight", w)) {}
  Sharing fresh() const { return Sharing(weight.detach()); }
};
struct SharingChild : nn::Cloneable<SharingChild> {
  nn::Linear fc;
  explicit SharingChild(const nn::Linear& linear) : fc(linear) { register_module("fc", fc); }
  SharingChild fresh() const { return SharingChild(fc); }
};

}  // namespace

TEST_CASE("a reference to a base class is not cut off where a module is kept") {
  Derived derived;
  Base& base = derived;
  const std::string want =
      "[Module] expected a Base, got a reference to one that is a Derived, whose copy would be a "
      "Base alone; give the Derived itself, or a std::shared_ptr to it";
  nn::Sequential net{nn::ReLU()};
  Parent parent;
  CHECK(error_of([&] { net.push_back(base); }) == want);
  CHECK(error_of([&] { net.push_back("b", base); }) == want);
  CHECK(error_of([&] { net.push_back(std::move(base)); }) == want);
  CHECK(error_of([&] { net.replace(0, base); }) == want);
  CHECK(error_of([&] { net.set_submodule("0", base); }) == want);
  CHECK(error_of([&] { nn::Sequential row(nn::ReLU(), base); }) == want);
  CHECK(has(error_of([&] { parent.add(base); }), want.substr(9)));
  CHECK(net.size() == 1);
  net.push_back(derived);
  net.push_back(std::make_shared<Derived>());
  CHECK(net[1](input()).sum().item<float>() == 3 * 2 * 42);
  CHECK(net[2](input()).sum().item<float>() == 3 * 2 * 42);
}

TEST_CASE("a copy that is another module is not kept") {
  Anew anew;
  nn::Sequential net;
  const std::string want =
      "[Module] expected a copy of the Anew that is the same module, got another one: its copy or "
      "move constructor does not hand its argument on to the base class; leave it to the compiler";
  CHECK(error_of([&] { net.push_back(anew); }) == want);
  CHECK(error_of([&] { net.push_back(Anew()); }) == want);
  CHECK(net.empty());
}

TEST_CASE("a module that was moved from is not registered") {
  const std::string want = "expected a module, got one that was moved from";
  Base gone;
  const Base here = std::move(gone);
  Parent parent;
  nn::Sequential net{nn::ReLU()};
  CHECK(has(error_of([&] { parent.add(gone); }), want));
  CHECK(has(error_of([&] { net.push_back(gone); }), want));
  CHECK(has(error_of([&] { net.replace(0, gone); }), want));
  CHECK(has(error_of([&] { net.set_submodule("0", gone); }), want));
}

TEST_CASE("a forward that gives a registered member another tensor is told of") {
  const StrictWarnings strict;
  const std::string want =
      "[Average] expected the member that is the buffer \"mean\" to stay that tensor, got another "
      "that it was given by forward: the registered one, which is trained, saved and shared by "
      "copies, keeps its values; write them into it with mean.copy_(…)";
  CHECK(error_of([] { Average()(input()); }) == want + " (in Average)");
  CHECK(has(error_of([] { Holder<Average>()(input()); }), want));
  CHECK(has(error_of([] { nn::Sequential(nn::ReLU(), Average())(input()); }), want));
  CHECK(has(error_of([] { Decay()(input()); }), "parameter \"w\" to stay that tensor"));
  CHECK(has(error_of([] { Holder<Decay>()(input()); }), "w.copy_(…), under a NoGradGuard"));

  InPlace good;
  Holder<InPlace> holder;
  nn::Sequential row{InPlace(), nn::ReLU()};
  for (int i = 0; i < 3; ++i) {
    good(input()).sum().backward();
    holder(input()).sum().backward();
    row(input()).sum().backward();
    const norma::NoGradGuard no_grad;
    good(input());
    good.output = Tensor();
    good(input());
  }
  CHECK(good.mean.sum().item<float>() > 0);
}

TEST_CASE("a layer whose member was given another tensor is told of") {
  const StrictWarnings strict;
  nn::Linear fc(2, 2);
  fc.weight = norma::zeros({2, 2});
  CHECK(has(error_of([&] { fc(input()); }),
            "[Linear] expected the member that is the parameter \"weight\" to stay that tensor, "
            "got another that it was given: "));
  nn::Sequential net(nn::Linear(2, 2), nn::BatchNorm1d(2));
  net(input());
  net.at<nn::BatchNorm1d>(1).running_mean = norma::ones({2});
  net.eval();
  CHECK(has(error_of([&] { net(input()); }), "the buffer \"running_mean\" to stay that tensor"));
  Holder<nn::Sequential> holder;
  holder.part.push_back(nn::Linear(2, 2));
  holder(input());
  holder.part.at<nn::Linear>(0).bias = norma::zeros({2});
  static_cast<void>(holder.state_dict());
  CHECK(has(error_of([&] { holder(input()); }), "the parameter \"bias\" to stay that tensor"));
}

TEST_CASE("a fresh module that is the old one is no clone") {
  CHECK(error_of([] { Same().clone(); }) ==
        "[clone] expected fresh() to build a Same of its own, got one with the registered state of "
        "the old one: a copy of a module is the same module; construct it anew");
  CHECK(has(error_of([] { Sharing(norma::ones({2})).clone(); }),
            "got one with the tensor \"weight\" of the old one"));
  CHECK(has(error_of([] { SharingChild(nn::Linear(2, 2)).clone(); }),
            "expected fresh() to build a Linear of its own"));
}

TEST_CASE("a module is not replaced while it runs") {
  struct Evil : nn::Module {
    nn::Sequential* row = nullptr;
    Tensor weight = register_parameter("weight", norma::ones({2}));
    Tensor forward(const Tensor& x) override {
      row->replace(0, nn::ReLU());
      return x * weight;
    }
  };
  nn::Sequential row;
  Evil evil;
  evil.row = &row;
  row.push_back(std::move(evil));
  CHECK(has(error_of([&] { row(input()); }),
            "[replace] expected a module at \"0\" that does not run, got the Evil whose forward "
            "makes this call"));
  row.replace(0, nn::ReLU());
  CHECK(row(input()).sum().item<float>() == 6);
}
