// Losses with their options.
#include "cases.h"

namespace cases {

using namespace norma;

namespace {

enum class Kind { Numbers, Classes, Bits, Signs };

Tensor targets(Kind kind, const Shape& sizes) {
  switch (kind) {
    case Kind::Numbers:
      return randn(sizes);
    case Kind::Classes:
      return randint(0, 4, sizes);
    case Kind::Bits:
      return rand(sizes);
    case Kind::Signs:
      return randint(0, 2, sizes).to(kFloat32) * 2 - 1;
  }
  return {};
}

/// A loss of inputs [n, rest] and targets.
template <class Loss>
Case loss(
    const std::string& name, Loss module, const Shape& rest, Kind kind,
    Function of_input = [](Tensor x) { return x; }) {
  auto model = std::make_shared<Loss>(std::move(module));
  const auto inputs = [=](int64_t n) {
    Shape sizes = rest, rows = rest;
    sizes.insert(0, n);
    if (kind == Kind::Classes) rows.erase(0);
    rows.insert(0, n);
    return List{of_input(randn(sizes)), targets(kind, rows)};
  };
  return {name, inputs, [model](const List& in) { return List{(*model)(in[0], in[1])}; }, model};
}

void add_class_losses(Cases& all) {
  using enum Reduction;
  const Tensor weight = tensor({0.5F, 1.0F, 2.0F, 0.25F});
  all.push_back(loss("cross_entropy", nn::CrossEntropyLoss(), {4}, Kind::Classes));
  all.push_back(
      loss("cross_entropy_options",
           nn::CrossEntropyLoss({.weight = weight, .ignore_index = 2, .label_smoothing = 0.1}),
           {4, 5}, Kind::Classes));
  all.push_back(loss("cross_entropy_none",
                     nn::CrossEntropyLoss({.weight = weight, .ignore_index = 1, .reduction = None}),
                     {4, 5}, Kind::Classes));
  all.push_back(
      loss("cross_entropy_sum", nn::CrossEntropyLoss({.reduction = Sum}), {4}, Kind::Classes));
  const auto probabilities = [](const char* name, const nn::CrossEntropyLossOptions& options) {
    Case one = loss(name, nn::CrossEntropyLoss(options), {4, 3}, Kind::Bits);
    one.inputs = [](int64_t n) { return List{randn({n, 4, 3}), randn({n, 4, 3}).softmax(1)}; };
    return one;
  };
  all.push_back(probabilities("cross_entropy_soft", {}));
  all.push_back(probabilities("cross_entropy_soft_options",
                              {.weight = weight, .reduction = None, .label_smoothing = 0.2}));
  const auto logs = [](Tensor x) { return x.log_softmax(1); };
  all.push_back(loss("nll_loss", nn::NLLLoss(), {4}, Kind::Classes, logs));
  all.push_back(loss("nll_loss_options",
                     nn::NLLLoss({.weight = weight, .ignore_index = 0, .reduction = Sum}), {4, 2},
                     Kind::Classes, logs));
  Case single =
      loss("cross_entropy_single", nn::CrossEntropyLoss({.weight = weight}), {4}, Kind::Classes);
  single.inputs = [](int64_t) { return List{randn({4}), randint(0, 4, {})}; };
  single.options.dynamic_batch = false;
  all.push_back(single);
}

void add_element_losses(Cases& all) {
  using enum Reduction;
  const Shape rest{4, 3};
  const auto number = Kind::Numbers, bits = Kind::Bits, signs = Kind::Signs;
  const Tensor weight = tensor({0.5F, 1.0F, 2.0F});
  const auto share = [](Tensor x) { return x.sigmoid(); };
  all.push_back(loss("mse_loss", nn::MSELoss(), rest, number));
  all.push_back(loss("mse_loss_none", nn::MSELoss({.reduction = None}), rest, number));
  all.push_back(loss("l1_loss", nn::L1Loss({.reduction = Sum}), rest, number));
  all.push_back(loss("bce_loss", nn::BCELoss(), rest, bits, share));
  all.push_back(loss("bce_loss_weight", nn::BCELoss({.weight = weight, .reduction = None}), rest,
                     bits, share));
  all.push_back(loss("bce_with_logits", nn::BCEWithLogitsLoss(), rest, bits));
  all.push_back(
      loss("bce_with_logits_options",
           nn::BCEWithLogitsLoss({.weight = weight, .pos_weight = weight * 2, .reduction = None}),
           rest, bits));
  all.push_back(loss("smooth_l1_loss", nn::SmoothL1Loss({.beta = 0.7}), rest, number));
  all.push_back(loss("smooth_l1_loss_sharp", nn::SmoothL1Loss({.beta = 0}), rest, number));
  all.push_back(loss("huber_loss", nn::HuberLoss({.reduction = None, .delta = 0.8}), rest, number));
  const auto logs = [](Tensor x) { return x.log_softmax(1); };
  all.push_back(loss("kl_div", nn::KLDivLoss({.reduction = BatchMean}), rest, bits, logs));
  all.push_back(loss("kl_div_log", nn::KLDivLoss({.reduction = Sum, .log_target = true}), rest,
                     number, logs));
  all.push_back(loss("poisson_nll_loss", nn::PoissonNLLLoss(), rest, bits));
  all.push_back(loss("poisson_nll_loss_full",
                     nn::PoissonNLLLoss({.log_input = false, .full = true}), rest, bits, share));
  all.push_back(loss("soft_margin_loss", nn::SoftMarginLoss(), rest, signs));
  all.push_back(loss("multilabel_soft_margin_loss",
                     nn::MultiLabelSoftMarginLoss({.weight = weight}), rest, bits));
  all.push_back(loss("hinge_embedding_loss", nn::HingeEmbeddingLoss({.margin = 0.5}), rest, signs));
  all.push_back(loss("cosine_similarity_layer", nn::CosineSimilarity({.dim = 1}), rest, number));
  all.push_back(
      loss("pairwise_distance", nn::PairwiseDistance({.p = 3, .keepdim = true}), rest, number));
}

template <class Loss>
Case ternary(const std::string& name, Loss module, const std::function<List(int64_t)>& inputs) {
  auto model = std::make_shared<Loss>(std::move(module));
  return {name, inputs, [model](const List& in) { return List{(*model)(in[0], in[1], in[2])}; },
          model};
}

void add_ternary_losses(Cases& all) {
  const auto signs = [](const Shape& sizes) { return targets(Kind::Signs, sizes); };
  all.push_back(
      ternary("margin_ranking_loss", nn::MarginRankingLoss({.margin = 0.3}), [=](int64_t n) {
        return List{randn({n}), randn({n}), signs({n})};
      }));
  all.push_back(
      ternary("cosine_embedding_loss", nn::CosineEmbeddingLoss({.margin = 0.2}), [=](int64_t n) {
        return List{randn({n, 4}), randn({n, 4}), signs({n})};
      }));
  all.push_back(
      ternary("triplet_margin_loss", nn::TripletMarginLoss({.swap = true}), [](int64_t n) {
        return List{randn({n, 4}), randn({n, 4}), randn({n, 4})};
      }));
  all.push_back(ternary("gaussian_nll_loss", nn::GaussianNLLLoss({.full = true}), [](int64_t n) {
    return List{randn({n, 4}), randn({n, 4}), rand({n, 4}) + 0.1};
  }));
}

}  // namespace

Cases losses() {
  Cases all;
  for (const auto add : {add_class_losses, add_element_losses, add_ternary_losses}) add(all);
  return all;
}

}  // namespace cases
