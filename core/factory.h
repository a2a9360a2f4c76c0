// Functions that make tensors.
#pragma once
#include <functional>
#include <initializer_list>
#include <type_traits>
#include <vector>

#include "norma/core/tensor.h"

namespace norma {

Tensor empty(const Shape& sizes, const TensorOptions& options = {});
Tensor zeros(const Shape& sizes, const TensorOptions& options = {});
Tensor ones(const Shape& sizes, const TensorOptions& options = {});
Tensor full(const Shape& sizes, Scalar value, const TensorOptions& options = {});
Tensor empty_like(const Tensor& other);
Tensor zeros_like(const Tensor& other);
Tensor ones_like(const Tensor& other);
Tensor full_like(const Tensor& other, Scalar value);
/// start, start+step, … below end (above, for a negative step). kInt64 when all three are integers.
Tensor arange(Scalar end);
Tensor arange(Scalar start, Scalar end, Scalar step = 1);
Tensor arange(Scalar start, Scalar end, Scalar step, const TensorOptions& options);
/// `steps` values from start to end, both included.
Tensor linspace(double start, double end, int64_t steps, const TensorOptions& options = {});
/// The identity matrix.
Tensor eye(int64_t n, const TensorOptions& options = {});
Tensor eye(int64_t n, int64_t m, const TensorOptions& options = {});

/// A number or a nested list of numbers: the argument of `tensor({{1.0, 2.0}, {3.0, 4.0}})`.
class NestedList {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> NestedList(T value) : value_(value) {}
  NestedList(std::initializer_list<NestedList> items) : items_(items), is_list_(true) {}
  const Scalar& value() const { return value_; }
  const std::vector<NestedList>& items() const { return items_; }
  bool is_list() const { return is_list_; }

 private:
  Scalar value_ = 0;
  std::vector<NestedList> items_;
  bool is_list_ = false;
};

/// A tensor from literal values. The dtype follows the numbers as in PyTorch: kFloat32 when any is
/// floating, kInt64 for integers, kBool for bools.
Tensor tensor(const NestedList& values);
Tensor tensor(const NestedList& values, const TensorOptions& options);
/// A 1-d tensor with the values of a vector of float, double, int64_t or uint8_t.
template <class T>
Tensor tensor(const std::vector<T>& values);

/// Wraps foreign contiguous memory without copying; `deleter` runs when the last view goes.
Tensor from_blob(void* data, const Shape& sizes, DType dtype = kFloat32,
                 std::function<void()> deleter = {});

}  // namespace norma
