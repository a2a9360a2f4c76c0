// Fast padding, by runs of neighbouring cells; its plain twin is plain/pad.h.
#include "norma/core/kernels/pad.h"

#include <algorithm>

#include "norma/core/grains.h"
#include "norma/core/kernels/plain/pad.h"
#include "norma/core/kernels/vectors.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// Calls f(output, input, count) for every run of cells that come from neighbouring cells; an input
// of -1 stands for zeros, those to the right of a row and to the left of the next at once.
template <class F>
NORMA_INLINE inline void each_run(const Pad2dShape& s, F f) {
  const bool zeros = s.border == Border::Zeros;
  int64_t done = 0;
  const auto zeros_until = [&](int64_t to) NORMA_INLINE {
    if (zeros && to > done) f(done, int64_t{-1}, to - done);
  };
  for (int64_t row = 0; row < s.out_h(); ++row) {
    const int64_t from = plain::shown(row - s.top, s.in_h, s.border);
    const int64_t to = row * s.out_w();
    if (from < 0) continue;
    const auto edge = [&](int64_t col) NORMA_INLINE {
      f(to + col, from * s.in_w + plain::shown(col - s.left, s.in_w, s.border), int64_t{1});
    };
    for (int64_t col = 0; !zeros && col < s.left; ++col) edge(col);
    zeros_until(to + s.left);
    f(to + s.left, from * s.in_w, s.in_w);
    done = to + s.left + s.in_w;
    for (int64_t col = s.left + s.in_w; !zeros && col < s.out_w(); ++col) edge(col);
  }
  zeros_until(s.out_h() * s.out_w());
}

int64_t plane_grain(const Pad2dShape& s) { return kPoolGrain / (s.out_h() * s.out_w() + 1) + 1; }

}  // namespace

template <class T>
void pad2d_forward(const Pad2dShape& s, const T* x, T* y) {
  if (plain_kernels()) return plain::pad2d_forward(s, x, y);
  parallel_for(s.planes, plane_grain(s), [=](int64_t first, int64_t last) {
    for_level<Level256>([=]<class Level>() NORMA_INLINE {
      for (int64_t p = first; p < last; ++p) {
        const T* in = x + p * s.in_h * s.in_w;
        T* out = y + p * s.out_h() * s.out_w();
        each_run(s, [=](int64_t to, int64_t from, int64_t count) NORMA_INLINE {
          if (from < 0) {
            const auto zero = [=]<int Bytes>(int64_t k) NORMA_INLINE {
              using V = Vector<T, Bytes>;
              V::at(out + to + k).value = typename V::Value{};
            };
            if (cover<T, Level::kBytes>(count, zero)) return;
            for (int64_t k = 0; k < count; ++k) {
              asm volatile("");  // few: not worth a call
              out[to + k] = T(0);
            }
          } else {
            copy_row<T, Level>(in + from, count, out + to);
          }
        });
      }
    });
  });
}

template <class T>
void pad2d_backward(const Pad2dShape& s, const T* dy, T* dx) {
  if (plain_kernels()) return plain::pad2d_backward(s, dy, dx);
  parallel_for(s.planes, plane_grain(s), [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p) {
      const T* grad = dy + p * s.out_h() * s.out_w();
      T* out = dx + p * s.in_h * s.in_w;
      std::fill_n(out, s.in_h * s.in_w, T(0));
      each_run(s, [=](int64_t from, int64_t to, int64_t count) {
        if (to < 0) return;
        for (int64_t k = 0; k < count; ++k) out[to + k] += grad[from + k];
      });
    }
  });
}

template void pad2d_forward(const Pad2dShape&, const float*, float*);
template void pad2d_forward(const Pad2dShape&, const double*, double*);
template void pad2d_backward(const Pad2dShape&, const float*, float*);
template void pad2d_backward(const Pad2dShape&, const double*, double*);

}  // namespace norma::kernels
