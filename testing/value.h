// What assert_close compares: tensors, numbers, and lists and mappings of these.
#pragma once
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "norma/core/scalar.h"
#include "norma/core/tensor.h"

namespace norma::testing {

class Value;

namespace detail {
template <class T>
concept Number = std::is_arithmetic_v<T>;
template <class T>
concept IsTensor = std::derived_from<T, Tensor>;
template <class T>
concept Text = std::convertible_to<const T&, std::string_view>;
template <class T>
concept Range = !IsTensor<T> && !Text<T> && !std::same_as<T, Value> && requires(const T& items) {
  items.begin() != items.end();
};
template <class T>
concept TupleLike = !Range<T> && requires {
  std::tuple_size<T>::value;
};
template <class T>
concept Entry = requires(const T& entry) {
  std::string_view(entry.first);
  entry.second;
};
}  // namespace detail

/// One side of a comparison. Made of a Tensor; of a number; of a list (`std::vector`, `std::array`,
/// `Shape`, `std::pair`, `std::tuple`, `{a, b}`) or a mapping (`NamedTensors`, `std::map`) of such,
/// however deep. The tensors are handles, not copies.
class Value {
 public:
  /// What it holds.
  enum class Kind : uint8_t { Tensor, Number, List, Mapping };

  Value(const Tensor& tensor) : kind_(Kind::Tensor), tensor_(tensor) {}
  template <detail::Number T>
  Value(T number)
      : kind_(Kind::Number),
        number_(number),
        dtype_(std::same_as<T, float> ? kFloat32 : number_.dtype()) {}
  Value(std::initializer_list<Value> items) : kind_(Kind::List), items_(items) {}
  template <detail::Range T>
  Value(const T& items) : kind_(Kind::List) {
    using Item = std::remove_cvref_t<decltype(*items.begin())>;
    if constexpr (detail::Entry<Item>) {
      kind_ = Kind::Mapping;
      for (const auto& [key, item] : items) add(Value(item), std::string(key));
    } else if constexpr (requires { typename T::value_type; }) {
      for (const typename T::value_type& item : items) add(Value(item));
    } else {
      for (const auto& item : items) add(Value(item));
    }
  }
  template <detail::TupleLike T>
  Value(const T& items) : kind_(Kind::List) {
    std::apply([&](const auto&... item) { (add(Value(item)), ...); }, items);
  }

  /// Which of them it is.
  Kind kind() const { return kind_; }
  const Tensor& tensor() const { return tensor_; }
  const Scalar& number() const { return number_; }
  /// kBool, kInt64, kFloat64, and for a `float` kFloat32.
  DType dtype() const { return dtype_; }
  /// Of a list or a mapping.
  const std::vector<Value>& items() const { return items_; }
  /// Of a mapping: the key of each item.
  const std::vector<std::string>& keys() const { return keys_; }
  /// "a tensor", "a number", "a list of 2", "a mapping of 3".
  std::string str() const;
  /// As Python prints it: "tensor([1., 2.])", "[0.5, 1.0]", {"w": tensor(1.)}.
  std::string repr() const;

 private:
  void add(Value item) { items_.push_back(std::move(item)); }
  void add(Value item, std::string key) {
    add(std::move(item));
    keys_.push_back(std::move(key));
  }

  Kind kind_;
  Tensor tensor_;
  Scalar number_ = 0;
  DType dtype_ = kInt64;
  std::vector<Value> items_;
  std::vector<std::string> keys_;
};

}  // namespace norma::testing
