// Layers of images and signals beyond the first: larger, padded, rearranged.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;
namespace F = norma::functional;

namespace {

const std::vector<Row> kTable = {
    {"functional::conv_transpose2d",
     [](Hostile& h) {
       use(F::conv_transpose2d(h.tensor({2, 3, 4, 5}), h.tensor({3, 2, 2, 3}),
                               h.flag() ? Tensor() : h.tensor({2}),
                               {.stride = h.both(1),
                                .padding = h.both(1),
                                .output_padding = h.both(0),
                                .groups = h.whole(1),
                                .dilation = h.both(1)}));
     }},
    {"functional::ConvTransposeOptions::*",
     [](Hostile& h) {
       F::ConvTransposeOptions{.stride = h.both(1), .output_padding = h.both(0)}.check("op");
     }},
    {"functional::conv_transpose1d",
     [](Hostile& h) {
       use(F::conv_transpose1d(h.tensor({2, 3, 5}), h.tensor({3, 2, 3}),
                               h.flag() ? Tensor() : h.tensor({2}),
                               {.stride = h.whole(1),
                                .padding = h.whole(1),
                                .output_padding = h.whole(0),
                                .groups = h.whole(1),
                                .dilation = h.whole(1)}));
     }},
    {"functional::ConvTranspose1dOptions::*",
     [](Hostile& h) {
       F::ConvTranspose1dOptions{.stride = h.whole(1), .output_padding = h.whole(0)}.check("op");
     }},
    {"nn::ConvTranspose2d::*",
     [](Hostile& h) {
       nn::ConvTranspose2d layer(h.whole(3), h.whole(4), h.both(2),
                                 {.stride = h.both(1),
                                  .padding = h.both(1),
                                  .output_padding = h.both(0),
                                  .groups = h.whole(1),
                                  .bias = h.flag(),
                                  .dilation = h.both(1)});
       use(layer(h.tensor({2, 3, 4, 5})));
       use(layer(h.tensor({2, 3, 4, 5}), h.shape({3, 4})));
       use(layer.clone()(h.tensor({3, 4, 5})));
       static_cast<void>(layer.str());
       layer.reset_parameters();
     }},
    {"nn::ConvTranspose1d::*",
     [](Hostile& h) {
       nn::ConvTranspose1d layer(h.whole(3), h.whole(4), h.whole(2),
                                 {.stride = h.whole(1),
                                  .padding = h.whole(1),
                                  .output_padding = h.whole(0),
                                  .groups = h.whole(1),
                                  .bias = h.flag(),
                                  .dilation = h.whole(1)});
       use(layer(h.tensor({2, 3, 5})));
       use(layer(h.tensor({2, 3, 5}), h.shape({4})));
       use(layer.clone()(h.tensor({3, 5})));
       static_cast<void>(layer.str());
       layer.reset_parameters();
     }},
};

}  // namespace

TEST_CASE("layers of images take absurd arguments") { CHECK(surface::complaints(kTable) == ""); }
