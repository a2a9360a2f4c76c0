// What reductions share: the dimensions they reduce, and lines of elements that become one. For
// Norma's own sources.
#pragma once
#include <array>

#include "norma/autograd/elementwise.h"
#include "norma/core/kernels/extremum.h"
#include "norma/core/kernels/reduce.h"

namespace norma::autograd {

/// Which dimensions are reduced.
struct ReducedDims {
  std::array<bool, Shape::kMaxDims> here{};
  int64_t length = 1;  // elements that become one
  Shape kept;          // the result's shape with keepdim
  Shape result;        // and as asked for

  bool at(int64_t dim) const { return here[static_cast<std::size_t>(dim)]; }

  /// No dimensions means all of them, as in PyTorch.
  ReducedDims(const char* op, const Tensor& self, const Shape& dims, bool keepdim) {
    const Shape& sizes = defined_impl(self, op)->sizes;
    for (int64_t dim : dims) {
      bool& flag = here[static_cast<std::size_t>(wrap_dim(dim, sizes.size(), op))];
      if (flag) fail(op, "expected every dimension at most once, got ", dims);
      flag = true;
    }
    if (dims.empty()) here.fill(true);
    for (int64_t i = 0; i < sizes.size(); ++i) {
      if (at(i)) length *= sizes[i];
      kept.push_back(at(i) ? 1 : sizes[i]);
      if (!at(i) || keepdim) result.push_back(kept.back());
    }
  }
};

/// A tensor collapsed to row-major [outer, length, inner], the middle being what is reduced.
struct Collapsed : ReducedDims {
  Tensor x;
  kernels::MiddleShape shape;

  Collapsed(const char* op, const Tensor& self, const Shape& dims, bool keepdim)
      : ReducedDims(op, self, dims, keepdim), x(self.detach()) {
    Shape order_kept, order_reduced;
    bool adjacent = true;
    for (int64_t i = 0; i < self.dim(); ++i) {
      if (at(i)) {
        adjacent = adjacent && (order_reduced.empty() || order_reduced.back() == i - 1);
        order_reduced.push_back(i);
      } else {
        order_kept.push_back(i);
        (order_reduced.empty() ? shape.outer : shape.inner) *= self.size(i);
      }
    }
    shape.length = length;
    if (!adjacent) {
      Shape order = order_kept;
      for (int64_t dim : order_reduced) order.push_back(dim);
      x = x.permute(order);
      shape.outer *= shape.inner;
      shape.inner = 1;
    }
    x = x.contiguous();
  }
};

inline void refuse_empty(const char* op, const Collapsed& collapsed) {
  if (collapsed.shape.length == 0) {
    fail(op, "expected at least one element to reduce, got shape ", collapsed.x.sizes());
  }
}

inline void refuse_integers(const char* op, const Tensor& self, const char* hint) {
  if (!is_floating(defined_impl(self, op)->dtype)) {
    fail(op, "expected a floating tensor, got ", self.dtype(), "; convert with ", hint);
  }
}

/// f(line) for every line of elements that is reduced to one.
template <class Out, class F>
Tensor reduced(const Collapsed& collapsed, F f) {
  Tensor out = new_tensor(collapsed.result, dtype_of<Out>);
  Out* const result = values_of<Out>(out);
  dispatch(collapsed.x.dtype(), [&]<class T>() {
    kernels::for_each_line(
        values_of<T>(collapsed.x), collapsed.shape,
        [=](kernels::Line<T> line, int64_t at) { result[at] = static_cast<Out>(f(line)); });
  });
  return out;
}

/// The position along the reduced dimension of the largest or smallest element.
inline Tensor find(const Collapsed& collapsed, bool largest) {
  Tensor out = new_tensor(collapsed.result, kInt64);
  dispatch(collapsed.x.dtype(), [&]<class T>() {
    kernels::extreme_position(values_of<int64_t>(out), values_of<T>(collapsed.x), collapsed.shape,
                              largest);
  });
  return out;
}

/// 1 where x holds the extremum y, NaN included, 0 elsewhere.
inline Tensor hits(const char* op, const Tensor& x, const Tensor& y) {
  return binary(op, x, y, x.dtype(), [](auto u, auto v) NORMA_INLINE {
    return static_cast<decltype(u)>(u == v || (u != u && v != v));
  });
}

}  // namespace norma::autograd
