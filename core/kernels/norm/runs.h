// Runs of elements in vectors: the two loops, `sum_run` and `map_run`, that every way of
// normalising over memory is made of.
#pragma once
#include <cstdint>
#include <type_traits>
#include <utility>

#include "norma/core/grains.h"
#include "norma/core/kernels/vectors.h"

namespace norma::kernels {

inline constexpr int64_t kLanes = 16;  // doubles that gather a sum, at every vector width

using LaneSums = double[2][kLanes];

/// Vectors of the widest kind for float; double, for reference runs, spares their code.
template <class T>
using NormLevel = std::conditional_t<std::is_same_v<T, float>, Level512, Level128>;

/// N neighbouring elements: a vector, or for N = 1 a number.
template <class T, int N>
using Elements =
    std::conditional_t<N == 1, T, typename Vector<T, N* static_cast<int>(sizeof(T))>::Value>;

template <class X>
using ElementOf = std::remove_cvref_t<decltype(std::declval<X>()[0])>;

/// The N elements at `from`, converted to those of x. By way of an array, because GCC 12 halves the
/// vectors that it is told to convert.
template <int N, class T, class X>
NORMA_INLINE inline void load(const T* from, X& x) {
  if constexpr (N == 1) {
    x = static_cast<X>(*from);
  } else if constexpr (std::is_same_v<X, Elements<T, N>>) {
    x = Vector<T, N* static_cast<int>(sizeof(T))>::at(from).value;
  } else {
    ElementOf<X> converted[N];
    for (int i = 0; i < N; ++i) converted[i] = static_cast<ElementOf<X>>(from[i]);
    load<N>(converted, x);
  }
}
/// The other way.
template <int N, class T, class X>
NORMA_INLINE inline void store(const X& x, T* to) {
  if constexpr (N == 1) {
    *to = static_cast<T>(x);
  } else if constexpr (std::is_same_v<X, Elements<T, N>>) {
    Vector<T, N* static_cast<int>(sizeof(T))>::at(to).value = x;
  } else {
    ElementOf<X> own[N];
    store<N>(x, own);
    for (int i = 0; i < N; ++i) to[i] = static_cast<T>(own[i]);
  }
}
/// y = x, converted.
template <int N, class X, class Y>
NORMA_INLINE inline void convert(const X& x, Y& y) {
  if constexpr (N == 1 || std::is_same_v<X, Y>) {
    y = static_cast<Y>(x);
  } else {
    ElementOf<X> own[N];
    store<N>(x, own);
    load<N>(own, y);
  }
}
/// The same value N times.
template <int N, class T>
NORMA_INLINE inline void fill(T value, Elements<T, N>& x) {
  T all[N];
  for (T& one : all) one = value;
  load<N>(all, x);
}

/// K values that a job needs of the channel an element belongs to, `pitch` apart: the same ones for
/// every lane, or those of each lane, neighbours in memory.
template <class V, int K, bool Same>
struct ValuesOf {
  static constexpr bool kSame = Same;
  const V* values;
  int64_t pitch;
  template <int N>
  NORMA_INLINE void get(int64_t lane, Elements<V, N> (&out)[K]) const {
    for (int k = 0; k < K; ++k) {
      if constexpr (Same) {
        fill<N>(values[k * pitch], out[k]);
      } else {
        load<N>(values + k * pitch + lane, out[k]);
      }
    }
  }
};
template <class V, int K>
using ForAll = ValuesOf<V, K, true>;
template <class V, int K>
using ForEach = ValuesOf<V, K, false>;

/// Calls use.operator()<N>(i) for vectors of N elements in [0, count), then for single ones.
template <int N, class Use>
NORMA_INLINE inline void in_vectors(int64_t count, Use use) {
  int64_t i = 0;
  for (; i + N <= count; i += N) use.template operator()<N>(i);
  for (; i < count; ++i) {
    asm volatile("");  // few rounds: not worth a vectorised copy of the loop
    use.template operator()<1>(i);
  }
}

/// Adds the two terms of each element to its lane's sums: `rows` rows of kLanes elements, `stride`
/// apart, whose values begin at `lane`. Returns where the next row would begin.
template <int Bytes, class Job, class Values>
NORMA_INLINE inline int64_t sum_run(const Job& job, const Values& values, int64_t lane, int64_t at,
                                    int64_t rows, int64_t stride, LaneSums& sums) {
  constexpr int kCount = Bytes / static_cast<int>(sizeof(double));
  constexpr int kRegisters = static_cast<int>(kLanes) / kCount;
  Elements<double, kCount> total[2][kRegisters], v[Values::kSame ? 1 : kRegisters][Job::kSumValues];
#pragma GCC unroll 8
  for (int i = 0; i < kRegisters; ++i) {
    for (int j = 0; j < 2; ++j) load<kCount>(sums[j] + i * kCount, total[j][i]);
    if (!Values::kSame || i == 0) values.template get<kCount>(lane + i * kCount, v[i]);
  }
  for (int64_t r = 0; r < rows; ++r, at += stride) {
#pragma GCC unroll 8
    for (int i = 0; i < kRegisters; ++i) {
      job.template add<kCount>(v[Values::kSame ? 0 : i], at + i * kCount, total[0][i], total[1][i]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRegisters; ++i) {
    for (int j = 0; j < 2; ++j) store<kCount>(total[j][i], sums[j] + i * kCount);
  }
  return at;
}

/// The same for fewer elements than kLanes.
template <class Job, class Values>
NORMA_INLINE inline void sum_rest(const Job& job, const Values& values, int64_t lane, int64_t at,
                                  int64_t count, LaneSums& sums) {
  double v[Job::kSumValues];
  for (int64_t l = 0; l < count; ++l) {
    asm volatile("");  // few rounds: not worth a vectorised copy of the loop
    values.template get<1>(lane + l, v);
    job.template add<1>(v, at + l, sums[0][l], sums[1][l]);
  }
}

/// The map of a job over `rows` rows of `count` elements, `stride` apart, with values from lane 0.
template <int Bytes, class Job, class Values>
NORMA_INLINE inline void map_run(const Job& job, const Values& values, int64_t at, int64_t count,
                                 int64_t rows, int64_t stride) {
  using V = typename Job::MapValue;
  constexpr int kCount = Bytes / static_cast<int>(sizeof(V)), kPair = 2 * kCount;
  Elements<V, kCount> v[2][Job::kMapValues];
  if constexpr (Values::kSame) values.template get<kCount>(0, v[0]);
  // Two vectors at a time, where there are as many: often a whole line of the cache.
  int64_t first = 0;
  for (; first + kPair <= count; first += kPair) {
    for (int i = 0; !Values::kSame && i < 2; ++i) {
      values.template get<kCount>(first + i * kCount, v[i]);
    }
    for (int64_t r = 0; r < rows; ++r) {
      for (int i = 0; i < 2; ++i) {
        job.template map<kCount>(v[Values::kSame ? 0 : i], at + r * stride + first + i * kCount);
      }
    }
  }
  in_vectors<kCount>(count - first, [&]<int N>(int64_t l) NORMA_INLINE {
    Elements<V, N> last[Job::kMapValues];
    values.template get<N>(first + l, last);
    for (int64_t r = 0; r < rows; ++r) job.template map<N>(last, at + r * stride + first + l);
  });
}

/// Lanes to one sum: halves onto halves.
inline double sum_lanes(double (&lanes)[kLanes]) {
  for (int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (int64_t l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  }
  return lanes[0];
}
/// The same of lanes in registers: the upper half goes onto the lower one.
template <int N, int Count>
NORMA_INLINE inline double sum_of_lanes(Elements<double, N> (&lanes)[Count]) {
  for (int half = Count / 2; half > 0; half /= 2) {
    for (int k = 0; k < half; ++k) lanes[k] += lanes[k + half];
  }
  const auto& last = lanes[0];
  if constexpr (N == 2) return last[0] + last[1];
  if constexpr (N == 4) return (last[0] + last[2]) + (last[1] + last[3]);
  if constexpr (N == 8) {
    return ((last[0] + last[4]) + (last[2] + last[6])) +
           ((last[1] + last[5]) + (last[3] + last[7]));
  }
}

/// The two sums of `count` elements that belong together.
template <int Bytes, class Job, class Values>
NORMA_INLINE inline void sum_all(const Job& job, const Values& values, int64_t at, int64_t count,
                                 double (&sums)[2]) {
  if (count < kLanes) {
    double v[Job::kSumValues];
    values.template get<1>(0, v);
    sums[0] = sums[1] = 0.0;
    for (int64_t i = 0; i < count; ++i) job.template add<1>(v, at + i, sums[0], sums[1]);
    return;
  }
  constexpr int kCount = Bytes / static_cast<int>(sizeof(double));
  constexpr int kRegisters = static_cast<int>(kLanes) / kCount;
  Elements<double, kCount> total[2][kRegisters] = {}, v[Job::kSumValues];
  static_assert(Values::kSame);
  values.template get<kCount>(0, v);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
#pragma GCC unroll 8
    for (int k = 0; k < kRegisters; ++k)
      job.template add<kCount>(v, at + i + k * kCount, total[0][k], total[1][k]);
  }
  if (i < count) {
    LaneSums lanes;
    for (int k = 0; k < kRegisters; ++k) {
      for (int j = 0; j < 2; ++j) store<kCount>(total[j][k], lanes[j] + k * kCount);
    }
    sum_rest(job, values, 0, at + i, count - i, lanes);
    for (int k = 0; k < kRegisters; ++k) {
      for (int j = 0; j < 2; ++j) load<kCount>(lanes[j] + k * kCount, total[j][k]);
    }
  }
  for (int j = 0; j < 2; ++j) sums[j] = sum_of_lanes<kCount>(total[j]);
}

}  // namespace norma::kernels
