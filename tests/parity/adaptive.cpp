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

Tensors lbfgs(const Tensors& x, const Json& o) {
  const auto exact = [&](std::size_t i) { return x[i].detach().to(norma::kFloat64).clone(); };
  const Tensor a = exact(0), y = exact(1), w = exact(2).requires_grad_(),
               b = exact(3).requires_grad_();
  const Json& search = o.at("line_search_fn");
  const bool maximize = o.value("maximize", false);
  optim::LBFGS optimizer(
      {w, b},
      {.lr = number(o, "lr"),
       .max_iter = o.at("max_iter").get<int64_t>(),
       .max_eval =
           o.contains("max_eval") ? std::optional(o["max_eval"].get<int64_t>()) : std::nullopt,
       .tolerance_grad = number(o, "tolerance_grad"),
       .tolerance_change = number(o, "tolerance_change"),
       .history_size = o.at("history_size").get<int64_t>(),
       .line_search_fn = search.is_null() ? std::nullopt : std::optional(search.get<std::string>()),
       .maximize = maximize});
  Tensors history;
  for (int step = 0; step < 3; ++step) {
    const Tensor loss = optimizer.step([&] {
      optimizer.zero_grad();
      const Tensor error = (matmul(a, w) + b - y).square().mean();
      Tensor value = error + w.square().square().sum() * number(o, "quartic");
      if (maximize) value = value.neg();
      value.backward();
      return value;
    });
    for (const Tensor& part : {loss, w, b}) history.push_back(part.detach().reshape({-1}).clone());
  }
  return {norma::cat(history).to(x[0].dtype())};
}

const Family family("adaptive", {{"RMSprop", optimise<optim::RMSprop, rmsprop_group>},
                                 {"Adagrad", optimise<optim::Adagrad, adagrad_group>},
                                 {"Adadelta", optimise<optim::Adadelta, adadelta_group>},
                                 {"Adamax", optimise<optim::Adamax, adamax_group>},
                                 {"NAdam", optimise<optim::NAdam, nadam_group>},
                                 {"RAdam", optimise<optim::RAdam, radam_group>},
                                 {"LBFGS", lbfgs},
                                 {"Rprop", optimise<optim::Rprop, rprop_group>}});

}  // namespace
}  // namespace parity
