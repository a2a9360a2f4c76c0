// Instance norm, RMS norm, local response norm, norms without a bias: families/more_norms.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace nn = norma::nn;
namespace F = norma::functional;

template <class Layer>
Tensors run_script(const Tensors& x, const Json& options) {
  Layer layer(options.at("channels").get<int64_t>(),
              {.eps = options.at("eps").get<double>(),
               .momentum = options.at("momentum").get<double>(),
               .affine = options.at("affine").get<bool>(),
               .track_running_stats = options.at("track").get<bool>()});
  layer.to(x[0].dtype());
  if (options.at("affine").get<bool>()) {
    layer.weight = x[x.size() - 2];
    layer.bias = x[x.size() - 1];
  }
  Tensors outputs;
  std::size_t next = 0;
  for (const Json& step : options.at("script")) {
    layer.train(step.get<std::string>() == "train");
    outputs.push_back(layer(x.at(next++)));
  }
  for (const auto& [name, buffer] : layer.named_buffers()) outputs.push_back(buffer);
  return outputs;
}

Tensors instance_norm(const Tensors& x, const Json& options) {
  const auto axes = options.at("axes").get<int>();
  return axes == 1   ? run_script<nn::InstanceNorm1d>(x, options)
         : axes == 2 ? run_script<nn::InstanceNorm2d>(x, options)
                     : run_script<nn::InstanceNorm3d>(x, options);
}

Tensors rms_norm(const Tensors& x, const Json& options) {
  std::optional<double> eps;
  if (options.contains("eps")) eps = options.at("eps").get<double>();
  std::size_t next = 1;
  const Tensor weight = optional_input(x, next, options, "affine");
  return {F::rms_norm(x[0], shape_of(options.at("shape")), weight, eps)};
}

Tensors local_response_norm(const Tensors& x, const Json& options) {
  return {F::local_response_norm(x[0], options.at("size").get<int64_t>(),
                                 options.at("alpha").get<double>(),
                                 options.at("beta").get<double>(), options.at("k").get<double>())};
}

Tensors without_bias(const Tensors& x, const Json& options) {
  const auto kind = options.at("kind").get<std::string>();
  if (kind == "batch") return {F::batch_norm(x[0], {.weight = x[1], .training = true})};
  if (kind == "group") return {F::group_norm(x[0], 2, x[1])};
  const norma::Shape last{x[0].size(1), x[0].size(2)};
  return {F::layer_norm(x[0], last, x[1].reshape(last))};
}

const Family family("more_norms", {{"instance_norm", instance_norm},
                                   {"rms_norm", rms_norm},
                                   {"local_response_norm", local_response_norm},
                                   {"without_bias", without_bias}});

}  // namespace
}  // namespace parity
