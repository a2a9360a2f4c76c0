// Reductions that fewer programs call: products, extrema over several dimensions, quantiles.
#include <cmath>

#include "norma/autograd/collapsed.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/order.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/memory.h"

namespace norma {

using namespace autograd;

namespace {

/// Π of all others before and behind each, as tensor operations.
Tensor others(const Tensor& x, int64_t dim) {
  const int64_t n = x.size(dim);
  const Tensor one = ones_like(x.narrow(dim, 0, 1));
  const auto before = [&](const Tensor& v) {
    return n == 1 ? one : cat({one, v.narrow(dim, 0, n - 1).cumprod(dim)}, dim);
  };
  return before(x) * before(x.flip(dim)).flip(dim);
}

/// The same times g, in one pass forth and one back.
Tensor product_gradient(const Tensor& g, const Tensor& x, const kernels::MiddleShape& shape) {
  const Tensor dy = packed(g), values = packed(x);
  Tensor out = new_tensor(x.sizes(), g.dtype());
  dispatch_floating(g.dtype(), [&]<class T>() {
    const T *from = values_of<T>(dy), *start = values_of<T>(values);
    T* const to = values_of<T>(out);
    kernels::for_each_line(start, shape, [=](kernels::Line<T> line, int64_t at) {
      T* const result = to + (line.first - start);
      kernels::Scratch<double> before(line.length);
      double product = 1;
      for (int64_t i = 0; i < line.length; ++i) {
        before.data()[i] = product;
        product *= static_cast<double>(line[i]);
      }
      product = static_cast<double>(from[at]);
      for (int64_t i = line.length - 1; i >= 0; --i) {
        result[i * line.stride] = static_cast<T>(before.data()[i] * product);
        product *= static_cast<double>(line[i]);
      }
    });
  });
  return out;
}

Tensor product(const Tensor& self, int64_t dim, bool keepdim, std::optional<DType> dtype) {
  const DType own = defined_impl(self, "prod")->dtype;
  const Tensor x = self.to(dtype.value_or(is_floating(own) ? own : kInt64));
  const int64_t d = wrap_dim(dim, x.dim(), "prod");
  const Collapsed collapsed("prod", x, {d}, keepdim);
  Tensor out = new_tensor(collapsed.result, x.dtype());
  dispatch(x.dtype(), [&]<class T>() {
    using Wide = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;
    T* const result = values_of<T>(out);
    kernels::for_each_line(values_of<T>(collapsed.x), collapsed.shape,
                           [=](kernels::Line<T> line, int64_t at) {
                             Wide total = 1;
                             for (int64_t i = 0; i < line.length; ++i)
                               total *= static_cast<Wide>(line[i]);
                             result[at] = static_cast<T>(total);
                           });
  });
  return record({"prod", {{"dim", d}, {"keepdim", keepdim}}}, out, {&x},
                [d, kept = collapsed.kept, shape = collapsed.shape, saved = Saved(x)](
                    const Tensor& g, InputGrads& grads) {
                  if (saved->numel() == 0) {
                    grads[0] = zeros(saved->sizes(), {.dtype = g.dtype()});
                  } else if (saved->dim() == 0) {
                    grads[0] = g;
                  } else {
                    grads[0] = grad_enabled() ? others(*saved, d) * g.reshape(kept)
                                              : product_gradient(g, *saved, shape);
                  }
                });
}

Tensor extremum_over(const char* op, const Tensor& self, const Shape& dims, bool keepdim,
                     bool largest) {
  const Collapsed collapsed(op, self, dims, keepdim);
  if (collapsed.result.numel() > 0) refuse_empty(op, collapsed);
  Tensor out = new_tensor(collapsed.result, self.dtype());
  if (out.numel() > 0) {
    const Tensor index = find(collapsed, largest);
    const int64_t* const at = values_of<int64_t>(index);
    dispatch(self.dtype(), [&]<class T>() {
      const T* const x = values_of<T>(collapsed.x);
      T* const to = values_of<T>(out);
      for (int64_t i = 0; i < out.numel(); ++i)
        to[i] = x[collapsed.shape.start(i) + at[i] * collapsed.shape.inner];
    });
  }
  return record({op, {{"dim", dims}, {"keepdim", keepdim}}}, out, {&self},
                [dims, kept = collapsed.kept, x = Saved(self), y = Saved(out)](const Tensor& g,
                                                                               InputGrads& d) {
                  const Tensor hit = x->detach().eq(y->detach().reshape(kept)).to(g.dtype());
                  d[0] = hit.mul(g.reshape(kept)).div(hit.sum(dims, true));
                });
}

/// The position of the median of every line; of the first NaN where there is one.
Tensor median_positions(const Tensor& values, const kernels::MiddleShape& shape,
                        const Shape& sizes) {
  Tensor index = new_tensor(sizes, kInt64);
  if (index.numel() == 0) return index;
  int64_t* const to = values_of<int64_t>(index);
  const Tensor x = values.to(computed_type(values.dtype()));
  dispatch_computed(x.dtype(), [&]<class T>() {
    kernels::kth_position(to, values_of<T>(x), shape, (shape.length - 1) / 2);
    if constexpr (std::is_floating_point_v<T>) {
      kernels::for_each_line(values_of<T>(x), shape, [=](kernels::Line<T> line, int64_t at) {
        for (int64_t i = 0; i < line.length; ++i)
          if (line[i] != line[i]) return void(to[at] = i);
      });
    }
  });
  return index;
}

void refuse_bools(const char* op, const Tensor& self) {
  if (defined_impl(self, op)->dtype == kBool) fail(op, "expected numbers, got bool");
}

/// Between the neighbours of `rank` along the sorted `dim`.
Tensor interpolated(const Tensor& sorted, int64_t dim, double rank) {
  const double below = std::floor(rank), weight = rank - below;
  const Tensor low = sorted.narrow(dim, static_cast<int64_t>(below), 1);
  const Tensor high = sorted.narrow(dim, static_cast<int64_t>(std::ceil(rank)), 1);
  const Tensor last = sorted.narrow(dim, sorted.size(dim) - 1, 1);  // NaN if any is
  const Tensor between =
      weight < 0.5 ? low + (high - low) * weight : high - (high - low) * (1 - weight);
  return where(last.isnan(), last, between);
}

struct Quantiles {
  Tensor sorted;
  int64_t dim;

  Quantiles(const Tensor& self, std::optional<int64_t> d) {
    refuse_integers("quantile", self, "to()");
    if (self.numel() == 0)
      fail("quantile", "expected at least one element, got shape ", self.sizes());
    dim = d ? wrap_dim(*d, self.dim(), "quantile") : 0;
    sorted = (d && self.dim() > 0 ? self : self.flatten()).sort(dim).first;
  }
  Tensor at(double q) const {
    if (!(q >= 0 && q <= 1)) fail("quantile", "expected q from 0 to 1, got ", q);
    return interpolated(sorted, dim, q * static_cast<double>(sorted.size(dim) - 1));
  }
};

/// The result's shape: `dim` gone, or kept; without `dim` all of them.
Shape reduced_shape(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return ReducedDims("quantile", self, dim ? Shape(*dim) : Shape(), keepdim).result;
}

}  // namespace

Tensor TensorMethods::prod(std::optional<DType> dtype) const {
  return product(self().flatten(), 0, false, dtype);
}
Tensor TensorMethods::prod(int64_t dim, bool keepdim, std::optional<DType> dtype) const {
  return product(self(), dim, keepdim, dtype);
}

Tensor TensorMethods::logsumexp(const Shape& dims, bool keepdim) const {
  const Tensor x = self().to(floating_type(defined_impl(self(), "logsumexp")->dtype));
  const ReducedDims reduction("logsumexp", x, dims, true);
  const Shape result = ReducedDims("logsumexp", x, dims, keepdim).result;
  Tensor out;
  if (reduction.length == 0) {
    out = full(result, -INFINITY, {.dtype = x.dtype()});
  } else {
    const Tensor values = x.detach(), most = values.amax(dims, true);
    const Tensor shift = most.masked_fill(most.isfinite().logical_not(), 0);
    out = ((values - shift).exp().sum(dims, true).log() + shift).reshape(result);
  }
  return record(
      {"logsumexp", {{"dim", dims}, {"keepdim", keepdim}}}, out, {&x},
      [kept = reduction.kept, saved = Saved(x), y = Saved(out)](const Tensor& g, InputGrads& d) {
        d[0] = (*saved - y->reshape(kept)).exp() * g.reshape(kept);
      });
}

Tensor TensorMethods::amax(const Shape& dims, bool keepdim) const {
  return extremum_over("amax", self(), dims, keepdim, true);
}
Tensor TensorMethods::amin(const Shape& dims, bool keepdim) const {
  return extremum_over("amin", self(), dims, keepdim, false);
}

std::pair<Tensor, Tensor> TensorMethods::var_mean(const Shape& dims, bool unbiased,
                                                  bool keepdim) const {
  return {self().var(dims, unbiased, keepdim), self().mean(dims, keepdim)};
}
std::pair<Tensor, Tensor> TensorMethods::std_mean(const Shape& dims, bool unbiased,
                                                  bool keepdim) const {
  return {self().std(dims, unbiased, keepdim), self().mean(dims, keepdim)};
}

Tensor TensorMethods::median() const {
  refuse_bools("median", self());
  if (self().numel() == 0) {
    if (is_floating(self().dtype())) return full({}, NAN, {.dtype = self().dtype()});
    fail("median", "expected at least one element, got shape ", self().sizes());
  }
  const Tensor x = packed(self().detach());
  const int64_t at =
      median_positions(x, kernels::MiddleShape(1, x.numel(), 1), Shape{}).item<int64_t>();
  const Tensor out = x.reshape({-1}).select(0, at).clone();
  return record("median", out, {&self()},
                [x = Saved(self()), y = Saved(out)](const Tensor& g, InputGrads& d) {
                  const Tensor hit = hits("median", *x, *y);
                  d[0] = hit.mul(g.div(hit.sum()));
                });
}

std::pair<Tensor, Tensor> TensorMethods::median(int64_t dim, bool keepdim) const {
  refuse_bools("median", self());
  const Collapsed collapsed("median", self(), dim, keepdim);
  if (collapsed.result.numel() > 0) refuse_empty("median", collapsed);
  const Tensor index =
      told({"median", {{"dim", Shape{dim}}, {"keepdim", keepdim}}},
           median_positions(collapsed.x, collapsed.shape, collapsed.result), {&self()});
  if (self().dim() == 0) return {self().clone(), index};
  const int64_t d = wrap_dim(dim, self().dim(), "median");
  const Tensor picked = self().gather(d, index.reshape(collapsed.kept));
  return {keepdim ? picked : picked.squeeze(d), index};
}

Tensor TensorMethods::quantile(double q, std::optional<int64_t> dim, bool keepdim) const {
  const Quantiles quantiles(self(), dim);
  return quantiles.at(q).reshape(reduced_shape(self(), dim, keepdim));
}

Tensor TensorMethods::quantile(const Tensor& q, std::optional<int64_t> dim, bool keepdim) const {
  if (defined_impl(q, "quantile")->sizes.size() > 1)
    fail("quantile", "expected a number or a vector of q, got ", q.sizes());
  const Quantiles quantiles(self(), dim);
  if (q.dtype() != self().dtype())
    fail("quantile", "expected q of the input's dtype ", self().dtype(), ", got ", q.dtype());
  const Shape result = reduced_shape(self(), dim, keepdim);
  return with_memory(0, [&] {
    const Tensor all = packed(q.detach().to(kFloat64));
    std::vector<Tensor> rows;
    for (int64_t i = 0; i < all.numel(); ++i)
      rows.push_back(quantiles.at(values_of<double>(all)[i]).reshape(result));
    if (q.dim() == 0) return rows[0];
    Shape none = result;
    none.insert(0, 0);
    return rows.empty() ? zeros(none, {.dtype = self().dtype()}) : stack(rows);
  });
}

Tensor TensorMethods::count_nonzero(const Shape& dims) const { return self().ne(0).sum(dims); }

Tensor TensorMethods::nansum(const Shape& dims, bool keepdim) const {
  if (!is_floating(defined_impl(self(), "nansum")->dtype)) return self().sum(dims, keepdim);
  const Tensor missing = self().detach().isnan(), kept = missing.logical_not().to(self().dtype());
  const Tensor out = self().detach().masked_fill(missing, 0).sum(dims, keepdim);
  return record({"nansum", {{"dim", dims}, {"keepdim", keepdim}}}, out, {&self()},
                [shape = ReducedDims("nansum", self(), dims, true).kept, there = Saved(kept)](
                    const Tensor& g, InputGrads& d) { d[0] = g.reshape(shape) * *there; });
}

Tensor TensorMethods::nanmean(const Shape& dims, bool keepdim) const {
  refuse_integers("nanmean", self(), "to()");
  const Tensor count = self().isnan().logical_not().sum(dims, keepdim);
  return nansum(dims, keepdim) / count.to(self().dtype());
}

Tensor TensorMethods::trace() const {
  if (defined_impl(self(), "trace")->sizes.size() != 2)
    fail("trace", "expected a matrix, got ", self().sizes());
  return self().diagonal().sum();
}

}  // namespace norma
