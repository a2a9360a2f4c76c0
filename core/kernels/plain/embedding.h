// Rows of a table, by their definition. The fast version: core/kernels/embedding.h.
#pragma once
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
void sum_rows(const T* from, const int64_t* index, int64_t count, int64_t rows, int64_t width,
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

}  // namespace norma::kernels::plain
