// Modules that a forward calls, and that stand in no module.
#include <norma/norma.h>

#include <thread>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/stderr_of.h"
#include "norma/tests/support/strict_warnings.h"

namespace nn = norma::nn;
using norma::Tensor;

namespace {

const Tensor& two() {
  static const Tensor x = norma::ones({3, 2});
  return x;
}

// A model of a forward.
struct Model : nn::Module {
  std::function<Tensor(const Tensor&)> body;
  explicit Model(std::function<Tensor(const Tensor&)> f) : body(std::move(f)) {}
  template <class M>
  Model& with(const char* name, M&& module) {
    register_module(name, std::forward<M>(module));
    return *this;
  }
  Tensor forward(const Tensor& x) override { return body(x); }
};

struct Forgetful : nn::Module {
  nn::Linear in, out;
  Forgetful() : in(2, 3), out(3, 2) { register_module("in", in); }
  Tensor forward(const Tensor& x) override { return out(in(x)); }
};

struct Careful : nn::Module {
  nn::Linear in, out;
  nn::Sequential rest;
  Careful() : in(2, 3), out(3, 2), rest(nn::Dropout(0.5), nn::BatchNorm1d(2), nn::ReLU()) {
    register_module("in", in);
    register_module("out", out);
    register_module("rest", rest);
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = nn::ReLU()(in(x));
    y = out(y);
    for (nn::Module& layer : rest) y = layer(y);
    return rest(y);
  }
};

}  // namespace

TEST_CASE("a forgotten member is told of once, with its class and the path of its caller") {
  norma::set_warnings(norma::Warnings::Print);
  nn::Sequential net{nn::Linear(2, 2), nn::Sequential(nn::ReLU(), Forgetful())};
  norma::optim::SGD optimizer(net.parameters(), {.lr = 0.1});  // which does not help it
  net.train();
  const std::string text = stderr_of([&] {
    for (int i = 0; i < 3; ++i) net(two());
  });
  CHECK(text ==
        "norma: [Linear] expected a registered module in the forward of 1.1, a Forgetful, got a "
        "Linear(in_features=3, out_features=2, bias=True) that stands in no module: it is not "
        "trained, keeps its mode and is not saved; register it in the constructor of Forgetful, "
        "register_module(\"…\", …), or call its eval() if it is to stay as it is\n");
}

TEST_CASE("as an error it comes each time, and names the place") {
  const StrictWarnings strict;
  Forgetful model;
  for (int i = 0; i < 2; ++i) {
    const std::string message = error_of([&] { model(two()); });
    CHECK(has(message, "in the forward of the Forgetful, got a Linear(in_features=3"));
  }
  norma::set_warnings(norma::Warnings::Off);
  CHECK(stderr_of([&] { model(two()); }) == "");
}

TEST_CASE("what else is forgotten") {
  const StrictWarnings strict;
  const auto said = [](std::function<Tensor(const Tensor&)> body) {
    return error_of([&] { Model(std::move(body))(two()); });
  };
  nn::Dropout dropout(0.5);
  CHECK(has(said([&](const Tensor& x) { return dropout(x); }), "got a Dropout(p=0.5"));
  nn::BatchNorm1d norm(2, {.affine = false});  // has running statistics
  CHECK(has(said([&](const Tensor& x) { return norm(x); }), "got a BatchNorm1d("));
  nn::Sequential row(nn::ReLU(), nn::Linear(2, 2));
  CHECK(has(said([&](const Tensor& x) { return row(x); }), "got a Sequential that"));
  nn::Sequential list(nn::ReLU(), nn::Linear(2, 2));  // looped over, its modules stand in it alone
  CHECK(has(said([&](const Tensor& x) {
              Tensor y = x;
              for (nn::Module& layer : list) y = layer(y);
              return y;
            }),
            "got a Linear("));
  std::vector<nn::Linear> layers = {nn::Linear(2, 2), nn::Linear(2, 2)};
  CHECK(has(said([&](const Tensor& x) { return layers[1](layers[0](x)); }), "got a Linear("));
  CHECK(has(said([](const Tensor& x) { return nn::Linear(2, 2)(x); }), "got a Linear("));
  const auto pointer = std::make_shared<Careful>();
  CHECK(has(said([&](const Tensor& x) { return (*pointer)(x); }), "got a Careful that"));
}

TEST_CASE("what is no cause for a warning") {
  const StrictWarnings strict;
  const auto runs = [](Model model) {
    for (int i = 0; i < 2; ++i) model(two());
  };
  // At the top, in rows, in classes, and what holds nothing.
  nn::Linear(2, 2)(two());
  nn::Dropout(0.5)(two());
  Careful careful;
  careful(two());
  nn::Sequential(Careful(), nn::Linear(2, 2), careful)(two());
  runs(Model([](const Tensor& x) { return nn::Flatten()(nn::Tanh()(x)); }));
  runs(Model([](const Tensor& x) {
    nn::Sequential shape(nn::ReLU(), nn::Softmax(1));
    return shape(x) * nn::MSELoss()(x, x);
  }));
  const Tensor target = norma::zeros({3}, {.dtype = norma::kInt64});
  nn::CrossEntropyLoss weighted({.weight = norma::ones({2})});
  runs(Model([&](const Tensor& x) { return weighted(x, target); }));

  // Registered, as a copy or behind a pointer, in this module or one above it.
  nn::Linear fc(2, 2);
  runs(Model([&](const Tensor& x) { return fc(x); }).with("fc", fc));
  const auto pointer = std::make_shared<nn::Linear>(2, 2);
  runs(Model([&](const Tensor& x) { return (*pointer)(x); }).with("fc", pointer));
  nn::Linear above(2, 2);
  Model inner([&](const Tensor& x) { return above(x); });
  runs(Model([&](const Tensor& x) { return inner(x); }).with("fc", above).with("inner", inner));

  // Shared with another model; replaced; a copy of the whole.
  nn::Linear shared(2, 2);
  nn::Sequential owner(shared);
  owner.parameters();
  runs(Model([&](const Tensor& x) { return shared(x); }));
  Careful replaced;
  replaced.set_submodule("out", nn::Sequential(nn::Linear(3, 3), nn::Linear(3, 2)));
  replaced(two());
  nn::Sequential original(nn::Linear(2, 2), nn::BatchNorm1d(2), nn::Dropout(0.5));
  original.clone()(two());
  original.eval();
  nn::fuse_conv_bn(original)(two());
  nn::fuse_conv_bn(original, two())(two());

  // A teacher that its owner set to eval(), and a model that a wrapper only measures.
  nn::Sequential teacher(nn::Linear(2, 2), nn::BatchNorm1d(2));
  teacher.eval();
  runs(Model([&](const Tensor& x) {
    const norma::NoGradGuard no_grad;
    return teacher(x);
  }));
  runs(Model([&](const Tensor& x) { return teacher(x); }));
  nn::Linear trained(2, 2);
  trained.train();
  runs(Model([&](const Tensor& x) { return trained(x); }));

  // While it is watched, and in threads.
  {
    const norma::DetectAnomalyGuard guard;
    Careful()(two());
  }
  std::string error = "none";
  std::thread([&] { error = error_of([&] { Careful()(two()), nn::Linear(2, 2)(two()); }); }).join();
  CHECK(error == "no error");
}

TEST_CASE("threads that run one model for the first time") {
  const StrictWarnings strict;
  for (int round = 0; round < 20; ++round) {
    nn::Sequential net(nn::Sequential(nn::Linear(2, 2), nn::Linear(2, 2)), nn::Linear(2, 2));
    std::vector<std::string> errors(4);
    std::vector<std::thread> threads;
    for (std::string& error : errors) {
      threads.emplace_back([&] {
        const norma::NoGradGuard no_grad;
        error = error_of([&] { net(two()); });
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::string& error : errors) CHECK(error == "no error");
  }
}
