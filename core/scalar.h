// A number of any C++ arithmetic type, as an operand of tensor operations.
#pragma once
#include <concepts>

#include "norma/core/dtype.h"

namespace norma {

/// Remembers whether it was a bool, an integer or a floating number, for PyTorch's promotion rules:
/// `int64 tensor * 2` stays int64, `int64 tensor * 2.0` becomes float32. An unsigned number of 2^63
/// or more counts as floating.
class Scalar {
 public:
  template <std::same_as<bool> T>  // not a pointer, which is a bool as well
  Scalar(T value) : floating_(value ? 1.0 : 0.0), integer_(value), dtype_(kBool) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Scalar(T value)
      : floating_(static_cast<double>(value)),
        integer_(static_cast<int64_t>(value)),
        dtype_(value > 0 && integer_ < 0 ? kFloat64 : kInt64) {}
  template <std::floating_point T>
  Scalar(T value) : floating_(static_cast<double>(value)), dtype_(kFloat64) {}

  DType dtype() const { return dtype_; }  ///< kBool, kInt64 or kFloat64
  /// The number as a `T`; a fraction goes on the way to integers.
  template <class T>
  T to() const {
    if constexpr (std::same_as<T, bool>) {
      return dtype_ == kFloat64 ? floating_ != 0.0 : integer_ != 0;
    } else if constexpr (std::integral<T>) {
      return dtype_ == kFloat64 ? convert<T>(floating_) : static_cast<T>(integer_);
    } else {
      return static_cast<T>(floating_);
    }
  }

 private:
  double floating_;
  int64_t integer_ = 0;
  DType dtype_;
};

}  // namespace norma
