// IValue: a value of one of a few types.
#pragma once
#include "torch/types.h"

namespace torch {

/// A value of one of a few types, for `ctx->saved_data`.
struct IValue {
  using Number = norma::libtorch::Number;
  using List = std::vector<int64_t>;
  IValue() = default;
  template <class T>
  IValue(T value) {
    using As = std::conditional_t<std::is_arithmetic_v<T>, Number, T>;
    value_ = As(std::move(value));
  }
  double toDouble() const { return std::get<Number>(value_).toDouble(); }
  int64_t toInt() const { return std::get<Number>(value_).toLong(); }
  bool toBool() const { return std::get<Number>(value_).toBool(); }
  const Tensor& toTensor() const { return std::get<Tensor>(value_); }
  const std::string& toStringRef() const { return std::get<std::string>(value_); }
  const List& toIntVector() const { return std::get<List>(value_); }
  const Number& toScalar() const { return std::get<Number>(value_); }
  bool isTensor() const { return std::holds_alternative<Tensor>(value_); }

 private:
  std::variant<std::monostate, Number, Tensor, std::string, List> value_;
};

}  // namespace torch
