// Operations on single elements, over tensors of any strides and with broadcasting.
//
// An operation is a function of single elements, such as [](auto x, auto y) { return x + y; }. As
// it is compiled for every type and vector level, what it becomes is kept small: one loop over
// elements that lie side by side. All else is compiled once, in elementwise.cpp, and calls the loop
// by its address:
//
//     operands                          how the loop runs
//     contiguous, of one shape          over all elements at once, a stretch per thread
//     broadcast, side by side in a row  over each row; y may be one value for the whole row
//     short rows, those of which one    over blocks of several rows; what does not lie side by side
//     operand repeats one, any others   is gathered, and the results scattered to where they belong
//     large and transposed              copied in tiles first, then as above
#pragma once
#include <type_traits>

#include "norma/core/simd.h"
#include "norma/core/tensor_impl.h"

namespace norma::kernels {

/// Elements side by side: out[i] = f(x[i], y[i]) for i < count, or f(x[i], y[0]) for all.
struct Run {
  void* out;
  const void* x;
  const void* y;
  int64_t count;
  bool one_y = false;
};
/// The loop of an operation; `f` points at its function of single elements.
using Loop = void (*)(const void* f, const Run& run);

/// Calls `loop` for runs that cover out, which has the broadcast shape and may be x or y itself.
void for_each_run(Loop loop, const void* f, const Tensor& out, const Tensor& x);
void for_each_run(Loop loop, const void* f, const Tensor& out, const Tensor& x, const Tensor& y);
/// With one value for y, of x's type.
void for_each_run(Loop loop, const void* f, const Tensor& out, const Tensor& x, const void* y);

/// Floating values at up to 256 bits, where memory begins to be the limit; integers at the
/// baseline.
template <class T>
using ElementLevel = std::conditional_t<std::is_floating_point_v<T>, Level256, Level128>;

/// A function f with `begin` and `end`, f(x) = f.end(x, f.begin(x)), takes two loops: the processor
/// runs several steps of a short one at once, but not of a long chain of operations.
template <class T, class F>
NORMA_INLINE inline void map_in_two(const F& f, const T* x, int64_t count, T* out) {
  constexpr int64_t kBlock = 256;
  T first[kBlock], second[kBlock], third[kBlock];
  for (; count > 0; count -= kBlock, x += kBlock, out += kBlock) {
    const int64_t n = count < kBlock ? count : kBlock;
    for (int64_t i = 0; i < n; ++i) {
      const auto [a, b, c] = f.begin(x[i]);
      first[i] = a, second[i] = b, third[i] = c;
    }
    NORMA_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) out[i] = f.end(x[i], {first[i], second[i], third[i]});
  }
}
template <class Out, class In, class F>
void map_loop(const void* function, const Run& run) {
  simd<ElementLevel<In>>([function, &run]() NORMA_INLINE {
    const F f = *static_cast<const F*>(function);
    Out* const out = static_cast<Out*>(run.out);
    const In* const x = static_cast<const In*>(run.x);
    if constexpr (std::is_same_v<In, float> && requires { f.begin(In()); }) {
      map_in_two(f, x, run.count, out);
    } else {
      NORMA_INDEPENDENT
      for (int64_t i = 0, n = run.count; i < n; ++i) out[i] = f(x[i]);
    }
  });
}
template <class Out, class In, class F>
void map2_loop(const void* function, const Run& run) {
  simd<ElementLevel<In>>([function, &run]() NORMA_INLINE {
    const F f = *static_cast<const F*>(function);
    Out* const out = static_cast<Out*>(run.out);
    const In *const x = static_cast<const In*>(run.x), *const y = static_cast<const In*>(run.y);
    if (run.one_y) {
      const In value = *y;
      NORMA_INDEPENDENT
      for (int64_t i = 0, n = run.count; i < n; ++i) out[i] = f(x[i], value);
    } else {
      NORMA_INDEPENDENT
      for (int64_t i = 0, n = run.count; i < n; ++i) out[i] = f(x[i], y[i]);
    }
  });
}

/// out = f(x).
template <class Out, class In, class F>
void map(const Tensor& out, const Tensor& x, F f) {
  for_each_run(map_loop<Out, In, F>, &f, out, x);
}
/// out = f(x, y).
template <class Out, class In, class F>
void map2(const Tensor& out, const Tensor& x, const Tensor& y, F f) {
  for_each_run(map2_loop<Out, In, F>, &f, out, x, y);
}
template <class Out, class In, class F>
void map2(const Tensor& out, const Tensor& x, In y, F f) {
  for_each_run(map2_loop<Out, In, F>, &f, out, x, &y);
}

/// Elements of x where `condition` (kBool) holds, of y elsewhere; x and y have the dtype of out.
void choose(const Tensor& out, const Tensor& condition, const Tensor& x, const Tensor& y);

/// Copies with conversion; `out` has the broadcast shape.
void copy(const Tensor& out, const Tensor& source);

}  // namespace norma::kernels
