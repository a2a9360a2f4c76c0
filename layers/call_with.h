// A call of a module of any class with a list of tensors.
#pragma once
#include <cstddef>
#include <utility>
#include <vector>

#include "norma/layers/module.h"

namespace norma::nn::detail {

[[noreturn]] void wrong_arguments(const char* op, const Module& model, std::size_t count);

template <class M, std::size_t... I>
bool called_with(M& model, const std::vector<Tensor>& inputs, std::index_sequence<I...>) {
  if constexpr (requires { model(inputs[I]...); }) {
    if (inputs.size() == sizeof...(I)) return static_cast<void>(model(inputs[I]...)), true;
  }
  return false;
}
/// `model(inputs)`, or else `model(inputs[0], inputs[1], …)` with up to six.
template <class M>
void call_with(const char* op, M& model, const std::vector<Tensor>& inputs) {
  if constexpr (requires { model(inputs); }) {
    static_cast<void>(model(inputs));
  } else {
    const bool done = [&]<std::size_t... N>(std::index_sequence<N...>) {
      return (called_with(model, inputs, std::make_index_sequence<N + 1>()) || ...);
    }
    (std::make_index_sequence<6>());
    if (!done) wrong_arguments(op, model, inputs.size());
  }
}
}  // namespace norma::nn::detail
