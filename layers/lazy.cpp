#include "norma/layers/lazy.h"

#include "norma/core/random.h"

namespace norma::nn {

LazyLayer::LazyLayer(const char* name, int64_t axes, Weight weight, Make make)
    : name_(name), axes_(axes), weight_(weight), make_(std::move(make)) {
  await_sizes();
  LazyLayer::extra_repr();  // refuses bad options
}

// With `axes` = 0, a BatchNorm's, channels stand on axis 1.
int64_t LazyLayer::input_size(const Tensor& input) const {
  if (!input.defined()) fail(name_, "expected a tensor, got an undefined one");
  const int64_t rank = input.dim();
  if (axes_ > 0 && rank != axes_ + 1 && rank != axes_ + 2) {
    fail(name_, "Expected ", axes_ + 1, "D (unbatched) or ", axes_ + 2,
         "D (batched) input, but got input of size: ", input.sizes());
  }
  const int64_t axis = axes_ < 0 ? rank - 1 : axes_ == 0 ? 1 : rank - axes_ - 1;
  if (axis < 0 || axis >= rank) {
    fail(name_, "expected an input of at least ", axes_ < 0 ? 1 : 2, " dimensions, got ",
         input.sizes());
  }
  return input.size(axis);
}

Tensor LazyLayer::forward(const Tensor& input) {
  const std::shared_ptr<Module> layer = make_(input_size(input));
  if (is_floating(input.dtype())) layer->to(input.dtype());
  layer->train(is_training());
  Tensor result = layer->forward(input);
  become(layer);
  return result;
}

bool LazyLayer::find_sizes(const std::function<const Tensor*(const char*)>& entry) {
  const Tensor* const weight = entry(weight_.name);
  if (!weight || weight->dim() != weight_.dim) return false;
  const std::shared_ptr<Module> layer = make_(weight->size(weight_.axis) * weight_.groups);
  layer->train(is_training());
  become(layer);
  return true;
}

std::string LazyLayer::extra_repr() const {
  const RandomStateGuard guard;
  return make_(0)->extra_repr();
}

LazyLinear::LazyLinear(int64_t out_features, const LinearOptions& options)
    : Cloneable(
          "LazyLinear", -1, Weight{"weight", 2, 1},
          [=](int64_t size) { return std::make_shared<Linear>(size, out_features, options); }),
      out_features_(out_features),
      options_(options) {}

template <class Derived, class Layer, class Size, class Options>
LazyConv<Derived, Layer, Size, Options>::LazyConv(const char* name, int64_t axes,
                                                  int64_t weight_axis, int64_t out_channels,
                                                  Size kernel_size, const Options& options)
    : Cloneable<Derived, LazyLayer>(
          name, axes,
          LazyLayer::Weight{"weight", axes + 2, weight_axis, weight_axis == 1 ? options.groups : 1},
          [=](int64_t size) {
            return std::make_shared<Layer>(size, out_channels, kernel_size, options);
          }),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {}

template <class Derived, class Layer>
LazyBatchNorm<Derived, Layer>::LazyBatchNorm(const char* name, const BatchNormOptions& options)
    : Cloneable<Derived, LazyLayer>(
          name, 0, LazyLayer::Weight{options.affine ? "weight" : "running_mean", 1, 0},
          [=](int64_t size) { return std::make_shared<Layer>(size, options); }),
      options_(options) {}

LazyConv1d::LazyConv1d(int64_t out_channels, int64_t kernel_size, const Conv1dOptions& options)
    : LazyConv("LazyConv1d", 1, 1, out_channels, kernel_size, options) {}

LazyConv2d::LazyConv2d(int64_t out_channels, Pair kernel_size, const Conv2dOptions& options)
    : LazyConv("LazyConv2d", 2, 1, out_channels, kernel_size, options) {}

LazyConvTranspose1d::LazyConvTranspose1d(int64_t out_channels, int64_t kernel_size,
                                         const ConvTranspose1dOptions& options)
    : LazyConv("LazyConvTranspose1d", 1, 0, out_channels, kernel_size, options) {}

LazyConvTranspose2d::LazyConvTranspose2d(int64_t out_channels, Pair kernel_size,
                                         const ConvTranspose2dOptions& options)
    : LazyConv("LazyConvTranspose2d", 2, 0, out_channels, kernel_size, options) {}

LazyBatchNorm1d::LazyBatchNorm1d(const BatchNormOptions& options)
    : LazyBatchNorm("LazyBatchNorm1d", options) {}

LazyBatchNorm2d::LazyBatchNorm2d(const BatchNormOptions& options)
    : LazyBatchNorm("LazyBatchNorm2d", options) {}

LazyBatchNorm3d::LazyBatchNorm3d(const BatchNormOptions& options)
    : LazyBatchNorm("LazyBatchNorm3d", options) {}

}  // namespace norma::nn
