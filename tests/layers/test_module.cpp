#include "norma/tests/layers/golden_layers.h"
#include "norma/tests/layers/helpers.h"

using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

// Opens the registering functions, to try them on bad arguments.
struct Open : nn::Module {
  using nn::Module::register_buffer;
  using nn::Module::register_module;
  using nn::Module::register_parameter;
};

struct Described : Open {
  std::string extra_repr() const override { return "first=1\nsecond=2"; }
};

nn::Sequential outer() { return nn::Sequential(MLP(), nn::ReLU(), nn::BatchNorm1d(2)); }

template <class T>
struct Wrapped : nn::Module {};

}  // namespace

TEST_CASE("names are PyTorch's, in PyTorch's order") {
  const nn::Sequential net = outer();
  CHECK(names_of(net.state_dict()) == golden::state_dict_names);
  CHECK(names_of(net.named_parameters()) == golden::named_parameters_names);
  CHECK(names_of(net.named_buffers()) == golden::named_buffers_names);
  CHECK(names_of(net.named_modules()) == golden::named_modules_names);
  CHECK(names_of(net.named_children()) == "0 1 2");
  CHECK(net.parameters().size() == net.named_parameters().size());
  CHECK(net.buffers().size() == net.named_buffers().size());
  CHECK(net.modules().size() == net.named_modules().size());
  CHECK(net.children().size() == 3);
}

TEST_CASE("parameters require gradients, buffers do not") {
  const MLP mlp;
  for (const Tensor& parameter : mlp.parameters()) CHECK(parameter.requires_grad());
  for (const Tensor& buffer : mlp.buffers()) CHECK_FALSE(buffer.requires_grad());
  Open open;
  CHECK_FALSE(open.register_parameter("fixed", norma::ones({2}), false).requires_grad());
}

TEST_CASE("empty, dotted and repeated names are refused") {
  Open open;
  open.register_parameter("weight", norma::ones({2}));
  open.register_parameter("bias", Tensor());
  open.register_buffer("mean", norma::ones({2}));
  nn::ReLU child;
  open.register_module("act", child);

  CHECK(has(error_of([&] { open.register_parameter("", norma::ones({1})); }),
            "[register_parameter] expected a name, got \"\""));
  CHECK(has(error_of([&] { open.register_buffer("a.b", norma::ones({1})); }),
            "[register_buffer] expected a name without dots, got \"a.b\""));
  CHECK(has(error_of([&] { open.register_module("", child); }), "[register_module]"));
  const std::vector<std::pair<std::string, std::string>> taken = {
      {"weight", "parameter"}, {"bias", "parameter"}, {"mean", "buffer"}, {"act", "child"}};
  for (const auto& entry : taken) {
    const std::string name = entry.first, kind = entry.second;
    const std::string words =
        "expected a new name, got \"" + name + "\", which Open already has as a " + kind;
    CHECK(has(error_of([&] { open.register_parameter(name, norma::ones({1})); }), words));
    CHECK(has(error_of([&] { open.register_buffer(name, norma::ones({1})); }), words));
    CHECK(has(error_of([&] { open.register_module(name, child); }), words));
  }
  CHECK(names_of(open.state_dict()) == "weight mean");
}

TEST_CASE("what cannot be registered") {
  Open open;
  const Tensor leaf = norma::ones({2}).requires_grad_();
  CHECK(has(error_of([&] { open.register_parameter("w", leaf * 2.0); }),
            "expected a leaf for \"w\", got a result of mul"));
  CHECK(has(error_of([&] { open.register_module("m", std::shared_ptr<nn::ReLU>()); }),
            "got a null pointer"));
  Open parent;
  parent.register_module("child", open);
  CHECK(has(error_of([&] { open.register_module("loop", parent); }),
            "got one that holds Open itself"));
  CHECK(has(error_of([&] { open.register_module("me", open); }), "itself"));
}

TEST_CASE("register_module takes named modules, temporaries and pointers") {
  struct Net : nn::Module {
    nn::Linear fc = register_module("fc", nn::Linear(2, 3));
    nn::BatchNorm1d bn{3};
    std::shared_ptr<nn::ReLU> act = register_module("act", std::make_shared<nn::ReLU>());
    Net() { register_module("bn", bn); }
    Tensor forward(const Tensor& x) override { return (*act)(bn(fc(x))); }
  };
  Net net;
  CHECK(names_of(net.named_children()) == "fc act bn");
  CHECK(net.parameters()[0].is_same(net.fc.weight));
  CHECK(net.children()[1] == net.act);
  CHECK(net(norma::ones({4, 2})).sizes() == Shape({4, 3}));
}

TEST_CASE("a copy is the same module") {
  nn::Linear fc(2, 2);
  const nn::Linear copy = fc;
  CHECK(copy.is_same(fc));
  CHECK_FALSE(nn::Linear(2, 2).is_same(fc));
  fc.eval();
  CHECK_FALSE(copy.is_training());
  CHECK(copy.weight.is_same(fc.weight));

  nn::Linear from = fc;
  const nn::Linear to = std::move(from);
  CHECK(to.is_same(fc));
  CHECK(has(error_of([&] { from.is_training(); }), "moved from"));
}

TEST_CASE("a module cannot be cut down to its base class") {
  STATIC_REQUIRE_FALSE(std::is_constructible_v<nn::Module, nn::Linear&>);
  STATIC_REQUIRE_FALSE(nn::ModuleValue<nn::Module&>);
  STATIC_REQUIRE(nn::ModuleValue<const nn::Linear&>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<nn::Sequential, nn::Module&>);
}

TEST_CASE("train() and eval() reach every module, through copies and pointers alike") {
  MLP mlp;
  nn::Sequential net(mlp, nn::Sequential(nn::Sequential(nn::Dropout(0.5))));
  CHECK(net.is_training());
  net->eval();
  for (const nn::Module* module : net.modules()) CHECK_FALSE(module->is_training());
  CHECK_FALSE(mlp.net.is_training());
  CHECK_FALSE(mlp.head.is_training());
  mlp.train();
  CHECK(mlp.net.is_training());
  CHECK_FALSE(net.is_training());
  net.train();
  for (const nn::Module* module : net.modules()) CHECK(module->is_training());
}

TEST_CASE("a module registered twice is listed once, but saved under both names") {
  const nn::Linear shared(2, 2);
  nn::Sequential net(shared, nn::ReLU(), shared);
  CHECK(names_of(net.named_parameters()) == "0.weight 0.bias");
  CHECK(names_of(net.named_children()) == "0 1");
  CHECK(names_of(net.named_modules()) == " 0 1");
  CHECK(names_of(net.state_dict()) == "0.weight 0.bias 2.weight 2.bias");

  struct Tied : Open {
    Tied() {
      const Tensor w = register_parameter("a", norma::ones({2}));
      register_parameter("b", w);
      register_buffer("c", norma::ones({1}));
    }
  };
  const Tied tied;
  CHECK(names_of(tied.named_parameters()) == "a");
  CHECK(names_of(tied.state_dict()) == "a b c");
}

TEST_CASE("apply visits children before parents") {
  MLP mlp;
  std::string order;
  mlp.apply([&](nn::Module& module) { order += module.type_name() + " "; });
  CHECK(order == "Linear BatchNorm1d ReLU Sequential Linear MLP ");
}

TEST_CASE("zero_grad and requires_grad_") {
  MLP mlp;
  mlp(norma::ones({3, 4})).sum().backward();
  for (const Tensor& parameter : mlp.parameters()) CHECK(parameter.grad().defined());
  mlp.zero_grad();
  for (const Tensor& parameter : mlp.parameters()) CHECK_FALSE(parameter.grad().defined());
  mlp.net.requires_grad_(false);
  CHECK_FALSE(mlp.net.parameters()[0].requires_grad());
  CHECK(mlp.head.weight.requires_grad());
  mlp.requires_grad_();
  CHECK(mlp.net.parameters()[0].requires_grad());
}

TEST_CASE("the repr is PyTorch's") {
  CHECK(MLP().str() == golden::mlp_repr);
  Described described;
  CHECK(described.str() == golden::two_lines_repr);
  described.register_module("inner", nn::Sequential(nn::Tanh()));
  CHECK(described.str() == golden::described_repr);

  nn::Sequential net(nn::Linear(2, 16, {.bias = false}),
                     nn::BatchNorm1d(16, {.eps = 0.001, .momentum = std::nullopt}), nn::ReLU(),
                     nn::LeakyReLU(0.2), nn::GELU(), nn::GELU({.approximate = "tanh"}));
  net.push_back(
      "tail",
      nn::Sequential(
          nn::Sigmoid(), nn::Tanh(), nn::Softmax(1), nn::LogSoftmax(-1), nn::Dropout(0.25),
          nn::Dropout2d(), nn::Flatten(), nn::Flatten(0, 2), nn::Identity(), nn::LayerNorm(10),
          nn::LayerNorm({10, 20}, {.eps = 1e-12, .elementwise_affine = false}),
          nn::BatchNorm2d(3, {.momentum = 1e-4, .affine = false, .track_running_stats = false})));
  net.push_back("loss", nn::CrossEntropyLoss());
  net.push_back(nn::NLLLoss()).push_back(nn::MSELoss()).push_back(nn::L1Loss());
  net.push_back(nn::BCEWithLogitsLoss()).push_back(nn::Sequential());
  CHECK(net.str() == golden::mixed_repr);
}

TEST_CASE("type_name drops namespaces, not template arguments") {
  CHECK(MLP().type_name() == "MLP");
  CHECK(Described().type_name() == "Described");
  CHECK(Wrapped<nn::ReLU>().type_name() == "Wrapped<norma::nn::ReLU>");
  struct Local : nn::Module {};
  CHECK(Local().type_name() == "Local");
}

TEST_CASE("a module without forward says so") {
  Described module;
  CHECK(has(
      error_of([&] { module(norma::ones({1})); }),
      "[Described] expected an override of `Tensor forward(const Tensor&)`, got none; Described "
      "gives or takes something else: call it in a forward of your own"));
}

TEST_CASE("errors name the module's path") {
  MLP mlp;
  nn::Sequential net(nn::Identity(), mlp);
  const Tensor bad = norma::ones({5, 3});
  CHECK(has(error_of([&] { net(bad); }), "(in 1.net.0, a Linear)"));
  CHECK(has(error_of([&] { mlp(bad); }), "(in 1.net.0, a Linear)"));
  CHECK(has(error_of([&] { MLP()(bad); }), "(in net.0, a Linear)"));
  CHECK(has(error_of([&] { nn::Linear(2, 2)(bad); }), "(in Linear)"));
  CHECK(has(error_of([&] { nn::CrossEntropyLoss()(bad, norma::ones({7})); }),
            "(in CrossEntropyLoss)"));
  try {
    net(bad);
  } catch (const norma::Error& error) {
    CHECK(error.module_path() == "1.net.0");
  }
  // Nothing of an earlier error stays behind.
  CHECK(net(norma::ones({5, 4})).sizes() == Shape({5, 2}));
}

TEST_CASE("the path is right when a forward reaches into its children") {
  struct Loop : nn::Module {
    nn::Sequential layers{nn::Identity(), nn::Linear(2, 2), nn::Linear(3, 3)};
    Loop() { register_module("layers", layers); }
    Tensor forward(const Tensor& x) override {
      Tensor y = x;
      for (nn::Module& layer : layers) y = layer(y);
      return y;
    }
  };
  Loop loop;
  CHECK(has(error_of([&] { loop(norma::ones({1, 2})); }), "(in layers.2, a Linear)"));

  // The same layer under two names goes by the name it has in the model that runs.
  const nn::Linear shared(2, 2);
  nn::Sequential first(shared), second(nn::Identity(), nn::Identity(), shared);
  CHECK(has(error_of([&] { second(norma::ones({1, 3})); }), "(in 2, a Linear)"));
}

namespace {

struct Net : nn::Cloneable<Net> {
  nn::Linear fc{2, 3};
  nn::Sequential body{nn::ReLU(), nn::Linear(3, 3)};
  Net() {
    register_module("fc", fc);
    register_module("body", body);
  }
  Net fresh() const { return Net(); }
  Tensor forward(const Tensor& x) override { return body(fc(x)); }
};

}  // namespace

TEST_CASE("set_submodule puts a module in the place of another, for all handles") {
  norma::manual_seed(1);
  Net net;
  const Tensor x = norma::randn({4, 2}), before = net.fc(x);
  const nn::Linear handle = net.fc;
  net.set_submodule("fc", nn::Sequential(nn::Linear(2, 5), nn::Tanh(), nn::Linear(5, 3)));
  net.set_submodule("body.1", nn::Identity());
  CHECK(names_of(net.state_dict()) == "fc.0.weight fc.0.bias fc.2.weight fc.2.bias");
  CHECK(norma::equal(net.fc(x), (*handle.replacement())(x)));
  CHECK(norma::equal(nn::Linear(handle)(Tensor(x)), net.fc(x)));
  CHECK(norma::equal(net(x), relu(net.fc(x))));
  CHECK(net.body[1].type_name() == "Identity");
  CHECK(handle.str() == net.children()[0]->str());
  CHECK(handle.parameters().size() == 4);
  CHECK(handle.is_same(*handle.replacement()));
  CHECK(norma::equal(net.fc.forward(x), before));

  net.eval();
  CHECK_FALSE(net.fc.is_training());
  CHECK(has(error_of([&] { net(norma::ones({1, 7})); }), "(in fc.0, a Linear)"));

  Net copy = net.clone();
  CHECK(norma::equal(copy(x), net(x)));
  CHECK(norma::equal(copy.fc(x), net.fc(x)));
  CHECK(copy.parameters()[0].raw_data() != net.parameters()[0].raw_data());
  CHECK_FALSE(copy.fc.is_training());

  net.set_submodule("fc", nn::Linear(2, 3));  // and once more
  CHECK(norma::equal(net.fc(x), (*net.children()[0])(x)));
  CHECK(net.fc.replacement() == net.children()[0]);
  CHECK(net.replacement() == nullptr);
}

TEST_CASE("set_submodule reaches every place where the module stands") {
  nn::Linear shared(3, 3);
  nn::Sequential net(shared, nn::Sequential(nn::ReLU(), shared), shared);
  net.set_submodule("0", nn::Identity());
  CHECK(net.parameters().empty());
  CHECK(net[2].is_same(net[0]));
  CHECK(net.at<nn::Sequential>(1)[1].is_same(net[0]));
}

TEST_CASE("set_submodule refuses what cannot stand there, and changes nothing") {
  nn::Sequential net(nn::Linear(2, 3), nn::ReLU());
  CHECK(error_of([&] { net.set_submodule("2", nn::ReLU()); }) ==
        "[set_submodule] expected the path of a module in Sequential, got \"2\"");
  CHECK(has(error_of([&] { net.set_submodule("", nn::ReLU()); }), "got \"\""));
  nn::Sequential around;
  around.push_back(net.at<nn::Linear>(0));
  CHECK(error_of([&] { net.set_submodule("0", around); }) ==
        "[set_submodule] expected another module for \"0\", got one that holds the Linear that "
        "stands there; give it a clone");
  nn::Sequential above;
  above.push_back(net);
  CHECK(has(error_of([&] { net.set_submodule("0", above); }), "holds Sequential itself"));
  CHECK(has(error_of([&] { net.set_submodule("0", std::shared_ptr<nn::Module>()); }),
            "got a null pointer"));
  CHECK(net[0].type_name() == "Linear");
}
