// A call of a module of any class with a list of tensors, and the tensors that it gives.
#pragma once
#include <cstddef>
#include <utility>
#include <vector>

#include "norma/layers/module.h"

namespace norma::nn::detail {

/// Who calls, and what to write instead where the tensors are no arguments of the module's.
struct Caller {
  const char* op;
  const char* instead;
};
[[noreturn]] void wrong_arguments(const Caller& caller, const Module& model, std::size_t count);

/// The tensors among the parts of a result.
template <class Result>
std::vector<Tensor> all_tensors(Result result) {
  std::vector<Tensor> list;
  each_tensor(result, [&](const Tensor& tensor) { list.push_back(tensor); });
  return list;
}

template <class M, class Take, std::size_t... I>
bool called_with(M& model, const std::vector<Tensor>& inputs, const Take& take,
                 std::index_sequence<I...>) {
  if constexpr (requires { model(inputs[I]...); }) {
    if (inputs.size() == sizeof...(I)) return take(model(inputs[I]...)), true;
  }
  return false;
}
/// Gives `take` the result of `model(inputs)`, or else of `model(inputs[0], …)`, with up to six.
template <class M, class Take>
void call_with(const Caller& caller, M& model, const std::vector<Tensor>& inputs,
               const Take& take) {
  if constexpr (requires { model(inputs); }) {
    take(model(inputs));
  } else {
    const bool done = [&]<std::size_t... N>(std::index_sequence<N...>) {
      return (called_with(model, inputs, take, std::make_index_sequence<N + 1>()) || ...);
    }
    (std::make_index_sequence<6>());
    if (!done) wrong_arguments(caller, model, inputs.size());
  }
}
}  // namespace norma::nn::detail
