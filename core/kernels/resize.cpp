#include "norma/core/kernels/resize.h"

#include <algorithm>

#include "norma/core/grains.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

template <class F>
void each_plane(int64_t planes, const Taps& rows, const Taps& cols, F f) {
  const int64_t cells = (rows.out * cols.out + rows.out * cols.in) * rows.taps + 1;
  parallel_for(planes, kPoolGrain / cells + 1, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p) f(p);
  });
}

}  // namespace

template <class T>
void resize_forward(int64_t planes, const Taps& rows, const Taps& cols, const T* x, T* y) {
  each_plane(planes, rows, cols, [&](int64_t p) {
    const T* const image = x + p * rows.in * cols.in;
    Scratch<double> memory(cols.in);
    double* const mixed = memory.data();
    for (int64_t i = 0; i < rows.out; ++i) {
      T* const out = y + (p * rows.out + i) * cols.out;
      const int64_t* row = rows.at.data() + i * rows.taps;
      const double* share = rows.weight.data() + i * rows.taps;
      if (rows.taps == 1 && cols.taps == 1) {
        const T* const line = image + *row * cols.in;
        for (int64_t j = 0; j < cols.out; ++j) out[j] = line[cols.at[static_cast<std::size_t>(j)]];
        continue;
      }
      std::fill_n(mixed, cols.in, 0.0);
      for (int64_t s = 0; s < rows.taps; ++s) {
        const T* const line = image + row[s] * cols.in;
        for (int64_t k = 0; k < cols.in; ++k) mixed[k] += share[s] * double(line[k]);
      }
      const int64_t* at = cols.at.data();
      const double* weight = cols.weight.data();
      for (int64_t j = 0; j < cols.out; ++j) {
        double sum = 0;
        for (int64_t t = 0; t < cols.taps; ++t) sum += *weight++ * mixed[*at++];
        out[j] = static_cast<T>(sum);
      }
    }
  });
}

template <class T>
void resize_backward(int64_t planes, const Taps& rows, const Taps& cols, const T* dy, T* dx) {
  each_plane(planes, rows, cols, [&](int64_t p) {
    T* const image = dx + p * rows.in * cols.in;
    std::fill_n(image, rows.in * cols.in, T(0));
    Scratch<double> memory(cols.in);
    double* const line = memory.data();
    for (int64_t i = 0; i < rows.out; ++i) {
      std::fill_n(line, cols.in, 0.0);
      const T* const grad = dy + (p * rows.out + i) * cols.out;
      const int64_t* at = cols.at.data();
      const double* weight = cols.weight.data();
      for (int64_t j = 0; j < cols.out; ++j) {
        for (int64_t t = 0; t < cols.taps; ++t) line[*at++] += *weight++ * double(grad[j]);
      }
      const int64_t* row = rows.at.data() + i * rows.taps;
      const double* share = rows.weight.data() + i * rows.taps;
      for (int64_t s = 0; s < rows.taps; ++s) {
        T* const to = image + row[s] * cols.in;
        for (int64_t k = 0; k < cols.in; ++k) to[k] += static_cast<T>(share[s] * line[k]);
      }
    }
  });
}

template void resize_forward(int64_t, const Taps&, const Taps&, const float*, float*);
template void resize_forward(int64_t, const Taps&, const Taps&, const double*, double*);
template void resize_backward(int64_t, const Taps&, const Taps&, const float*, float*);
template void resize_backward(int64_t, const Taps&, const Taps&, const double*, double*);

}  // namespace norma::kernels
