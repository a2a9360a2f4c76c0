// Memory for time: a part of a network that keeps nothing for backward, and is computed again.
#pragma once
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "norma/core/tensor.h"

namespace norma::autograd {

namespace detail {

using ListFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
std::vector<Tensor> checkpoint_list(ListFunction function, const std::vector<Tensor>& inputs);

template <class T>
concept TensorTuple = requires {
  std::tuple_size<T>::value;
};

template <class Result>
std::vector<Tensor> to_list(Result result) {
  if constexpr (std::is_convertible_v<Result, std::vector<Tensor>>) {
    return result;
  } else if constexpr (TensorTuple<Result>) {
    return std::apply([](auto&... part) { return std::vector<Tensor>{part...}; }, result);
  } else {
    return {std::move(result)};
  }
}

template <class Result>
Result from_list(std::vector<Tensor> list) {
  if constexpr (std::is_convertible_v<std::vector<Tensor>, Result>) {
    return list;
  } else if constexpr (TensorTuple<Result>) {
    Result result;
    std::size_t i = 0;
    std::apply([&](auto&... part) { ((part = std::move(list[i++])), ...); }, result);
    return result;
  } else {
    return std::move(list[0]);
  }
}

}  // namespace detail

/// `function(inputs...)`, of whose intermediate results nothing is kept: backward() computes it
/// again, and what it needs is there for as long as it needs it. The results and the gradients are
/// the same. A deep network cut into √n such parts trains in the memory of about 2√n layers, for
/// the time of one more forward pass:
/// ```cpp
/// for (nn::Sequential& part : parts) x = autograd::checkpoint(part, x);
/// ```
/// `function`: a module, or any function of tensors that gives a Tensor, or a pair, tuple, array or
/// vector of them. It is copied, a module as its handle; it must outlive backward() where it
/// captures by reference, and compute the same both times.
///
/// - Random numbers are drawn again: Dropout has the same mask.
/// - What the function changes, it changes twice: BatchNorm's running statistics take in the batch
///   in the forward pass and in backward(), as in PyTorch.
/// - Parameters, and other tensors that the function captures, get their gradients, too.
/// - autograd::grad works through it, and create_graph; forward hooks run twice.
/// - Without recording it is a plain call.
///
/// Errors, in backward(): an input that was changed in place since, and a function that computes
/// something else than the first time.
/// PyTorch: `torch.utils.checkpoint.checkpoint(function, *inputs, use_reentrant=False)`.
///
/// Chen et al., "Training deep nets with sublinear memory cost", arXiv:1604.06174.
template <class Function, class... Inputs>
auto checkpoint(Function function, const Inputs&... inputs) {
  static_assert((std::is_convertible_v<const Inputs&, const Tensor&> && ...),
                "checkpoint() takes a function and tensors; capture other arguments in a lambda");
  using Given = std::remove_cvref_t<std::invoke_result_t<Function&, const Inputs&...>>;
  using Result = std::conditional_t<std::is_base_of_v<Tensor, Given>, Tensor, Given>;
  auto call = [function = std::move(function)](const std::vector<Tensor>& list) mutable {
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return detail::to_list<Result>(function(list[i]...));
    }
    (std::index_sequence_for<Inputs...>());
  };
  return detail::from_list<Result>(
      detail::checkpoint_list(std::move(call), std::vector<Tensor>{inputs...}));
}

}  // namespace norma::autograd
