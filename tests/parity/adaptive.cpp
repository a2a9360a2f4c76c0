// RMSprop, Adagrad and their kin: families/adaptive.py.
#include "norma/tests/parity/optimisers.h"

namespace parity {
namespace {

optim::RMSpropParamGroup rmsprop_group(const Json& o, Tensors params) {
  return {.params = std::move(params),
          .lr = number(o, "lr"),
          .alpha = number(o, "alpha"),
          .eps = number(o, "eps"),
          .weight_decay = number(o, "weight_decay"),
          .momentum = number(o, "momentum"),
          .centered = o.at("centered").get<bool>(),
          .maximize = o.at("maximize").get<bool>()};
}

optim::AdagradParamGroup adagrad_group(const Json& o, Tensors params) {
  return {.params = std::move(params),
          .lr = number(o, "lr"),
          .lr_decay = number(o, "lr_decay"),
          .weight_decay = number(o, "weight_decay"),
          .eps = number(o, "eps"),
          .maximize = o.at("maximize").get<bool>()};
}

optim::AdadeltaParamGroup adadelta_group(const Json& o, Tensors params) {
  return {.params = std::move(params),
          .lr = number(o, "lr"),
          .rho = number(o, "rho"),
          .eps = number(o, "eps"),
          .weight_decay = number(o, "weight_decay"),
          .maximize = o.at("maximize").get<bool>()};
}

optim::AdamaxParamGroup adamax_group(const Json& o, Tensors params) {
  return {.params = std::move(params),
          .lr = number(o, "lr"),
          .betas = o.at("betas").get<std::array<double, 2>>(),
          .eps = number(o, "eps"),
          .weight_decay = number(o, "weight_decay"),
          .maximize = o.at("maximize").get<bool>()};
}

optim::NAdamParamGroup nadam_group(const Json& o, Tensors params) {
  return {.params = std::move(params),
          .lr = number(o, "lr"),
          .betas = o.at("betas").get<std::array<double, 2>>(),
          .eps = number(o, "eps"),
          .weight_decay = number(o, "weight_decay"),
          .momentum_decay = number(o, "momentum_decay"),
          .decoupled_weight_decay = o.at("decoupled_weight_decay").get<bool>(),
          .maximize = o.at("maximize").get<bool>()};
}

optim::RAdamParamGroup radam_group(const Json& o, Tensors params) {
  return {.params = std::move(params),
          .lr = number(o, "lr"),
          .betas = o.at("betas").get<std::array<double, 2>>(),
          .eps = number(o, "eps"),
          .weight_decay = number(o, "weight_decay"),
          .decoupled_weight_decay = o.at("decoupled_weight_decay").get<bool>(),
          .maximize = o.at("maximize").get<bool>()};
}

optim::RpropParamGroup rprop_group(const Json& o, Tensors params) {
  return {.params = std::move(params),
          .lr = number(o, "lr"),
          .etas = o.at("etas").get<std::array<double, 2>>(),
          .step_sizes = o.at("step_sizes").get<std::array<double, 2>>(),
          .maximize = o.at("maximize").get<bool>()};
}

const Family family("adaptive", {{"RMSprop", optimise<optim::RMSprop, rmsprop_group>},
                                 {"Adagrad", optimise<optim::Adagrad, adagrad_group>},
                                 {"Adadelta", optimise<optim::Adadelta, adadelta_group>},
                                 {"Adamax", optimise<optim::Adamax, adamax_group>},
                                 {"NAdam", optimise<optim::NAdam, nadam_group>},
                                 {"RAdam", optimise<optim::RAdam, radam_group>},
                                 {"Rprop", optimise<optim::Rprop, rprop_group>}});

}  // namespace
}  // namespace parity
