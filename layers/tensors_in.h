// The tensors in an argument or a result of any type.
#pragma once
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "norma/core/tensor.h"

namespace norma::nn::detail {

template <class T>
concept Tied = requires(T& value) {
  value.tie();
};
template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<std::vector<T>> = true;
template <class T>
inline constexpr bool is_list<std::optional<T>> = true;
template <class T>
concept TupleLike = requires {
  std::tuple_size<T>::value;
};

/// Calls `visit` with every tensor in `value`: itself, or those in tuples, pairs, arrays, vectors
/// and optionals, and in a struct that says by `auto tie() { return std::tie(a, b); }` what it
/// holds. Other types have none.
template <class T, class Visit>
void each_tensor(T& value, const Visit& visit) {
  if constexpr (std::is_base_of_v<Tensor, T>) {
    visit(value);
  } else if constexpr (Tied<T>) {
    std::apply([&](auto&... parts) { (each_tensor(parts, visit), ...); }, value.tie());
  } else if constexpr (TupleLike<T>) {
    std::apply([&](auto&... parts) { (each_tensor(parts, visit), ...); }, value);
  } else if constexpr (is_list<T>) {
    if constexpr (requires { value.begin(); }) {
      if constexpr (std::is_class_v<typename T::value_type>) {
        for (auto& part : value) each_tensor(part, visit);
      }
    } else if (value) {
      each_tensor(*value, visit);
    }
  }
}

/// Whether `each_tensor` may find some, so that hooks may put others in their places: of such an
/// argument they get a copy. Of others, which may be large, nobody makes one.
template <class T>
concept MayHoldTensors = std::is_base_of_v<Tensor, T> || Tied<T> || TupleLike<T> || is_list<T>;

template <class Arg>
using Followed = std::conditional_t<MayHoldTensors<std::remove_cvref_t<Arg>>,
                                    std::remove_cvref_t<Arg>, std::remove_reference_t<Arg>&>;

}  // namespace norma::nn::detail
