#include "norma/playground/network.h"

#include <string>

namespace playground {

namespace nn = norma::nn;
using norma::Tensor;

WrongAxis::WrongAxis(int64_t features) : norm(features) { register_module("norm", norm); }

Tensor WrongAxis::forward(const Tensor& x) { return norm(x.unsqueeze(0)).squeeze(0); }

WrongAxis WrongAxis::fresh() const { return WrongAxis(norm.num_features()); }

namespace {

void add_norm(nn::Sequential& net, const Settings& settings, int64_t features) {
  if (settings.norm == "layer") {
    net.push_back(nn::LayerNorm({features}));
  } else if (settings.axis == "wrong") {
    net.push_back(WrongAxis(features));
  } else {
    net.push_back(nn::BatchNorm1d(features));
  }
}

void add_activation(nn::Sequential& net, const std::string& name) {
  if (name == "relu") net.push_back(nn::ReLU());
  if (name == "leaky_relu") net.push_back(nn::LeakyReLU());
  if (name == "gelu") net.push_back(nn::GELU());
  if (name == "tanh") net.push_back(nn::Tanh());
  if (name == "sigmoid") net.push_back(nn::Sigmoid());
  if (name == "none") net.push_back(nn::Identity());
}

}  // namespace

Network Network::make(const Settings& settings) {
  norma::manual_seed(static_cast<uint64_t>(settings.seed));
  Network network;
  nn::Sequential& net = network.net;
  int64_t features = 2;
  for (std::size_t i = 0; i < settings.widths.size(); ++i) {
    const int64_t width = settings.widths[i];
    const bool is_last = i + 1 == settings.widths.size();
    Layer layer{.linear = net.size()};
    net.push_back(nn::Linear(features, width, {.bias = settings.norm != "batch"}));
    if (settings.norm != "none") {
      layer.norm = net.size();
      add_norm(net, settings, width);
    }
    layer.activation = net.size();
    add_activation(net, settings.activation);
    if (settings.dropout > 0 && (is_last || settings.place == "before")) {
      net.push_back(nn::Dropout(settings.dropout));
    }
    network.layers.push_back(layer);
    features = width;
  }
  net.push_back(nn::Linear(features, 2));

  const norma::NoGradGuard no_grad;
  for (nn::Module& module : net) {
    if (auto* linear = dynamic_cast<nn::Linear*>(&module)) {
      for (Tensor& parameter : linear->parameters()) parameter.mul_(settings.init);
    }
  }
  return network;
}

Tensor Network::forward(Tensor x, HiddenValues& hidden) const {
  hidden = {};
  std::size_t layer = 0;
  for (int64_t i = 0; i < net.size(); ++i) {
    x = net[i](x);
    if (layer == layers.size()) continue;
    if (i == layers[layer].linear) hidden.normalised.push_back(x.detach());
    if (i == layers[layer].activation) {
      if (x.requires_grad()) x.retain_grad();
      hidden.activations.push_back(x);
      ++layer;
    }
  }
  return x;
}

const nn::BatchNorm1d* Network::batch_norm(std::size_t layer) const {
  const int64_t index = layers[layer].norm;
  if (index < 0) return nullptr;
  nn::Module& module = net[index];
  if (auto* wrapped = dynamic_cast<WrongAxis*>(&module)) return &wrapped->norm;
  return dynamic_cast<nn::BatchNorm1d*>(&module);
}

}  // namespace playground
