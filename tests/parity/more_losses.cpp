// Losses of elements, of distances, and with margins; similarities: families/more_losses.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace F = norma::functional;

double number(const Json& options, const char* name) { return options.at(name).get<double>(); }
bool flag(const Json& options, const char* name) { return options.at(name).get<bool>(); }
Tensor weight_of(const Tensors& x, const Json& options) {
  return flag(options, "weight") ? x.at(2) : Tensor();
}

const Family family(
    "more_losses",
    {{"smooth_l1_loss",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::smooth_l1_loss(
            x[0], x[1], {.reduction = reduction_of(o), .beta = number(o, "beta")})};
      }},
     {"huber_loss",
      [](const Tensors& x, const Json& o) {
        return Tensors{
            F::huber_loss(x[0], x[1], {.reduction = reduction_of(o), .delta = number(o, "delta")})};
      }},
     {"soft_margin_loss",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::soft_margin_loss(x[0], x[1], reduction_of(o))};
      }},
     {"hinge_embedding_loss",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::hinge_embedding_loss(
            x[0], x[1], {.margin = number(o, "margin"), .reduction = reduction_of(o)})};
      }},
     {"poisson_nll_loss",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::poisson_nll_loss(x[0], x[1],
                                           {.log_input = flag(o, "log_input"),
                                            .full = flag(o, "full"),
                                            .eps = number(o, "eps"),
                                            .reduction = reduction_of(o)})};
      }},
     {"binary_cross_entropy",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::binary_cross_entropy(
            x[0], x[1], {.weight = weight_of(x, o), .reduction = reduction_of(o)})};
      }},
     {"kl_div",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::kl_div(
            x[0], x[1], {.reduction = reduction_of(o), .log_target = flag(o, "log_target")})};
      }},
     {"gaussian_nll_loss",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::gaussian_nll_loss(
            x[0], x[1], x[2],
            {.full = flag(o, "full"), .eps = number(o, "eps"), .reduction = reduction_of(o)})};
      }},
     {"multilabel_soft_margin_loss",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::multilabel_soft_margin_loss(
            x[0], x[1], {.weight = weight_of(x, o), .reduction = reduction_of(o)})};
      }},
     {"margin_ranking_loss",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::margin_ranking_loss(
            x[0], x[1], x[2], {.margin = number(o, "margin"), .reduction = reduction_of(o)})};
      }},
     {"cosine_embedding_loss",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::cosine_embedding_loss(
            x[0], x[1], x[2], {.margin = number(o, "margin"), .reduction = reduction_of(o)})};
      }},
     {"triplet_margin_loss",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::triplet_margin_loss(x[0], x[1], x[2],
                                              {.margin = number(o, "margin"),
                                               .p = number(o, "p"),
                                               .eps = number(o, "eps"),
                                               .swap = flag(o, "swap"),
                                               .reduction = reduction_of(o)})};
      }},
     {"cosine_similarity",
      [](const Tensors& x, const Json& o) {
        return Tensors{
            F::cosine_similarity(x[0], x[1], o.at("dim").get<int64_t>(), number(o, "eps"))};
      }},
     {"pairwise_distance",
      [](const Tensors& x, const Json& o) {
        return Tensors{
            F::pairwise_distance(x[0], x[1], number(o, "p"), number(o, "eps"), flag(o, "keepdim"))};
      }},
     {"normalize", [](const Tensors& x, const Json& o) {
        return Tensors{
            F::normalize(x[0], number(o, "p"), o.at("dim").get<int64_t>(), number(o, "eps"))};
      }}});

}  // namespace
}  // namespace parity
