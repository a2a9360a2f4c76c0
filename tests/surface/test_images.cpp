// Layers of images and signals beyond the first: larger, padded, rearranged.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

#include <utility>

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
    {"functional::instance_norm",
     [](Hostile& h) {
       use(F::instance_norm(h.tensor({2, 3, 4}),
                            {.running_mean = h.flag() ? Tensor() : h.tensor({3}),
                             .running_var = h.flag() ? Tensor() : h.tensor({3}),
                             .weight = h.flag() ? Tensor() : h.tensor({3}),
                             .bias = h.flag() ? Tensor() : h.tensor({3}),
                             .use_input_stats = h.flag(),
                             .momentum = h.real(0.1),
                             .eps = h.real(1e-5)}));
     }},
    {"functional::rms_norm",
     [](Hostile& h) {
       use(F::rms_norm(h.tensor({2, 3, 4}), h.shape({3, 4}), h.tensor({3, 4}), h.real(1e-5)));
     }},
    {"functional::local_response_norm",
     [](Hostile& h) {
       use(F::local_response_norm(h.tensor({2, 3, 4}), h.whole(2), h.real(1), h.real(1),
                                  h.real(1)));
     }},
    {"nn::RMSNorm::*",
     [](Hostile& h) {
       nn::RMSNorm layer(h.shape({3}), {.eps = h.real(1e-5), .elementwise_affine = h.flag()});
       layer.reset_parameters();
       use_layer(std::move(layer), h.tensor({2, 3}));
     }},
    {"nn::LocalResponseNorm::*",
     [](Hostile& h) {
       use_layer(nn::LocalResponseNorm(h.whole(2), {.alpha = h.real(1)}), h.tensor({2, 3, 4}));
     }},
    {"nn::BatchNorm3d::*",
     [](Hostile& h) {
       use_layer(nn::BatchNorm3d(h.whole(3), {.eps = h.real(1e-5), .bias = h.flag()}),
                 h.tensor({2, 3, 2, 2, 2}));
     }},
    {"nn::InstanceNorm::*",
     [](Hostile& h) {
       nn::InstanceNorm1d layer(h.whole(3), {.affine = h.flag(), .track_running_stats = h.flag()});
       layer.reset_running_stats();
       layer.reset_parameters();
       use_layer(std::move(layer), h.tensor({2, 3, 4}));
     }},
    {"nn::InstanceNorm1d::*",
     [](Hostile& h) {
       use_layer(nn::InstanceNorm1d(h.whole(3),
                                    {.eps = h.real(1e-5), .momentum = h.real(0.1), .affine = true}),
                 h.tensor({2, 3, 4}));
     }},
    {"nn::InstanceNorm2d::*",
     [](Hostile& h) {
       use_layer(nn::InstanceNorm2d(h.whole(3),
                                    {.eps = h.real(1e-5), .momentum = h.real(0.1), .affine = true}),
                 h.tensor({2, 3, 4, 4}));
     }},
    {"nn::InstanceNorm3d::*",
     [](Hostile& h) {
       use_layer(nn::InstanceNorm3d(h.whole(3),
                                    {.eps = h.real(1e-5), .momentum = h.real(0.1), .affine = true}),
                 h.tensor({2, 3, 2, 2, 2}));
     }},
    {"nn::LazyLayer::*",
     [](Hostile& h) {
       use_layer(nn::LazyLinear(h.whole(2)), h.tensor({2, 3}));
     }},
    {"nn::LazyLinear::*",
     [](Hostile& h) {
       use_layer(nn::LazyLinear(h.whole(2), {.bias = h.flag()}), h.tensor({2, 3}));
     }},
    {"nn::LazyConv::*",
     [](Hostile& h) {
       use_layer(nn::LazyConv1d(2, 2).fresh(), h.tensor({2, 3, 4}));
     }},
    {"nn::LazyBatchNorm::*",
     [](Hostile& h) {
       use_layer(nn::LazyBatchNorm1d().fresh(), h.tensor({2, 3}));
     }},
    {"nn::LazyConv1d::*",
     [](Hostile& h) {
       use_layer(
           nn::LazyConv1d(h.whole(4), h.whole(2), {.stride = h.whole(1), .groups = h.whole(1)}),
           h.tensor({2, 3, 4}));
     }},
    {"nn::LazyConv2d::*",
     [](Hostile& h) {
       use_layer(nn::LazyConv2d(h.whole(4), h.both(2), {.stride = h.both(1), .groups = h.whole(1)}),
                 h.tensor({2, 3, 4, 4}));
     }},
    {"nn::LazyConvTranspose1d::*",
     [](Hostile& h) {
       use_layer(nn::LazyConvTranspose1d(h.whole(4), h.whole(2),
                                         {.stride = h.whole(1), .groups = h.whole(1)}),
                 h.tensor({2, 3, 4}));
     }},
    {"nn::LazyConvTranspose2d::*",
     [](Hostile& h) {
       use_layer(nn::LazyConvTranspose2d(h.whole(4), h.both(2),
                                         {.stride = h.both(1), .groups = h.whole(1)}),
                 h.tensor({2, 3, 4, 4}));
     }},
    {"nn::LazyBatchNorm1d::*",
     [](Hostile& h) {
       use_layer(nn::LazyBatchNorm1d({.eps = h.real(1e-5), .affine = h.flag()}), h.tensor({2, 3}));
     }},
    {"nn::LazyBatchNorm2d::*",
     [](Hostile& h) {
       use_layer(nn::LazyBatchNorm2d({.eps = h.real(1e-5), .affine = h.flag()}),
                 h.tensor({2, 3, 2, 2}));
     }},
    {"nn::LazyBatchNorm3d::*",
     [](Hostile& h) {
       use_layer(nn::LazyBatchNorm3d({.eps = h.real(1e-5), .affine = h.flag()}),
                 h.tensor({2, 3, 2, 2, 2}));
     }},
    {"functional::pixel_shuffle",
     [](Hostile& h) {
       use(F::pixel_shuffle(h.tensor({1, 4, 2, 3}), h.whole(2)));
     }},
    {"functional::pixel_unshuffle",
     [](Hostile& h) {
       use(F::pixel_unshuffle(h.tensor({1, 2, 4, 4}), h.whole(2)));
     }},
    {"functional::channel_shuffle",
     [](Hostile& h) {
       use(F::channel_shuffle(h.tensor({1, 4, 3}), h.whole(2)));
     }},
    {"functional::unfold",
     [](Hostile& h) {
       use(F::unfold(h.tensor({1, 2, 4, 4}), h.both(2),
                     {.dilation = h.both(1), .padding = h.both(1), .stride = h.both(1)}));
     }},
    {"functional::fold",
     [](Hostile& h) {
       use(F::fold(h.tensor({1, 8, 9}), h.both(4), h.both(2),
                   {.dilation = h.both(1), .padding = h.both(0), .stride = h.both(1)}));
     }},
    {"functional::avg_pool1d",
     [](Hostile& h) {
       use(F::avg_pool1d(
           h.tensor({2, 3, 5}), h.whole(2),
           {.padding = h.whole(1), .ceil_mode = h.flag(), .count_include_pad = h.flag()}));
     }},
    {"functional::AvgPool1dOptions::*",
     [](Hostile& h) {
       F::AvgPool1dOptions{.stride = h.whole(1), .padding = h.whole(1)}.check("op", h.whole(2));
     }},
    {"functional::adaptive_*_pool1d",
     [](Hostile& h) {
       use(F::adaptive_avg_pool1d(h.tensor({2, 3, 5}), h.whole(2)));
       use(F::adaptive_max_pool1d(h.tensor({2, 3, 5}), h.whole(2)));
     }},
    {"functional::adaptive_max_pool2d",
     [](Hostile& h) {
       use(F::adaptive_max_pool2d(h.tensor({2, 3, 5, 4}), h.both(2)));
     }},
    {"functional::max_pool2d_with_indices",
     [](Hostile& h) {
       use(F::max_pool2d_with_indices(h.tensor({2, 3, 5, 4}), h.both(2),
                                      {.padding = h.both(1), .dilation = h.both(1)})
               .first);
     }},
    {"functional::max_unpool2d",
     [](Hostile& h) {
       use(F::max_unpool2d(h.tensor({1, 2, 2, 2}), h.tensor({1, 2, 2, 2}, kInt64), h.both(2),
                           {.padding = h.both(0), .output_size = h.both(4)}));
     }},
    {"functional::lp_pool2d",
     [](Hostile& h) {
       use(F::lp_pool2d(h.tensor({2, 3, 5, 4}), h.real(2), h.both(2), {.ceil_mode = h.flag()}));
     }},
    {"nn::PixelShuffle::*",
     [](Hostile& h) {
       use_layer(nn::PixelShuffle(h.whole(2)), h.tensor({1, 4, 2, 3}));
     }},
    {"nn::PixelUnshuffle::*",
     [](Hostile& h) {
       use_layer(nn::PixelUnshuffle(h.whole(2)), h.tensor({1, 2, 4, 4}));
     }},
    {"nn::ChannelShuffle::*",
     [](Hostile& h) {
       use_layer(nn::ChannelShuffle(h.whole(2)), h.tensor({1, 4, 3}));
     }},
    {"nn::Unfold::*",
     [](Hostile& h) {
       use_layer(nn::Unfold(h.both(2), {.stride = h.both(1)}), h.tensor({1, 2, 4, 4}));
     }},
    {"nn::Fold::*",
     [](Hostile& h) {
       use_layer(nn::Fold(h.both(4), h.both(2), {.padding = h.both(0)}), h.tensor({1, 8, 9}));
     }},
    {"nn::Unflatten::*",
     [](Hostile& h) {
       use_layer(nn::Unflatten(h.whole(1), h.shape({2, 2})), h.tensor({3, 4}));
     }},
    {"nn::AvgPool1d::*",
     [](Hostile& h) {
       use_layer(nn::AvgPool1d(h.whole(2), {.padding = h.whole(1)}), h.tensor({2, 3, 5}));
     }},
    {"nn::AdaptiveAvgPool1d::*",
     [](Hostile& h) {
       use_layer(nn::AdaptiveAvgPool1d(h.whole(2)), h.tensor({2, 3, 5}));
     }},
    {"nn::AdaptiveMaxPool1d::*",
     [](Hostile& h) {
       use_layer(nn::AdaptiveMaxPool1d(h.whole(2)), h.tensor({2, 3, 5}));
     }},
    {"nn::AdaptiveMaxPool2d::*",
     [](Hostile& h) {
       use_layer(nn::AdaptiveMaxPool2d(h.both(2)), h.tensor({2, 3, 5, 4}));
     }},
    {"nn::LPPool2d::*",
     [](Hostile& h) {
       use_layer(nn::LPPool2d(h.real(2), h.both(2), {.ceil_mode = h.flag()}),
                 h.tensor({2, 3, 5, 4}));
     }},
    {"nn::MaxUnpool2d::*",
     [](Hostile& h) {
       nn::MaxUnpool2d layer(h.both(2), {.padding = h.both(0)});
       static_cast<void>(layer.str());
       use(layer.clone()(h.tensor({1, 2, 2, 2}), h.tensor({1, 2, 2, 2}, kInt64), h.both(4)));
     }},
};

}  // namespace

TEST_CASE("layers of images take absurd arguments") { CHECK(surface::complaints(kTable) == ""); }
