// Loops over elements of one, two or three tensors with broadcasting and any strides.
#pragma once
#include <array>
#include <type_traits>

#include "norma/core/grains.h"
#include "norma/core/simd.h"
#include "norma/core/tensor_impl.h"
#include "norma/core/threads.h"

namespace norma::kernels {

/// The common geometry of N operands: dimensions that all of them walk evenly are merged.
template <int N>
struct Walk {
  int64_t rank = 0;
  std::array<int64_t, Shape::kMaxDims> sizes{};
  std::array<std::array<int64_t, Shape::kMaxDims>, N> strides{};
};

template <int N>
Walk<N> make_walk(const Shape& sizes, const std::array<const TensorImpl*, N>& operands);

/// Calls `row(offsets, count)` for every innermost run; offsets are in elements, per operand.
template <int N>
void for_each_row(const Walk<N>& walk,
                  void (*row)(const void*, const std::array<int64_t, N>&, int64_t),
                  const void* context);
template <int N, class Row>
void for_each_row(const Walk<N>& walk, const Row& row) {
  for_each_row<N>(
      walk,
      [](const void* context, const std::array<int64_t, N>& at, int64_t n) {
        (*static_cast<const Row*>(context))(at, n);
      },
      &row);
}

/// Vector code where it pays: other types take the plain loop.
template <class T, class Loop>
inline void vector_loop(Loop loop) {
  if constexpr (std::is_floating_point_v<T>) {
    simd<Level256>(loop);
  } else {
    loop();
  }
}

/// out = f(x); `out` has the broadcast shape and may be `x` or `y` itself.
template <class Out, class In, class F>
void map(const Tensor& out, const Tensor& x, F f) {
  const TensorImpl *o = out.impl(), *a = x.impl();
  if (o->numel == 0) return;
  Out* const po = o->data_as<Out>();
  const In* const pa = a->data_as<In>();
  const auto unit = [f](Out* ro, const In* ra, int64_t n) {
    vector_loop<In>([=]() NORMA_INLINE {
      for (int64_t i = 0; i < n; ++i) ro[i] = f(ra[i]);
    });
  };
  if (o->contiguous && a->contiguous && o->numel == a->numel) {
    return parallel_for(o->numel, kElementGrain, [=](int64_t begin, int64_t end) {
      unit(po + begin, pa + begin, end - begin);
    });
  }
  const Walk<2> walk = make_walk<2>(o->sizes, {o, a});
  const int64_t so = walk.strides[0][0], sa = walk.strides[1][0];
  for_each_row(walk, [=](const std::array<int64_t, 2>& at, int64_t n) {
    Out* const ro = po + at[0];
    const In* const ra = pa + at[1];
    if (so == 1 && sa == 1) return unit(ro, ra, n);
    for (int64_t i = 0; i < n; ++i) ro[i * so] = f(ra[i * sa]);
  });
}

/// out = f(x, y) with broadcasting; `out` has the broadcast shape and may be `x` or `y` itself.
template <class Out, class In, class F>
void map2(const Tensor& out, const Tensor& x, const Tensor& y, F f) {
  const TensorImpl *o = out.impl(), *a = x.impl(), *b = y.impl();
  if (o->numel == 0) return;
  Out* const po = o->data_as<Out>();
  const In* const pa = a->data_as<In>();
  const In* const pb = b->data_as<In>();
  // y is read along with x, or is one value for the whole run.
  const auto unit = [f](Out* ro, const In* ra, const In* rb, int64_t n, bool one_value) {
    vector_loop<In>([=]() NORMA_INLINE {
      if (one_value) {
        const In v = *rb;
        for (int64_t i = 0; i < n; ++i) ro[i] = f(ra[i], v);
      } else {
        for (int64_t i = 0; i < n; ++i) ro[i] = f(ra[i], rb[i]);
      }
    });
  };
  if (o->contiguous && a->contiguous && b->contiguous && a->numel == o->numel &&
      b->numel == o->numel) {
    return parallel_for(o->numel, kElementGrain, [=](int64_t begin, int64_t end) {
      unit(po + begin, pa + begin, pb + begin, end - begin, false);
    });
  }
  const Walk<3> walk = make_walk<3>(o->sizes, {o, a, b});
  const int64_t so = walk.strides[0][0], sa = walk.strides[1][0], sb = walk.strides[2][0];
  for_each_row(walk, [=](const std::array<int64_t, 3>& at, int64_t n) {
    Out* const ro = po + at[0];
    const In* const ra = pa + at[1];
    const In* const rb = pb + at[2];
    if (so == 1 && sa == 1 && (sb == 1 || sb == 0)) return unit(ro, ra, rb, n, sb == 0);
    for (int64_t i = 0; i < n; ++i) ro[i * so] = f(ra[i * sa], rb[i * sb]);
  });
}

/// out = f(c, x, y): a condition and two values, for `where` and `masked_fill`.
template <class T, class F>
void map3(const Tensor& out, const Tensor& condition, const Tensor& x, const Tensor& y, F f) {
  const TensorImpl *o = out.impl(), *c = condition.impl(), *a = x.impl(), *b = y.impl();
  if (o->numel == 0) return;
  T* const po = o->data_as<T>();
  const bool* const pc = c->data_as<bool>();
  const T* const pa = a->data_as<T>();
  const T* const pb = b->data_as<T>();
  const Walk<4> walk = make_walk<4>(o->sizes, {o, c, a, b});
  const int64_t so = walk.strides[0][0], sc = walk.strides[1][0], sa = walk.strides[2][0],
                sb = walk.strides[3][0];
  for_each_row(walk, [=](const std::array<int64_t, 4>& at, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      po[at[0] + i * so] = f(pc[at[1] + i * sc], pa[at[2] + i * sa], pb[at[3] + i * sb]);
    }
  });
}

/// Copies with conversion; `out` has the broadcast shape.
void copy(const Tensor& out, const Tensor& source);

}  // namespace norma::kernels
