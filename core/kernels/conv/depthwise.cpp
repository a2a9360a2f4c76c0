// Fast convolution with one input channel per group; its plain twin is plain/conv.h.
#include "norma/core/kernels/conv/depthwise.h"

#include <algorithm>

#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/sums.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// Calls f(output, input, count, weight) for every run of positions within an output row at which a
// weight meets the image; offsets are within the plane, and the kernel.
template <class F>
NORMA_INLINE inline void each_run(const Conv2dShape& s, F f) {
  for (int64_t i = 0; i < s.kernel_h; ++i) {
    const int64_t shift_y = i * s.dilation_h - s.pad_top;
    const Span rows = valid_positions(s.out_h, s.stride_h, shift_y, s.in_h);
    for (int64_t j = 0; j < s.kernel_w; ++j) {
      const int64_t shift_x = j * s.dilation_w - s.pad_left;
      const Span cols = valid_positions(s.out_w, s.stride_w, shift_x, s.in_w);
      if (cols.first == cols.last) continue;
      for (int64_t row = rows.first; row < rows.last; ++row) {
        f(row * s.out_w + cols.first,
          (row * s.stride_h + shift_y) * s.in_w + cols.first * s.stride_w + shift_x,
          cols.last - cols.first, i * s.kernel_w + j);
      }
    }
  }
}

int64_t plane_grain(const Conv2dShape& s) {
  return 50'000 / std::max<int64_t>(limited_product(s.out_size(), s.kernel_size()), 1) + 1;
}

// out[k * out_step] += weight * in[k * in_step], as vector code where both steps are 1.
template <class T>
NORMA_INLINE inline void add_run(int64_t count, T weight, const T* in, int64_t in_step, T* out,
                                 int64_t out_step) {
  if (in_step == 1 && out_step == 1) {
    for (int64_t k = 0; k < count; ++k) out[k] += weight * in[k];
  } else {
    for (int64_t k = 0; k < count; ++k) out[k * out_step] += weight * in[k * in_step];
  }
}

// y, dx and dw += what a plane adds to them; w and dw: one kernel.
template <class T>
void add_output(const Conv2dShape& s, const T* w, const T* x, T* y) {
  simd([=]() NORMA_INLINE {
    each_run(s, [=](int64_t to, int64_t from, int64_t count, int64_t at)
                    NORMA_INLINE { add_run(count, w[at], x + from, s.stride_w, y + to, 1); });
  });
}

template <class T>
void add_input_grad(const Conv2dShape& s, const T* w, const T* dy, T* dx) {
  simd([=]() NORMA_INLINE {
    each_run(s, [=](int64_t from, int64_t to, int64_t count, int64_t at)
                    NORMA_INLINE { add_run(count, w[at], dy + from, 1, dx + to, s.stride_w); });
  });
}

template <class T>
void add_weight_grad(const Conv2dShape& s, const T* x, const T* dy, T* dw) {
  simd([=]() NORMA_INLINE {
    each_run(s, [=](int64_t from, int64_t to, int64_t count, int64_t at) NORMA_INLINE {
      const T *grad = dy + from, *in = x + to;
      T lanes[16] = {}, rest = 0;
      int64_t k = 0;
      if (s.stride_w == 1) {
        k = add_to_lanes(lanes, count, [=](int64_t i) NORMA_INLINE { return grad[i] * in[i]; });
      }
      for (; k < count; ++k) rest += grad[k] * in[k * s.stride_w];
      for (const T lane : lanes) rest += lane;
      dw[at] += rest;
    });
  });
}

}  // namespace

template <class T>
void depthwise_forward(const Conv2dShape& s, const T* x, const T* w, const T* bias, T* y) {
  parallel_for(s.batch * s.out_channels, plane_grain(s), [&](int64_t first, int64_t last) {
    for (int64_t plane = first; plane < last; ++plane) {
      const int64_t n = plane / s.out_channels, o = plane % s.out_channels;
      T* out = y + plane * s.out_size();
      std::fill_n(out, s.out_size(), bias ? bias[o] : T(0));
      add_output(s, w + o * s.kernel_size(),
                 x + (n * s.in_channels + o / s.group_out()) * s.in_size(), out);
    }
  });
}

template <class T>
void depthwise_backward(const Conv2dShape& s, const T* x, const T* w, const T* dy, T* dx, T* dw) {
  if (!dx && !dw) return;
  if (dw) std::fill_n(dw, s.out_channels * s.kernel_size(), T(0));
  // A thread has whole channels, in all images, so that the sums over the images are its own.
  const int64_t outputs = s.group_out(), in_size = s.in_size();
  const int64_t grain = plane_grain(s) / std::max<int64_t>(s.batch * outputs, 1) + 1;
  // Several outputs of a channel are summed one by one: a chain through all of them and their
  // weights would lose digits.
  const int64_t own_size = dx && outputs > 1 ? in_size : 0;
  const int parts = parallel_parts(s.groups, grain);
  Scratch<T> memory(parts * own_size);
  parallel_parts_for(parts, s.groups, [&](int64_t first, int64_t last, int part) {
    T* const own = memory.data() + part * own_size;
    for (int64_t item = first * s.batch; item < last * s.batch; ++item) {
      const int64_t c = item / s.batch, n = item % s.batch, plane = (n * s.groups + c) * in_size;
      for (int64_t i = 0; i < outputs; ++i) {
        const int64_t o = c * outputs + i, kernel = o * s.kernel_size();
        const T* grad = dy + (n * s.out_channels + o) * s.out_size();
        if (dw) add_weight_grad(s, x + plane, grad, dw + kernel);
        if (!dx) continue;
        T* const out = i == 0 ? dx + plane : own;
        std::fill_n(out, in_size, T(0));
        add_input_grad(s, w + kernel, grad, out);
        for (int64_t k = 0; i > 0 && k < in_size; ++k) dx[plane + k] += own[k];
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
