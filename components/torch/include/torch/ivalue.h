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
  IValue(T value)
      : value_(std::conditional_t<std::is_arithmetic_v<T>, Number, T>(std::move(value))) {}
  // Of another type: an Error. A number may be a tensor without dimensions, as in archives.
  double toDouble() const { return number("a floating number", kDouble).toDouble(); }
  int64_t toInt() const { return number("an integer", kLong).toLong(); }
  bool toBool() const { return number("a bool", kBool).toBool(); }
  const Tensor& toTensor() const { return as<Tensor>("a tensor"); }
  const std::string& toStringRef() const { return as<std::string>("a string"); }
  const List& toIntVector() const { return as<List>("a list of integers"); }
  Number toScalar() const { return number("a number", std::nullopt); }
  bool isTensor() const { return std::holds_alternative<Tensor>(value_); }
  bool isScalar() const { return std::holds_alternative<Number>(value_); }
  /// What it is, for messages: "a string".
  const char* kind() const {
    constexpr std::array kNames = {"nothing", "a number", "a tensor", "a string",
                                   "a list of integers"};
    if (!isScalar()) return kNames[value_.index()];
    const auto dtype = std::get<Number>(value_).dtype();
    return dtype == kBool ? "a bool" : dtype == kLong ? "an integer" : "a floating number";
  }

 private:
  template <class T>
  const T& as(const char* expected) const {
    if (const T* const value = std::get_if<T>(&value_)) return *value;
    norma::fail("IValue", "expected ", expected, ", got ", kind());
  }
  Number number(const char* expected, std::optional<Dtype> dtype) const {
    const auto* const tensor = std::get_if<Tensor>(&value_);
    const bool lone = tensor && tensor->defined() && tensor->dim() == 0;
    const Number found = lone ? tensor->item() : as<Number>(expected);
    if (dtype && found.dtype() != *dtype) {
      norma::fail("IValue", "expected ", expected, ", got ", IValue(found).kind());
    }
    return found;
  }
  std::variant<std::monostate, Number, Tensor, std::string, List> value_;
};

}  // namespace torch
