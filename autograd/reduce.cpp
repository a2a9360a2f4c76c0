// Reductions over everything, one dimension or several.
#include <cmath>
#include <limits>
#include <string>

#include "norma/autograd/elementwise.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/promotion.h"
#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/reduce.h"
#include "norma/core/tensor_impl.h"

namespace norma {

using namespace autograd;

namespace {

/// A tensor collapsed to row-major [outer, length, inner], the middle being what is reduced.
struct Collapsed {
  Tensor x;
  kernels::MiddleShape shape;
  Shape kept;    // the result's shape with keepdim
  Shape result;  // and as asked for
};

/// No dimensions means all of them, as in PyTorch.
Collapsed collapse(const char* op, const Tensor& self, const Shape& dims, bool keepdim) {
  const Shape& sizes = defined_impl(self, op)->sizes;
  const int64_t rank = sizes.size();
  std::array<bool, Shape::kMaxDims> reduced{};
  for (int64_t dim : dims) {
    bool& flag = reduced[static_cast<std::size_t>(wrap_dim(dim, rank, op))];
    if (flag) fail(op, "expected every dimension at most once, got ", dims);
    flag = true;
  }
  if (dims.empty()) reduced.fill(true);
  Collapsed collapsed;
  Shape order_kept, order_reduced;
  bool adjacent = true;
  for (int64_t i = 0; i < rank; ++i) {
    const bool here = reduced[static_cast<std::size_t>(i)];
    collapsed.kept.push_back(here ? 1 : sizes[i]);
    if (!here || keepdim) collapsed.result.push_back(here ? 1 : sizes[i]);
    if (here) {
      adjacent = adjacent && (order_reduced.empty() || order_reduced.back() == i - 1);
      order_reduced.push_back(i);
      collapsed.shape.length *= sizes[i];
    } else {
      order_kept.push_back(i);
      (order_reduced.empty() ? collapsed.shape.outer : collapsed.shape.inner) *= sizes[i];
    }
  }
  collapsed.x = self.detach();
  if (!adjacent) {
    Shape order = order_kept;
    for (int64_t dim : order_reduced) order.push_back(dim);
    collapsed.x = collapsed.x.permute(order);
    collapsed.shape.outer *= collapsed.shape.inner;
    collapsed.shape.inner = 1;
  }
  collapsed.x = collapsed.x.contiguous();
  return collapsed;
}

void refuse_empty(const char* op, const Collapsed& collapsed) {
  if (collapsed.shape.length == 0) {
    fail(op, "expected at least one element to reduce, got shape ", collapsed.x.sizes());
  }
}

/// The sum, for floating tensors over `divisor`: with one rounding, and no overflow on the way.
Tensor sum_collapsed(const Collapsed& collapsed, double divisor = 1) {
  const DType dtype = collapsed.x.dtype();
  // As in PyTorch, integers and bools are summed as int64.
  const Tensor x = is_floating(dtype) ? collapsed.x : collapsed.x.to(kInt64);
  Tensor out = new_tensor(collapsed.result, x.dtype());
  if (out.numel() == 0) return out;  // loops over its other sizes might not end
  if (x.dtype() == kInt64) {
    kernels::sum_middle(values_of<int64_t>(out), values_of<int64_t>(x), collapsed.shape);
  } else {
    dispatch_floating(x.dtype(), [&]<class T>() {
      kernels::sum_middle(values_of<T>(out), values_of<T>(x), collapsed.shape, divisor);
    });
  }
  return out;
}

void refuse_integers(const char* op, const Tensor& self, const char* hint) {
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

/// The mean, and Σ (x - mean)², in float64 and two passes.
struct Deviations {
  double mean, squares;
};
template <class T>
Deviations deviations(kernels::Line<T> line) {
  const auto count = static_cast<double>(line.length);
  double sum = 0, squares = 0, rest = 0;
  for (int64_t i = 0; i < line.length; ++i) sum += static_cast<double>(line[i]);
  const double mean = sum / count;
  for (int64_t i = 0; i < line.length; ++i) {
    const double delta = static_cast<double>(line[i]) - mean;
    rest += delta;
    squares += delta * delta;
  }
  return {mean, squares - rest * rest / count};
}

Tensor variance(const char* op, const Tensor& self, const Shape& dims, bool unbiased, bool keepdim,
                bool root) {
  refuse_integers(op, self, "to()");
  const Collapsed collapsed = collapse(op, self, dims, keepdim);
  Tensor out = new_tensor(collapsed.result, self.dtype());
  const Tensor means = new_tensor(collapsed.kept, kFloat64),
               slopes = new_tensor(collapsed.kept, kFloat64);
  double *const mean = values_of<double>(means), *const slope = values_of<double>(slopes);
  const double divisor = static_cast<double>(collapsed.shape.length) - (unbiased ? 1.0 : 0.0);
  dispatch_floating(self.dtype(), [&]<class T>() {
    T* const result = values_of<T>(out);
    kernels::for_each_line(
        values_of<T>(collapsed.x), collapsed.shape, [=](kernels::Line<T> line, int64_t at) {
          const Deviations d = deviations(line);
          // One element has no unbiased variance: 0/0, as in PyTorch.
          const double var =
              divisor > 0 ? d.squares / divisor : std::numeric_limits<double>::quiet_NaN();
          const double std = std::sqrt(var);
          result[at] = static_cast<T>(root ? std : var);
          mean[at] = d.mean;
          // d var / dx = 2 (x - mean) / divisor, d std / dx = (x - mean) / (divisor std), 0 at 0.
          slope[at] = !root ? 2 / divisor : std == 0 ? 0 : 1 / (divisor * std);
        });
  });
  return record(op, out, {&self},
                [=, kept = collapsed.kept, x = Saved(self)](const Tensor& g, InputGrads& d) {
                  d[0] = x->to(kFloat64).sub(means).mul(slopes).mul(g.reshape(kept));
                });
}

/// The position along the reduced dimension of the element that `better` prefers; NaN wins, then
/// the first of equals.
template <class Better>
Tensor find(const Collapsed& collapsed, Better better) {
  return reduced<int64_t>(collapsed, [=](auto line) {
    int64_t best = 0;
    for (int64_t i = 1; i < line.length; ++i) {
      const auto now = line[best], next = line[i];
      if (now != now) break;
      if (next != next || better(next, now)) best = i;
    }
    return best;
  });
}

template <class Better>
Tensor position(const char* op, const Tensor& self, const Shape& dims, bool keepdim,
                Better better) {
  const Collapsed collapsed = collapse(op, self, dims, keepdim);
  refuse_empty(op, collapsed);
  return find(collapsed, better);
}

constexpr auto kGreater = [](auto a, auto b) { return a > b; };
constexpr auto kLess = [](auto a, auto b) { return a < b; };

template <class Better>
std::pair<Tensor, Tensor> extremum_along(const char* op, const Tensor& self, int64_t dim,
                                         bool keepdim, Better better) {
  const int64_t d = wrap_dim(dim, defined_impl(self, op)->sizes.size(), op);
  const Collapsed collapsed = collapse(op, self, {d}, keepdim);
  refuse_empty(op, collapsed);
  const Tensor index = find(collapsed, better);
  if (self.dim() == 0) return {self.clone(), index};
  const Tensor picked = self.gather(d, index.reshape(collapsed.kept));
  return {keepdim ? picked : picked.squeeze(d), index};
}

/// 1 where x holds the extremum y, NaN included, 0 elsewhere.
Tensor hits(const char* op, const Tensor& x, const Tensor& y) {
  return binary(op, x, y, x.dtype(), [](auto u, auto v) NORMA_INLINE {
    return static_cast<decltype(u)>(u == v || (u != u && v != v));
  });
}

/// Over everything; equal extrema share the gradient evenly, as in PyTorch.
template <class Better>
Tensor extremum_of_all(const char* op, const Tensor& self, Better better) {
  const Collapsed collapsed = collapse(op, self, {}, false);
  refuse_empty(op, collapsed);
  const int64_t at = find(collapsed, better).template item<int64_t>();
  const Tensor out = collapsed.x.reshape({-1}).select(0, at).clone();
  return record(op, out, {&self},
                [op, x = Saved(self), y = Saved(out)](const Tensor& g, InputGrads& d) {
                  const Tensor hit = hits(op, *x, *y);
                  d[0] = hit.mul(g.div(hit.sum()));
                });
}

/// Whether any element is, or (not `wanted`) all elements are, other than 0.
Tensor any_collapsed(const Collapsed& collapsed, bool wanted) {
  const Tensor out = reduced<bool>(collapsed, [=](auto line) {
    for (int64_t i = 0; i < line.length; ++i) {
      if ((line[i] != 0) == wanted) return wanted;
    }
    return !wanted;
  });
  // As in PyTorch, where bytes once were its bools.
  return collapsed.x.dtype() == kUInt8 ? out.to(kUInt8) : out;
}

}  // namespace

Tensor Tensor::sum() const { return sum(Shape{}); }

Tensor Tensor::sum(const Shape& dims, bool keepdim) const {
  const Collapsed collapsed = collapse("sum", *this, dims, keepdim);
  return record("sum", sum_collapsed(collapsed), {this},
                [kept = collapsed.kept, from = sizes()](const Tensor& g, InputGrads& d) {
                  d[0] = g.reshape(kept).expand(from);
                });
}

Tensor Tensor::mean() const { return mean(Shape{}); }

Tensor Tensor::mean(const Shape& dims, bool keepdim) const {
  refuse_integers("mean", *this, "to(kFloat32)");
  const Collapsed collapsed = collapse("mean", *this, dims, keepdim);
  const auto count = static_cast<double>(collapsed.shape.length);
  return record("mean", sum_collapsed(collapsed, count), {this},
                [count, kept = collapsed.kept, from = sizes()](const Tensor& g, InputGrads& d) {
                  d[0] = g.div(count).reshape(kept).expand(from);
                });
}

Tensor Tensor::var(const Shape& dims, bool unbiased, bool keepdim) const {
  return variance("var", *this, dims, unbiased, keepdim, false);
}

Tensor Tensor::std(const Shape& dims, bool unbiased, bool keepdim) const {
  return variance("std", *this, dims, unbiased, keepdim, true);
}

Tensor Tensor::norm(double p) const { return norm(p, Shape{}); }

Tensor Tensor::norm(double p, const Shape& dims, bool keepdim) const {
  refuse_integers("norm", *this, "to()");
  if (!(p > 0)) fail("norm", "expected a power p above 0, got ", p);
  const Collapsed collapsed = collapse("norm", *this, dims, keepdim);
  const Tensor totals =
      reduced<double>(collapsed, [p](auto line) { return kernels::power_norm(line, p); });
  Tensor out = new_tensor(collapsed.result, dtype());
  kernels::copy(out, totals);
  return record(
      "norm", out, {this},
      [=, kept = collapsed.kept, saved = Saved(*this)](const Tensor& grad, InputGrads& d) {
        const Tensor g = grad.reshape(kept), total = totals.reshape(kept);
        const Tensor x = saved->to(kFloat64);
        const Tensor sign = x.gt(0).to(kFloat64).sub(x.lt(0).to(kFloat64));
        if (std::isinf(p)) {
          const Tensor hit = hits("norm", x.abs(), total);
          d[0] = hit.mul(sign).mul(g).div(hit.sum(dims, true));
        } else if (p == 1) {
          d[0] = sign.mul(g);
        } else {
          // sign(x) (|x| / norm)^(p-1), and 0 where the norm or, for p < 1, x is 0.
          const Tensor ratio = x.abs().div(total).masked_fill(total.eq(0), 0);
          const Tensor slope = p == 2 ? ratio : ratio.pow(p - 1);
          d[0] = sign.mul(p < 1 ? slope.masked_fill(x.eq(0), 0) : slope).mul(g);
        }
      });
}

Tensor Tensor::max() const { return extremum_of_all("max", *this, kGreater); }
Tensor Tensor::min() const { return extremum_of_all("min", *this, kLess); }

std::pair<Tensor, Tensor> Tensor::max(int64_t dim, bool keepdim) const {
  return extremum_along("max", *this, dim, keepdim, kGreater);
}
std::pair<Tensor, Tensor> Tensor::min(int64_t dim, bool keepdim) const {
  return extremum_along("min", *this, dim, keepdim, kLess);
}

Tensor Tensor::argmax() const { return position("argmax", *this, {}, false, kGreater); }
Tensor Tensor::argmax(int64_t dim, bool keepdim) const {
  return position("argmax", *this, {dim}, keepdim, kGreater);
}
Tensor Tensor::argmin() const { return position("argmin", *this, {}, false, kLess); }
Tensor Tensor::argmin(int64_t dim, bool keepdim) const {
  return position("argmin", *this, {dim}, keepdim, kLess);
}

Tensor Tensor::any() const { return any_collapsed(collapse("any", *this, {}, false), true); }
Tensor Tensor::any(int64_t dim, bool keepdim) const {
  return any_collapsed(collapse("any", *this, {dim}, keepdim), true);
}
Tensor Tensor::all() const { return any_collapsed(collapse("all", *this, {}, false), false); }
Tensor Tensor::all(int64_t dim, bool keepdim) const {
  return any_collapsed(collapse("all", *this, {dim}, keepdim), false);
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol) {
  const NoGradGuard no_grad;
  const Shape sizes = broadcast_shapes(defined_impl(a, "allclose")->sizes,
                                       defined_impl(b, "allclose")->sizes, "allclose");
  const Tensor x = a.to(kFloat64).expand(sizes).contiguous(),
               y = b.to(kFloat64).expand(sizes).contiguous();
  const double *px = values_of<double>(x), *py = values_of<double>(y);
  for (int64_t i = 0; i < x.numel(); ++i) {
    // Equality first: infinities of one sign are close.
    if (px[i] == py[i]) continue;
    if (!(std::fabs(px[i] - py[i]) <= atol + rtol * std::fabs(py[i])) || std::isinf(py[i]))
      return false;
  }
  return true;
}

bool equal(const Tensor& a, const Tensor& b) {
  const NoGradGuard no_grad;
  return defined_impl(a, "equal")->sizes == defined_impl(b, "equal")->sizes &&
         a.eq(b).all().item<bool>();
}

}  // namespace norma
