#include "norma/core/shape.h"

#include <algorithm>
#include <ostream>

#include "norma/core/error.h"

namespace norma {

namespace {

[[noreturn]] void too_many(const Shape& sizes) {
  fail("shape", "expected fewer than 2^63 elements, got sizes ", sizes);
}

}  // namespace

Shape::Shape(const int64_t* values, std::size_t count) {
  if (count > static_cast<std::size_t>(kMaxDims)) {
    fail("shape", "expected at most ", kMaxDims, " dimensions, got ", count);
  }
  std::copy_n(values, count, values_.begin());
  size_ = static_cast<int64_t>(count);
}

Shape Shape::filled(int64_t count, int64_t value) {
  Shape shape;
  for (int64_t i = 0; i < count; ++i) shape.push_back(value);
  return shape;
}

void Shape::push_back(int64_t value) {
  if (size_ == kMaxDims)
    fail("shape", "expected at most ", kMaxDims, " dimensions, got ", kMaxDims + 1);
  values_[static_cast<std::size_t>(size_++)] = value;
}

void Shape::insert(int64_t position, int64_t value) {
  if (position != size_) place(position);
  push_back(value);
  for (int64_t i = size_ - 1; i > position; --i)
    (*this)[i] = values_[static_cast<std::size_t>(i) - 1];
  (*this)[position] = value;
}

void Shape::erase(int64_t position) {
  place(position);
  for (int64_t i = position; i + 1 < size_; ++i)
    (*this)[i] = values_[static_cast<std::size_t>(i) + 1];
  values_[static_cast<std::size_t>(--size_)] = 0;
}

bool Shape::contains(int64_t value) const { return std::find(begin(), end(), value) != end(); }

void Shape::no_such_place(int64_t i) const {
  fail("shape", "expected an entry in [0, ", size_, ") of ", *this, ", got ", i);
}

int64_t Shape::numel() const {
  int64_t product = 1;
  bool overflow = false;
  for (int64_t value : *this) overflow |= __builtin_mul_overflow(product, value, &product);
  if (!overflow && product != 0) return product;
  product = 1;
  for (int64_t value : *this)
    if (value != 0 && __builtin_mul_overflow(product, value, &product)) too_many(*this);
  return 0;
}

std::string Shape::str() const {
  std::string text = "[";
  for (int64_t i = 0; i < size_; ++i) {
    if (i > 0) text += ", ";
    text += std::to_string((*this)[i]);
  }
  return text + "]";
}

bool Shape::operator==(const Shape& other) const {
  return size_ == other.size_ && std::equal(begin(), end(), other.begin());
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.str(); }

Shape contiguous_strides(const Shape& sizes) {
  Shape strides;
  strides.size_ = sizes.size();
  int64_t stride = 1;
  bool overflow = false;
  for (auto i = static_cast<std::size_t>(sizes.size()); i-- > 0;) {
    strides.values_[i] = stride;
    overflow |= __builtin_mul_overflow(stride, std::max<int64_t>(sizes.values_[i], 1), &stride);
  }
  if (overflow) too_many(sizes);
  return strides;
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op) {
  const bool a_longer = a.size() >= b.size();
  Shape result = a_longer ? a : b;
  const Shape& other = a_longer ? b : a;
  for (int64_t i = 1; i <= other.size(); ++i) {
    int64_t& size = result[result.size() - i];
    const int64_t other_size = other[other.size() - i];
    if (size == other_size || other_size == 1) continue;
    if (size != 1) {
      fail(op, "expected shapes that broadcast (equal or 1, from the last dimension), got ", a,
           " and ", b);
    }
    size = other_size;
  }
  return result;
}

int64_t wrap_dim(int64_t dim, int64_t rank, const char* op) {
  const int64_t range = std::max<int64_t>(rank, 1);
  if (dim < -range || dim >= range) {
    fail(op, "expected a dimension in [", -range, ", ", range - 1, "], got ", dim);
  }
  return dim < 0 ? dim + range : dim;
}

}  // namespace norma
