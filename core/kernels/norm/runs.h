// Runs of elements in vectors: the two loops, `sum_run` and `map_run`, that every way of
// normalising over memory is made of.
#pragma once
#include <cstdint>
#include <type_traits>

#include "norma/core/grains.h"
#include "norma/core/kernels/vectors.h"

namespace norma::kernels {

inline constexpr int64_t kLanes = 16;  // doubles that gather a sum, at every vector width

using LaneSums = double[2][kLanes];

/// Vectors of the widest kind for float; double, for reference runs, spares their code.
template <class T>
using NormLevel = std::conditional_t<std::is_same_v<T, float>, Level512, Level128>;

/// One or several elements of type T, for code that serves both.
struct Single {
  static constexpr int kCount = 1;
  template <class T>
  using Of = T;
  template <class T>
  NORMA_INLINE static void load(const T* from, T& x) {
    x = *from;
  }
  template <class T>
  NORMA_INLINE static void store(const T& x, T* to) {
    *to = x;
  }
  template <class T>
  NORMA_INLINE static void fill(T value, T& x) {
    x = value;
  }
  template <class From, class To>
  NORMA_INLINE static void convert(const From& x, To& y) {
    y = static_cast<To>(x);
  }
};
template <int Count>
struct Several {
  static constexpr int kCount = Count;
  template <class T>
  using V = Vector<T, Count* static_cast<int>(sizeof(T))>;
  template <class T>
  using Of = typename V<T>::Value;
  template <class T>
  NORMA_INLINE static void load(const T* from, Of<T>& x) {
    x = V<T>::at(from).value;
  }
  template <class T>
  NORMA_INLINE static void store(const Of<T>& x, T* to) {
    V<T>::at(to).value = x;
  }
  template <class T>
  NORMA_INLINE static void fill(T value, Of<T>& x) {
    T all[Count];
    for (T& one : all) one = value;
    load(all, x);
  }
  template <class From, class To>
  NORMA_INLINE static void convert(const From& x, To& y) {
    y = __builtin_convertvector(x, To);
  }
};

/// K values that a job needs of the channel an element belongs to, `pitch` apart: the same ones for
/// every lane,
template <class V, int K>
struct ForAll {
  static constexpr bool kSame = true;
  const V* values;
  int64_t pitch;
  template <class Elements>
  NORMA_INLINE void get(int64_t, typename Elements::template Of<V> (&out)[K]) const {
    for (int k = 0; k < K; ++k) Elements::template fill<V>(values[k * pitch], out[k]);
  }
};
/// or those of each lane, neighbours in memory.
template <class V, int K>
struct ForEach {
  static constexpr bool kSame = false;
  const V* values;
  int64_t pitch;
  template <class Elements>
  NORMA_INLINE void get(int64_t lane, typename Elements::template Of<V> (&out)[K]) const {
    for (int k = 0; k < K; ++k) Elements::template load<V>(values + k * pitch + lane, out[k]);
  }
};

/// Adds the two terms of each element to its lane's sums: `rows` rows of kLanes elements, `stride`
/// apart, whose values begin at `lane`. Returns where the next row would begin.
template <int Bytes, class Job, class Values>
NORMA_INLINE inline int64_t sum_run(const Job& job, const Values& values, int64_t lane, int64_t at,
                                    int64_t rows, int64_t stride, LaneSums& sums) {
  constexpr int kCount = Bytes / static_cast<int>(sizeof(double));
  constexpr int kRegisters = static_cast<int>(kLanes) / kCount;
  using Elements = Several<kCount>;
  using Double = typename Elements::template Of<double>;
  Double total[2][kRegisters], v[Values::kSame ? 1 : kRegisters][Job::kSumValues];
#pragma GCC unroll 8
  for (int i = 0; i < kRegisters; ++i) {
    for (int j = 0; j < 2; ++j) Elements::template load<double>(sums[j] + i * kCount, total[j][i]);
    if (!Values::kSame || i == 0) values.template get<Elements>(lane + i * kCount, v[i]);
  }
  for (int64_t r = 0; r < rows; ++r, at += stride) {
#pragma GCC unroll 8
    for (int i = 0; i < kRegisters; ++i) {
      job.template add<Elements>(v[Values::kSame ? 0 : i], at + i * kCount, total[0][i],
                                 total[1][i]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRegisters; ++i) {
    for (int j = 0; j < 2; ++j) Elements::template store<double>(total[j][i], sums[j] + i * kCount);
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
    values.template get<Single>(lane + l, v);
    job.template add<Single>(v, at + l, sums[0][l], sums[1][l]);
  }
}

/// The map of a job over `rows` rows of `count` elements, `stride` apart; values begin at lane 0.
template <int Bytes, class Job, class Values>
NORMA_INLINE inline void map_run(const Job& job, const Values& values, int64_t at, int64_t count,
                                 int64_t rows, int64_t stride) {
  using V = typename Job::MapValue;
  constexpr int kCount = Bytes / static_cast<int>(sizeof(V));
  using Elements = Several<kCount>;
  typename Elements::template Of<V> v[Job::kMapValues];
  if constexpr (Values::kSame) values.template get<Elements>(0, v);
  int64_t l = 0;
  for (; l + kCount <= count; l += kCount) {
    if constexpr (!Values::kSame) values.template get<Elements>(l, v);
    for (int64_t r = 0; r < rows; ++r) job.template map<Elements>(v, at + r * stride + l);
  }
  V one[Job::kMapValues];
  for (; l < count; ++l) {
    values.template get<Single>(l, one);
    for (int64_t r = 0; r < rows; ++r) {
      asm volatile("");  // as above
      job.template map<Single>(one, at + r * stride + l);
    }
  }
}

/// Lanes to one sum: halves onto halves.
inline double sum_lanes(double (&lanes)[kLanes]) {
  for (int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (int64_t l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  }
  return lanes[0];
}

/// The two sums of `count` elements that belong together.
template <int Bytes, class Job, class Values>
NORMA_INLINE inline void sum_all(const Job& job, const Values& values, int64_t at, int64_t count,
                                 double (&sums)[2]) {
  if (count < kLanes) {
    double v[Job::kSumValues];
    values.template get<Single>(0, v);
    sums[0] = sums[1] = 0.0;
    for (int64_t i = 0; i < count; ++i) job.template add<Single>(v, at + i, sums[0], sums[1]);
    return;
  }
  LaneSums lanes = {};
  const int64_t rest = sum_run<Bytes>(job, values, 0, at, count / kLanes, kLanes, lanes);
  sum_rest(job, values, 0, rest, count % kLanes, lanes);
  for (int j = 0; j < 2; ++j) sums[j] = sum_lanes(lanes[j]);
}

}  // namespace norma::kernels
