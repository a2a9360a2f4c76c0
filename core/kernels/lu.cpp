#include "norma/core/kernels/lu.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norma/core/simd.h"

namespace norma::kernels {

namespace {

/// row -= factor · other
NORMA_INLINE inline void subtract(double* row, double factor, const double* other, int64_t count) {
  NORMA_INDEPENDENT
  for (int64_t j = 0; j < count; ++j) row[j] -= factor * other[j];
}

}  // namespace

int64_t factor_lu(double* a, int64_t n, int64_t* swaps) {
  int64_t singular = n;
  for (int64_t k = 0; k < n; ++k) {
    int64_t best = k;
    for (int64_t i = k + 1; i < n; ++i) {
      if (std::fabs(a[i * n + k]) > std::fabs(a[best * n + k])) best = i;
    }
    swaps[k] = best;
    if (best != k) std::swap_ranges(a + k * n, a + (k + 1) * n, a + best * n);
    const double pivot = a[k * n + k];
    if (pivot == 0) {
      singular = std::min(singular, k);
      continue;
    }
    simd<Level256>([=]() NORMA_INLINE {
      for (int64_t i = k + 1; i < n; ++i) {
        double* const row = a + i * n;
        row[k] /= pivot;
        if (row[k] != 0) subtract(row + k + 1, row[k], a + k * n + k + 1, n - k - 1);
      }
    });
  }
  return singular;
}

void solve_lu(const double* lu, const int64_t* swaps, int64_t n, double* b, int64_t columns) {
  for (int64_t k = 0; k < n; ++k) {
    if (swaps[k] != k)
      std::swap_ranges(b + k * columns, b + (k + 1) * columns, b + swaps[k] * columns);
  }
  simd<Level256>([=]() NORMA_INLINE {
    for (int64_t i = 1; i < n; ++i) {
      for (int64_t k = 0; k < i; ++k)
        subtract(b + i * columns, lu[i * n + k], b + k * columns, columns);
    }
    for (int64_t i = n - 1; i >= 0; --i) {
      double* const row = b + i * columns;
      for (int64_t k = i + 1; k < n; ++k) subtract(row, lu[i * n + k], b + k * columns, columns);
      for (int64_t j = 0; j < columns; ++j) row[j] /= lu[i * n + i];
    }
  });
}

int64_t factor_cholesky(double* a, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (int64_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i == j && !(sum > 0)) return i;
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
    std::fill(a + i * n + i + 1, a + (i + 1) * n, 0);
  }
  return n;
}

}  // namespace norma::kernels
