// Orders by their definition. The fast versions: core/kernels/order.h.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace norma::kernels::plain {

/// a < b, where NaN is larger than any number.
template <class T>
bool is_less(T a, T b) {
  return a < b || (b != b && a == a);
}

/// The positions of all elements in order; equal ones stay in theirs.
template <class T>
std::vector<int64_t> order(const T* x, int64_t length, int64_t stride, bool descending) {
  std::vector<int64_t> positions(static_cast<std::size_t>(length));
  std::iota(positions.begin(), positions.end(), 0);
  std::stable_sort(positions.begin(), positions.end(), [=](int64_t a, int64_t b) {
    return descending ? is_less(x[b * stride], x[a * stride])
                      : is_less(x[a * stride], x[b * stride]);
  });
  return positions;
}

/// out[o, j, i] = the j-th of them for j < count.
template <class T>
void first_positions(int64_t* out, const T* x, int64_t outer, int64_t length, int64_t inner,
                     int64_t count, bool descending) {
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const auto all = order(x + o * length * inner + i, length, inner, descending);
      for (int64_t j = 0; j < count; ++j)
        out[(o * count + j) * inner + i] = all[static_cast<std::size_t>(j)];
    }
  }
}

/// out[o, i] = the k-th of them, in ascending order.
template <class T>
void kth_position(int64_t* out, const T* x, int64_t outer, int64_t length, int64_t inner,
                  int64_t k) {
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const auto all = order(x + o * length * inner + i, length, inner, false);
      out[o * inner + i] = all[static_cast<std::size_t>(k)];
    }
  }
}

}  // namespace norma::kernels::plain
