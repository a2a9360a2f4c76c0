// Images of another size: every cell of the result is a weighted sum of a few cells of the image,
// along rows and columns separately. One version for every NORMA_SIMD: this is the definition.
#pragma once
#include <cstdint>
#include <vector>

namespace norma::kernels {

/// Along one axis: output cell i is Σ_t weight[i, t] · x[at[i, t]] over `taps` terms.
struct Taps {
  int64_t in, out, taps;
  std::vector<int64_t> at;
  std::vector<double> weight;
};

/// y[p, i, j] = Σ_st rows.weight[i, s] cols.weight[j, t] x[p, rows.at[i, s], cols.at[j, t]].
template <class T>
void resize_forward(int64_t planes, const Taps& rows, const Taps& cols, const T* x, T* y);
/// Its adjoint.
template <class T>
void resize_backward(int64_t planes, const Taps& rows, const Taps& cols, const T* dy, T* dx);

}  // namespace norma::kernels
