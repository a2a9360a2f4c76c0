// Functions that make tensors.
//
// Errors of all: a negative size, 2^63 elements or more, integers that are to require a gradient,
// an undefined `other`.
#pragma once
#include <functional>
#include <initializer_list>
#include <type_traits>
#include <utility>
#include <vector>

#include "norma/core/error.h"
#include "norma/core/tensor.h"

namespace norma {

/// Of any values. Errors: a negative size.
Tensor empty(const Shape& sizes, const TensorOptions& options = {});
/// All 0.
Tensor zeros(const Shape& sizes, const TensorOptions& options = {});
/// All 1.
Tensor ones(const Shape& sizes, const TensorOptions& options = {});
/// Without options of the value's kind: kInt64 for an integer, kBool for a bool, kFloat32 else.
/// Errors: a value that the dtype does not hold.
Tensor full(const Shape& sizes, Scalar value);
Tensor full(const Shape& sizes, Scalar value, const TensorOptions& options);
/// Of the shape of `other`, and of its dtype unless the options say another.
Tensor empty_like(const Tensor& other, const LikeOptions& options = {});
/// All 0, as `empty_like`.
Tensor zeros_like(const Tensor& other, const LikeOptions& options = {});
/// All 1, as `empty_like`.
Tensor ones_like(const Tensor& other, const LikeOptions& options = {});
/// All `value`, as `empty_like`. Errors: a value that the dtype does not hold.
Tensor full_like(const Tensor& other, Scalar value, const LikeOptions& options = {});
/// start, start+step, … below end (above, for a negative step). kInt64 when all three are integers.
/// With an integer dtype as many as between the ends as given, start and step without fractions.
/// Errors: a step of 0, or one that leads away from `end`.
Tensor arange(Scalar end);
Tensor arange(Scalar start, Scalar end, Scalar step = 1);
Tensor arange(Scalar start, Scalar end, Scalar step, const TensorOptions& options);
/// `steps` values from start to end, both included. Errors: steps < 0, ends that the dtype does
/// not hold.
Tensor linspace(double start, double end, int64_t steps, const TensorOptions& options = {});
/// base to the powers of `steps` values from start to end. Errors: steps < 0.
Tensor logspace(double start, double end, int64_t steps, double base = 10,
                const TensorOptions& options = {});
/// Rows and columns, [2, n] kInt64, of the elements on and below (above) a diagonal of a matrix.
Tensor tril_indices(int64_t row, int64_t col, int64_t offset = 0);
/// Those on and above it.
Tensor triu_indices(int64_t row, int64_t col, int64_t offset = 0);
/// The identity matrix.
Tensor eye(int64_t n, const TensorOptions& options = {});
Tensor eye(int64_t n, int64_t m, const TensorOptions& options = {});

/// A number or a nested list of numbers: the argument of `tensor({{1.0, 2.0}, {3.0, 4.0}})`.
class NestedList {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> NestedList(T value) : value_(value) {}
  NestedList(std::initializer_list<NestedList> items)
      : items_(with_memory(0, [&] { return std::vector<NestedList>(items); })), is_list_(true) {}
  const Scalar& value() const { return value_; }
  const std::vector<NestedList>& items() const { return items_; }
  bool is_list() const { return is_list_; }  ///< a list, not a number

 private:
  Scalar value_ = 0;
  std::vector<NestedList> items_;
  bool is_list_ = false;
};

/// A tensor from literal values. The dtype follows the numbers as in PyTorch: kFloat32 when any is
/// floating, kInt64 for integers, kBool for bools. Errors: rows of different lengths or depths;
/// numbers that the dtype does not hold.
Tensor tensor(const NestedList& values);
Tensor tensor(const NestedList& values, const TensorOptions& options);

namespace detail {
template <class T>
struct Leaf {
  using Type = T;
};
template <class T>
struct Leaf<std::vector<T>> : Leaf<T> {};

/// Throws unless all rows of a depth are equally long, as `sizes` then tells.
void add_row(std::size_t length, int64_t depth, Shape& sizes);
template <class T>
void add_rows(const std::vector<T>& list, int64_t depth, Shape& sizes) {
  add_row(list.size(), depth, sizes);
  if constexpr (!std::is_same_v<typename Leaf<T>::Type, T>) {
    for (const T& row : list) add_rows(row, depth + 1, sizes);
  }
}

[[noreturn]] void refuse_number(uint64_t value);
void* new_values(const Tensor& tensor);
template <class T, class To>
void copy_values(const std::vector<T>& from, To*& to) {
  for (const T& item : from) {  // of std::vector<bool>, too, which holds none
    if constexpr (std::is_arithmetic_v<T>) {
      if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(int64_t)) {
        if (item > static_cast<uint64_t>(INT64_MAX)) refuse_number(item);
      }
      *to++ = static_cast<To>(item);
    } else {
      copy_values(item, to);
    }
  }
}
}  // namespace detail

/// A tensor with the values of a vector, or of equally long vectors in a vector. The dtype follows
/// the numbers' type: bool, uint8_t, float and double keep theirs, other integers become kInt64.
/// Errors: rows of different lengths, integers beyond int64.
template <class T>
Tensor tensor(const std::vector<T>& values) {
  using Number = typename detail::Leaf<T>::Type;
  static_assert(
      std::is_arithmetic_v<Number> && sizeof(Number) <= sizeof(double),
      "tensor(std::vector) takes bools and numbers of at most 64 bits, and vectors of them");
  constexpr bool kKept = std::is_floating_point_v<Number> || sizeof(Number) == 1;
  using To = std::conditional_t<Element<Number> && kKept, Number, int64_t>;
  Shape sizes;
  detail::add_rows(values, 0, sizes);
  Tensor result = empty(sizes, {.dtype = dtype_of<To>});
  To* to = static_cast<To*>(detail::new_values(result));
  detail::copy_values(values, to);
  return result;
}

/// Wraps foreign contiguous memory without copying; `deleter` runs when the last view goes. For
/// memory whose type is not known; the others take the dtype from the pointer. Errors: null,
/// negative sizes.
Tensor from_blob(void* data, const Shape& sizes, DType dtype = kFloat32,
                 std::function<void()> deleter = {});
/// The same, and throws unless the pointer is one to `dtype`.
template <class T>
Tensor from_blob(T* data, const Shape& sizes, DType dtype, std::function<void()> deleter = {}) {
  static_assert(Element<T>,
                "from_blob(): a tensor can be memory of bool, uint8_t, int32_t, int64_t, float "
                "and double alone; copy other values with tensor(std::vector)");
  if (dtype != dtype_of<T>) {
    fail("from_blob", "expected a pointer to values of ", dtype, ", got one to ", dtype_of<T>);
  }
  return from_blob(const_cast<void*>(static_cast<const void*>(data)), sizes, dtype,
                   std::move(deleter));
}
/// The same with the pointer's dtype. Values behind a pointer to const must not be written to.
template <class T>
Tensor from_blob(T* data, const Shape& sizes, std::function<void()> deleter = {}) {
  static_assert(Element<T>,
                "from_blob(): a tensor can be memory of bool, uint8_t, int32_t, int64_t, float "
                "and double alone; copy other values with tensor(std::vector)");
  return from_blob(data, sizes, dtype_of<T>, std::move(deleter));
}

}  // namespace norma
