// Adaptive optimisers, LBFGS, cycles of rates, averaged models.
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

const std::vector<Row> kTable = {
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
