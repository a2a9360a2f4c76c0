// Comparisons: kBool results, outside the graph.
#include <cmath>
#include <limits>

#include "norma/autograd/elementwise.h"
#include "norma/core/factory.h"

namespace norma {

using namespace autograd;

namespace {

template <class F>
Tensor compare(const char* op, const Tensor& a, const Tensor& b, F f) {
  const DType common = result_type(a, b, op), dtype = computed_type(common);
  const Shape sizes = broadcast_shapes(a.sizes(), b.sizes(), op);
  Tensor out = new_tensor(sizes, kBool);
  const Tensor x = operand(a, common), y = operand(b, common);
  dispatch_computed(dtype, [&]<class T>() { kernels::map2<bool, T>(out, x, y, f); });
  return told(op, out, {&a, &b});
}

template <class F>
Tensor compare(const char* op, const Tensor& a, Scalar b, F f) {
  const DType common = result_type(a, b, op), dtype = computed_type(common);
  Tensor out = new_tensor(a.sizes(), kBool);
  const Tensor x = operand(a, common);
  const Scalar y = wrapped(b, common);
  dispatch_computed(dtype, [&]<class T>() { kernels::map2<bool, T>(out, x, y.to<T>(), f); });
  return told({op, {{"other", b}}}, out, {&a});
}

constexpr auto kEq = [](auto x, auto y) NORMA_INLINE { return x == y; };
constexpr auto kNe = [](auto x, auto y) NORMA_INLINE { return x != y; };
constexpr auto kLt = [](auto x, auto y) NORMA_INLINE { return x < y; };
constexpr auto kLe = [](auto x, auto y) NORMA_INLINE { return x <= y; };
constexpr auto kGt = [](auto x, auto y) NORMA_INLINE { return x > y; };
constexpr auto kGe = [](auto x, auto y) NORMA_INLINE { return x >= y; };

}  // namespace

Tensor Tensor::eq(const Tensor& other) const { return compare("eq", *this, other, kEq); }
Tensor Tensor::ne(const Tensor& other) const { return compare("ne", *this, other, kNe); }
Tensor Tensor::lt(const Tensor& other) const { return compare("lt", *this, other, kLt); }
Tensor Tensor::le(const Tensor& other) const { return compare("le", *this, other, kLe); }
Tensor Tensor::gt(const Tensor& other) const { return compare("gt", *this, other, kGt); }
Tensor Tensor::ge(const Tensor& other) const { return compare("ge", *this, other, kGe); }
Tensor Tensor::eq(Scalar other) const { return compare("eq", *this, other, kEq); }
Tensor Tensor::ne(Scalar other) const { return compare("ne", *this, other, kNe); }
Tensor Tensor::lt(Scalar other) const { return compare("lt", *this, other, kLt); }
Tensor Tensor::le(Scalar other) const { return compare("le", *this, other, kLe); }
Tensor Tensor::gt(Scalar other) const { return compare("gt", *this, other, kGt); }
Tensor Tensor::ge(Scalar other) const { return compare("ge", *this, other, kGe); }
Tensor Tensor::logical_not() const { return compare("logical_not", *this, Scalar(false), kEq); }
Tensor TensorMethods::logical_and(const Tensor& other) const {
  return compare("logical_and", self(), other,
                 [](auto x, auto y) NORMA_INLINE { return (x != 0) & (y != 0); });
}
Tensor TensorMethods::logical_or(const Tensor& other) const {
  return compare("logical_or", self(), other,
                 [](auto x, auto y) NORMA_INLINE { return (x != 0) | (y != 0); });
}
Tensor TensorMethods::logical_xor(const Tensor& other) const {
  return compare("logical_xor", self(), other,
                 [](auto x, auto y) NORMA_INLINE { return (x != 0) != (y != 0); });
}
Tensor TensorMethods::isinf() const {
  defined_impl(self(), "isinf");
  return self().isfinite().logical_or(self().isnan()).logical_not();
}
Tensor Tensor::isnan() const { return compare("isnan", *this, *this, kNe); }
Tensor Tensor::isfinite() const {
  const double largest = std::numeric_limits<double>::max();
  if (!is_floating(defined_impl(*this, "isfinite")->dtype)) return ones(sizes(), {.dtype = kBool});
  Tensor out = new_tensor(sizes(), kBool);
  dispatch_floating(dtype(), [&]<class T>() {
    kernels::map<bool, T>(out, *this, [largest](T x) NORMA_INLINE {
      return std::fabs(static_cast<double>(x)) <= largest;
    });
  });
  return told("isfinite", out, {this});
}

}  // namespace norma
