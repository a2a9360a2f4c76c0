// Adaptive optimisers, schedules in cycles and of others, averaged models, special initialisers.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

#include <functional>

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;

namespace {

/// Steps with gradients of any kind, in one group and in two.
template <class Optimizer, class Group, class Options>
void train(Hostile& h, const Options& options) {
  Tensor w = h.tensor({3}), v = ones({2}, {.requires_grad = true});
  Optimizer one({w}, options);
  Optimizer two(std::vector<Group>{{.params = {v}}, {.params = h.tensors({3}), .lr = h.real(0.1)}},
                options);
  v.set_grad(ones({2}));
  two.step();
  for (int i = 0; i < 3; ++i) {
    if (w.defined() && w.requires_grad()) w.set_grad(h.tensor({3}).detach());
    static_cast<void>(one.step([&] { return h.tensor({}); }));
    one.load_state_dict(one.state_dict());
  }
}

void steps(Hostile& h, optim::LRScheduler& scheduler) {
  for (int i = 0; i < 6; ++i) scheduler.step();
  auto state = scheduler.state_dict();
  for (auto& entry : state.values) entry.second = h.real(entry.second);
  scheduler.load_state_dict(state);
  for (int i = 0; i < 6; ++i) scheduler.step();
}

optim::PerGroup per_group(Hostile& h, double sane) {
  if (h.flag()) return h.real(sane);
  return {h.real(sane), h.real(sane)};
}

optim::SGD two_groups() {
  return optim::SGD({{.params = {ones({1}, {.requires_grad = true})}},
                     {.params = {ones({2}, {.requires_grad = true})}}});
}

const std::vector<Row> kTable = {
    {"optim::PerGroup::*",
     [](Hostile& h) {
       static_cast<void>(optim::PerGroup(std::vector<double>{h.real(1)}).values.size());
       static_cast<void>(per_group(h, 1).values.size());
     }},
    {"optim::OneCycleLR::*",
     [](Hostile& h) {
       optim::SGD o = two_groups();
       optim::OneCycleLR s(o, per_group(h, 1),
                           {.total_steps = h.flag() ? std::optional(h.whole(20)) : std::nullopt,
                            .epochs = h.whole(3),
                            .steps_per_epoch = h.whole(10),
                            .pct_start = h.real(0.3),
                            .anneal_strategy = h.word("cos"),
                            .cycle_momentum = h.flag(),
                            .base_momentum = per_group(h, 0.8),
                            .max_momentum = per_group(h, 0.9),
                            .div_factor = h.real(25),
                            .final_div_factor = h.real(1e4),
                            .three_phase = h.flag()});
       steps(h, s);
     }},
    {"optim::CyclicLR::*",
     [](Hostile& h) {
       optim::SGD o = two_groups();
       std::function<double(double)> scale;
       if (h.flag()) scale = [&](double x) { return h.real(x); };
       optim::CyclicLR s(o, per_group(h, 0.1), per_group(h, 1),
                         {.step_size_up = h.whole(5),
                          .step_size_down = h.whole(5),
                          .mode = h.word("triangular2"),
                          .gamma = h.real(0.9),
                          .scale_fn = scale,
                          .scale_mode = h.word("cycle"),
                          .cycle_momentum = h.flag(),
                          .base_momentum = per_group(h, 0.8),
                          .max_momentum = per_group(h, 0.9)});
       steps(h, s);
     }},
    {"optim::CosineAnnealingWarmRestarts::*",
     [](Hostile& h) {
       optim::SGD o = two_groups();
       optim::CosineAnnealingWarmRestarts s(o, h.whole(3), h.whole(2), h.real(0.01));
       s.step(h.real(2.5));
       steps(h, s);
     }},
    {"optim::MultiplicativeLR::*",
     [](Hostile& h) {
       optim::SGD o = two_groups();
       optim::MultiplicativeLR s(
           o, h.flag() ? std::function<double(int64_t)>() : [&](int64_t) { return h.real(0.9); });
       steps(h, s);
     }},
    {"optim::SWALR::*",
     [](Hostile& h) {
       optim::SGD o = two_groups();
       optim::SWALR s(o, per_group(h, 0.1),
                      {.anneal_epochs = h.whole(5), .anneal_strategy = h.word("linear")});
       steps(h, s);
     }},
    {"optim::SequentialLR::*",
     [](Hostile& h) {
       optim::SGD o = two_groups(), other = two_groups();
       optim::StepLR a(o, 2), b(h.flag() ? o : other, 3);
       optim::SequentialLR s(o, {&a, h.flag() ? &b : nullptr}, {h.whole(3)});
       steps(h, s);
     }},
    {"optim::ChainedScheduler::*",
     [](Hostile& h) {
       optim::SGD o = two_groups(), other = two_groups();
       optim::StepLR a(o, 2), b(h.flag() ? o : other, 3);
       optim::ChainedScheduler s({&a, h.flag() ? &b : nullptr});
       steps(h, s);
     }},
    {"optim::get_*_multi_avg_fn",
     [](Hostile& h) {
       const auto average =
           h.flag() ? optim::get_ema_multi_avg_fn(h.real(0.9)) : optim::get_swa_multi_avg_fn();
       average({ones({2})}, {h.tensor({2}).detach()}, h.whole(1));
     }},
    {"optim::AveragedModel::*",
     [](Hostile& h) {
       nn::Sequential net(nn::Linear(2, 2), nn::BatchNorm1d(2));
       optim::AveragedModelOptions options{.use_buffers = h.flag()};
       if (h.flag())
         options.avg_fn = [&](const Tensor&, const Tensor&, int64_t) {
           return h.tensor({2, 2}).detach();
         };
       optim::AveragedModel averaged(net, options);
       averaged.update_parameters(net);
       averaged.update_parameters(net);
       use(averaged(h.tensor({3, 2})));
       optim::AveragedModel beside(net, h.flag() ? nullptr : net.clone_module());
       averaged.clone().update_parameters(nn::Linear(2, 2));
     }},
    {"optim::update_bn",
     [](Hostile& h) {
       nn::Sequential net(nn::Linear(2, 2), nn::BatchNorm1d(2));
       optim::update_bn(std::vector<Tensor>{h.tensor({3, 2}), h.tensor({3, 2})}, net);
     }},
    {"nn::init::trunc_normal_",
     [](Hostile& h) {
       use(nn::init::trunc_normal_(h.tensor({3}), h.real(0), h.real(1), h.real(-2), h.real(2)));
     }},
    {"nn::init::eye_",
     [](Hostile& h) {
       use(nn::init::eye_(h.tensor({3, 2})));
     }},
    {"nn::init::dirac_",
     [](Hostile& h) {
       use(nn::init::dirac_(h.tensor({2, 2, 3}), h.whole(1)));
     }},
    {"nn::init::sparse_",
     [](Hostile& h) {
       use(nn::init::sparse_(h.tensor({3, 2}), h.real(0.5), h.real(1)));
     }},
    {"nn::init::orthogonal_",
     [](Hostile& h) {
       use(nn::init::orthogonal_(h.tensor({3, 2}), h.real(1)));
     }},
    {"nn::utils::parameters_to_vector",
     [](Hostile& h) { use(nn::utils::parameters_to_vector(h.tensors({2}))); }},
    {"nn::utils::vector_to_parameters",
     [](Hostile& h) { nn::utils::vector_to_parameters(h.tensor({4}), h.tensors({2})); }},
    {"optim::one_group",
     [](Hostile& h) { static_cast<void>(optim::one_group<optim::SGDParamGroup>(h.tensors({2}))); }},
    {"optim::RMSprop::*",
     [](Hostile& h) {
       train<optim::RMSprop, optim::RMSpropParamGroup>(
           h, optim::RMSpropOptions{.lr = h.real(0.1),
                                    .alpha = h.real(0.9),
                                    .eps = h.real(1e-8),
                                    .weight_decay = h.real(0),
                                    .momentum = h.real(0.9),
                                    .centered = h.flag(),
                                    .maximize = h.flag()});
     }},
    {"optim::Adagrad::*",
     [](Hostile& h) {
       train<optim::Adagrad, optim::AdagradParamGroup>(
           h, optim::AdagradOptions{.lr = h.real(0.1),
                                    .lr_decay = h.real(0),
                                    .weight_decay = h.real(0),
                                    .initial_accumulator_value = h.real(0),
                                    .eps = h.real(1e-8),
                                    .maximize = h.flag()});
     }},
    {"optim::Adadelta::*",
     [](Hostile& h) {
       train<optim::Adadelta, optim::AdadeltaParamGroup>(
           h, optim::AdadeltaOptions{.lr = h.real(0.1),
                                     .rho = h.real(0.9),
                                     .eps = h.real(1e-8),
                                     .weight_decay = h.real(0),
                                     .maximize = h.flag()});
     }},
    {"optim::Adamax::*",
     [](Hostile& h) {
       train<optim::Adamax, optim::AdamaxParamGroup>(
           h, optim::AdamaxOptions{.lr = h.real(0.1),
                                   .betas = {h.real(0.9), h.real(0.99)},
                                   .eps = h.real(1e-8),
                                   .weight_decay = h.real(0),
                                   .maximize = h.flag()});
     }},
    {"optim::NAdam::*",
     [](Hostile& h) {
       train<optim::NAdam, optim::NAdamParamGroup>(
           h, optim::NAdamOptions{.lr = h.real(0.1),
                                  .betas = {h.real(0.9), h.real(0.99)},
                                  .eps = h.real(1e-8),
                                  .weight_decay = h.real(0),
                                  .momentum_decay = h.real(4e-3),
                                  .decoupled_weight_decay = h.flag(),
                                  .maximize = h.flag()});
     }},
    {"optim::RAdam::*",
     [](Hostile& h) {
       train<optim::RAdam, optim::RAdamParamGroup>(
           h, optim::RAdamOptions{.lr = h.real(0.1),
                                  .betas = {h.real(0.9), h.real(0.99)},
                                  .eps = h.real(1e-8),
                                  .weight_decay = h.real(0),
                                  .decoupled_weight_decay = h.flag(),
                                  .maximize = h.flag()});
     }},
    {"optim::LBFGS::*",
     [](Hostile& h) {
       Tensor w = ones({2}, {.requires_grad = true});
       optim::LBFGSOptions options{.lr = h.real(1),
                                   .max_iter = h.whole(3),
                                   .max_eval = h.whole(5),
                                   .tolerance_grad = h.real(1e-7),
                                   .tolerance_change = h.real(1e-9),
                                   .history_size = h.whole(2),
                                   .maximize = h.flag()};
       if (h.flag()) options.line_search_fn = h.word("strong_wolfe");
       optim::LBFGS o(h.flag() ? h.tensors({2}) : std::vector<Tensor>{w}, options);
       int64_t calls = 0;
       static_cast<void>(o.step([&] {
         if (++calls > 100) fail("test", "expected fewer evaluations");
         w.set_grad(h.tensor({2}).detach());
         return h.tensor({});
       }));
       o.set_lr(h.whole(0), h.real(1));
       options.history_size = h.whole(2);
       o.set_options(options);
       static_cast<void>(o.lr(h.whole(0)));
       static_cast<void>(o.options().lr);
       o.load_state_dict(o.state_dict());
     }},
    {"optim::Rprop::*",
     [](Hostile& h) {
       train<optim::Rprop, optim::RpropParamGroup>(
           h, optim::RpropOptions{.lr = h.real(0.1),
                                  .etas = {h.real(0.5), h.real(1.2)},
                                  .step_sizes = {h.real(1e-6), h.real(50)},
                                  .maximize = h.flag()});
     }},
};

}  // namespace

TEST_CASE("what trains in other ways takes absurd arguments") {
  CHECK(surface::complaints(kTable) == "");
}
