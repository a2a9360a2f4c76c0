// Sizes, strides and lists of dimensions.
#pragma once
#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <vector>

namespace norma {

/// A short list of int64: the sizes of a tensor, its strides, or a set of dimensions.
/// At most `kMaxDims` entries, more throw; held in place, so that a shape never allocates. Errors
/// of all that take or need an entry: there is none at this place.
class Shape {
 public:
  static constexpr int64_t kMaxDims = 12;  ///< the most dimensions of a tensor

  Shape() = default;
  /// One entry: `x.sum(0)`, `zeros(5)`.
  template <std::integral T>
  requires(!std::same_as<T, bool>) Shape(T value) : Shape{static_cast<int64_t>(value)} {}
  Shape(std::initializer_list<int64_t> values) : Shape(values.begin(), values.size()) {}
  Shape(const std::vector<int64_t>& values) : Shape(values.data(), values.size()) {}
  /// `count` times `value`.
  static Shape filled(int64_t count, int64_t value);

  int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }  ///< whether there is no dimension
  /// Entry i in [0, size()); throws for any other.
  int64_t& operator[](int64_t i) { return values_[place(i)]; }
  int64_t operator[](int64_t i) const { return values_[place(i)]; }
  int64_t front() const { return (*this)[0]; }                   ///< the first size
  int64_t back() const { return (*this)[size_ - 1]; }            ///< the last size
  const int64_t* begin() const { return values_.data(); }        ///< the first size
  const int64_t* end() const { return values_.data() + size_; }  ///< behind the last size
  std::vector<int64_t> vec() const { return {begin(), end()}; }  ///< the sizes as a vector
  void push_back(int64_t value);                                 ///< one dimension more at the end
  void insert(int64_t position, int64_t value);                  ///< a dimension before `position`
  void erase(int64_t position);                                  ///< takes one out
  bool contains(int64_t value) const;                            ///< whether it is among the sizes

  /// The product of all entries (1 for the empty list). Throws when those other than 0 multiply to
  /// 2^63 or more: that of any of them is an int64.
  int64_t numel() const;
  /// "[32, 3, 28, 28]"
  std::string str() const;

  bool operator==(const Shape& other) const;  ///< all sizes alike

 private:
  friend Shape contiguous_strides(const Shape& sizes);
  Shape(const int64_t* values, std::size_t count);
  std::size_t place(int64_t i) const {
    if (static_cast<uint64_t>(i) >= static_cast<uint64_t>(size_)) no_such_place(i);
    return static_cast<std::size_t>(i);
  }
  [[noreturn]] void no_such_place(int64_t i) const;
  std::array<int64_t, kMaxDims> values_{};
  int64_t size_ = 0;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape);  ///< "[2, 3]"

/// Row-major strides, in elements; throws as `numel` does.
Shape contiguous_strides(const Shape& sizes);

/// The common shape of `a` and `b` under broadcasting; throws `[op] …` naming both.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op);

/// `dim` in [-rank, rank) made non-negative; throws `[op] …` otherwise. A 0-d tensor takes 0 and
/// -1.
int64_t wrap_dim(int64_t dim, int64_t rank, const char* op);

}  // namespace norma
