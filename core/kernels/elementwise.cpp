#include "norma/core/kernels/elementwise.h"

#include <algorithm>
#include <cstring>

namespace norma::kernels {

namespace {

/// `strides` of a tensor of shape `from`, seen as shape `to` under broadcasting.
Shape broadcast_strides(const Shape& from, const Shape& strides, const Shape& to) {
  Shape result = Shape::filled(to.size(), 0);
  for (int64_t i = 1; i <= from.size(); ++i) {
    if (from[from.size() - i] != 1) result[to.size() - i] = strides[from.size() - i];
  }
  return result;
}

}  // namespace

template <int N>
Walk<N> make_walk(const Shape& sizes, const std::array<const TensorImpl*, N>& operands) {
  std::array<Shape, N> strides;
  for (std::size_t k = 0; k < N; ++k) {
    strides[k] = broadcast_strides(operands[k]->sizes, operands[k]->strides, sizes);
  }
  Walk<N> walk;
  // Collected from the innermost dimension outwards.
  for (int64_t i = sizes.size() - 1; i >= 0; --i) {
    if (sizes[i] == 1) continue;
    const auto last = static_cast<std::size_t>(walk.rank - 1);
    bool merges = walk.rank > 0;
    for (std::size_t k = 0; k < N && merges; ++k) {
      merges = strides[k][i] == walk.strides[k][last] * walk.sizes[last];
    }
    if (merges) {
      walk.sizes[last] *= sizes[i];
      continue;
    }
    const auto next = static_cast<std::size_t>(walk.rank++);
    walk.sizes[next] = sizes[i];
    for (std::size_t k = 0; k < N; ++k) walk.strides[k][next] = strides[k][i];
  }
  if (walk.rank == 0) {
    walk.rank = 1;
    walk.sizes[0] = 1;
  }
  return walk;
}

template <int N>
void for_each_row(const Walk<N>& walk,
                  void (*row)(const void*, const std::array<int64_t, N>&, int64_t),
                  const void* context) {
  int64_t rows = 1;
  for (std::size_t d = 1; d < static_cast<std::size_t>(walk.rank); ++d) rows *= walk.sizes[d];
  const int64_t length = walk.sizes[0];
  if (rows == 1) {
    parallel_for(length, kElementGrain, [&](int64_t begin, int64_t end) {
      std::array<int64_t, N> offsets;
      for (std::size_t k = 0; k < N; ++k) offsets[k] = begin * walk.strides[k][0];
      row(context, offsets, end - begin);
    });
    return;
  }
  const int64_t grain = rows_grain(kElementGrain, length);
  parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    std::array<int64_t, Shape::kMaxDims> index{};
    std::array<int64_t, N> offsets{};
    int64_t rest = begin;
    for (std::size_t d = 1; d < static_cast<std::size_t>(walk.rank); ++d) {
      index[d] = rest % walk.sizes[d];
      rest /= walk.sizes[d];
      for (std::size_t k = 0; k < N; ++k) offsets[k] += index[d] * walk.strides[k][d];
    }
    for (int64_t r = begin; r < end; ++r) {
      row(context, offsets, length);
      for (std::size_t d = 1; d < static_cast<std::size_t>(walk.rank); ++d) {
        for (std::size_t k = 0; k < N; ++k) offsets[k] += walk.strides[k][d];
        if (++index[d] < walk.sizes[d]) break;
        index[d] = 0;
        for (std::size_t k = 0; k < N; ++k) offsets[k] -= walk.sizes[d] * walk.strides[k][d];
      }
    }
  });
}

template Walk<2> make_walk<2>(const Shape&, const std::array<const TensorImpl*, 2>&);
template Walk<3> make_walk<3>(const Shape&, const std::array<const TensorImpl*, 3>&);
template Walk<4> make_walk<4>(const Shape&, const std::array<const TensorImpl*, 4>&);
template void for_each_row<2>(const Walk<2>&,
                              void (*)(const void*, const std::array<int64_t, 2>&, int64_t),
                              const void*);
template void for_each_row<3>(const Walk<3>&,
                              void (*)(const void*, const std::array<int64_t, 3>&, int64_t),
                              const void*);
template void for_each_row<4>(const Walk<4>&,
                              void (*)(const void*, const std::array<int64_t, 4>&, int64_t),
                              const void*);

void copy(const Tensor& out, const Tensor& source) {
  const TensorImpl *to = out.impl(), *from = source.impl();
  if (to->dtype == from->dtype && to->contiguous && from->contiguous && to->numel == from->numel) {
    const int64_t size = item_size(to->dtype);
    char* const target = to->data();
    const char* const origin = from->data();
    return parallel_for(to->numel, kElementGrain * 4, [=](int64_t begin, int64_t end) {
      std::memmove(target + begin * size, origin + begin * size,
                   static_cast<std::size_t>((end - begin) * size));
    });
  }
  dispatch(to->dtype, [&]<class To>() {
    dispatch(from->dtype, [&]<class From>() {
      map<To, From>(out, source, [](From x) NORMA_INLINE { return convert<To>(x); });
    });
  });
}

}  // namespace norma::kernels
