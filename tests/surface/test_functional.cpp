// The functions behind the layers.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;
namespace F = norma::functional;

namespace {

const std::vector<Row> kTable = {
    {"functional::linear",
     [](Hostile& h) {
       use(F::linear(h.tensor({2, 3}), h.tensor({4, 3}), h.tensor({4})));
     }},
    {"functional::conv2d",
     [](Hostile& h) {
       use(F::conv2d(
           h.tensor({2, 3, 4, 5}), h.tensor({6, 3, 2, 3}), h.flag() ? Tensor() : h.tensor({6}),
           {.stride = h.both(1),
            .padding = h.flag() ? Padding(h.flag() ? "same" : "valid") : Padding(h.both(1)),
            .dilation = h.both(1),
            .groups = h.whole(1)}));
     }},
    {"functional::conv2d",
     [](Hostile& h) {
       use(F::conv2d(h.tensor({2, 4, 5, 5}), h.tensor({4, 1, 3, 3}), {},
                     {.stride = h.both(2),
                      .padding = h.both(1),
                      .dilation = h.both(2),
                      .groups = h.whole(4)}));
     }},
    {"functional::conv1d",
     [](Hostile& h) {
       use(F::conv1d(
           h.tensor({2, 3, 5}), h.tensor({6, 3, 2}), h.flag() ? Tensor() : h.tensor({6}),
           {.stride = h.whole(1),
            .padding = h.flag() ? Padding1d(h.flag() ? "same" : "valid") : Padding1d(h.whole(1)),
            .dilation = h.whole(1),
            .groups = h.whole(1)}));
     }},
    {"functional::ConvOptions::*",
     [](Hostile& h) {
       const F::ConvOptions o{
           .stride = h.both(1),
           .padding = h.flag() ? Padding(h.flag() ? "same" : "valid") : Padding(h.both(1)),
           .dilation = h.both(1),
           .groups = h.whole(1)};
       o.check("op");
       static_cast<void>(o.pad_sizes(h.both(3)));
     }},
    {"functional::Conv1dOptions::*",
     [](Hostile& h) {
       const F::Conv1dOptions o{
           .stride = h.whole(1),
           .padding = h.flag() ? Padding1d(h.flag() ? "same" : "valid") : Padding1d(h.whole(1)),
           .dilation = h.whole(1),
           .groups = h.whole(1)};
       o.check("op");
       static_cast<void>(o.pad_sizes(h.whole(3)));
     }},
    {"functional::pad2d",
     [](Hostile& h) {
       use(F::pad2d(h.tensor({2, 3, 4, 5}), {h.whole(1), h.whole(1), h.whole(1), h.whole(1)},
                    static_cast<PaddingMode>(h.below(4))));
     }},
    {"functional::pad1d",
     [](Hostile& h) {
       use(F::pad1d(h.tensor({2, 3, 5}), {h.whole(1), h.whole(1)},
                    static_cast<PaddingMode>(h.below(4))));
     }},
    {"functional::max_pool2d",
     [](Hostile& h) {
       use(F::max_pool2d(h.tensor({2, 3, 4, 5}), h.both(2),
                         {.stride = h.flag() ? OptionalPair() : OptionalPair(h.both(1)),
                          .padding = h.both(1),
                          .dilation = h.both(1),
                          .ceil_mode = h.flag()}));
     }},
    {"functional::max_pool1d",
     [](Hostile& h) {
       use(F::max_pool1d(h.tensor({2, 3, 5}), h.whole(2),
                         {.stride = h.whole(1),
                          .padding = h.whole(1),
                          .dilation = h.whole(1),
                          .ceil_mode = h.flag()}));
     }},
    {"functional::avg_pool2d",
     [](Hostile& h) {
       use(F::avg_pool2d(h.tensor({2, 3, 4, 5}), h.both(2),
                         {.stride = h.both(1),
                          .padding = h.both(1),
                          .ceil_mode = h.flag(),
                          .count_include_pad = h.flag(),
                          .divisor_override = h.whole(2)}));
     }},
    {"functional::avg_pool2d",
     [](Hostile& h) {
       use(F::avg_pool2d(
           h.tensor({2, 3, 4, 5}), h.both(2),
           {.padding = h.both(0), .ceil_mode = h.flag(), .count_include_pad = h.flag()}));
     }},
    {"functional::*Pool*Options::check",
     [](Hostile& h) {
       F::MaxPoolOptions{.stride = h.both(1), .padding = h.both(0)}.check("op", h.both(2));
       F::MaxPool1dOptions{.stride = h.whole(1), .padding = h.whole(0)}.check("op", h.whole(2));
       F::AvgPoolOptions{.stride = h.both(1), .divisor_override = h.whole(1)}.check("op",
                                                                                    h.both(2));
     }},
    {"functional::adaptive_avg_pool2d",
     [](Hostile& h) {
       use(F::adaptive_avg_pool2d(h.tensor({2, 3, 4, 5}), h.both(2)));
     }},
    {"functional::batch_norm",
     [](Hostile& h) {
       use(F::batch_norm(h.tensor({4, 3, 2}), {.running_mean = h.tensor({3}).detach(),
                                               .running_var = h.tensor({3}).detach(),
                                               .weight = h.tensor({3}),
                                               .bias = h.tensor({3}),
                                               .training = h.flag(),
                                               .momentum = h.real(0.1),
                                               .eps = h.real(1e-5),
                                               .relu = h.flag()}));
     }},
    {"functional::batch_norm",
     [](Hostile& h) {
       use(F::batch_norm(h.tensor({4, 3, 2}),
                         {.training = h.flag(), .momentum = h.real(0.1), .eps = h.real(1e-5)}));
     }},
    {"functional::layer_norm",
     [](Hostile& h) {
       use(F::layer_norm(h.tensor({4, 3, 2}), h.shape({3, 2}), h.tensor({3, 2}), h.tensor({3, 2}),
                         h.real(1e-5)));
     }},
    {"functional::layer_norm",
     [](Hostile& h) {
       use(F::layer_norm(h.tensor({4, 6}), h.shape({6})));
     }},
    {"functional::group_norm",
     [](Hostile& h) {
       use(F::group_norm(h.tensor({4, 6, 2}), h.whole(2), h.tensor({6}), h.tensor({6}),
                         h.real(1e-5)));
     }},
    {"functional::group_norm",
     [](Hostile& h) {
       use(F::group_norm(h.tensor({4, 6}), h.whole(3)));
     }},
    {"functional::embedding",
     [](Hostile& h) {
       use(F::embedding(h.tensor({2, 3}, kInt64), h.tensor({4, 5}),
                        {.padding_idx = h.whole(1), .scale_grad_by_freq = h.flag()}));
     }},
    {"functional::embedding",
     [](Hostile& h) {
       use(F::embedding(h.tensor({2, 3}, kInt64), h.tensor({4, 5}).detach(),
                        {.max_norm = h.real(1), .norm_type = h.real(2)}));
     }},
    {"functional::EmbeddingOptions::check",
     [](Hostile& h) {
       F::EmbeddingOptions{.padding_idx = h.whole(1), .max_norm = h.real(1), .norm_type = h.real(2)}
           .check("op", h.whole(4));
     }},
    {"functional::dropout",
     [](Hostile& h) {
       use(F::dropout(h.tensor({2, 3, 4}), h.real(0.5), h.flag()));
     }},
    {"functional::dropout2d",
     [](Hostile& h) {
       use(F::dropout2d(h.tensor({2, 3, 4}), h.real(0.5), h.flag()));
     }},
    {"functional::cross_entropy",
     [](Hostile& h) {
       use(F::cross_entropy(h.tensor({4, 3}), h.tensor({4}, kInt64),
                            {.weight = h.flag() ? Tensor() : h.tensor({3}).detach(),
                             .ignore_index = h.whole(-100),
                             .reduction = h.reduction(),
                             .label_smoothing = h.real(0.1)}));
     }},
    {"functional::cross_entropy",
     [](Hostile& h) {
       use(F::cross_entropy(h.tensor({4, 3, 2}), h.tensor({4, 3, 2}),
                            {.reduction = h.reduction(), .label_smoothing = h.real(0)}));
     }},
    {"functional::nll_loss",
     [](Hostile& h) {
       use(F::nll_loss(h.tensor({4, 3}), h.tensor({4}, kInt64),
                       {.weight = h.flag() ? Tensor() : h.tensor({3}).detach(),
                        .ignore_index = h.whole(-100),
                        .reduction = h.reduction()}));
     }},
    {"functional::mse_loss",
     [](Hostile& h) {
       use(F::mse_loss(h.tensor({4, 3}), h.tensor({4, 3}), h.reduction()));
     }},
    {"functional::l1_loss",
     [](Hostile& h) {
       use(F::l1_loss(h.tensor({4, 3}), h.tensor({4, 3}), h.reduction()));
     }},
    {"functional::binary_cross_entropy_with_logits",
     [](Hostile& h) {
       use(F::binary_cross_entropy_with_logits(
           h.tensor({4, 3}), h.tensor({4, 3}),
           {.weight = h.flag() ? Tensor() : h.tensor({3}).detach(),
            .pos_weight = h.flag() ? Tensor() : h.tensor({3}).detach(),
            .reduction = h.reduction()}));
     }},
    {"Pair::*",
     [](Hostile& h) {
       static_cast<void>(h.both(1).str());
       static_cast<void>(h.both(1) == Pair(h.whole(1)));
     }},
    {"OptionalPair::*",
     [](Hostile& h) { static_cast<void>(OptionalPair(h.both(1)).value_or(h.both(2))); }},
    {"Padding::*",
     [](Hostile& h) {
       const std::string word = h.word("same");
       static_cast<void>(Padding(h.both(1)).str());
       static_cast<void>(Padding(h.flag() ? word.c_str() : nullptr).str());
     }},
    {"Padding1d::*",
     [](Hostile& h) {
       const std::string word = h.word("same");
       static_cast<void>(Padding1d(h.whole(1)).str());
       static_cast<void>(Padding1d(h.flag() ? word.c_str() : nullptr).str());
     }},
};

}  // namespace

TEST_CASE("functions take absurd arguments") { CHECK(surface::complaints(kTable) == ""); }
