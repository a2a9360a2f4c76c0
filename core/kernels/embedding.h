// Rows of a table, picked by their numbers.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// out[i] = table[index[i]] for i < count; rows of `width` elements.
template <class T>
void pick_rows(const T* table, const int64_t* index, int64_t count, int64_t width, T* out);

/// table[index[i]] += factor[index[i]] rows[i], for one i after the other, so that the sums do not
/// depend on the number of threads. `factor` may be null: ones. The row `skip` is left alone.
template <class T>
void add_rows(const T* rows, const int64_t* index, int64_t count, int64_t width,
              const double* factor, int64_t skip, T* table);

/// Scales those of the rows whose p-norm is larger than `max_norm` down to it; returns whether there
/// was any. Each number in `index` may occur once. Elements lie at row * row_stride + column *
/// column_stride.
template <class T>
bool limit_norms(T* table, int64_t row_stride, int64_t column_stride, const int64_t* index,
                 int64_t count, int64_t width, double max_norm, double p);

}  // namespace norma::kernels
