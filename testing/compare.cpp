#include "norma/testing/compare.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "norma/autograd/grad_mode.h"
#include "norma/core/coordinates.h"
#include "norma/core/text.h"

namespace norma::testing {

namespace {

// |a - b|, of integers without overflow.
template <class T>
auto distance(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
    return a > b ? x - y : y - x;
  } else {
    return std::fabs(a - b);
  }
}

// As PyTorch computes them: floats in their own type, integers in float32.
template <class T>
using Real = std::conditional_t<std::is_integral_v<T>, float, T>;

template <class T>
bool is_close(T a, T b, const Tolerances& tolerances, bool equal_nan) {
  if (a == b || (equal_nan && a != a && b != b)) return true;
  const auto apart = static_cast<Real<T>>(distance(a, b));
  const Real<T> relative = static_cast<Real<T>>(tolerances.rtol) * static_cast<Real<T>>(b);
  return std::isfinite(apart) && (tolerances.rtol != 0 || tolerances.atol != 0) &&
         apart <= static_cast<Real<T>>(tolerances.atol) + std::fabs(relative);
}

// The largest so far, and where; NaN counts as larger than all.
template <class T>
struct Largest {
  T value = 0;
  int64_t at = 0;
  void take(T other, int64_t place) {
    if (value != value || !(other > value || other != other)) return;
    value = other;
    at = place;
  }
  std::string str() const {
    if constexpr (std::is_integral_v<T>) return std::to_string(value);
    return text(static_cast<double>(value));
  }
};

template <class T>
Comparison compare_as(const Tensor& actual, const Tensor& expected, const Tolerances& tolerances,
                      bool equal_nan) {
  Comparison result;
  result.numel = actual.numel();
  const T *a = actual.data_ptr<T>(), *b = expected.data_ptr<T>();
  Largest<decltype(distance(T(), T()))> absolute;
  Largest<Real<T>> relative;
  for (int64_t i = 0; i < result.numel; ++i) {
    if (is_close(a[i], b[i], tolerances, equal_nan)) continue;
    ++result.mismatched;
    const auto apart = distance(a[i], b[i]);
    absolute.take(apart, i);
    relative.take(static_cast<Real<T>>(apart) / std::fabs(static_cast<Real<T>>(b[i])), i);
  }
  if (result.mismatched == 0) return result;
  result.absolute = absolute.str();
  result.relative = relative.str();
  result.absolute_index = unravel(absolute.at, actual.sizes());
  result.relative_index = unravel(relative.at, actual.sizes());
  return result;
}

}  // namespace

Comparison compare(const Tensor& actual, const Tensor& expected, const Tolerances& tolerances,
                   bool equal_nan) {
  const NoGradGuard no_grad;
  const DType dtype = is_floating(actual.dtype()) ? actual.dtype() : kInt64;
  const Tensor a = actual.detach().to(dtype).contiguous(),
               b = expected.detach().to(dtype).contiguous();
  if (dtype == kInt64) return compare_as<int64_t>(a, b, tolerances, equal_nan);
  return dispatch_floating(dtype,
                           [&]<class T>() { return compare_as<T>(a, b, tolerances, equal_nan); });
}

std::string short_difference(const std::vector<Tensor>& actual, const std::vector<Tensor>& expected,
                             const Tolerances& tolerances) {
  if (actual.size() != expected.size()) {
    return text(actual.size(), " results instead of ", expected.size());
  }
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const Tensor &a = actual[i], &b = expected[i];
    const std::string where = actual.size() == 1 ? "" : text("of result ", i, ", ");
    if (!a.defined() && !b.defined()) continue;
    if (!a.defined() || !b.defined()) {
      return where + (a.defined() ? "a tensor instead of none" : "no tensor instead of one");
    }
    if (a.sizes() != b.sizes()) return text(where, a.sizes(), " instead of ", b.sizes());
    if (a.dtype() != b.dtype()) return text(where, a.dtype(), " instead of ", b.dtype());
    const Comparison found = compare(a, b, tolerances, true);
    if (found.mismatched == 0) continue;
    return text(where, found.mismatched, " of ", found.numel,
                found.numel == 1 ? " element" : " elements",
                found.mismatched == 1 ? " differs" : " differ", ", by up to ", found.absolute,
                " at index ", tuple_text(found.absolute_index));
  }
  return "";
}

}  // namespace norma::testing
