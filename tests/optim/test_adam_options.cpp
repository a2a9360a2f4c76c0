#include <norma/norma.h>

#include <limits>

#include "norma/core/tensor_impl.h"
#include "norma/tests/optim/support.h"

using namespace norma;
using optim::Adam;
using optim::AdamParamGroup;
using optim::AdamW;

TEST_CASE("Adam and AdamW begin with PyTorch's defaults") {
  Adam adam({start(0, 2)});
  AdamW adamw({start(0, 2)});
  CHECK(adam.options().lr == 1e-3);
  CHECK(adam.options().betas == std::array<double, 2>{0.9, 0.999});
  CHECK(adam.options().eps == 1e-8);
  CHECK(adam.options().weight_decay == 0);
  CHECK(!adam.options().amsgrad);
  CHECK(!adam.options().maximize);
  auto expected = adam.state_dict().groups;
  expected[0]["weight_decay"] = 1e-2;
  CHECK(adamw.state_dict().groups == expected);
  CHECK(adam.state_dict().type == "Adam");
  CHECK(adamw.state_dict().type == "AdamW");
}

TEMPLATE_TEST_CASE("amsgrad can be switched on later: the maximum begins then", "", Adam, AdamW) {
  Tensor p = start(0, 5);
  TestType optimizer({p});
  p.set_grad(gradient(0, 0, 5));
  optimizer.step();
  CHECK(optimizer.state_dict().tensors.size() == 3);
  auto options = optimizer.options();
  options.amsgrad = true;
  optimizer.set_options(0, options);
  optimizer.load_state_dict(optimizer.state_dict());  // a state without the maximum is taken
  CHECK(optimizer.state_dict().tensors.size() == 3);
  optimizer.step();
  CHECK(equal(state_of(optimizer, "state.0.max_exp_avg_sq"),
              state_of(optimizer, "state.0.exp_avg_sq")));
  const Tensor most = state_of(optimizer, "state.0.max_exp_avg_sq").clone();
  p.set_grad(zeros({5}, {.dtype = kFloat64}));
  optimizer.step();
  CHECK(equal(state_of(optimizer, "state.0.max_exp_avg_sq"), most));
  CHECK(!equal(state_of(optimizer, "state.0.exp_avg_sq"), most));
}

TEMPLATE_TEST_CASE("Adam refuses wrong options in PyTorch's words", "", Adam, AdamW) {
  using Options = OptionsOf<TestType>;
  const std::string name = TestType({start(0, 1)}).state_dict().type;
  TestType optimizer({start(0, 2)});
  const auto refused = [&](const Options& o) {
    const std::string message = error_of([&] { TestType({start(0, 2)}, o); });
    CHECK(error_of([&] { optimizer.set_options(0, o); }) == message);
    CHECK(optimizer.lr() == 1e-3);
    return message;
  };
  const std::string op = "[" + name + "] ";
  CHECK(refused({.lr = -0.5}) == op + "Invalid learning rate: -0.5; expected lr >= 0");
  CHECK(refused({.lr = std::nan("")}) == op + "Invalid learning rate: nan; expected lr >= 0");
  CHECK(refused({.eps = -1e-8}) == op + "Invalid epsilon value: -1e-08; expected eps >= 0");
  CHECK(refused({.betas = {1.0, 0.5}}) ==
        op + "Invalid beta parameter at index 0: 1; expected 0 <= beta < 1");
  CHECK(refused({.betas = {-0.1, 0.5}}) ==
        op + "Invalid beta parameter at index 0: -0.1; expected 0 <= beta < 1");
  CHECK(refused({.betas = {0.5, 1.5}}) ==
        op + "Invalid beta parameter at index 1: 1.5; expected 0 <= beta < 1");
  CHECK(refused({.betas = {0.5, std::nan("")}}) ==
        op + "Invalid beta parameter at index 1: nan; expected 0 <= beta < 1");
  CHECK(refused({.weight_decay = -1}) ==
        op + "Invalid weight_decay value: -1; expected weight_decay >= 0");
  CHECK(error_of([] {
          TestType({start(0, 2)}, {.lr = 0, .betas = {0, 0}, .eps = 0, .weight_decay = 0});
        }) == "no error");
}

TEMPLATE_TEST_CASE("Adam refuses parameters it cannot optimise, and adds nothing then", "", Adam,
                   AdamW) {
  Tensor p = start(0, 2), q = start(0, 3);
  TestType optimizer({p});
  const std::string op = "[" + optimizer.state_dict().type + "] ";
  CHECK(has(error_of([] { TestType(std::vector<Tensor>{}); }),
            op + "optimizer got an empty parameter list"));
  CHECK(has(error_of([] { TestType(std::vector<AdamParamGroup>{}); }),
            op + "optimizer got an empty parameter list"));
  CHECK(has(error_of([&] { TestType({p * 2.0}); }), op + "can't optimize a non-leaf Tensor"));
  CHECK(has(error_of([&] {
              optimizer.add_param_group({.params = {q, p}});
            }),
            op + "some parameters appear in more than one parameter group"));
  CHECK(has(error_of([&] {
              optimizer.add_param_group({.params = {q}, .betas = {{0.5, 2}}});
            }),
            op + "Invalid beta parameter at index 1: 2"));
  CHECK(optimizer.group_count() == 1);
  CHECK(has(error_of([&] { optimizer.options(1); }),
            op + "expected a parameter group in [0, 1), got 1"));
  CHECK(has(error_of([&] { optimizer.set_lr(-1, 1.0); }), op + "expected a parameter group"));
  p.set_grad(zeros({2}, {.dtype = kFloat64}));
  impl_of(p)->grad = zeros({3}, {.dtype = kFloat64});
  CHECK(has(error_of([&] { optimizer.step(); }), op + "expected a gradient of shape [2]"));
  CHECK(optimizer.state_dict().tensors.empty());
}

TEMPLATE_TEST_CASE("Adam's parameter groups: options, defaults and rates", "", Adam, AdamW) {
  Tensor p = start(0, 2), q = start(0, 3), r = start(0, 4);
  TestType optimizer({{.params = {p}}, {.params = {q}, .lr = 0.5, .betas = {{0.5, 0.75}}}},
                     {.lr = 0.1, .eps = 0.25, .weight_decay = 0.5});
  optimizer.add_param_group(
      {.params = {r}, .eps = 1e-3, .weight_decay = 0.0, .amsgrad = true, .maximize = true});
  REQUIRE(optimizer.group_count() == 3);
  CHECK(optimizer.lr() == 0.1);
  CHECK(optimizer.options(0).betas == std::array<double, 2>{0.9, 0.999});
  CHECK(optimizer.lr(1) == 0.5);
  CHECK(optimizer.options(1).betas == std::array<double, 2>{0.5, 0.75});
  CHECK(optimizer.options(1).eps == 0.25);
  CHECK(optimizer.options(1).weight_decay == 0.5);
  CHECK(optimizer.options(2).eps == 1e-3);
  CHECK(optimizer.options(2).weight_decay == 0.0);
  CHECK(optimizer.options(2).amsgrad);
  CHECK(optimizer.options(2).maximize);
  CHECK(!optimizer.options(1).amsgrad);
  optimizer.set_lr(0.25);
  optimizer.set_lr(2, 0.125);
  CHECK(optimizer.lr(1) == 0.25);
  CHECK(optimizer.lr(2) == 0.125);
  for (Tensor* each : {&p, &q, &r}) each->set_grad(ones_like(each->detach()));
  optimizer.step();
  CHECK(optimizer.state_dict().tensors.size() == 10);  // the maximum only in the third group
}

TEST_CASE("split_weight_decay makes groups for every optimiser") {
  nn::Sequential net(nn::Conv2d(1, 2, 3), nn::BatchNorm2d(2), nn::Flatten(), nn::Linear(8, 3));
  AdamW optimizer(optim::split_weight_decay(net, 0.25), {.lr = 0.5, .weight_decay = 1.0});
  REQUIRE(optimizer.group_count() == 2);
  CHECK(optimizer.options(0).weight_decay == 0.25);
  CHECK(optimizer.options(1).weight_decay == 0.0);
  for (Tensor& p : net.parameters()) p.set_grad(zeros_like(p.detach()));
  const Tensor weight = net.parameters()[0].detach().clone();
  optimizer.step();
  CHECK(equal(net.parameters()[0].detach(), weight * 0.875));
  CHECK(equal(net.parameters()[2].detach(), ones({2})));  // gamma
  std::vector<AdamParamGroup> groups = optim::split_weight_decay(net, 0.25);
  groups[1].lr = 0.125;
  CHECK(Adam(groups, {.lr = 0.5}).lr(1) == 0.125);
}

TEMPLATE_TEST_CASE("Adam's state moves to another optimiser, which goes on with the same numbers",
                   "", Adam, AdamW) {
  const auto make = [](const Tensor& a, const Tensor& b) {
    return std::make_unique<TestType>(
        std::vector<AdamParamGroup>{{.params = {a}}, {.params = {b}, .lr = 0.3, .amsgrad = true}},
        OptionsOf<TestType>{.lr = 0.1, .betas = {0.8, 0.9}, .weight_decay = 0.1});
  };
  Tensor a = start(0, 5), b = start(1, 3);
  auto first = make(a, b);
  const auto advance = [](TestType& optimizer, Tensor& x, Tensor& y, int from, int to) {
    for (int step = from; step < to; ++step) {
      x.set_grad(gradient(step, 0, 5));
      y.set_grad(gradient(step, 1, 3));
      optimizer.step();
    }
  };
  advance(*first, a, b, 0, 4);
  auto options = first->options(1);
  options.betas = {0.5, 0.75};
  options.lr = 0.7;
  first->set_options(1, options);

  Tensor c = a.detach().clone().requires_grad_(), d = b.detach().clone().requires_grad_();
  auto second = make(c, d);
  second->load_state_dict(first->state_dict());
  CHECK(second->lr(1) == 0.7);
  CHECK(second->options(1).betas == options.betas);
  advance(*first, a, b, 4, 9);  // the copy must not follow
  advance(*second, c, d, 4, 9);
  CHECK(equal(a.detach(), c.detach()));
  CHECK(equal(b.detach(), d.detach()));
}

TEST_CASE("Adam refuses a state that does not fit, and keeps its own") {
  Tensor a = start(0, 5), b = start(1, 3);
  Adam optimizer({a, b}, {.lr = 0.1});
  a.set_grad(gradient(0, 0, 5));
  optimizer.step();
  b.set_grad(gradient(0, 1, 3));
  optimizer.step();
  const auto good = optimizer.state_dict();
  const auto refused = [&](const optim::OptimizerState& state) {
    const std::string message = error_of([&] { optimizer.load_state_dict(state); });
    CHECK(optimizer.lr() == 0.1);
    CHECK(count_of(optimizer, 0) == 2);
    CHECK(error_of([&] { optimizer.check_state_dict(state); }) == message);
    return message;
  };
  auto state = good;
  state.groups[0]["lr"] = 0.9;  // never taken over from a bad state
  const auto base = state;
  const std::string op = "[Adam::load_state_dict] ";
  optim::SGD sgd({a, b}, {.lr = 0.1, .momentum = 0.9});
  sgd.step();
  CHECK(refused(sgd.state_dict()) ==
        op + "expected the state of an optimizer Adam, got one of \"SGD\"");
  CHECK(error_of([&] {
          AdamW({a, b}).load_state_dict(good);
        }) ==
        "[AdamW::load_state_dict] expected the state of an optimizer AdamW, got one of \"Adam\"");
  state.groups[0].erase("betas.1");
  CHECK(refused(state) == op + "expected the option \"betas.1\" in every group");
  state = base;
  state.groups[0]["momentum"] = 0.9;
  CHECK(refused(state) == op + "expected options of Adam, got \"momentum\"");
  state = base;
  state.groups[0]["betas.0"] = 1;
  CHECK(has(refused(state), "Invalid beta parameter at index 0: 1"));
  state = base;
  state.groups[0]["amsgrad"] = 0.5;
  CHECK(refused(state) == op + "expected amsgrad 0 or 1, got 0.5");
  state = base;
  state.tensors = {{"state.0.exp_avg_sq", zeros({4})},     {"state.0.step", full({}, 0.5)},
                   {"state.1.step", zeros({1})},           {"state.1.exp_avg_sq", zeros({3})},
                   {"state.1.exp_avg", zeros({3})},        {"state.1.exp_avg", zeros({3})},
                   {"state.1.momentum_buffer", zeros({3})}};
  CHECK(refused(state) ==
        op + "Error(s) in loading state_dict for Adam:"
             "\n\tsize mismatch for state.0.exp_avg_sq: copying a tensor with shape [4] from "
             "checkpoint, the shape of the parameter is [5]."
             "\n\texpected a whole number >= 0 for state.0.step, got 0.5."
             "\n\tsize mismatch for state.1.step: copying a tensor with shape [1] from "
             "checkpoint, expected one number."
             "\n\tUnexpected key(s) in state: \"state.1.momentum_buffer\"."
             "\n\tRepeated key(s) in state: \"state.1.exp_avg\"."
             "\n\tMissing key in state: \"state.0.exp_avg\".");
  for (double count : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    state.tensors = base.tensors;
    state.tensors[0].second = full({}, count);
    CHECK(has(refused(state), "expected a whole number >= 0 for state.0.step, got "));
  }
  state.tensors = {{"state.1.max_exp_avg_sq", zeros({3})}};
  const std::string message = refused(state);
  for (const char* name : {"step", "exp_avg", "exp_avg_sq"})
    CHECK(has(message, std::string("Missing key in state: \"state.1.") + name + "\"."));
  CHECK(!has(message, "state.0"));
}
