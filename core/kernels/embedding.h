// Rows of a table, picked by their numbers.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// out[i] = table[index[i]] for i < count; rows of `width` elements.
template <class T>
void pick_rows(const T* table, const int64_t* index, int64_t count, int64_t width, T* out);

/// table[r] = Σ from[i] over the i < count with index[i] = r, for `rows` rows; with `by_frequency`,
/// divided by their number. In double, rounded once, whatever the number of threads. The row `skip`
/// is 0.
template <class T>
void add_to_rows(const T* from, const int64_t* index, int64_t count, int64_t rows, int64_t width,
                 bool by_frequency, int64_t skip, T* table);

/// Scales those of the rows whose p-norm is larger than `max_norm` down to it; returns whether any
/// was. Each number in `index` may occur once. Elements lie at
/// row * row_stride + column * column_stride.
template <class T>
bool limit_norms(T* table, int64_t row_stride, int64_t column_stride, const int64_t* index,
                 int64_t count, int64_t width, double max_norm, double p);

}  // namespace norma::kernels
