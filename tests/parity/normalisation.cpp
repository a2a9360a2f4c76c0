// Normalisation: families/normalisation.py. Dropout: families/dropout.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace nn = norma::nn;
namespace F = norma::functional;

nn::BatchNormOptions batch_norm_options(const Json& options) {
  nn::BatchNormOptions o{.eps = options.at("eps").get<double>(),
                         .affine = options.at("affine").get<bool>(),
                         .track_running_stats = options.at("track_running_stats").get<bool>()};
  const Json& momentum = options.at("momentum");
  o.momentum = momentum.is_null() ? std::nullopt : std::optional(momentum.get<double>());
  return o;
}

norma::NamedTensors copies(const norma::NamedTensors& tensors) {
  norma::NamedTensors result;
  for (const auto& [name, tensor] : tensors) result.emplace_back(name, tensor.detach().clone());
  return result;
}

template <class Layer>
Tensors batch_norm(const Tensors& x, const Json& options) {
  Layer layer(options.at("channels").get<int64_t>(), batch_norm_options(options));
  layer.to(x[0].dtype());
  std::size_t next = 0;
  if (options.at("affine").get<bool>()) {
    layer.weight = x[x.size() - 2];
    layer.bias = x[x.size() - 1];
  }
  norma::NamedTensors saved;
  Tensors outputs;
  for (const Json& command : options.at("script")) {
    const auto step = command.get<std::string>();
    if (step == "forward") {
      outputs.push_back(layer(x.at(next++)));
    } else if (step == "train" || step == "eval") {
      layer.train(step == "train");
    } else if (step == "freeze" || step == "unfreeze") {
      layer.freeze_stats(step == "freeze");
    } else if (step == "save") {
      saved = copies(layer.state_dict());
    } else if (!saved.empty()) {
      layer.load_state_dict(saved);
    }
  }
  for (const auto& [name, buffer] : layer.named_buffers()) outputs.push_back(buffer);
  return outputs;
}

Tensors layer_norm(const Tensors& x, const Json& options) {
  std::size_t next = 1;
  const Tensor weight = optional_input(x, next, options, "affine");
  const Tensor bias = optional_input(x, next, options, "affine");
  return {F::layer_norm(x[0], shape_of(options.at("shape")), weight, bias,
                        options.at("eps").get<double>())};
}

Tensors group_norm(const Tensors& x, const Json& options) {
  std::size_t next = 1;
  const Tensor weight = optional_input(x, next, options, "affine");
  const Tensor bias = optional_input(x, next, options, "affine");
  return {F::group_norm(x[0], options.at("groups").get<int64_t>(), weight, bias,
                        options.at("eps").get<double>())};
}

template <auto function>
Tensors dropout(const Tensors& x, const Json& options) {
  norma::manual_seed(options.at("seed").get<uint64_t>());
  return {function(x[0], options.at("p").get<double>(), options.at("training").get<bool>())};
}

const Family normalisation("normalisation", {{"batch_norm1d", batch_norm<nn::BatchNorm1d>},
                                             {"batch_norm2d", batch_norm<nn::BatchNorm2d>},
                                             {"layer_norm", layer_norm},
                                             {"group_norm", group_norm}});
const Family dropouts("dropout",
                      {{"dropout", dropout<F::dropout>}, {"dropout2d", dropout<F::dropout2d>}});

}  // namespace
}  // namespace parity
