#include "norma/core/kernels/conv/depthwise.h"

#include <algorithm>

#include "norma/core/kernels/scratch.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// Calls f(output, input, count, tap) for every run of positions within an output row that tap sees
// inside the image; offsets are within the plane.
template <class F>
NORMA_INLINE inline void each_run(const Conv2dShape& s, F f) {
  for (int64_t i = 0; i < s.kernel_h; ++i) {
    const int64_t shift_y = i * s.dilation_h - s.pad_top;
    const Span rows = valid_positions(s.out_h, s.stride_h, shift_y, s.in_h);
    for (int64_t j = 0; j < s.kernel_w; ++j) {
      const int64_t shift_x = j * s.dilation_w - s.pad_left;
      const Span cols = valid_positions(s.out_w, s.stride_w, shift_x, s.in_w);
      for (int64_t row = rows.first; row < rows.last; ++row) {
        f(row * s.out_w + cols.first,
          (row * s.stride_h + shift_y) * s.in_w + cols.first * s.stride_w + shift_x,
          cols.last - cols.first, i * s.kernel_w + j);
      }
    }
  }
}

int64_t plane_grain(const Conv2dShape& s) {
  return 50'000 / std::max<int64_t>(s.out_size() * s.taps(), 1) + 1;
}

}  // namespace

template <class T>
void depthwise_forward(const Conv2dShape& s, const T* x, const T* w, const T* bias, T* y) {
  parallel_for(s.batch * s.out_channels, plane_grain(s), [&](int64_t first, int64_t last) {
    for (int64_t plane = first; plane < last; ++plane) {
      const int64_t n = plane / s.out_channels, o = plane % s.out_channels;
      const T* in = x + (n * s.in_channels + o / s.group_out()) * s.in_size();
      const T* taps = w + o * s.taps();
      T* out = y + plane * s.out_size();
      std::fill_n(out, s.out_size(), bias ? bias[o] : T(0));
      simd([=]() NORMA_INLINE {
        const int64_t step = s.stride_w;
        each_run(s, [=](int64_t to, int64_t from, int64_t count, int64_t tap) NORMA_INLINE {
          const T weight = taps[tap];
          if (step == 1) {
            for (int64_t k = 0; k < count; ++k) out[to + k] += weight * in[from + k];
          } else {
            for (int64_t k = 0; k < count; ++k) out[to + k] += weight * in[from + k * step];
          }
        });
      });
    }
  });
}

template <class T>
void depthwise_backward(const Conv2dShape& s, const T* x, const T* w, const T* dy, T* dx, T* dw) {
  // A thread has whole channels, in all images, so that the sums over the images are its own.
  const int64_t grain = plane_grain(s) / std::max<int64_t>(s.batch * s.group_out(), 1) + 1;
  if (!dx && !dw) return;
  if (dw) std::fill_n(dw, s.out_channels * s.taps(), T(0));
  // Several outputs of a channel are summed one by one: a chain through all of them and their taps
  // would lose digits.
  const int64_t parts = parallel_parts(s.groups, grain);
  const int64_t scratch_size = dx && s.group_out() > 1 ? s.in_size() : 0;
  const Scratch<T> scratch(parts * scratch_size);
  parallel_parts_for(s.groups, grain, [&](int64_t first, int64_t last, int part) {
    for (int64_t c = first; c < last; ++c) {
      for (int64_t n = 0; n < s.batch; ++n) {
        const int64_t plane = (n * s.groups + c) * s.in_size();
        if (dx) std::fill_n(dx + plane, s.in_size(), T(0));
        for (int64_t o = c * s.group_out(); o < (c + 1) * s.group_out(); ++o) {
          const T* grad = dy + (n * s.out_channels + o) * s.out_size();
          const int64_t step = s.stride_w;
          if (dx) {
            const bool alone = o == c * s.group_out();
            T* out = alone ? dx + plane : scratch.data() + part * scratch_size;
            const T* taps = w + o * s.taps();
            if (!alone) std::fill_n(out, s.in_size(), T(0));
            simd([=]() NORMA_INLINE {
              each_run(s, [=](int64_t from, int64_t to, int64_t count, int64_t tap) NORMA_INLINE {
                const T weight = taps[tap];
                if (step == 1) {
                  for (int64_t k = 0; k < count; ++k) out[to + k] += weight * grad[from + k];
                } else {
                  for (int64_t k = 0; k < count; ++k) out[to + k * step] += weight * grad[from + k];
                }
              });
            });
            T* total = dx + plane;
            for (int64_t k = 0; !alone && k < s.in_size(); ++k) total[k] += out[k];
          }
          if (dw) {
            const T* in = x + plane;
            T* sums = dw + o * s.taps();
            simd([=]() NORMA_INLINE {
              constexpr int64_t kLanes = 16;
              each_run(s, [=](int64_t from, int64_t at, int64_t count, int64_t tap) NORMA_INLINE {
                T lanes[kLanes] = {}, rest = 0;
                int64_t k = 0;
                for (; step == 1 && k + kLanes <= count; k += kLanes) {
                  for (int64_t i = 0; i < kLanes; ++i) {
                    lanes[i] += grad[from + k + i] * in[at + k + i];
                  }
                }
                for (; k < count; ++k) rest += grad[from + k] * in[at + k * step];
                for (int64_t i = 0; i < kLanes; ++i) rest += lanes[i];
                sums[tap] += rest;
              });
            });
          }
        }
      }
    }
  });
}

template void depthwise_forward(const Conv2dShape&, const float*, const float*, const float*,
                                float*);
template void depthwise_forward(const Conv2dShape&, const double*, const double*, const double*,
                                double*);
template void depthwise_backward(const Conv2dShape&, const float*, const float*, const float*,
                                 float*, float*);
template void depthwise_backward(const Conv2dShape&, const double*, const double*, const double*,
                                 double*, double*);

}  // namespace norma::kernels
