// Functional: a function as a layer.
#pragma once
#include <functional>
#include <utility>

#include "norma/layers/cloneable.h"

namespace norma::nn {

/// Calls a function, for places where a module has to stand:
/// ```cpp
/// nn::Sequential net(nn::Linear(2, 8),
///                    nn::Functional([](const Tensor& x) { return x.sin(); }),
///                    nn::Functional(norma::log_softmax, 1));
/// ```
/// Arguments after the function are passed to it after the input. It has no parameters, even where
/// the function uses tensors that require a gradient. Clones call a copy of the function.
/// libtorch: `nn::Functional`. Errors: no function.
class Functional : public Cloneable<Functional> {
 public:
  explicit Functional(std::function<Tensor(const Tensor&)> function);
  template <class F, class First, class... More>
  explicit Functional(F function, First first, More... more)
      : Functional(
            [function, first, more...](const Tensor& x) { return function(x, first, more...); }) {}

  Tensor forward(const Tensor& input) override { return function_(input); }
  Functional fresh() const { return Functional(function_); }

 private:
  std::function<Tensor(const Tensor&)> function_;
};

}  // namespace norma::nn
