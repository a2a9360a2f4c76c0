// Hooks on modules, and calls with several arguments and results. The gradients are PyTorch's.
#include "norma/tests/layers/helpers.h"
#include "norma/tests/support/gradients.h"

using namespace norma;
using Tensors = std::vector<Tensor>;
using Numbers = std::vector<double>;
using Call = nn::HookedCall;

namespace {

struct Two : nn::Callable<Two> {
  using Module::forward;
  Tensor w = register_parameter("w", tensor({2.0, 3.0}));
  std::pair<Tensor, Tensor> forward(const Tensor& a, const Tensor& b) { return {a * w + b, a * b}; }
};

std::string shown(const Tensors& list) {
  std::string text;
  for (const Tensor& t : list) {
    text += text.empty() ? "" : " ";
    if (!t.defined()) text += "-";
    for (const double value : to_vector(t)) {
      text +=
          (text.empty() || text.back() == ' ' ? "" : ",") + std::to_string(static_cast<int>(value));
    }
  }
  return text;
}

/// Notes the calls of all hooks of a module.
void note_all(nn::Module& module, std::string& log) {
  module.register_forward_pre_hook([&log](const Call& call, const Tensors& in) {
    log += "pre " + call.path() + " " + call.type() + ": " + shown(in) + "\n";
  });
  module.register_forward_hook([&log](const Call& call, const Tensors& in, const Tensors& out) {
    log += "post " + call.path() + ": " + shown(in) + " -> " + shown(out) + "\n";
  });
  module.register_full_backward_pre_hook([&log](const Call& call, const Tensors& out) {
    log += "back " + call.path() + ": " + shown(out) + "\n";
  });
  module.register_full_backward_hook(
      [&log](const Call& call, const Tensors& in, const Tensors& out) {
        log += "end " + call.path() + ": " + shown(out) + " -> " + shown(in) + "\n";
      });
}

struct Net : nn::Module {
  nn::Sequential body;
  Two two;
  Net() {
    register_module("body", body);
    register_module("two", two);
    body.push_back(nn::Identity());
  }
  Tensor forward(const Tensor& x) override {
    const auto [sum, product] = two(body(x), x);
    return sum + product;
  }
};

}  // namespace

TEST_CASE("hooks are called around forward and backward, and told the path") {
  Net net;
  std::string log;
  note_all(net, log);
  note_all(net.body[0], log);
  note_all(net.two, log);
  const Tensor x = tensor({1.0, 2.0}).requires_grad_();
  net(x).sum().backward();
  CHECK(log ==
        "pre  Net: 1,2\n"
        "pre body.0 Identity: 1,2\n"
        "post body.0: 1,2 -> 1,2\n"
        "pre two Two: 1,2 1,2\n"
        "post two: 1,2 1,2 -> 3,8 1,4\n"
        "post : 1,2 -> 4,12\n"
        "back : 1,1\n"
        "back two: 1,1 1,1\n"
        "end two: 1,1 1,1 -> 3,5 2,3\n"
        "back body.0: 3,5\n"
        "end body.0: 3,5 -> 3,5\n"
        "end : 1,1 -> 5,8\n");
  CHECK(to_vector(x.grad()) == Numbers{5, 8});
  CHECK(to_vector(net.two.w.grad()) == Numbers{1, 2});
}

TEST_CASE("gradients of several arguments and results, used or not") {
  Two m;
  std::string log;
  m.register_full_backward_hook([&](const Call&, const Tensors& in, const Tensors& out) {
    log += shown(in) + " | " + shown(out);
  });
  Tensor a = tensor({1.0, 2.0}).requires_grad_(), b = tensor({5.0, 7.0});
  auto [sum, product] = m(a, b);
  (sum * sum).sum().backward();
  CHECK(log == "28,78 - | 14,26 -");
  CHECK(to_vector(a.grad()) == Numbers{28, 78});
  CHECK(to_vector(m.w.grad()) == Numbers{14, 52});

  log.clear();
  b.requires_grad_();
  (m(a, b).second * 3).sum().backward();
  CHECK(log == "15,21 3,6 | - 3,3");

  HookHandle times =
      m.register_full_backward_hook([](const Call&, const Tensors& in, const Tensors&) {
        return Tensors{in[0] * 10, in[1] * 10};
      });
  a.set_grad(Tensor());
  b.set_grad(Tensor());
  const auto both = m(a, b);
  (both.first.sum() + both.second.sum()).backward();
  CHECK(to_vector(a.grad()) == Numbers{70, 100});
  CHECK(to_vector(b.grad()) == Numbers{20, 30});
  times.remove();

  log.clear();
  (m(tensor({1.0, 1.0}), tensor({1.0, 1.0})).first * 2).sum().backward();
  CHECK(log == "- - | 2,2 -");
  log.clear();
  {
    const NoGradGuard no_grad;
    m(a, b);
  }
  CHECK(log.empty());
  // A run that does not pass the results tells no hook.
  const auto again = m(a, b);
  CHECK(to_vector(autograd::grad({a.sum()}, {a})[0]) == Numbers{1, 1});
  CHECK(log.empty());
}

TEST_CASE("hooks put others in the places of inputs, results and gradients") {
  nn::Linear layer(2, 2, {.bias = false});
  {
    const NoGradGuard no_grad;
    layer.weight = layer.weight.copy_(eye(2));
  }
  nn::Sequential net{layer, nn::Identity()};
  std::vector<HookHandle> handles;
  const Tensor x = tensor({{1.0, 2.0}}).requires_grad_();
  handles.push_back(
      layer.register_forward_pre_hook([](const Call&, const Tensors& in) { return in[0] * 2; }));
  handles.push_back(layer.register_forward_hook(
      [](const Call&, const Tensors& in, const Tensors& out) { return Tensors{out[0] + in[0]}; }));
  handles.push_back(layer.register_full_backward_pre_hook(
      [](const Call&, const Tensors& out) { return out[0] * 3; }));
  handles.push_back(layer.register_full_backward_hook(
      [](const Call&, const Tensors& in, const Tensors& out) { return in[0] + out[0]; }));
  const Tensor y = net(x);
  CHECK(to_vector(y) == Numbers{4, 8});
  y.sum().backward();
  CHECK(to_vector(layer.weight.grad()) == Numbers{6, 12, 6, 12});
  // Through the weights and around them 3 each, and what the last hook adds, times 2.
  CHECK(to_vector(x.grad()) == Numbers{18, 18});
  for (HookHandle& handle : handles) handle.remove();
  CHECK_FALSE(layer.has_hooks());
  CHECK(to_vector(net(x)) == Numbers{1, 2});
}

TEST_CASE("hooks see every module and every value, with the numbers of a run without") {
  manual_seed(1);
  nn::Sequential net(nn::Linear(3, 4), nn::BatchNorm1d(4), nn::ReLU(), nn::Linear(4, 2));
  nn::Sequential twin = net.clone();
  const Tensor x = randn({6, 3});
  std::vector<Tensor> seen;
  int calls = 0;
  for (nn::Module* module : net.modules()) {
    CHECK_FALSE(module->has_hooks());
    module->register_forward_hook([&](const Call&, const Tensors& in, const Tensors& out) {
      seen.push_back(in[0]);
      seen.push_back(in[0].clone());
      seen.push_back(out[0]);
      seen.push_back(out[0].clone());
    });
    module->register_full_backward_hook(
        [&](const Call&, const Tensors&, const Tensors&) { ++calls; });
  }
  const nn::Sequential again = net.clone();
  CHECK_FALSE(again.has_hooks());
  const Tensor target = randn({6, 2});
  const Tensor loss = nn::MSELoss()(net(x + 0.0), target), other = nn::MSELoss()(twin(x), target);
  loss.backward();
  other.backward();
  CHECK(differing_bits(loss, other) == "");
  for (std::size_t i = 0; i < net.parameters().size(); ++i) {
    CHECK(differing_bits(net.parameters()[i].grad(), twin.parameters()[i].grad()) == "");
  }
  CHECK(calls == 5);
  REQUIRE(seen.size() == 20);
  for (std::size_t i = 0; i < seen.size(); i += 2)
    CHECK(differing_bits(seen[i], seen[i + 1]) == "");
  // A norm that is asked for both runs its hooks on the norm's result.
  seen.clear();
  net.at<nn::BatchNorm1d>(1).with_relu(randn({6, 4}));
  REQUIRE(seen.size() == 4);
  CHECK((seen[2] < 0).any().item<bool>());
}

TEST_CASE("hooks on modules that work in place") {
  struct InPlace : nn::Module {
    Tensor forward(const Tensor& x) override { return Tensor(x).relu_(); }
  };
  std::string log;
  InPlace m;
  note_all(m, log);
  const Tensor x = tensor({1.0, -2.0}).requires_grad_();
  Tensor y = m(x * 3);
  y.mul_(2);
  y.sum().backward();
  CHECK(to_vector(x.grad()) == Numbers{6, 0});
  CHECK(log.ends_with("back : 2,2\nend : 2,2 -> 2,0\n"));
}

TEST_CASE("second derivatives pass hooks") {
  manual_seed(2);
  nn::Sequential net(nn::Linear(3, 4), nn::Tanh(), nn::Linear(4, 1));
  net.to(kFloat64);
  int calls = 0;
  for (nn::Module* module : net.modules()) {
    module->register_full_backward_hook([&](const Call&, const Tensors& in, const Tensors&) {
      ++calls;
      return in[0].defined() ? in[0] * 1.0 : Tensor();
    });
  }
  const Tensor x = randn({2, 3}, {.dtype = kFloat64, .requires_grad = true});
  CHECK(gradient_error([&](const Tensors& in) { return net(in[0]); }, {x}) == "");
  CHECK(calls > 0);
}

TEST_CASE("in backward the module is there as long as anybody has it") {
  const auto run = [](bool keeps) {
    std::string types;
    Tensor loss;
    std::optional<nn::Sequential> kept;
    {
      nn::Sequential net(nn::Linear(2, 2));
      net[0].register_full_backward_hook([&](const Call& call, const Tensors&, const Tensors&) {
        types += call.module().str() + call.path() + call.type();
      });
      loss = net(ones({1, 2}, {.requires_grad = true})).sum();
      if (keeps) kept = std::move(net);
    }
    const std::string error = error_of([&] { loss.backward(); });
    return types + error;
  };
  CHECK(run(true) == "Linear(in_features=2, out_features=2, bias=True)0Linearno error");
  CHECK(run(false) ==
        "[HookedCall] expected the Linear \"0\" to live until backward, got one that is gone, of "
        "which path() and type() remain; keep the model, or capture in the hook what it needs of "
        "it");
}

TEST_CASE("errors of hooks") {
  Net net;
  const Tensor x = tensor({1.0, 2.0}).requires_grad_();
  HookHandle handle =
      net.two.register_forward_pre_hook([](const Call&, const Tensors& in) { return in[0]; });
  CHECK(error_of([&] { net(x); }) ==
        "[register_forward_pre_hook] expected a hook that returns 2 inputs or nothing, got 1 (in "
        "two, a Two)");
  handle.remove();
  handle = net.two.register_forward_hook(
      [](const Call&, const Tensors&, const Tensors& out) { return out[0]; });
  CHECK(error_of([&] { net(x); })
            .starts_with("[register_forward_hook] expected a hook that returns 2 results or "
                         "nothing, got 1"));
  handle.remove();
  handle = net.two.register_full_backward_pre_hook(
      [](const Call&, const Tensors& out) { return out[0]; });
  CHECK(error_of([&] { net(x).sum().backward(); }) ==
        "[register_full_backward_pre_hook] expected a hook that returns 2 gradients of the results "
        "or nothing, got 1");
  handle.remove();
  handle = net.two.register_full_backward_hook(
      [](const Call&, const Tensors&, const Tensors& out) { return out[0]; });
  CHECK(error_of([&] { net(x).sum().backward(); }) ==
        "[register_full_backward_hook] expected a hook that returns 2 gradients of the inputs or "
        "nothing, got 1");
  CHECK(error_of([&] { net.two(ones({2}), ones({2})).first.sum().backward(); }) ==
        "[register_full_backward_hook] expected a hook that returns nothing, since no input of the "
        "Two needs a gradient, got one of shape [2]");
  handle.remove();
  CHECK(error_of([&] {
          net.register_forward_hook(
              std::function<Tensors(const Call&, const Tensors&, const Tensors&)>());
        }) == "[register_forward_hook] expected a function, got none");
  net.register_forward_hook([](const Call&, const Tensors&, const Tensors&) { fail("mine", "x"); });
  CHECK(error_of([&] { net(x); }) == "[mine] x (in Net)");
}

TEST_CASE("hooks of Transformer, MaxUnpool2d and lazy layers") {
  int calls = 0;
  const auto count = [&](nn::Module& module) {
    module.register_forward_hook([&](const auto&, const auto&, const auto&) {
      ++calls;
      return std::vector<Tensor>();
    });
  };
  nn::Transformer model(4, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1});
  nn::MaxUnpool2d unpool(2);
  nn::LazyLinear lazy(3);
  count(model), count(unpool), count(lazy);
  model(zeros({2, 1, 4}), zeros({2, 1, 4}));
  CHECK(calls == 1);
  unpool(zeros({1, 1, 1, 1}), zeros({1, 1, 1, 1}, {.dtype = kInt64}));
  CHECK(calls == 2);
  for (int i = 0; i < 3; ++i) lazy(zeros({1, 2}));
  CHECK(calls == 5);
  CHECK(lazy.has_hooks());
}
