// Layers, models and initial values.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

#include <functional>
#include <memory>
#include <optional>
#include <sstream>

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;

namespace {

/// Everything a program does with a layer.
void exercise(Hostile& h, nn::Module& layer, const Tensor& input) {
  static_cast<void>(layer.str());
  use(layer(input));
  layer.train(h.flag());
  use(layer(input));
  layer.zero_grad();
  const std::shared_ptr<nn::Module> copy = layer.clone_module();
  copy->load_state_dict(layer.state_dict());
  copy->requires_grad_(h.flag());
  copy->eval();
  use((*copy)(h.tensor({2, 3})));
  copy->to(h.dtype(kFloat64));
  use((*copy)(input));
}

/// A module whose registrations are as absurd as its arguments.
struct Probe : nn::Cloneable<Probe> {
  explicit Probe(Hostile& h) : first(3, 2) {
    register_module(h.word("first"), first);
    register_parameter(h.word("scale"), h.tensor({2}), h.flag());
    register_buffer(h.word("count"), h.tensor({1}));
    if (h.flag()) register_module("none", std::shared_ptr<nn::Linear>());
    if (h.flag()) register_module("self", *this);
  }
  Probe() : first(3, 2) {}
  Probe fresh() const { return Probe(); }
  Tensor forward(const Tensor& x) override { return first(x); }
  nn::Linear first;
};

const std::vector<Row> kTable = {
    {"nn::Linear::*",
     [](Hostile& h) {
       nn::Linear layer(h.whole(3), h.whole(2), {.bias = h.flag()});
       exercise(h, layer, h.tensor({4, 3}));
     }},
    {"nn::Conv2d::*",
     [](Hostile& h) {
       nn::Conv2d layer(h.whole(3), h.whole(6), h.both(2),
                        {.stride = h.both(1),
                         .padding = h.both(1),
                         .dilation = h.both(1),
                         .groups = h.whole(1),
                         .bias = h.flag(),
                         .padding_mode = static_cast<PaddingMode>(h.below(4))});
       exercise(h, layer, h.tensor({2, 3, 4, 5}));
     }},
    {"nn::Conv1d::*",
     [](Hostile& h) {
       nn::Conv1d layer(h.whole(3), h.whole(6), h.whole(2),
                        {.stride = h.whole(1),
                         .padding = h.whole(1),
                         .dilation = h.whole(1),
                         .groups = h.whole(1),
                         .bias = h.flag(),
                         .padding_mode = static_cast<PaddingMode>(h.below(4))});
       exercise(h, layer, h.tensor({2, 3, 5}));
     }},
    {"nn::BatchNorm1d::*",
     [](Hostile& h) {
       nn::BatchNorm1d layer(h.whole(3),
                             {.eps = h.real(1e-5),
                              .momentum = h.flag() ? std::optional<double>() : h.real(0.1),
                              .affine = h.flag(),
                              .track_running_stats = h.flag()});
       exercise(h, layer, h.tensor({4, 3}));
     }},
    {"nn::BatchNorm2d::*",
     [](Hostile& h) {
       nn::BatchNorm2d layer(h.whole(3),
                             {.eps = h.real(1e-5),
                              .momentum = h.flag() ? std::optional<double>() : h.real(0.1),
                              .affine = h.flag(),
                              .track_running_stats = h.flag()});
       exercise(h, layer, h.tensor({2, 3, 2, 2}));
     }},
    {"nn::BatchNorm::*",
     [](Hostile& h) {
       nn::BatchNorm2d bn(3);
       bn.freeze_stats(h.flag());
       use(bn.with_relu(h.tensor({2, 3, 2, 2})));
       bn.reset_running_stats();
       exercise(h, bn, h.tensor({2, 3, 2, 2}));
     }},
    {"nn::LayerNorm::*",
     [](Hostile& h) {
       nn::LayerNorm layer(h.shape({3, 2}), {.eps = h.real(1e-5), .elementwise_affine = h.flag()});
       exercise(h, layer, h.tensor({4, 3, 2}));
     }},
    {"nn::GroupNorm::*",
     [](Hostile& h) {
       nn::GroupNorm layer(h.whole(2), h.whole(4), {.eps = h.real(1e-5), .affine = h.flag()});
       exercise(h, layer, h.tensor({4, 4, 2}));
     }},
    {"nn::Embedding::*",
     [](Hostile& h) {
       nn::Embedding layer(
           h.whole(5), h.whole(3),
           {.padding_idx = h.whole(1), .norm_type = h.real(2), .scale_grad_by_freq = h.flag()});
       exercise(h, layer, h.tensor({2, 3}, kInt64));
     }},
    {"nn::Embedding::from_pretrained",
     [](Hostile& h) {
       nn::Embedding layer =
           nn::Embedding::from_pretrained(h.tensor({5, 3}), {.freeze = h.flag(),
                                                             .padding_idx = h.whole(1),
                                                             .max_norm = h.real(1),
                                                             .norm_type = h.real(2)});
       exercise(h, layer, h.tensor({2}, kInt64));
     }},
    {"nn::MaxPool2d::*",
     [](Hostile& h) {
       nn::MaxPool2d layer(h.both(2), {.stride = h.both(1),
                                       .padding = h.both(1),
                                       .dilation = h.both(1),
                                       .ceil_mode = h.flag()});
       exercise(h, layer, h.tensor({2, 3, 4, 5}));
     }},
    {"nn::MaxPool1d::*",
     [](Hostile& h) {
       nn::MaxPool1d layer(h.whole(2), {.stride = h.whole(1),
                                        .padding = h.whole(1),
                                        .dilation = h.whole(1),
                                        .ceil_mode = h.flag()});
       exercise(h, layer, h.tensor({2, 3, 5}));
     }},
    {"nn::AvgPool2d::*",
     [](Hostile& h) {
       nn::AvgPool2d layer(h.both(2), {.stride = h.both(1),
                                       .padding = h.both(1),
                                       .ceil_mode = h.flag(),
                                       .count_include_pad = h.flag(),
                                       .divisor_override = h.whole(2)});
       exercise(h, layer, h.tensor({2, 3, 4, 5}));
     }},
    {"nn::AdaptiveAvgPool2d::*",
     [](Hostile& h) {
       nn::AdaptiveAvgPool2d layer(h.both(2));
       exercise(h, layer, h.tensor({2, 3, 4, 5}));
     }},
    {"nn::Dropout::*",
     [](Hostile& h) {
       nn::Dropout layer(h.real(0.5));
       exercise(h, layer, h.tensor({2, 3, 4}));
     }},
    {"nn::Dropout2d::*",
     [](Hostile& h) {
       nn::Dropout2d layer(h.real(0.5));
       exercise(h, layer, h.tensor({2, 3, 4}));
     }},
    {"nn::ReLU::*",
     [](Hostile& h) {
       nn::ReLU layer;
       exercise(h, layer, h.tensor({2, 3}));
     }},
    {"nn::Sigmoid::*",
     [](Hostile& h) {
       nn::Sigmoid layer;
       exercise(h, layer, h.tensor({2, 3}));
     }},
    {"nn::Tanh::*",
     [](Hostile& h) {
       nn::Tanh layer;
       exercise(h, layer, h.tensor({2, 3}));
     }},
    {"nn::Identity::*",
     [](Hostile& h) {
       nn::Identity layer;
       exercise(h, layer, h.tensor({2, 3}));
     }},
    {"nn::LeakyReLU::*",
     [](Hostile& h) {
       nn::LeakyReLU layer(h.real(0.1));
       exercise(h, layer, h.tensor({2, 3}));
     }},
    {"nn::GELU::*",
     [](Hostile& h) {
       nn::GELU layer({.approximate = h.word(h.flag() ? "none" : "tanh")});
       exercise(h, layer, h.tensor({2, 3}));
     }},
    {"nn::Softmax::*",
     [](Hostile& h) {
       nn::Softmax layer(h.whole(1));
       exercise(h, layer, h.tensor({2, 3}));
     }},
    {"nn::LogSoftmax::*",
     [](Hostile& h) {
       nn::LogSoftmax layer(h.whole(1));
       exercise(h, layer, h.tensor({2, 3}));
     }},
    {"nn::Flatten::*",
     [](Hostile& h) {
       nn::Flatten layer(h.whole(1), h.whole(-1));
       exercise(h, layer, h.tensor({2, 3, 2}));
     }},
    {"nn::CrossEntropyLoss::*",
     [](Hostile& h) {
       nn::CrossEntropyLoss loss({.weight = h.tensor({3}).detach(),
                                  .ignore_index = h.whole(-100),
                                  .reduction = h.reduction(),
                                  .label_smoothing = h.real(0.1)});
       static_cast<void>(loss.str());
       use(loss.clone()(h.tensor({4, 3}), h.tensor({4}, kInt64)));
     }},
    {"nn::NLLLoss::*",
     [](Hostile& h) {
       nn::NLLLoss loss({.weight = h.tensor({3}).detach(),
                         .ignore_index = h.whole(-100),
                         .reduction = h.reduction()});
       static_cast<void>(loss.str());
       use(loss.clone()(h.tensor({4, 3}), h.tensor({4}, kInt64)));
     }},
    {"nn::MSELoss::*",
     [](Hostile& h) {
       nn::MSELoss loss({.reduction = h.reduction()});
       static_cast<void>(loss.str());
       use(loss.clone()(h.tensor({4, 3}), h.tensor({4, 3})));
     }},
    {"nn::L1Loss::*",
     [](Hostile& h) {
       nn::L1Loss loss({.reduction = h.reduction()});
       static_cast<void>(loss.str());
       use(loss.clone()(h.tensor({4, 3}), h.tensor({4, 3})));
     }},
    {"nn::BCEWithLogitsLoss::*",
     [](Hostile& h) {
       nn::BCEWithLogitsLoss loss({.weight = h.tensor({3}).detach(),
                                   .pos_weight = h.tensor({3}).detach(),
                                   .reduction = h.reduction()});
       static_cast<void>(loss.str());
       use(loss.clone()(h.tensor({4, 3}), h.tensor({4, 3})));
     }},
    {"nn::Loss::*",
     [](Hostile& h) {
       nn::MSELoss loss;
       use(static_cast<nn::Module&>(loss)(h.tensor({4, 3})));
       use(loss.forward(h.tensor({2}), h.tensor({2})));
     }},
    {"nn::Sequential::*",
     [](Hostile& h) {
       nn::Sequential net{nn::Linear(3, 2), nn::ReLU()};
       net.push_back(h.word("last"), nn::Linear(h.whole(2), h.whole(2)));
       static_cast<void>(net[h.whole(0)]);
       net.replace(h.whole(1), nn::Tanh());
       static_cast<void>(net.at<nn::Linear>(h.whole(0)));
       for (nn::Module& m : net) static_cast<void>(m.str());
       exercise(h, net, h.tensor({4, 3}));
     }},
    {"nn::Sequential::push_back",
     [](Hostile& h) {
       nn::Sequential net;
       net.push_back(h.flag() ? nullptr : std::make_shared<nn::ReLU>());
       net.push_back(h.word("a"), std::shared_ptr<nn::Module>());
     }},
    {"nn::Sequential::replace",
     [](Hostile& h) {
       nn::Sequential net{nn::ReLU()};
       net.replace(h.whole(0), h.flag() ? nullptr : std::make_shared<nn::Sequential>(net));
     }},
    {"nn::Module::*",
     [](Hostile& h) {
       Probe probe(h);
       exercise(h, probe, h.tensor({4, 3}));
     }},
    {"nn::Module::apply",
     [](Hostile& h) {
       nn::Sequential net{nn::Linear(1, 1)};
       net.apply(h.flag() ? std::function<void(nn::Module&)>() : [](nn::Module&) {});
     }},
    {"nn::Module::set_submodule",
     [](Hostile& h) {
       nn::Sequential net{nn::Linear(1, 1), nn::Sequential{nn::ReLU()}};
       net.set_submodule(h.word("1.0"), h.flag() ? nullptr : std::make_shared<nn::Sequential>(net));
       exercise(h, net, h.tensor({2, 1}));
     }},
    {"nn::Module::load_state_dict",
     [](Hostile& h) {
       nn::Linear layer(3, 2);
       layer.load_state_dict(
           {{h.word("weight"), h.tensor({2, 3})}, {h.word("bias"), h.tensor({2})}}, h.flag());
       layer.check_state_dict({{"weight", h.tensor({2, 3})}, {"weight", h.tensor({2})}});
     }},
    {"nn::Module::forward",
     [](Hostile& h) {
       struct None : nn::Module {
       } none;
       use(none(h.tensor({2})));
     }},
    {"nn::Shared::*",
     [](Hostile& h) {
       nn::Shared<Tensor> one(h.tensor({2})), two = one;
       *one = h.tensor({3});
       two = h.tensor({2});
       static_cast<void>(one->defined());
     }},
    {"nn::clone",
     [](Hostile& h) {
       const NamedTensors state{{h.word("weight"), h.tensor({2, 3})}, {"bias", h.tensor({2})}};
       nn::Linear(3, 2).load_state_dict(nn::clone(state));
     }},
    {"*warn*",
     [](Hostile& h) {
       set_warnings(h.flag() ? Warnings::Error : Warnings::Off);
       warn("surface", h.word("text"));
       nn::Linear loose(3, 2);
       use(loose(h.tensor({4, 3})));
       static_cast<void>(warnings());
     }},
    {"nn::Cloneable::*",
     [](Hostile& h) {
       nn::Linear layer(2, 2), copy = layer.clone(), gone = std::move(layer);
       static_cast<void>(copy.clone_module());
       use(layer(h.tensor({2, 2})));
     }},
    {"nn::operator<<",
     [](Hostile&) {
       std::ostringstream out;
       out << nn::Linear(2, 2);
     }},
    {"nn::fuse_conv_bn_eval",
     [](Hostile& h) {
       nn::Conv2d conv(3, 4, 2);
       nn::BatchNorm2d bn(h.flag() ? 4 : 3,
                          {.eps = h.real(0), .affine = h.flag(), .track_running_stats = h.flag()});
       conv.train(h.flag());
       bn.train(h.flag());
       use(nn::fuse_conv_bn_eval(conv, bn)(h.tensor({2, 3, 4, 4})));
     }},
    {"nn::fuse_linear_bn_eval",
     [](Hostile& h) {
       nn::Linear linear(3, 4);
       nn::BatchNorm1d bn(h.flag() ? 4 : 3, {.eps = h.real(0)});
       linear.eval();
       bn.eval();
       use(nn::fuse_linear_bn_eval(linear, bn)(h.tensor({2, 3})));
     }},
    {"nn::fuse_conv_bn",
     [](Hostile& h) {
       nn::Sequential net{nn::Conv2d(3, 4, 2), nn::BatchNorm2d(4)};
       net.train(h.flag());
       use(nn::fuse_conv_bn(net)(h.tensor({2, 3, 4, 4})));
       use(nn::fuse_conv_bn(net, h.tensor({2, 3, 4, 4}))(h.tensor({2, 3, 4, 4})));
     }},
    {"nn::summary",
     [](Hostile& h) {
       nn::Sequential net(nn::Conv2d(3, 2, 1), nn::BatchNorm2d(2));
       const nn::SummaryOptions options{.columns = {h.word("mult_adds"), "trainable"},
                                        .depth = h.whole(1),
                                        .width = h.whole(12),
                                        .var_names = h.flag()};
       static_cast<void>(nn::summary(net, h.tensor({2, 3, 4, 4}), options).str());
       nn::Summary all = nn::summary(net, [&] { net[h.below(2)](h.tensor({2, 3, 4, 4})); });
       all.options = options;
       static_cast<void>(all.str());
       nn::MultiheadAttention attention(4, 2);
       nn::summary(attention, h.tensors({2, 3, 4}), options);
       if (h.flag()) nn::summary(net, std::function<void()>());
     }},
    {"nn::fuse_conv_bn_",
     [](Hostile& h) {
       nn::Sequential net{nn::Conv2d(3, 4, 2), nn::BatchNorm2d(4)};
       net.train(h.flag());
       if (h.flag()) nn::fuse_conv_bn_(net);
       nn::fuse_conv_bn_(net, h.tensor({2, 3, 4, 4}));
     }},
    {"nn::init::uniform_",
     [](Hostile& h) {
       use(nn::init::uniform_(h.tensor({3, 2}), h.real(0), h.real(1)));
     }},
    {"nn::init::normal_",
     [](Hostile& h) {
       use(nn::init::normal_(h.tensor({3, 2}), h.real(0), h.real(1)));
     }},
    {"nn::init::constant_",
     [](Hostile& h) {
       use(nn::init::constant_(h.tensor({3, 2}), h.real(1)));
     }},
    {"nn::init::ones_",
     [](Hostile& h) {
       use(nn::init::ones_(h.tensor({3, 2})));
     }},
    {"nn::init::zeros_",
     [](Hostile& h) {
       use(nn::init::zeros_(h.tensor({3, 2})));
     }},
    {"nn::init::xavier_uniform_",
     [](Hostile& h) {
       use(nn::init::xavier_uniform_(h.tensor({3, 2}), h.real(1)));
     }},
    {"nn::init::xavier_normal_",
     [](Hostile& h) {
       use(nn::init::xavier_normal_(h.tensor({3, 2}), h.real(1)));
     }},
    {"nn::init::kaiming_uniform_",
     [](Hostile& h) {
       use(nn::init::kaiming_uniform_(
           h.tensor({3, 2}),
           {.a = h.real(0), .mode = h.word("fan_out"), .nonlinearity = h.word("relu")}));
     }},
    {"nn::init::kaiming_normal_",
     [](Hostile& h) {
       use(nn::init::kaiming_normal_(
           h.tensor({3, 2}),
           {.a = h.real(0), .mode = h.word("fan_out"), .nonlinearity = h.word("relu")}));
     }},
    {"nn::init::calculate_fan_in_and_fan_out",
     [](Hostile& h) {
       static_cast<void>(nn::init::calculate_fan_in_and_fan_out(h.tensor({3, 2, 2})));
     }},
    {"nn::init::calculate_gain",
     [](Hostile& h) {
       static_cast<void>(nn::init::calculate_gain(h.word("leaky_relu"), h.real(0.1)));
     }},
    {"nn::init::reset_weight_and_bias",
     [](Hostile& h) {
       nn::init::reset_weight_and_bias(h.tensor({3, 2}), h.tensor({3}));
     }},
    {"nn::init::reset_gamma_and_beta",
     [](Hostile& h) { nn::init::reset_gamma_and_beta(h.tensor({3}), h.tensor({3})); }},
};

}  // namespace

TEST_CASE("layers take absurd arguments") { CHECK(surface::complaints(kTable) == ""); }
