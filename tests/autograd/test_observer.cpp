// Observers: what they are told, in which order, and that nothing is fused or overwritten.
#include <limits>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using autograd::Inputs;
using autograd::Node;
using autograd::Observer;
using autograd::observer;
using autograd::ObserverGuard;
using autograd::Operation;
using autograd::Option;
using autograd::Scope;
using Events = std::vector<std::string>;

namespace {

std::string numbers(const Tensor& tensor) {
  std::string text;
  const Tensor values = tensor.detach().to(kInt64).contiguous();
  for (int64_t i = 0; i < values.numel(); ++i) {
    text += (i == 0 ? "" : " ") + std::to_string(values.data_ptr<int64_t>()[i]);
  }
  return text;
}

/// Writes down what it is told, computing a little on the way.
struct Listener : Observer {
  Events events;

  void result(const char* op, const Tensor& out, Inputs inputs) override {
    std::string text = std::string("result ") + op + ":";
    for (int i = 0; i < inputs.size(); ++i) {
      text += " " + (inputs[i].defined() ? numbers(inputs[i] * 1.0) : "absent") + ",";
    }
    events.push_back(text + " gives " + numbers(out));
  }
  void recorded(Node& node, const Tensor& out) override {
    events.push_back(std::string("recorded ") + node.name + (out.is_leaf() ? " as a leaf" : ""));
  }
  void called(const Scope& module, const Tensor& out, Inputs inputs) override {
    events.push_back("called " + module.path() + " " + module.type() + ": " + numbers(inputs[0]) +
                     " gives " + numbers(out));
  }
  void started(const Node& root, const Tensor& grad) override {
    events.push_back(std::string("started at ") + root.name + ": " + numbers(grad));
  }
  void arrived(const Node& node, const Tensor& grad) override {
    events.push_back(std::string("arrived at ") + node.name + ": " + numbers(grad));
  }
  void gradient(const Node& node, int i, const Tensor& grad) override {
    events.push_back(std::string(node.name) + " gave input " + std::to_string(i) + ": " +
                     numbers(grad.mul(1)));
  }
  void accumulated(const Node&, const Tensor& grad) override {
    events.push_back("accumulated: " + numbers(grad));
  }
};

/// Throws at the event of this name.
struct Thrower : Observer {
  explicit Thrower(std::string name) : event(std::move(name)) {}
  std::string event;
  void raise(const char* name) const {
    if (event == name) throw std::runtime_error(event);
  }
  void result(const char*, const Tensor&, Inputs) override { raise("result"); }
  void recorded(Node&, const Tensor&) override { raise("recorded"); }
  void called(const Scope&, const Tensor&, Inputs) override { raise("called"); }
  void started(const Node&, const Tensor&) override { raise("started"); }
  void arrived(const Node&, const Tensor&) override { raise("arrived"); }
  void gradient(const Node&, int, const Tensor&) override { raise("gradient"); }
  void accumulated(const Node&, const Tensor&) override { raise("accumulated"); }
};

Tensor leaf(const NestedList& values) { return tensor(values, {.requires_grad = true}); }

std::string thrown(const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("operations are told as they are recorded, gradients as they are handed on") {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4});
  Listener listener;
  {
    const ObserverGuard guard(listener);
    CHECK(observer() == &listener);
    x.mul(w).add(x).backward(tensor({1, 10}));
    CHECK(numbers(tensor({7.0}).add(1)) == "8");  // requires no gradient
  }
  CHECK(observer() == nullptr);
  x.mul(w);
  CHECK(listener.events == Events{
                               "result mul: 1 2, 3 4, gives 3 8",
                               "recorded mul",
                               "result add: 3 8, 1 2, gives 4 10",
                               "recorded add",
                               "started at add: 1 10",
                               "arrived at add: 1 10",
                               "add gave input 0: 1 10",
                               "add gave input 1: 1 10",
                               "arrived at mul: 1 10",
                               "mul gave input 0: 3 40",
                               "mul gave input 1: 1 20",
                               "arrived at accumulate_grad: 4 50",
                               "accumulated: 4 50",
                               "arrived at accumulate_grad: 1 20",
                               "accumulated: 1 20",
                           });
}

TEST_CASE("module calls are told with their path, recorded or not") {
  nn::Sequential net{nn::Identity(), nn::ReLU()};
  Listener listener;
  const ObserverGuard guard(listener);
  net(tensor({-1.0, 2.0}));
  CHECK(listener.events == Events{"called 0 Identity: -1 2 gives -1 2",
                                  "called 1 ReLU: -1 2 gives 0 2",
                                  "called  Sequential: -1 2 gives 0 2"});
}

TEST_CASE("an observer of module calls can look into the module") {
  struct Counter : Observer {
    std::vector<std::size_t> parameters;
    void called(const Scope& module, const Tensor&, Inputs) override {
      parameters.push_back(nn::Module::of(module).parameters().size());
    }
  };
  nn::Sequential net(nn::Linear(2, 3), nn::BatchNorm1d(3), nn::Linear(3, 1, {.bias = false}));
  Counter counter;
  const ObserverGuard guard(counter);
  net(ones({2, 2}));
  CHECK(counter.parameters == std::vector<std::size_t>{2, 2, 1, 5});
}

TEST_CASE("what an operation reads besides its inputs is told once, behind them") {
  const Tensor x = leaf({{1, 2}, {3, 4}});
  Listener listener;
  const ObserverGuard guard(listener);
  functional::batch_norm(x,
                         {.running_mean = tensor({1.0, 2.0}), .running_var = tensor({1.0, 1.0})});
  CHECK(listener.events ==
        Events{"result batch_norm: 1 2 3 4, absent, absent, 1 2, 1 1, gives 0 0 1 1",
               "recorded batch_norm"});
}

TEST_CASE("several inputs in a list") {
  const Tensor x = leaf({1, 2});
  Listener listener;
  const ObserverGuard guard(listener);
  cat({x, tensor({3.0})});
  CHECK(listener.events.at(0) == "result cat: 1 2, 3, gives 1 2 3");
}

TEST_CASE("every observer is told, the innermost first") {
  const Tensor x = leaf({0});
  Listener outer, inner;
  SECTION("of two") {
    const ObserverGuard first(outer);
    {
      const ObserverGuard second(inner);
      x.exp().backward();
      CHECK(inner.events.size() == 7);
      CHECK(inner.events == outer.events);
    }
    CHECK(observer() == &outer);
    x.exp();
    CHECK(inner.events.size() == 7);
    CHECK(outer.events.size() == 9);
  }
  SECTION("of the same one twice") {
    const ObserverGuard first(outer), second(outer);
    x.exp();
    CHECK(outer.events.size() == 4);
  }
  SECTION("detect_anomaly inside") {
    const ObserverGuard first(outer);
    const DetectAnomalyGuard anomalies;
    CHECK(error_of([&] { x.exp().log().log(); }).find("[log] expected a finite result") == 0);
    CHECK(outer.events.size() == 4);  // the detector stopped it before
  }
  SECTION("detect_anomaly outside") {
    const DetectAnomalyGuard anomalies;
    const ObserverGuard second(outer);
    CHECK(is_anomaly_enabled());
    CHECK(error_of([&] { x.exp().log().log(); }).find("[log] expected a finite result") == 0);
    CHECK(outer.events.back().find("result log: 0, gives ") == 0);
  }
  SECTION("detect_anomaly switched while another watches") {
    set_detect_anomaly(true);
    {
      const ObserverGuard second(outer);
      set_detect_anomaly(false);
      CHECK(error_of([&] { x.log(); }) == "no error");
      CHECK(outer.events.size() == 2);
    }
    CHECK(observer() == nullptr);
  }
}

TEST_CASE("what an observer throws reaches the caller and leaves everything sane") {
  const Tensor x = leaf({1, 2});
  nn::ReLU relu;
  SECTION("from forward") {
    Tensor y = x.mul(1), z = y;
    for (const char* event : {"result", "recorded"}) {
      Thrower thrower(event);
      const ObserverGuard guard(thrower);
      CHECK(thrown([&] { x.mul(2); }) == event);
      CHECK(thrown([&] { y.mul_(3); }) == event);
      CHECK(equal(y, x));
      CHECK(observer() == &thrower);
    }
    Thrower thrower("called");
    const ObserverGuard guard(thrower);
    CHECK(thrown([&] { relu(x); }) == "called");
    CHECK(Scope::innermost() == nullptr);
  }
  SECTION("from backward, which can run again") {
    const Tensor y = x.mul(x).sum();
    for (const char* event : {"started", "arrived", "gradient"}) {
      Thrower thrower(event);
      const ObserverGuard guard(thrower);
      CHECK(thrown([&] { y.backward({}, true); }) == event);
      CHECK(observer() == &thrower);
      CHECK_FALSE(x.grad().defined());
    }
    y.backward({}, true);
    CHECK(numbers(x.grad()) == "2 4");
    Thrower thrower("accumulated");
    const ObserverGuard guard(thrower);
    CHECK(thrown([&] { y.backward({}, true); }) == "accumulated");
    CHECK(numbers(x.grad()) == "4 8");
  }
  CHECK(observer() == nullptr);
  CHECK(grad_enabled());
}

TEST_CASE("nothing is overwritten or fused while somebody watches") {
  struct Keeper : Observer {
    std::vector<Tensor> results;
    Events names;
    void result(const char* op, const Tensor& out, Inputs) override {
      results.push_back(out.detach());
      names.emplace_back(op);
    }
  };
  nn::Sequential net(nn::Linear(2, 3), nn::BatchNorm1d(3), nn::ReLU());
  const Tensor x = randn({4, 2});
  const std::string alone = net(x).grad_fn_name();
  CHECK(alone == "batch_norm_relu");
  Keeper keeper;
  {
    const ObserverGuard guard(keeper);
    CHECK(autograd::is_watched());
    CHECK(net(x).grad_fn_name() == "relu");
    CHECK(relu(x.clone().requires_grad_() * 1.0 + 1.0).grad_fn_name() == "relu");
  }
  CHECK(keeper.names == Events{"linear", "batch_norm", "relu", "mul", "add", "relu"});
  for (const Tensor& a : keeper.results) {
    for (const Tensor& b : keeper.results) {
      CHECK((&a == &b || a.data_ptr<float>() != b.data_ptr<float>()));
    }
  }
  // The memory of unrecorded temporaries, too.
  Tensor y = x.clone();
  const float* memory = y.data_ptr<float>();
  {
    const ObserverGuard guard(keeper);
    const Tensor z = std::move(y) * 2.0;
    CHECK(z.data_ptr<float>() != memory);
  }
  y = x.clone();
  memory = y.data_ptr<float>();
  CHECK((std::move(y) * 2.0).data_ptr<float>() == memory);
}

TEST_CASE("BatchNorm::with_relu is told as a norm's call and a ReLU behind it") {
  struct Names : Observer {
    Events events;
    void result(const char* op, const Tensor&, Inputs) override { events.emplace_back(op); }
    void called(const Scope& module, const Tensor& out, Inputs) override {
      events.push_back(module.type() + (out.detach().min().item<float>() < 0 ? "" : " of a ReLU"));
    }
  } listener;
  nn::BatchNorm1d bn(3);
  const Tensor x = randn({8, 3});
  const Tensor want = bn(x).relu();
  const ObserverGuard guard(listener);
  CHECK(equal(bn.with_relu(x), want));
  CHECK(listener.events == Events{"batch_norm", "BatchNorm1d", "relu"});
}

namespace {

/// The operations told by `computed`, with their options.
struct Options : Observer {
  void computed(const Operation& op, const Tensor&, Inputs) override {
    log += op.name;
    for (const Option& option : op.options) {
      log += text(' ', option.name, '=');
      if (option.list) {
        log += option.list->str();
      } else if (option.word) {
        log += option.word;
      } else {
        log += is_floating(option.number.dtype()) ? text(option.number.to<double>())
                                                  : text(option.number.to<int64_t>());
      }
    }
    log += "; ";
  }
  void result(const char*, const Tensor&, Inputs) override { ++recorded_results; }
  std::string log;
  int recorded_results = 0;
};

template <class Body>
std::string told_of(Body body, int recorded) {
  Options options;
  const ObserverGuard guard(options);
  body();
  CHECK(options.recorded_results == recorded);
  return options.log;
}

}  // namespace

TEST_CASE("operations tell their options, with a gradient and without") {
  const Tensor x = rand({1, 2, 4, 4}), w = rand({4, 1, 3, 3}), y = rand({2, 3});
  Tensor leaf = rand({2, 3});
  leaf.requires_grad_();
  CHECK(told_of([&] { leaf.softmax(1).sum(0, true); }, 2) ==
        "detach; softmax dim=1; detach; permute dims=[0, 1]; sum dim=[0] keepdim=1; ");
  CHECK(told_of([&] { y.leaky_relu(0.5).gt(2); }, 0) ==
        "leaky_relu negative_slope=0.5; gt other=2; ");
  CHECK(told_of([&] { y.argmax(1); }, 0) == "detach; argmax dim=[1] keepdim=0; ");
  CHECK(told_of([&] { leaf.detach().to(kInt64); }, 0) == "detach; to; ");
  CHECK(told_of(
            [&] {
              functional::conv2d(x, w, Tensor(),
                                 {.padding = "same", .dilation = {2, 1}, .groups = 2});
            },
            0) == "conv2d stride=[1, 1] padding=same dilation=[2, 1] groups=2; ");
  CHECK(told_of([&] { functional::max_pool2d(x, 2); }, 0) ==
        "max_pool2d kernel_size=[2, 2] stride=[2, 2] padding=[0, 0] dilation=[1, 1] ceil_mode=0; ");
  const NoGradGuard no_grad;
  CHECK(told_of([&] { leaf.pow(3.0) + 1; }, 0) == "pow exponent=3.0; add other=1; ");
}
