#include "norma/layers/lazy.h"

#include "norma/core/random.h"

namespace norma::nn {

LazyLayer::LazyLayer(const char* name, int64_t axes) : name_(name), axes_(axes) { await_sizes(); }

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
  const std::shared_ptr<Module> layer = layer_for(input_size(input));
  if (is_floating(input.dtype())) layer->to(input.dtype());
  layer->train(is_training());
  Tensor result = layer->forward(input);
  become(layer);
  return result;
}

bool LazyLayer::find_sizes(const std::function<const Tensor*(const char*)>& entry) {
  const int64_t size = size_from(entry);
  if (size < 0) return false;
  const std::shared_ptr<Module> layer = layer_for(size);
  layer->train(is_training());
  become(layer);
  return true;
}

std::string LazyLayer::extra_repr() const {
  const RandomStateGuard guard;
  return layer_for(0)->extra_repr();
}

LazyLinear::LazyLinear(int64_t out_features, const LinearOptions& options)
    : Cloneable("LazyLinear", -1), out_features_(out_features), options_(options) {
  LazyLayer::extra_repr();  // refuses bad options
}

std::shared_ptr<Module> LazyLinear::layer_for(int64_t size) const {
  return std::make_shared<Linear>(size, out_features_, options_);
}

int64_t LazyLinear::size_from(const std::function<const Tensor*(const char*)>& entry) const {
  const Tensor* const weight = entry("weight");
  return weight && weight->dim() == 2 ? weight->size(1) : -1;
}

}  // namespace norma::nn
