// Rows of a table, by their definition. The fast version: core/kernels/embedding.h.
#pragma once
#include <cmath>
#include <limits>

#include "norma/core/kernels/plain/sums.h"

namespace norma::kernels::plain {

/// out[i] = table[index[i]].
template <class T>
void pick_rows(const T* table, const int64_t* index, int64_t count, int64_t width, T* out) {
  for (int64_t i = 0; i < count * width; ++i) out[i] = table[index[i / width] * width + i % width];
}

/// Its backward: table[r] = Σ from[i] over the i with index[i] = r, with `by_frequency` divided by
/// how many these are. The row `skip` stays 0.
template <class T>
void add_to_rows(const T* from, const int64_t* index, int64_t count, int64_t rows, int64_t width,
                 bool by_frequency, int64_t skip, T* table) {
  Sums sum(rows * width), uses(rows);
  for (int64_t i = 0; i < count; ++i) uses[index[i]] += 1;
  for (int64_t i = 0; i < count * width; ++i) {
    const int64_t row = index[i / width];
    if (row != skip) sum[row * width + i % width] += double(from[i]);
  }
  for (int64_t i = 0; by_frequency && i < rows * width; ++i) {
    if (uses[i / width] > 0) sum[i] /= uses[i / width];
  }
  sum.store(table);
}

/// Rows whose p-norm n = (Σ |x|^p)^(1/p) is larger than max_norm become x max_norm / (n + 1e-7);
/// whether there were any. p = ±inf is the largest or smallest |x|, p = 0 how many are not 0.
template <class T>
bool limit_norms(T* table, int64_t row_stride, int64_t column_stride, const int64_t* index,
                 int64_t count, int64_t width, double max_norm, double p) {
  bool changed = false;
  for (int64_t i = 0; i < count; ++i) {
    T* const row = table + index[i] * row_stride;
    double sum = 0, largest = 0, smallest = std::numeric_limits<double>::infinity();
    for (int64_t k = 0; k < width; ++k) {
      const double size = std::fabs(double(row[k * column_stride]));
      sum += p == 0 ? double(size != 0) : std::pow(size, p);
      largest = size > largest || std::isnan(size) ? size : largest;
      smallest = size < smallest || std::isnan(size) ? size : smallest;
    }
    double norm = p == 0 ? sum : std::pow(sum, 1 / p);
    if (std::isinf(p)) norm = p > 0 ? largest : smallest;
    if (!(norm > max_norm)) continue;
    changed = true;
    const T scale = static_cast<T>(max_norm / (norm + 1e-7));
    for (int64_t k = 0; k < width; ++k) row[k * column_stride] *= scale;
  }
  return changed;
}

}  // namespace norma::kernels::plain
