// Losses as modules are the functions beside them; their numbers: tests/parity.
#include "norma/tests/layers/helpers.h"

using norma::Reduction;
using norma::Tensor;
namespace F = norma::functional;
namespace nn = norma::nn;

namespace {

/// A loss, its copy and the function give the same; it prints its name alone, as in PyTorch.
template <class Loss>
void check(const std::string& name, Loss loss, const Tensor& expected, const auto&... inputs) {
  INFO(name);
  CHECK(norma::equal(loss(inputs...), expected));
  CHECK(norma::equal(loss.clone()(inputs...), expected));
  CHECK(loss.str() == name + "()");
  nn::Module& module = loss;
  CHECK(module.parameters().empty());
  CHECK(has(error_of([&] { module(norma::ones({2})); }), name + " gives or takes something else"));
}

}  // namespace

TEST_CASE("losses of elements as modules") {
  norma::manual_seed(2);
  const Tensor x = norma::randn({3, 4}), y = norma::randn({3, 4}), p = norma::rand({3, 4}),
               q = norma::rand({3, 4}), w = norma::rand({4}), sign = norma::randn({3, 4}).sign();
  const Reduction sum = Reduction::Sum;
  check("BCELoss", nn::BCELoss(), F::binary_cross_entropy(p, q), p, q);
  check("BCELoss", nn::BCELoss({.weight = w, .reduction = sum}),
        F::binary_cross_entropy(p, q, {.weight = w, .reduction = sum}), p, q);
  check("SmoothL1Loss", nn::SmoothL1Loss({.beta = 0.5}), F::smooth_l1_loss(x, y, {.beta = 0.5}), x,
        y);
  check("HuberLoss", nn::HuberLoss({.reduction = sum, .delta = 0.5}),
        F::huber_loss(x, y, {.reduction = sum, .delta = 0.5}), x, y);
  check("KLDivLoss", nn::KLDivLoss({.reduction = Reduction::BatchMean, .log_target = true}),
        F::kl_div(x, y, {.reduction = sum, .log_target = true}) / 3, x, y);
  check("PoissonNLLLoss", nn::PoissonNLLLoss({.full = true}),
        F::poisson_nll_loss(x, p, {.full = true}), x, p);
  check("HingeEmbeddingLoss", nn::HingeEmbeddingLoss({.margin = 0.5}),
        F::hinge_embedding_loss(x, sign, {.margin = 0.5}), x, sign);
  check("SoftMarginLoss", nn::SoftMarginLoss({.reduction = sum}), F::soft_margin_loss(x, sign, sum),
        x, sign);
  check("MultiLabelSoftMarginLoss", nn::MultiLabelSoftMarginLoss({.weight = w}),
        F::multilabel_soft_margin_loss(x, p, {.weight = w}), x, p);
}

TEST_CASE("losses with margins, of three tensors, and distances as modules") {
  norma::manual_seed(2);
  const Tensor x = norma::randn({3, 4}), y = norma::randn({3, 4}), z = norma::randn({3, 4}),
               var = norma::rand({3, 1}), sign = norma::tensor({1.0, -1.0, 1.0});
  check("MarginRankingLoss", nn::MarginRankingLoss({.margin = 0.5}),
        F::margin_ranking_loss(x, y, z.sign(), {.margin = 0.5}), x, y, z.sign());
  check("CosineEmbeddingLoss", nn::CosineEmbeddingLoss({.margin = 0.5}),
        F::cosine_embedding_loss(x, y, sign, {.margin = 0.5}), x, y, sign);
  check("TripletMarginLoss", nn::TripletMarginLoss({.p = 1, .swap = true}),
        F::triplet_margin_loss(x, y, z, {.p = 1, .swap = true}), x, y, z);
  check("GaussianNLLLoss", nn::GaussianNLLLoss({.full = true}),
        F::gaussian_nll_loss(x, y, var, {.full = true}), x, y, var);
  check("CosineSimilarity", nn::CosineSimilarity({.dim = 0}), F::cosine_similarity(x, y, 0), x, y);
  check("PairwiseDistance", nn::PairwiseDistance({.p = 1, .keepdim = true}),
        F::pairwise_distance(x, y, 1, 1e-6, true), x, y);
  CHECK(error_of([] { nn::TripletMarginLoss({.margin = -1}); }) ==
        "[TripletMarginLoss] expected a margin above 0, got -1.0");
}

TEST_CASE("weights of losses of elements are buffers of their own") {
  const Tensor w = norma::ones({2});
  nn::BCELoss bce({.weight = w});
  nn::MultiLabelSoftMarginLoss labels({.weight = w});
  CHECK(names_of(bce.named_buffers()) == "weight");
  CHECK(names_of(labels.state_dict()) == "weight");
  CHECK(nn::BCELoss().state_dict().empty());
  const Tensor x = norma::full({2}, 0.25);
  const double before = bce(x, x).item<double>();
  bce.weight.fill_(2);
  CHECK(bce(x, x).item<double>() == Approx(2 * before));
  CHECK(to_vector(w) == std::vector<double>{1, 1});
}

TEST_CASE("an error of a loss of three tensors names its path") {
  struct Model : nn::Module {
    nn::TripletMarginLoss loss;
    Model() { register_module("loss", loss); }
    Tensor forward(const Tensor& x) override { return loss(x, x, x[0]); }
  } model;
  CHECK(has(error_of([&] { model(norma::ones({2, 3})); }), "in loss"));
}
