// Optimisers, schedules, gradients and modes.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

#include <functional>

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;

namespace {

Tensor leaf(Hostile& h) { return h.tensor({3}); }

/// Steps with gradients of any kind.
void train(Hostile& h, optim::Optimizer& optimizer, Tensor w) {
  for (int i = 0; i < 3; ++i) {
    optimizer.zero_grad(h.flag());
    if (w.defined() && w.requires_grad()) w.set_grad(h.tensor({3}).detach());
    optimizer.step();
    optimizer.load_state_dict(optimizer.state_dict());
  }
}

template <class Optimizer>
void adam(Hostile& h) {
  Tensor w = leaf(h);
  Optimizer o({w}, {.lr = h.real(0.1),
                    .betas = {h.real(0.9), h.real(0.99)},
                    .eps = h.real(1e-8),
                    .weight_decay = h.real(0),
                    .amsgrad = h.flag(),
                    .maximize = h.flag()});
  train(h, o, w);
}

void steps(Hostile& h, optim::LRScheduler& scheduler) {
  for (int i = 0; i < 6; ++i) scheduler.step();
  auto state = scheduler.state_dict();
  for (auto& entry : state.values) entry.second = h.real(entry.second);
  scheduler.load_state_dict(state);
  for (int i = 0; i < 6; ++i) scheduler.step();
  static_cast<void>(scheduler.get_last_lr());
}

const std::vector<Row> kTable = {
    {"optim::SGD::*",
     [](Hostile& h) {
       Tensor w = leaf(h);
       optim::SGD o({w}, {.lr = h.real(0.1),
                          .momentum = h.real(0.9),
                          .dampening = h.real(0),
                          .weight_decay = h.real(0),
                          .nesterov = h.flag(),
                          .maximize = h.flag()});
       train(h, o, w);
     }},
    {"optim::Adam::*", [](Hostile& h) { adam<optim::Adam>(h); }},
    {"optim::AdamW::*", [](Hostile& h) { adam<optim::AdamW>(h); }},
    {"optim::GroupedOptimizer::*",
     [](Hostile& h) {
       Tensor w = ones({3}, {.requires_grad = true});
       optim::SGD o({w});
       o.add_param_group({.params = h.tensors({2}), .lr = h.real(1), .momentum = h.real(0)});
       o.set_lr(h.whole(0), h.real(1));
       static_cast<void>(o.lr(h.whole(1)));
       static_cast<void>(o.options(h.whole(0)));
       o.set_options(h.whole(0), {.lr = h.real(0.1)});
       train(h, o, w);
     }},
    {"optim::SGD::SGD",
     [](Hostile& h) {
       optim::SGD o(h.tensors({2}), {.lr = h.real(1)});
       o.step();
     }},
    {"optim::SGD::SGD",
     [](Hostile& h) {
       optim::SGD o(std::vector<optim::SGDParamGroup>{{.params = h.tensors({2})},
                                                      {.params = h.tensors({3}), .lr = h.real(1)}});
       o.step();
     }},
    {"optim::Adam::Adam",
     [](Hostile& h) {
       optim::Adam o(std::vector<optim::AdamParamGroup>{{.params = h.tensors({2})},
                                                        {.params = {}, .lr = h.real(1)}});
       o.step();
     }},
    {"optim::Optimizer::*",
     [](Hostile& h) {
       Tensor w = ones({3}, {.requires_grad = true});
       optim::SGD o({w}, {.momentum = 0.9});
       static_cast<void>(o.parameters(h.whole(0)));
       static_cast<void>(o.initial_lr(h.whole(0)));
       o.set_lr(h.real(1));
       train(h, o, w);
       optim::OptimizerState s = o.state_dict();
       s.type = h.word(s.type);
       s.tensors.emplace_back(h.word("state.0.momentum_buffer"), h.tensor({3}));
       s.groups.push_back({{h.word("lr"), h.real(1)}});
       s.group_sizes.push_back(h.whole(1));
       o.load_state_dict(s);
     }},
    {"optim::OptimizerState::*",
     [](Hostile& h) {
       optim::OptimizerState state;
       state.tensors = {{h.word("state.0.momentum_buffer"), h.tensor({3})}};
       static_cast<void>(state.clone());
     }},
    {"optim::split_weight_decay",
     [](Hostile& h) {
       nn::Sequential net{nn::Linear(2, 2)};
       auto split = optim::split_weight_decay(net, h.real(0.1));
       optim::AdamW o(split, {.lr = h.real(0.1)});
       o.step();
     }},
    {"optim::StepLR::*",
     [](Hostile& h) {
       Tensor w = ones({3}, {.requires_grad = true});
       optim::SGD o({w}, {.lr = 0.1});
       optim::StepLR s(o, h.whole(2), h.real(0.1));
       steps(h, s);
     }},
    {"optim::MultiStepLR::*",
     [](Hostile& h) {
       Tensor w = ones({3}, {.requires_grad = true});
       optim::SGD o({w}, {.lr = 0.1});
       optim::MultiStepLR s(o, {h.whole(1), h.whole(3)}, h.real(0.1));
       steps(h, s);
     }},
    {"optim::ExponentialLR::*",
     [](Hostile& h) {
       Tensor w = ones({3}, {.requires_grad = true});
       optim::SGD o({w}, {.lr = 0.1});
       optim::ExponentialLR s(o, h.real(0.9));
       steps(h, s);
     }},
    {"optim::CosineAnnealingLR::*",
     [](Hostile& h) {
       Tensor w = ones({3}, {.requires_grad = true});
       optim::SGD o({w}, {.lr = 0.1});
       optim::CosineAnnealingLR s(o, h.whole(4), h.real(0));
       steps(h, s);
     }},
    {"optim::LinearLR::*",
     [](Hostile& h) {
       Tensor w = ones({3}, {.requires_grad = true});
       optim::SGD o({w}, {.lr = 0.1});
       optim::LinearLR s(
           o, {.start_factor = h.real(0.3), .end_factor = h.real(1), .total_iters = h.whole(5)});
       steps(h, s);
     }},
    {"optim::ConstantLR::*",
     [](Hostile& h) {
       Tensor w = ones({3}, {.requires_grad = true});
       optim::SGD o({w}, {.lr = 0.1});
       optim::ConstantLR s(o, {.factor = h.real(0.3), .total_iters = h.whole(5)});
       steps(h, s);
     }},
    {"optim::PolynomialLR::*",
     [](Hostile& h) {
       Tensor w = ones({3}, {.requires_grad = true});
       optim::SGD o({w}, {.lr = 0.1});
       optim::PolynomialLR s(o, {.total_iters = h.whole(5), .power = h.real(1)});
       steps(h, s);
     }},
    {"optim::LambdaLR::*",
     [](Hostile& h) {
       Tensor w = ones({3}, {.requires_grad = true});
       optim::SGD o({w}, {.lr = 0.1});
       optim::LambdaLR s(
           o, h.flag() ? std::function<double(int64_t)>() : [&](int64_t) { return h.real(1); });
       steps(h, s);
     }},
    {"optim::ReduceLROnPlateau::*",
     [](Hostile& h) {
       Tensor w = ones({3}, {.requires_grad = true});
       optim::SGD o({w}, {.lr = 0.1});
       optim::ReduceLROnPlateau s(o, {.mode = h.word("min"),
                                      .factor = h.real(0.1),
                                      .patience = h.whole(1),
                                      .threshold = h.real(0.1),
                                      .threshold_mode = h.word("rel"),
                                      .cooldown = h.whole(1),
                                      .min_lr = {h.real(0)},
                                      .eps = h.real(0)});
       for (int i = 0; i < 4; ++i) s.step(h.real(1));
       steps(h, s);
     }},
    {"optim::LRScheduler::*",
     [](Hostile& h) {
       Tensor w = ones({3}, {.requires_grad = true});
       optim::SGD o({w}, {.lr = 0.1});
       optim::StepLR s(o, 2);
       auto state = s.state_dict();
       state.values[h.word("gamma")] = h.real(1);
       state.type = h.word(state.type);
       s.check_state_dict(state);
       s.load_state_dict(state);
       steps(h, s);
     }},
    {"optim::clip_grad_norm_",
     [](Hostile& h) {
       std::vector<Tensor> p = h.tensors({3});
       for (Tensor& x : p)
         if (x.defined() && x.requires_grad() && x.is_leaf()) x.set_grad(h.tensor({3}).detach());
       static_cast<void>(optim::clip_grad_norm_(p, h.real(1), h.real(2), h.flag()));
     }},
    {"optim::clip_grad_value_",
     [](Hostile& h) {
       std::vector<Tensor> p = h.tensors({3});
       for (Tensor& x : p)
         if (x.defined() && x.requires_grad() && x.is_leaf()) x.set_grad(h.tensor({3}).detach());
       optim::clip_grad_value_(p, h.real(1));
     }},
    {"gradcheck",
     [](Hostile& h) {
       static_cast<void>(gradcheck(
           [&](const std::vector<Tensor>& in) {
             return h.flag() ? h.tensor({2}) : in.at(0).mul(2);
           },
           {h.tensor({2}, kFloat64)},
           {.eps = h.real(1e-6), .atol = h.real(1e-5), .rtol = h.real(1e-3)}));
     }},
    {"gradcheck",
     [](Hostile& h) {
       static_cast<void>(gradcheck(h.flag() ? std::function<Tensor(const std::vector<Tensor>&)>()
                                            : [](const std::vector<Tensor>&) { return Tensor(); },
                                   {h.tensor({2}, kFloat64)}));
     }},
    {"gradgradcheck",
     [](Hostile& h) {
       static_cast<void>(gradgradcheck(
           [&](const std::vector<Tensor>& in) {
             return h.flag() ? h.tensor({2}) : in.at(0).mul(in.at(0));
           },
           {h.tensor({2}, kFloat64)},
           {.eps = h.real(1e-6), .atol = h.real(1e-5), .rtol = h.real(1e-3)}));
     }},
    {"autograd::grad",
     [](Hostile& h) {
       const std::vector<Tensor> in = h.tensors({3}), out = h.tensors({3});
       static_cast<void>(autograd::grad(out, in, h.tensors({3}), h.flag(), h.flag(), h.flag()));
       static_cast<void>(autograd::grad({in.at(0).mul(in.at(0)).sum()}, in));
     }},
    {"set_grad_enabled",
     [](Hostile& h) {
       const autograd::GradModeGuard restored(true);
       set_grad_enabled(h.flag());
     }},
    {"autograd::GradModeGuard::*",
     [](Hostile& h) { const autograd::GradModeGuard guard(h.flag()); }},
    {"NoGradGuard::*",
     [](Hostile& h) {
       const NoGradGuard guard;
       use(h.tensor({2}).mul(2));
     }},
    {"autograd::EnableGradGuard::*",
     [](Hostile& h) {
       const NoGradGuard guard;
       const autograd::EnableGradGuard on;
       use(h.tensor({2}).mul(2));
     }},
    {"*_anomaly*",
     [](Hostile& h) {
       set_detect_anomaly(true, {.check_nan = h.flag(), .check_inf = h.flag()});
       use(h.tensor({2, 2}).log().mul(h.tensor({2, 2})));
     }},
    {"DetectAnomalyGuard::*",
     [](Hostile& h) {
       const DetectAnomalyGuard guard;
       nn::Sequential net{nn::Linear(2, 2), nn::ReLU()};
       use(net(h.tensor({2, 2})));
     }},
    {"autograd::record",
     [](Hostile& h) {
       const Tensor x = h.tensor({2, 3});
       use(autograd::record(
           "own", h.tensor({2, 3}).detach().mul(1), {&x},
           [g = h.tensor({2, 3})](const Tensor&, autograd::InputGrads& d) { d[0] = g; }));
     }},
};

}  // namespace

TEST_CASE("what trains takes absurd arguments") { CHECK(surface::complaints(kTable) == ""); }
