#include <norma/norma.h>

#include "norma/tests/optim/golden_optim.h"
#include "norma/tests/optim/support.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;
using optim::SGD;
using optim::SGDOptions;

namespace {

SGDOptions options_of(const SgdGolden& golden) {
  return {.lr = 0.1,
          .momentum = golden.momentum,
          .dampening = golden.dampening,
          .weight_decay = golden.weight_decay,
          .nesterov = golden.nesterov,
          .maximize = golden.maximize};
}

// The run of golden_optim.py.
std::vector<double> run(const SGDOptions& options, DType dtype, bool gaps = false) {
  Tensor a = start(0, 5, dtype), b = start(1, 3, dtype);
  if (gaps) {
    const Tensor holder = zeros({5, 2}, {.dtype = dtype});
    const Tensor column = holder.select(1, 0);
    NoGradGuard no_grad;
    Tensor(column).copy_(a);
    a = column.detach().requires_grad_();
    REQUIRE(!a.is_contiguous());
  }
  SGD optimizer({{.params = {a}}, {.params = {b}, .lr = 0.025, .weight_decay = 0.0}}, options);
  std::vector<double> seen;
  for (int step = 0; step < 20; ++step) {
    a.set_grad(gradient(step, 0, 5, dtype));
    if (step >= 2) b.set_grad(gradient(step, 1, 3, dtype));
    optimizer.step();
    if (step < 3 || step == 19) {
      append(seen, a);
      append(seen, b);
    }
  }
  return seen;
}

}  // namespace

TEST_CASE("SGD gives PyTorch's numbers with every option and with groups") {
  REQUIRE(kSgdGolden.size() == 12);
  for (const SgdGolden& golden : kSgdGolden) {
    const SGDOptions options = options_of(golden);
    CAPTURE(golden.momentum, golden.dampening, golden.weight_decay, golden.nesterov,
            golden.maximize);
    CHECK(worst(run(options, kFloat64), golden.values, 1e-3) < 1e-12);
    CHECK(worst(run(options, kFloat64, /*gaps=*/true), golden.values, 1e-3) < 1e-12);
    CHECK(worst(run(options, kFloat32), golden.values, 1e-1) < 2e-6);
  }
}

TEST_CASE("SGD treats every element alike, whatever the size and the number of threads") {
  for (DType dtype : {kFloat32, kFloat64}) {
    double first = 0;
    for (int threads : {1, 2, 3}) {
      const ThreadCount guard(threads);
      std::vector<Tensor> parameters;
      for (int64_t size : {1, 7, 33, 100003, 5, 70001}) {
        parameters.push_back(ones({size}, {.dtype = dtype}).requires_grad_());
        parameters.back().set_grad(full({size}, 0.3, {.dtype = dtype}));
      }
      SGD optimizer(parameters, {.lr = 0.3, .momentum = 0.7, .weight_decay = 0.3});
      for (int i = 0; i < 3; ++i) optimizer.step();
      if (threads == 1) first = parameters[0].item<double>();
      for (const Tensor& parameter : parameters)
        CHECK(equal(parameter.detach(), full_like(parameter.detach(), first)));
    }
  }
}

TEST_CASE("SGD reads gradients and never writes them") {
  Tensor p = start(0, 5);
  p.set_grad(gradient(0, 0, 5));
  const Tensor grad = p.grad();
  SGD optimizer({p}, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1, .maximize = true});
  const uint64_t version = grad.version();
  for (int i = 0; i < 3; ++i) optimizer.step();
  CHECK(equal(p.grad(), gradient(0, 0, 5)));
  CHECK(grad.version() == version);
}

TEST_CASE("SGD leaves parameters without a gradient alone: no decay, no state") {
  Tensor p = start(0, 5), q = start(0, 5);
  SGD optimizer({p, q}, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.5});
  p.set_grad(gradient(0, 0, 5));
  optimizer.step();
  CHECK(equal(q.detach(), start(0, 5).detach()));
  const auto state = optimizer.state_dict();
  REQUIRE(state.tensors.size() == 1);
  CHECK(state.tensors[0].first == "state.0.momentum_buffer");
}

TEST_CASE("SGD counts as an in-place change, which a graph that needs the value notices") {
  Tensor p = start(0, 5);
  SGD optimizer({p});
  const Tensor loss = (p * p).sum();
  p.set_grad(gradient(0, 0, 5));
  const uint64_t version = p.version();
  optimizer.step();
  CHECK(p.version() == version + 1);
  CHECK_THROWS_AS(loss.backward(), Error);
}

TEST_CASE("SGD takes gradients with any strides") {
  Tensor p = zeros({2, 3}, {.dtype = kFloat64}).requires_grad_();
  const Tensor g = gradient(0, 0, 6).reshape({3, 2}).transpose(0, 1);
  REQUIRE(!g.is_contiguous());
  p.set_grad(g);
  SGD optimizer({p}, {.lr = 1.0, .momentum = 0.5});
  optimizer.step();
  CHECK(equal(p.detach(), -g));
  Tensor q = zeros({3}).requires_grad_();
  q.sum().backward();
  SGD other({q}, {.lr = 1.0});
  other.step();
  CHECK(equal(q.detach(), full({3}, -1.0)));
}

TEST_CASE("SGD follows a module to another dtype") {
  nn::Linear layer(3, 2);
  SGD optimizer(layer.parameters(), {.lr = 0.5, .momentum = 0.5});
  const Tensor x = ones({4, 3});
  layer(x).sum().backward();
  optimizer.step();
  layer.to(kFloat64);
  const Tensor before = layer.bias.detach().clone();
  optimizer.zero_grad();
  layer(x.to(kFloat64)).sum().backward();
  optimizer.step();  // g = 4, buf = 0.5 · 4 + 4
  CHECK(allclose(layer.bias.detach(), before - 3.0, 1e-12, 0));
  CHECK(optimizer.state_dict().tensors[0].second.dtype() == kFloat64);
}

TEST_CASE("SGD drops or clears gradients") {
  Tensor p = start(0, 5);
  SGD optimizer({p});
  p.set_grad(gradient(0, 0, 5));
  optimizer.zero_grad(/*set_to_none=*/false);
  REQUIRE(p.grad().defined());
  CHECK(equal(p.grad(), zeros({5}, {.dtype = kFloat64})));
  optimizer.zero_grad();
  CHECK(!p.grad().defined());
  optimizer.zero_grad(false);
  CHECK(!p.grad().defined());
  // A gradient with a history of its own loses that.
  p.square().sum().backward({}, false, true);
  CHECK(p.grad().requires_grad());
  optimizer.zero_grad(false);
  CHECK_FALSE(p.grad().requires_grad());
}

TEST_CASE("SGD refuses wrong options in PyTorch's words") {
  const auto made = [](const SGDOptions& o) { return error_of([&] { SGD({start(0, 2)}, o); }); };
  CHECK(made({.lr = -0.5}) == "[SGD] Invalid learning rate: -0.5; expected lr >= 0");
  CHECK(made({.lr = std::nan("")}) == "[SGD] Invalid learning rate: nan; expected lr >= 0");
  CHECK(made({.momentum = -1}) == "[SGD] Invalid momentum value: -1; expected momentum >= 0");
  CHECK(made({.weight_decay = -1e-8}) ==
        "[SGD] Invalid weight_decay value: -1e-08; expected weight_decay >= 0");
  CHECK(has(made({.nesterov = true}),
            "[SGD] Nesterov momentum requires a momentum and zero dampening"));
  CHECK(has(made({.momentum = 0.9, .dampening = 0.1, .nesterov = true}),
            "got momentum 0.9 and dampening 0.1"));
  CHECK(made({.lr = 0}) == "no error");
}

TEST_CASE("SGD refuses parameters it cannot optimise, and adds nothing then") {
  Tensor p = start(0, 2), q = start(0, 3);
  CHECK(error_of([] { SGD(std::vector<Tensor>{}); }) ==
        "[SGD] optimizer got an empty parameter list; expected at least one parameter: a module "
        "has those that its constructor registers, with register_module or register_parameter");
  CHECK(has(error_of([] { SGD(std::vector<optim::SGDParamGroup>{}); }),
            "[SGD] optimizer got an empty parameter list"));
  CHECK(has(error_of([] { SGD({Tensor()}); }), "undefined"));
  CHECK(has(error_of([] { SGD({arange(3)}); }), "parameter 0 of dtype int64"));
  const std::string non_leaf = error_of([&] { SGD({q, p * 2.0}); });
  CHECK(
      has(non_leaf, "can't optimize a non-leaf Tensor: parameter 1 of shape [2] was made by mul"));
  CHECK(has(error_of([&] { SGD({p, q, p}); }), "parameter 2 of shape [2] twice"));
  SGD optimizer({p});
  CHECK(has(error_of([&] {
              optimizer.add_param_group({.params = {q, p}});
            }),
            "some parameters appear in more than one parameter group: parameter 1 of shape [2]"));
  CHECK(optimizer.group_count() == 1);
  CHECK(has(error_of([&] { optimizer.add_param_group({.params = {q}, .lr = -1}); }),
            "Invalid learning rate: -1"));
  CHECK(optimizer.group_count() == 1);
  CHECK(has(error_of([&] { optimizer.options(1); }),
            "[SGD] expected a parameter group in [0, 1), got 1"));
  CHECK(has(error_of([&] { optimizer.parameters(-1); }), "expected a parameter group in [0, 1)"));
}

TEST_CASE("SGD parameter groups: options, defaults and rates") {
  Tensor p = start(0, 2), q = start(0, 3), r = start(0, 4);
  SGD optimizer({{.params = {p}}, {.params = {q}, .lr = 0.5, .momentum = 0.0}},
                {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01});
  optimizer.add_param_group({.params = {r}, .weight_decay = 0.0, .nesterov = true});
  REQUIRE(optimizer.group_count() == 3);
  CHECK(optimizer.options(0).momentum == 0.9);
  CHECK(optimizer.options(1).momentum == 0.0);
  CHECK(optimizer.options(1).weight_decay == 0.01);
  CHECK(optimizer.options(2).weight_decay == 0.0);
  CHECK(optimizer.options(2).nesterov);
  CHECK(optimizer.lr() == 0.1);
  CHECK(optimizer.lr(1) == 0.5);
  CHECK(optimizer.parameters(2)[0].is_same(r));
  optimizer.set_lr(0.25);
  CHECK(optimizer.lr(0) == 0.25);
  CHECK(optimizer.lr(1) == 0.25);
  optimizer.set_lr(2, 0.125);
  CHECK(optimizer.lr(2) == 0.125);
  optimizer.set_options(0, {.lr = 1.0});
  CHECK(optimizer.options(0).momentum == 0.0);
  CHECK(has(error_of([&] { optimizer.set_options(0, {.lr = -1}); }), "Invalid learning rate"));
}

TEST_CASE("split_weight_decay spares biases and BatchNorm") {
  nn::Sequential net(nn::Conv2d(1, 2, 3), nn::BatchNorm2d(2), nn::Flatten(), nn::Linear(8, 3));
  const optim::WeightDecaySplit split = optim::split_weight_decay(net, 0.25);
  CHECK(split.decayed.size() == 2);
  CHECK(split.spared.size() == 4);
  const std::vector<optim::SGDParamGroup> groups = split;
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].params.size() == 2);
  CHECK(groups[0].weight_decay == 0.25);
  CHECK(groups[1].params.size() == 4);
  CHECK(groups[1].weight_decay == 0.0);
  SGD optimizer(split, {.lr = 0.5, .weight_decay = 1.0});
  for (Tensor& p : net.parameters()) p.set_grad(zeros_like(p.detach()));
  const Tensor weight = net.parameters()[0].detach().clone();
  optimizer.step();
  CHECK(allclose(net.parameters()[0].detach(), weight * 0.875));
  CHECK(equal(net.parameters()[2].detach(), ones({2})));  // gamma
  CHECK(SGD(optim::split_weight_decay(nn::BatchNorm1d(3), 0.25)).group_count() == 1);
  CHECK(SGD(optim::split_weight_decay(nn::GroupNorm(1, 3), 0.25)).options().weight_decay == 0.0);
  CHECK(SGD(optim::split_weight_decay(nn::Linear(3, 2, {.bias = false}), 0.25)).group_count() == 1);
  CHECK(has(error_of([] { SGD(optim::split_weight_decay(nn::ReLU(), 0.25)); }),
            "[SGD] optimizer got an empty parameter list"));
}

TEST_CASE("SGD's state moves to another optimiser, which goes on with the same numbers") {
  const auto make = [](const Tensor& a, const Tensor& b) {
    return std::make_unique<SGD>(
        std::vector<optim::SGDParamGroup>{{.params = {a}}, {.params = {b}, .lr = 0.3}},
        SGDOptions{.lr = 0.1, .momentum = 0.9, .dampening = 0.5});
  };
  Tensor a = start(0, 5), b = start(1, 3);
  auto first = make(a, b);
  const auto advance = [](SGD& optimizer, Tensor& x, Tensor& y, int from, int to) {
    for (int step = from; step < to; ++step) {
      x.set_grad(gradient(step, 0, 5));
      y.set_grad(gradient(step, 1, 3));
      optimizer.step();
    }
  };
  advance(*first, a, b, 0, 4);
  first->set_lr(1, 0.7);

  Tensor c = a.detach().clone().requires_grad_(), d = b.detach().clone().requires_grad_();
  auto second = make(c, d);
  const auto state = first->state_dict();
  second->load_state_dict(state);
  CHECK(second->lr(1) == 0.7);
  advance(*first, a, b, 4, 9);  // the copy must not follow
  advance(*second, c, d, 4, 9);
  CHECK(equal(a.detach(), c.detach()));
  CHECK(equal(b.detach(), d.detach()));
}

TEST_CASE("SGD refuses a state that does not fit, and keeps its own") {
  Tensor a = start(0, 5), b = start(1, 3);
  SGD optimizer({a, b}, {.lr = 0.1, .momentum = 0.9});
  a.set_grad(gradient(0, 0, 5));
  b.set_grad(gradient(0, 1, 3));
  optimizer.step();
  const auto good = optimizer.state_dict();
  const auto refused = [&](const optim::OptimizerState& state) {
    const std::string message = error_of([&] { optimizer.load_state_dict(state); });
    CHECK(optimizer.lr() == 0.1);
    CHECK(equal(optimizer.state_dict().tensors[0].second, gradient(0, 0, 5)));
    CHECK(error_of([&] { optimizer.check_state_dict(state); }) == message);
    return message;
  };
  auto state = good;
  state.groups[0]["lr"] = 0.9;  // never taken over from a bad state
  const auto base = state;
  state.type = "Adam";
  CHECK(refused(state) ==
        "[SGD::load_state_dict] expected the state of an optimizer SGD, got one of \"Adam\"");
  state = base;
  state.groups.push_back(state.groups[0]);
  state.group_sizes.push_back(2);
  CHECK(has(refused(state),
            "loaded state dict has a different number of parameter groups: "
            "expected 1, got 2"));
  state = base;
  state.group_sizes[0] = 1;
  CHECK(has(refused(state),
            "doesn't match the size of optimizer's group: expected 2 parameters "
            "in group 0, got 1"));
  state = base;
  state.groups[0].erase("nesterov");
  CHECK(has(refused(state), "expected the option \"nesterov\""));
  state = base;
  state.groups[0]["beta1"] = 0.9;
  CHECK(has(refused(state), "expected options of SGD, got \"beta1\""));
  state = base;
  state.groups[0]["momentum"] = -1;
  CHECK(has(refused(state), "Invalid momentum value: -1"));
  state = base;
  state.tensors = {{"state.0.momentum_buffer", zeros({4})},
                   {"state.1.momentum_buffer", zeros({3}, {.dtype = kInt64})},
                   {"state.1.momentum_buffer", zeros({3})},
                   {"state.2.momentum_buffer", zeros({3})}};
  const std::string message = refused(state);
  CHECK(has(message,
            "size mismatch for state.0.momentum_buffer: copying a tensor with shape [4] "
            "from checkpoint, the shape of the parameter is [5]"));
  CHECK(has(message, "expected a floating tensor for state.1.momentum_buffer"));
  CHECK(has(message, "Repeated key(s) in state: \"state.1.momentum_buffer\""));
  CHECK(has(message, "Unexpected key(s) in state: \"state.2.momentum_buffer\""));
  // A file may have any number of keys, a message may not.
  state = base;
  for (int i = 100; i < 200; ++i)
    state.tensors.emplace_back(text("state.", i, ".momentum_buffer"), zeros({5}));
  CHECK(has(refused(state), "\"state.149.momentum_buffer\", … (50 more)."));
  for (int i = 0; i < 100; ++i) state.tensors.emplace_back(state.tensors.back());
  CHECK(refused(state).size() < 5000);
}
