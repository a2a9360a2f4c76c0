// Layers of images and signals beyond the first: larger, padded, rearranged.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;
namespace F = norma::functional;

namespace {

void use_layer(nn::Module&& layer, const Tensor& input) {
  static_cast<void>(layer.str());
  use(layer(input));
  use((*layer.clone_module())(input));
}

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
    {"functional::pad",
     [](Hostile& h) {
       use(F::pad(h.tensor({2, 3, 4}), {h.whole(1), h.whole(1), h.whole(0), h.whole(1)},
                  static_cast<PaddingMode>(h.below(4)),
                  h.flag() ? std::optional<Scalar>() : h.scalar(1)));
     }},
    {"functional::pad",
     [](Hostile& h) {
       use(F::pad(h.tensor({2, 3, 4}, kInt64), {h.whole(1), h.whole(1)},
                  static_cast<PaddingMode>(h.below(4))));
     }},
    {"nn::ConstantPad1d::*",
     [](Hostile& h) {
       use_layer(
           nn::ConstantPad1d(h.flag() ? h.shape(1) : Shape::filled(2, h.whole(1)), h.scalar(1)),
           h.tensor({2, 3, 4}));
     }},
    {"nn::ConstantPad2d::*",
     [](Hostile& h) {
       use_layer(
           nn::ConstantPad2d(h.flag() ? h.shape(1) : Shape::filled(4, h.whole(1)), h.scalar(1)),
           h.tensor({2, 3, 4}));
     }},
    {"nn::ConstantPad3d::*",
     [](Hostile& h) {
       use_layer(
           nn::ConstantPad3d(h.flag() ? h.shape(1) : Shape::filled(6, h.whole(1)), h.scalar(1)),
           h.tensor({2, 3, 4, 3}));
     }},
    {"nn::ZeroPad1d::*",
     [](Hostile& h) {
       use_layer(nn::ZeroPad1d(h.flag() ? h.shape(1) : Shape::filled(2, h.whole(1))),
                 h.tensor({2, 3, 4}));
     }},
    {"nn::ZeroPad2d::*",
     [](Hostile& h) {
       use_layer(nn::ZeroPad2d(h.flag() ? h.shape(1) : Shape::filled(4, h.whole(1))),
                 h.tensor({2, 3, 4}));
     }},
    {"nn::ZeroPad3d::*",
     [](Hostile& h) {
       use_layer(nn::ZeroPad3d(h.flag() ? h.shape(1) : Shape::filled(6, h.whole(1))),
                 h.tensor({2, 3, 4, 3}));
     }},
    {"nn::ReflectionPad1d::*",
     [](Hostile& h) {
       use_layer(nn::ReflectionPad1d(h.flag() ? h.shape(1) : Shape::filled(2, h.whole(1))),
                 h.tensor({2, 3, 4}));
     }},
    {"nn::ReflectionPad2d::*",
     [](Hostile& h) {
       use_layer(nn::ReflectionPad2d(h.flag() ? h.shape(1) : Shape::filled(4, h.whole(1))),
                 h.tensor({2, 3, 4}));
     }},
    {"nn::ReflectionPad3d::*",
     [](Hostile& h) {
       use_layer(nn::ReflectionPad3d(h.flag() ? h.shape(1) : Shape::filled(6, h.whole(1))),
                 h.tensor({2, 3, 4, 3}));
     }},
    {"nn::ReplicationPad1d::*",
     [](Hostile& h) {
       use_layer(nn::ReplicationPad1d(h.flag() ? h.shape(1) : Shape::filled(2, h.whole(1))),
                 h.tensor({2, 3, 4}));
     }},
    {"nn::ReplicationPad2d::*",
     [](Hostile& h) {
       use_layer(nn::ReplicationPad2d(h.flag() ? h.shape(1) : Shape::filled(4, h.whole(1))),
                 h.tensor({2, 3, 4}));
     }},
    {"nn::ReplicationPad3d::*",
     [](Hostile& h) {
       use_layer(nn::ReplicationPad3d(h.flag() ? h.shape(1) : Shape::filled(6, h.whole(1))),
                 h.tensor({2, 3, 4, 3}));
     }},
    {"nn::CircularPad1d::*",
     [](Hostile& h) {
       use_layer(nn::CircularPad1d(h.flag() ? h.shape(1) : Shape::filled(2, h.whole(1))),
                 h.tensor({2, 3, 4}));
     }},
    {"nn::CircularPad2d::*",
     [](Hostile& h) {
       use_layer(nn::CircularPad2d(h.flag() ? h.shape(1) : Shape::filled(4, h.whole(1))),
                 h.tensor({2, 3, 4}));
     }},
    {"nn::CircularPad3d::*",
     [](Hostile& h) {
       use_layer(nn::CircularPad3d(h.flag() ? h.shape(1) : Shape::filled(6, h.whole(1))),
                 h.tensor({2, 3, 4, 3}));
     }},
    {"nn::PadLayer::*",
     [](Hostile& h) {
       use_layer(nn::ZeroPad1d(h.whole(1)), h.tensor({2, 3}));
     }},
    {"nn::ConstantPad::*",
     [](Hostile& h) { static_cast<void>(nn::ConstantPad1d(1, h.scalar(1)).value()); }},
    {"functional::interpolate",
     [](Hostile& h) {
       F::InterpolateOptions o{.mode = static_cast<Interpolation>(h.below(6))};
       if (h.flag()) o.size = h.shape({3, 4});
       if (h.flag()) o.scale_factor = {h.real(2), h.real(1)};
       if (h.flag()) o.align_corners = h.flag();
       if (h.flag()) o.recompute_scale_factor = h.flag();
       use(F::interpolate(h.tensor({1, 2, 3, 4}), o));
     }},
    {"functional::InterpolateOptions::*",
     [](Hostile& h) { F::InterpolateOptions{.size = h.shape({2})}.check("op"); }},
    {"nn::UpsampleBase::*",
     [](Hostile& h) { static_cast<void>(nn::Upsample({.size = h.shape({3})}).options()); }},
    {"nn::Upsample::*",
     [](Hostile& h) {
       use_layer(nn::Upsample({.scale_factor = {h.real(2)}, .mode = Interpolation::Bilinear}),
                 h.tensor({1, 2, 3, 4}));
     }},
    {"nn::UpsamplingNearest2d::*",
     [](Hostile& h) {
       use_layer(nn::UpsamplingNearest2d({.size = h.shape({3, 4})}), h.tensor({1, 2, 3, 4}));
     }},
    {"nn::UpsamplingBilinear2d::*",
     [](Hostile& h) {
       use_layer(nn::UpsamplingBilinear2d({.size = h.shape({3, 4})}), h.tensor({1, 2, 3, 4}));
     }},
};

}  // namespace

TEST_CASE("layers of images take absurd arguments") { CHECK(surface::complaints(kTable) == ""); }
