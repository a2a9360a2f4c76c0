// Reductions over everything, one dimension or several.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "norma/autograd/collapsed.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/reduce.h"
#include "norma/core/tensor_impl.h"

namespace norma {

using namespace autograd;

namespace {

/// The dimensions of x as they lie in memory, the outermost first; as they are where x has gaps.
Shape memory_order(const Tensor& x) {
  Shape order, as_is;
  for (int64_t i = 0; i < x.dim(); ++i) {
    as_is.push_back(i);
    order.push_back(i);
    for (int64_t k = i; k > 0 && x.strides()[order[k - 1]] < x.strides()[i]; --k)
      std::swap(order[k], order[k - 1]);
  }
  return x.permute(order).is_contiguous() ? order : as_is;
}

/// The steps of a sum: a run of neighbours among the reduced dimensions each, the last one first.
/// Dimensions of one element do not part them.
struct SumSteps {
  std::array<kernels::MiddleShape, Shape::kMaxDims> shapes;
  std::size_t count = 0;

  SumSteps(const Shape& sizes, const Shape& order, const ReducedDims& reduction) {
    int64_t inner = 1;
    for (int64_t end = sizes.size(); end > 0;) {
      int64_t begin = end, length = 1, outer = 1;
      while (begin > 0 && (reduction.at(order[begin - 1]) || sizes[begin - 1] == 1))
        length *= sizes[--begin];
      if (begin == end) {
        inner *= sizes[--end];
        continue;
      }
      for (int64_t i = 0; i < begin; ++i) outer *= sizes[i];
      if (length != 1) shapes[count++] = {outer, length, inner};
      end = begin;
    }
    if (count == 0) shapes[count++] = {inner, 1, 1};
  }
};

template <class To, class From>
Tensor sum_step(const Shape& sizes, const Tensor& x, const kernels::MiddleShape& shape,
                double divisor = 1) {
  Tensor out = new_tensor(sizes, dtype_of<To>);
  if (out.numel() > 0)  // loops over its other sizes might not end
    kernels::sum_middle(values_of<To>(out), values_of<From>(x), shape, divisor);
  return out;
}

/// The sum, for floating tensors over `divisor`: with one rounding, and no overflow on the way.
Tensor sum_of(const Tensor& self, const ReducedDims& reduction, double divisor = 1) {
  // As in PyTorch, integers and bools are summed as int64.
  const Tensor from = self.detach().to(is_floating(self.dtype()) ? self.dtype() : kInt64);
  const Shape order = memory_order(from);
  const bool in_order = std::is_sorted(order.begin(), order.end());
  const Tensor x = (in_order ? from : from.permute(order)).contiguous();
  Shape kept, back = order;
  for (int64_t i = 0; i < order.size(); ++i) {
    kept.push_back(reduction.kept[order[i]]);
    back[order[i]] = i;
  }
  const SumSteps steps(x.sizes(), order, reduction);
  const Shape& sizes = in_order ? reduction.result : kept;
  const auto sum = [&]<class T>() {
    if (steps.count == 1) return sum_step<T, T>(sizes, x, steps.shapes[0], divisor);
    using Wide = std::conditional_t<std::is_floating_point_v<T>, double, T>;
    const auto flat = [&](std::size_t i) { return Shape({steps.shapes[i].lines()}); };
    Tensor wide = sum_step<Wide, T>(flat(0), x, steps.shapes[0]);
    for (std::size_t i = 1; i + 1 < steps.count; ++i)
      wide = sum_step<Wide, Wide>(flat(i), wide, steps.shapes[i]);
    return sum_step<T, Wide>(sizes, wide, steps.shapes[steps.count - 1], divisor);
  };
  const Tensor out =
      from.dtype() == kInt64 ? sum.operator()<int64_t>() : dispatch_floating(from.dtype(), sum);
  return in_order ? out : out.permute(back).contiguous().reshape(reduction.result);
}

/// (Σ |x|^p)^(1/p) in float64.
Tensor power_norms(const Collapsed& collapsed, double p) {
  if (p != 2)
    return reduced<double>(collapsed, [p](auto line) { return kernels::power_norm(line, p); });
  Tensor totals = new_tensor(collapsed.result, kFloat64);
  if (totals.numel() == 0) return totals;
  dispatch_floating(collapsed.x.dtype(), [&]<class T>() {
    kernels::sum_squares(values_of<double>(totals), values_of<T>(collapsed.x), collapsed.shape);
  });
  return totals.sqrt();
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
  const Collapsed collapsed(op, self, dims, keepdim);
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
  return record({op, {{"dim", dims}, {"unbiased", unbiased}, {"keepdim", keepdim}}}, out, {&self},
                [=, kept = collapsed.kept, x = Saved(self)](const Tensor& g, InputGrads& d) {
                  if (grad_enabled()) {
                    const Tensor delta = *x - x->mean(dims, true);
                    const Tensor squares = delta.square().sum(dims, true);
                    const Tensor deviation =
                        squares.masked_fill(squares.eq(0), 1).div(divisor).sqrt().mul(divisor);
                    const Tensor up = g.reshape(kept);
                    d[0] = root ? delta.mul(up.div(deviation)).masked_fill(squares.eq(0), 0)
                                : delta.mul(up.mul(2 / divisor));
                    return;
                  }
                  d[0] = (x->to(kFloat64) - means) * slopes.mul(g.reshape(kept));
                });
}

Tensor position(const char* op, const Tensor& self, const Shape& dims, bool keepdim, bool largest) {
  if (defined_impl(self, op)->dtype == kBool) {
    fail(op, "expected numbers, got a bool tensor; convert it with to(kUInt8)");
  }
  const Collapsed collapsed(op, self, dims, keepdim);
  refuse_empty(op, collapsed);
  return told({op, {{"dim", dims}, {"keepdim", keepdim}}}, find(collapsed, largest), {&self});
}

std::pair<Tensor, Tensor> extremum_along(const char* op, const Tensor& self, int64_t dim,
                                         bool keepdim, bool largest) {
  const int64_t d = wrap_dim(dim, defined_impl(self, op)->sizes.size(), op);
  const Collapsed collapsed(op, self, {d}, keepdim);
  refuse_empty(op, collapsed);
  const Tensor index =
      told({largest ? "argmax" : "argmin", {{"dim", Shape{d}}, {"keepdim", keepdim}}},
           find(collapsed, largest), {&self});
  if (self.dim() == 0) return {self.clone(), index};
  const Tensor picked = self.gather(d, index.reshape(collapsed.kept));
  return {keepdim ? picked : picked.squeeze(d), index};
}

/// Over everything; equal extrema share the gradient evenly, as in PyTorch.
Tensor extremum_of_all(const char* op, const Tensor& self, bool largest) {
  const Collapsed collapsed(op, self, {}, false);
  refuse_empty(op, collapsed);
  const int64_t at = find(collapsed, largest).item<int64_t>();
  const Tensor out = collapsed.x.reshape({-1}).select(0, at).clone();
  return record(op, out, {&self},
                [op, x = Saved(self), y = Saved(out)](const Tensor& g, InputGrads& d) {
                  const Tensor hit = hits(op, *x, *y);
                  d[0] = g.div(hit.sum()).expand(hit.sizes()).masked_fill(hit.eq(0), 0);
                });
}

/// Whether any element is, or (not `wanted`) all elements are, other than 0.
Tensor any_of(const Collapsed& collapsed, bool wanted) {
  const Tensor out = reduced<bool>(collapsed, [=](auto line) {
    for (int64_t i = 0; i < line.length; ++i) {
      if ((line[i] != 0) == wanted) return wanted;
    }
    return !wanted;
  });
  // As in PyTorch, where bytes once were its bools.
  return collapsed.x.dtype() == kUInt8 ? out.to(kUInt8) : out;
}
Tensor any_collapsed(const Tensor& self, const Shape& dims, bool keepdim, bool wanted) {
  const char* const op = wanted ? "any" : "all";
  const Tensor out = any_of(Collapsed(op, self, dims, keepdim), wanted);
  return told({op, {{"dim", dims}, {"keepdim", keepdim}}}, out, {&self});
}

}  // namespace

Tensor Tensor::sum() const { return sum(Shape{}); }

Tensor Tensor::sum(const Shape& dims, bool keepdim) const {
  const ReducedDims reduction("sum", *this, dims, keepdim);
  return record({"sum", {{"dim", dims}, {"keepdim", keepdim}}}, sum_of(*this, reduction), {this},
                [kept = reduction.kept, from = sizes()](const Tensor& g, InputGrads& d) {
                  d[0] = g.reshape(kept).expand(from);
                });
}

Tensor Tensor::mean() const { return mean(Shape{}); }

Tensor Tensor::mean(const Shape& dims, bool keepdim) const {
  refuse_integers("mean", *this, "to(kFloat32)");
  const ReducedDims reduction("mean", *this, dims, keepdim);
  const auto count = static_cast<double>(reduction.length);
  return record({"mean", {{"dim", dims}, {"keepdim", keepdim}}}, sum_of(*this, reduction, count),
                {this},
                [count, kept = reduction.kept, from = sizes()](const Tensor& g, InputGrads& d) {
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
  const Collapsed collapsed("norm", *this, dims, keepdim);
  // Of nothing there is no least or largest, and a negative power of 0.
  if ((p < 0 || std::isinf(p)) && collapsed.result.numel() > 0) refuse_empty("norm", collapsed);
  const Tensor totals = power_norms(collapsed, p);
  Tensor out = new_tensor(collapsed.result, dtype());
  kernels::copy(out, totals);
  return record(
      {"norm", {{"p", p}, {"dim", dims}, {"keepdim", keepdim}}}, out, {this},
      [=, kept = collapsed.kept, saved = Saved(*this)](const Tensor& grad, InputGrads& d) {
        if (p == 0) return;  // a count
        const Tensor g = grad.reshape(kept);
        Tensor total = totals.reshape(kept);
        if (p == 2) {  // x / norm, and 0 where that is 0
          const Tensor zero = total.eq(0);
          if (grad_enabled())
            total = saved->to(kFloat64).square().sum(dims, true).masked_fill(zero, 1).sqrt();
          d[0] = saved->div(total.masked_fill(zero, 1).to(g.dtype())).mul(g);
          if (grad_enabled()) d[0] = d[0].masked_fill(zero, 0);
          return;
        }
        const Tensor x = saved->to(kFloat64), none = x.eq(0), all_none = total.eq(0);
        if (grad_enabled() && !std::isinf(p)) {
          const Tensor powers = x.abs().masked_fill(none, 1).pow(p).masked_fill(none, 0);
          total = powers.sum(dims, true).masked_fill(all_none, 1).pow(1 / p);
        }
        const Tensor sign = x.gt(0).to(kFloat64).sub(x.lt(0).to(kFloat64));
        if (std::isinf(p)) {
          const Tensor hit = hits("norm", x.abs(), total);
          d[0] = hit.mul(sign).mul(g).div(hit.sum(dims, true));
        } else if (p == 1) {
          d[0] = sign.mul(g);
        } else {
          // sign(x) (|x| / norm)^(p-1), and 0 where x is 0.
          const Tensor ratio = x.abs().masked_fill(none, 1).div(total.masked_fill(all_none, 1));
          d[0] = sign.mul(ratio.pow(p - 1)).mul(g);
          if (p < 0)
            d[0] = d[0].masked_fill(all_none, 0);  // one element is 0, and with it the norm
        }
      });
}

Tensor Tensor::max() const { return extremum_of_all("max", *this, true); }
Tensor Tensor::min() const { return extremum_of_all("min", *this, false); }

std::pair<Tensor, Tensor> Tensor::max(int64_t dim, bool keepdim) const {
  return extremum_along("max", *this, dim, keepdim, true);
}
std::pair<Tensor, Tensor> Tensor::min(int64_t dim, bool keepdim) const {
  return extremum_along("min", *this, dim, keepdim, false);
}

Tensor Tensor::argmax() const { return position("argmax", *this, {}, false, true); }
Tensor Tensor::argmax(int64_t dim, bool keepdim) const {
  return position("argmax", *this, {dim}, keepdim, true);
}
Tensor Tensor::argmin() const { return position("argmin", *this, {}, false, false); }
Tensor Tensor::argmin(int64_t dim, bool keepdim) const {
  return position("argmin", *this, {dim}, keepdim, false);
}

Tensor Tensor::any() const { return any_collapsed(*this, {}, false, true); }
Tensor Tensor::any(int64_t dim, bool keepdim) const {
  return any_collapsed(*this, {dim}, keepdim, true);
}
Tensor Tensor::all() const { return any_collapsed(*this, {}, false, false); }
Tensor Tensor::all(int64_t dim, bool keepdim) const {
  return any_collapsed(*this, {dim}, keepdim, false);
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol) {
  const NoGradGuard no_grad;
  const Shape sizes = broadcast_shapes(defined_impl(a, "allclose")->sizes,
                                       defined_impl(b, "allclose")->sizes, "allclose");
  // Of floats in their own type, as PyTorch rounds.
  const DType dtype = result_type(a, b) == kFloat32 ? kFloat32 : kFloat64;
  const Tensor x = a.to(dtype).expand(sizes).contiguous(),
               y = b.to(dtype).expand(sizes).contiguous();
  return dispatch_floating(dtype, [&]<class T>() {
    const T *px = values_of<T>(x), *py = values_of<T>(y);
    for (int64_t i = 0; i < x.numel(); ++i) {
      // Equality first: infinities of one sign are close.
      if (px[i] == py[i]) continue;
      const T relative = static_cast<T>(rtol) * py[i], distance = std::fabs(px[i] - py[i]);
      const T allowed = static_cast<T>(atol) + std::fabs(relative);
      if (!(distance <= allowed) || std::isinf(distance)) return false;
    }
    return true;
  });
}

bool equal(const Tensor& a, const Tensor& b) {
  const NoGradGuard no_grad;
  return defined_impl(a, "equal")->sizes == defined_impl(b, "equal")->sizes &&
         a.eq(b).all().item<bool>();
}

}  // namespace norma
