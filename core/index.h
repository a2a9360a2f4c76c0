// What `x.index({…})` takes and gives: indices as Python's brackets have them.
#pragma once
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "norma/core/tensor.h"

namespace norma {

/// libtorch's names; `norma/norma.h` has them in norma, too.
namespace indexing {

/// Inserts a dimension of size 1; an end of a Slice that is left out.
inline constexpr std::nullopt_t None = std::nullopt;

/// The type of `Ellipsis`.
struct EllipsisType {};
/// As many whole dimensions as the other indices leave.
inline constexpr EllipsisType Ellipsis;

/// `start:stop:step`: `Slice()`, `Slice(1, None)`, `Slice(None, None, 2)`. A step below 1
/// throws where it is used.
class Slice {
 public:
  Slice(std::optional<int64_t> start = None, std::optional<int64_t> stop = None,
        std::optional<int64_t> step = None)
      : start_(start.value_or(0)), stop_(stop.value_or(INT64_MAX)), step_(step.value_or(1)) {}
  int64_t start() const { return start_; }
  int64_t stop() const { return stop_; }
  int64_t step() const { return step_; }

 private:
  int64_t start_, stop_, step_;
};

}  // namespace indexing

/// One index: a number, a Slice, None, Ellipsis (or "..."), true or false, a list of numbers or
/// bools, or a tensor: kInt64 or kInt32, where negative ones count from the end, or a mask (kBool,
/// kUInt8) of one or several dimensions. Errors: another text; where it is used, another dtype,
/// more indices than dimensions, one out of range, a mask of other sizes, a second Ellipsis.
class TensorIndex {
 public:
  /// What an index is.
  enum class Kind : uint8_t { NewDim, Dots, Number, Flag, Range, Values };

  /// `{}`: the empty list.
  TensorIndex() : TensorIndex(std::vector<int64_t>()) {}
  TensorIndex(std::nullopt_t) : kind_(Kind::NewDim) {}
  TensorIndex(indexing::EllipsisType) : kind_(Kind::Dots) {}
  TensorIndex(const char* dots);
  TensorIndex(indexing::Slice slice) : kind_(Kind::Range), slice_(slice) {}
  template <std::integral T>
  TensorIndex(T number)
      : kind_(std::same_as<T, bool> ? Kind::Flag : Kind::Number),
        slice_(static_cast<int64_t>(number)) {}
  TensorIndex(Tensor tensor) : kind_(Kind::Values), tensor_(std::move(tensor)) {}
  TensorIndex(const std::vector<int64_t>& list);
  TensorIndex(std::initializer_list<int64_t> list) : TensorIndex(std::vector<int64_t>(list)) {}
  TensorIndex(std::initializer_list<int> list)
      : TensorIndex(std::vector<int64_t>(list.begin(), list.end())) {}
  TensorIndex(const std::vector<bool>& list);
  TensorIndex(std::initializer_list<bool> list) : TensorIndex(std::vector<bool>(list)) {}

  Kind kind() const { return kind_; }                ///< which of them it is
  int64_t number() const { return slice_.start(); }  ///< of Number and Flag
  indexing::Slice slice() const { return slice_; }
  const Tensor& tensor() const { return tensor_; }

 private:
  Kind kind_;
  indexing::Slice slice_;
  Tensor tensor_;
};

/// What an index gives: a Tensor, and as a temporary the target of an assignment. `y =
/// x.index({mask})` reads, `x.index({mask}) = y` writes into x: through views, and through
/// `index_put_` where the values are copies. A name for the result should be a plain `Tensor`.
/// Errors: values that do not broadcast to what is written.
class IndexedTensor : public Tensor {
 public:
  /// For the library: a view of what is to be written, or values that were copied from `source`.
  explicit IndexedTensor(Tensor values, Ref<RefCounted> source = {})
      : Tensor(std::move(values)), source_(std::move(source)) {}
  IndexedTensor(const IndexedTensor&) = default;
  IndexedTensor(IndexedTensor&&) = default;

  /// A name: it means another tensor then.
  IndexedTensor& operator=(const IndexedTensor&) & = default;
  IndexedTensor& operator=(IndexedTensor&&) & = default;
  IndexedTensor& operator=(const Tensor& other) & { return *this = IndexedTensor(other); }

  /// A temporary: writes, broadcast and converted.
  IndexedTensor& operator=(const IndexedTensor& values) && { return write(values); }
  IndexedTensor& operator=(const Tensor& values) && { return write(values); }
  IndexedTensor& operator=(Scalar value) && { return write(value); }
  /// Adds to the elements picked, in place.
  template <class T>
  IndexedTensor& operator+=(const T& other) && {
    return write_back(add_(other));
  }
  template <class T>
  IndexedTensor& operator+=(const T& other) & {
    add_(other);
    return *this;
  }
  /// Subtracts from the elements picked, in place.
  template <class T>
  IndexedTensor& operator-=(const T& other) && {
    return write_back(sub_(other));
  }
  template <class T>
  IndexedTensor& operator-=(const T& other) & {
    sub_(other);
    return *this;
  }
  /// Multiplies the elements picked, in place.
  template <class T>
  IndexedTensor& operator*=(const T& other) && {
    return write_back(mul_(other));
  }
  template <class T>
  IndexedTensor& operator*=(const T& other) & {
    mul_(other);
    return *this;
  }
  /// Divides the elements picked, in place.
  template <class T>
  IndexedTensor& operator/=(const T& other) && {
    return write_back(div_(other));
  }
  template <class T>
  IndexedTensor& operator/=(const T& other) & {
    div_(other);
    return *this;
  }

 private:
  IndexedTensor& write(const Tensor& values);
  IndexedTensor& write(Scalar value);
  IndexedTensor& write_back(const Tensor& values);
  Ref<RefCounted> source_;  // null for a view
};

}  // namespace norma
