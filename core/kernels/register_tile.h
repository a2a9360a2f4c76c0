// The register tile: where every matrix product and every convolution on tiles ends. Sums stay in
// registers while scalars of one operand meet vectors of the other.
#pragma once
#include <cstdint>

#include "norma/core/kernels/vectors.h"

namespace norma::kernels {

/// f(i) for every i < Count (at most 16), without a loop.
template <int Count, class F>
NORMA_INLINE inline void unrolled(F f) {
#pragma GCC unroll 16
  for (int i = 0; i < Count; ++i) f(i);
}

/// Where the v-th vector of a line begins: behind the one before.
template <class V>
struct SideBySide {
  NORMA_INLINE constexpr int64_t operator()(int v) const { return v * V::kLanes; }
};

/// store(r, v, Σ_t scalar(r, t) x[t, v]) for r < Rows, v < Vectors (at most 12) and t < count,
/// where x[t, v] is the vector at line(t) + place(v).
template <class V, int Rows, int Vectors, class Scalar, class Line, class Store,
          class Place = SideBySide<V>>
NORMA_INLINE inline void register_tile(int64_t count, Scalar scalar, Line line, Store store,
                                       Place place = {}) {
  typename V::Value sums[Rows][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 12
    for (int v = 0; v < Vectors; ++v) sums[r][v] = typename V::Value{};
  }
  for (int64_t t = 0; t < count; ++t) {
    const auto* from = line(t);
    typename V::Value x[Vectors];
#pragma GCC unroll 12
    for (int v = 0; v < Vectors; ++v) x[v] = V::at(from + place(v)).value;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 12
      for (int v = 0; v < Vectors; ++v) V::add_product(sums[r][v], scalar(r, t), x[v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 12
    for (int v = 0; v < Vectors; ++v) store(r, v, sums[r][v]);
  }
}

}  // namespace norma::kernels
