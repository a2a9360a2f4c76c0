// How wrong a float32 result is, beside PyTorch's own float32 error.
#pragma once
#include <norma/core/simd.h>
#include <norma/norma.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

/// PyTorch's result in float32, and in float64 on the same inputs.
struct Reference {
  std::vector<double> narrow, wide;
};

/// The distance from `value` to the next float32.
inline double last_place(double value) {
  const double most = std::numeric_limits<float>::max();
  const double size = std::fmin(std::fabs(value), most);
  const int exponent = size == 0 ? -126 : std::max(std::ilogb(size), -126);
  return std::ldexp(1.0, exponent - 23);
}

/// Whether both are NaN, the same infinity, or numbers; `zeros`: and no zeros of different signs.
inline bool same_class(double got, double want, bool zeros) {
  if (std::isnan(got) || std::isnan(want)) return std::isnan(got) && std::isnan(want);
  if (std::isinf(got) || std::isinf(want)) return got == want;
  return !zeros || got != 0 || want != 0 || std::signbit(got) == std::signbit(want);
}

/// Errors in units of each element's last place, or of the largest's. Of sums of products, which
/// are rounded in an order of their own, twice PyTorch's error and a unit are allowed.
enum class Measure { ByElement, ByLargest, Products };

inline double largest_of(const std::vector<double>& values) {
  double largest = 0;
  for (double value : values) {
    if (std::isfinite(static_cast<float>(value))) largest = std::fmax(largest, std::fabs(value));
  }
  return largest;
}

/// What rounding may cost where PyTorch's was exact, in units of the last place. The reference
/// values are those of a processor with fused multiply-add, which spares a rounding.
inline double spare_units() {
  return norma::simd_level() <= norma::SimdLevel::Baseline ? 1.5 : 1.0;
}

/// "" when `got`, in float32, has no larger error than PyTorch's float32, or one unit in the last
/// place, and PyTorch's NaN and infinities: those of its float32, or where they differ, of its
/// float64. A right number where PyTorch's float32 has none is welcome.
inline std::string worse_than(const Reference& torch, const std::vector<double>& got,
                              Measure measure, bool zeros = false) {
  if (got.size() != torch.narrow.size()) return "another number of elements";
  const double largest = largest_of(torch.wide);
  double worst = 0, allowed = spare_units();
  std::size_t at = 0;
  const auto show = [&](std::size_t i) {
    char text[200];
    std::snprintf(text, sizeof text, "element %zu: got %.9g, PyTorch %.9g, in float64 %.17g", i,
                  got[i], torch.narrow[i], torch.wide[i]);
    return std::string(text);
  };
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double exact = torch.wide[i];
    const double narrow = static_cast<double>(static_cast<float>(torch.narrow[i]));
    const double rounded = static_cast<double>(static_cast<float>(exact));
    if (!same_class(got[i], narrow, zeros) && !same_class(got[i], rounded, zeros))
      return show(i) + ": another class";
    if (!std::isfinite(got[i]) || !std::isfinite(exact)) continue;
    const double unit = last_place(measure == Measure::ByElement ? exact : largest);
    const double error = std::fabs(got[i] - exact) / unit;
    if (!std::isfinite(narrow)) {
      if (error > 2) return show(i) + ": wrong by " + std::to_string(error) + " units";
      continue;
    }
    allowed = std::fmax(allowed, std::fabs(narrow - exact) / unit);
    if (error > worst) {
      worst = error;
      at = i;
    }
  }
  if (measure == Measure::Products) allowed = 2 * allowed + 1;
  if (worst <= allowed) return "";
  return show(at) + ": wrong by " + std::to_string(worst) + " units, PyTorch by at most " +
         std::to_string(allowed);
}

/// "" when `got`, in float64, agrees with PyTorch's within the tolerance, relative to each element
/// or to the largest.
inline std::string differs(const std::vector<double>& want, const std::vector<double>& got,
                           Measure measure, double tolerance, bool zeros = false) {
  if (got.size() != want.size()) return "another number of elements";
  double largest = 0;
  for (double value : want) {
    if (std::isfinite(value)) largest = std::fmax(largest, std::fabs(value));
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double unit = measure == Measure::ByElement ? std::fabs(want[i]) : largest;
    if (same_class(got[i], want[i], zeros) &&
        (!std::isfinite(want[i]) || std::fabs(got[i] - want[i]) <= tolerance * unit)) {
      continue;
    }
    char text[200];
    std::snprintf(text, sizeof text, "element %zu: got %.17g, PyTorch %.17g", i, got[i], want[i]);
    return text;
  }
  return "";
}
