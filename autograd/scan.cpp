// Running sums, products and extrema along a dimension.
#include <cmath>
#include <limits>

#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/promotion.h"
#include "norma/core/elementary.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/reduce.h"
#include "norma/core/kernels/scratch.h"

namespace norma {

using namespace autograd;

namespace {

/// A tensor seen along the dimension that is run through.
struct Along {
  Tensor x;
  int64_t dim;
  kernels::MiddleShape shape;

  Along(const char* op, const Tensor& self, int64_t d, std::optional<DType> dtype)
      : x(self.to(
            dtype.value_or(is_floating(defined_impl(self, op)->dtype) ? self.dtype() : kInt64))),
        dim(wrap_dim(d, self.dim(), op)),
        shape(self.sizes(), dim) {}
};

/// `run(line of x, line of out, the distance of elements)` for every line.
template <class T, class Out, class Run>
void run_lines(const Tensor& x, const Tensor& out, const kernels::MiddleShape& shape, Run run) {
  if (out.numel() == 0) return;
  Out* const to = values_of<Out>(out);
  kernels::for_each_line(values_of<T>(x), shape, [=](kernels::Line<T> line, int64_t at) {
    run(line, to + shape.start(at), line.stride);
  });
}

/// What sums and products of such elements are made in.
template <class T>
using Exact = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;

template <class T, class Step>
void run_line(kernels::Line<T> line, T* out, int64_t stride, Exact<T> start, Step step) {
  Exact<T> total = start;
  for (int64_t i = 0; i < line.length; ++i) {
    total = step(total, static_cast<Exact<T>>(line[i]));
    out[i * stride] = static_cast<T>(total);
  }
}

Tensor running_sum(const Tensor& values, const kernels::MiddleShape& shape, bool backwards) {
  const Tensor x = packed(values);
  Tensor out = new_tensor(x.sizes(), x.dtype());
  dispatch(x.dtype(), [&]<class T>() {
    run_lines<T, T>(x, out, shape, [=](kernels::Line<T> line, T* to, int64_t stride) {
      const auto plus = [](auto a, auto b) { return a + b; };
      if (!backwards) return run_line(line, to, stride, 0, plus);
      const int64_t last = line.length - 1;
      run_line(kernels::Line<T>{line.first + last * stride, -stride, line.length},
               to + last * stride, -stride, 0, plus);
    });
  });
  return out;
}

/// The product of all elements before each.
Tensor product_before(const Tensor& x, int64_t dim) {
  const int64_t n = x.size(dim);
  const Tensor one = ones_like(x.narrow(dim, 0, 1));
  return n == 1 ? one : cat({one, x.narrow(dim, 0, n - 1).cumprod(dim)}, dim);
}

/// dx_k = (Π_{j<k} x_j) s_k with s_k = g_k + x_{k+1} s_{k+1}, as tensor operations.
Tensor cumprod_gradient(const Tensor& g, const Tensor& x, int64_t dim) {
  if (x.dim() == 0) return g;
  if (x.numel() == 0) return zeros_like(g);
  std::vector<Tensor> s(static_cast<std::size_t>(x.size(dim)));
  Tensor next;
  for (int64_t k = x.size(dim) - 1; k >= 0; --k) {
    const Tensor here = g.select(dim, k);
    next = next.defined() ? here + x.select(dim, k + 1) * next : here;
    s[static_cast<std::size_t>(k)] = next;
  }
  return product_before(x, dim) * stack(s, dim);
}

/// The same in one pass back and one forth.
Tensor cumprod_gradient(const Tensor& g, const Tensor& x, const kernels::MiddleShape& shape) {
  const Tensor dy = packed(g), values = packed(x);
  Tensor out = new_tensor(x.sizes(), g.dtype());
  dispatch_floating(g.dtype(), [&]<class T>() {
    const T *pg = values_of<T>(dy), *px = values_of<T>(values);
    run_lines<T, T>(values, out, shape, [=](kernels::Line<T> line, T* to, int64_t stride) {
      const T* const dline = pg + (line.first - px);
      const auto at = [=](int64_t i) { return static_cast<double>(line[i]); };
      kernels::Scratch<double> sums(line.length);
      double s = 0;
      for (int64_t k = line.length - 1; k >= 0; --k) {
        s = static_cast<double>(dline[k * stride]) + (k + 1 < line.length ? at(k + 1) * s : 0);
        sums.data()[k] = s;
      }
      double before = 1;
      for (int64_t k = 0; k < line.length; ++k) {
        to[k * stride] = static_cast<T>(before * sums.data()[k]);
        before *= at(k);
      }
    });
  });
  return out;
}

/// Positions of the running extrema; a later one that is equal, or NaN, wins.
std::pair<Tensor, Tensor> running_extremum(const char* op, const Tensor& self, int64_t d,
                                           bool largest) {
  const int64_t dim = wrap_dim(d, defined_impl(self, op)->sizes.size(), op);
  const kernels::MiddleShape shape(self.sizes(), dim);
  const Tensor x = packed(self.detach());
  Tensor index = new_tensor(x.sizes(), kInt64);
  dispatch(x.dtype(), [&]<class T>() {
    run_lines<T, int64_t>(x, index, shape, [=](kernels::Line<T> line, int64_t* to, int64_t stride) {
      int64_t best = 0;
      for (int64_t i = 0; i < line.length; ++i) {
        const T v = line[i], now = line[best];
        const bool wins = v != v || (largest ? v >= now : v <= now);
        if (wins) best = i;
        to[i * stride] = best;
      }
    });
  });
  told({op, {{"dim", dim}}}, index, {&self});
  return {self.dim() == 0 ? self.clone() : self.gather(dim, index), index};
}

Tensor backwards(const Tensor& x, int64_t dim) { return x.dim() == 0 ? x : x.flip(dim); }

}  // namespace

Tensor TensorMethods::cumsum(int64_t dim, std::optional<DType> dtype) const {
  const Along along("cumsum", self(), dim, dtype);
  const auto sum = [shape = along.shape](const Tensor& v) { return running_sum(v, shape, false); };
  const auto back = [shape = along.shape](const Tensor& v) { return running_sum(v, shape, true); };
  return linear_map({"cumsum", {{"dim", along.dim}}}, along.x, sum, back);
}

Tensor TensorMethods::cumprod(int64_t dim, std::optional<DType> dtype) const {
  const Along along("cumprod", self(), dim, dtype);
  const Tensor x = packed(along.x.detach());
  Tensor out = new_tensor(x.sizes(), x.dtype());
  dispatch(x.dtype(), [&]<class T>() {
    run_lines<T, T>(x, out, along.shape, [=](kernels::Line<T> line, T* to, int64_t stride) {
      run_line(line, to, stride, 1, [](auto a, auto b) { return a * b; });
    });
  });
  return record({"cumprod", {{"dim", along.dim}}}, out, {&along.x},
                [d = along.dim, shape = along.shape, saved = Saved(along.x)](const Tensor& g,
                                                                             InputGrads& grads) {
                  grads[0] = grad_enabled() ? cumprod_gradient(g, *saved, d)
                                            : cumprod_gradient(g, *saved, shape);
                });
}

Tensor TensorMethods::logcumsumexp(int64_t dim) const {
  const char* op = "logcumsumexp";
  const Along along(op, self(), dim, floating_type(defined_impl(self(), op)->dtype));
  const Tensor x = packed(along.x.detach());
  Tensor out = new_tensor(x.sizes(), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    run_lines<T, T>(x, out, along.shape, [](kernels::Line<T> line, T* to, int64_t stride) {
      double total = -std::numeric_limits<double>::infinity();
      for (int64_t i = 0; i < line.length; ++i) {
        const auto v = static_cast<double>(line[i]);
        const double high = v > total || v != v ? v : total, low = high == v ? total : v;
        // Of two equal infinities there is no difference.
        if (std::isnan(total) || std::isfinite(high))
          total = std::isnan(total) ? total : high + elementary::log1p(elementary::exp(low - high));
        else
          total = high;
        to[i * stride] = static_cast<T>(total);
      }
    });
  });
  return record(
      {op, {{"dim", along.dim}}}, out, {&along.x},
      [d = along.dim, x = Saved(along.x), y = Saved(out)](const Tensor& g, InputGrads& grads) {
        if (x->dim() == 0) return void(grads[0] = g);
        // Σ_{i≥k} g_i exp(x_k - y_i), those of positive and negative g each by logarithms.
        const double lowest = g.dtype() == kFloat32 ? std::numeric_limits<float>::lowest()
                                                    : std::numeric_limits<double>::lowest();
        const Tensor none = full(Shape{}, lowest, {.dtype = g.dtype()});
        const auto part = [&](const Tensor& share) {
          const Tensor logs = norma::where(share > 0, share.masked_fill(share <= 0, 1).log(), none);
          const Tensor sums = backwards(backwards(logs - *y, d).logcumsumexp(d), d);
          return (sums + *x).exp();
        };
        grads[0] = part(g) - part(-g);
      });
}

std::pair<Tensor, Tensor> TensorMethods::cummax(int64_t dim) const {
  return running_extremum("cummax", self(), dim, true);
}
std::pair<Tensor, Tensor> TensorMethods::cummin(int64_t dim) const {
  return running_extremum("cummin", self(), dim, false);
}

}  // namespace norma
