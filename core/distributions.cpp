// Random numbers of other distributions. Compiled without contraction, as core/random.cpp.
#include <algorithm>
#include <cmath>
#include <vector>

#include "norma/core/draws.h"
#include "norma/core/error.h"
#include "norma/core/random.h"
#include "norma/core/tensor_impl.h"

namespace norma {

namespace {

/// The elements in row-major order, each of which satisfies `is_right`.
template <class Check>
Tensor checked(const char* op, const char* what, const Tensor& values, Check is_right) {
  if (!is_floating(defined_impl(values, op)->dtype))
    fail(op, "expected ", what, " of a floating dtype, got ", values.dtype());
  Tensor x = values.detach().to(kFloat64).contiguous();
  const double* const p = values_of<double>(x);
  const double* const wrong = std::find_if_not(p, p + x.numel(), is_right);
  if (wrong != p + x.numel()) fail(op, "expected ", what, ", got ", *wrong);
  return x;
}

void check_deviations(const Tensor& std) {
  checked("normal", "standard deviations of 0 or more", std, [](double v) { return v >= 0; });
}

/// Positions in proportion to `weights`, each by itself.
void draw_again(int64_t* out, int64_t count, const double* weights, int64_t n, Generator& g) {
  std::vector<double> sums;
  double total = 0;
  for (int64_t i = 0; i < n; ++i) sums.push_back(total += weights[i]);
  const auto last =
      std::find_if(std::make_reverse_iterator(weights + n), std::make_reverse_iterator(weights),
                   [](double w) { return w > 0; });
  const auto end = sums.begin() + (last.base() - weights - 1);
  for (int64_t k = 0; k < count; ++k)
    out[k] = std::upper_bound(sums.begin(), end, g.uniform() * total) - sums.begin();
}

/// One position after the other, none twice: those whose exponential waiting times of rate `weight`
/// end first.
void draw_once(int64_t* out, int64_t count, const double* weights, int64_t n, Generator& g) {
  std::vector<std::pair<double, int64_t>> times;
  for (int64_t i = 0; i < n; ++i) {
    const double time = -portable_log(1.0 - g.uniform());
    if (weights[i] > 0) times.emplace_back(time / weights[i], i);
  }
  if (count > static_cast<int64_t>(times.size())) {
    fail("multinomial", "expected to draw no more than the ", times.size(),
         " positions whose weight is not 0, got ", count, "; draw with replacement");
  }
  std::partial_sort(times.begin(), times.begin() + count, times.end());
  for (int64_t k = 0; k < count; ++k) out[k] = times[static_cast<std::size_t>(k)].second;
}

}  // namespace

Tensor exponential_(Tensor tensor, double lambd, Generator& generator) {
  const TensorImpl* impl = defined_impl(tensor, "exponential_");
  if (!(lambd > 0)) fail("exponential_", "expected a rate above 0, got ", lambd);
  if (!is_floating(impl->dtype))
    fail("exponential_", "expected a floating tensor, got ", impl->dtype);
  if (!tensor.is_leaf()) {
    fail("exponential_", "expected a tensor without history, got the result of ",
         tensor.grad_fn_name());
  }
  const Tensor values = rand(impl->sizes, {.dtype = impl->dtype}, generator);
  dispatch_floating(impl->dtype, [&]<class T>() {
    T* const u = values_of<T>(values);
    for (int64_t i = 0; i < values.numel(); ++i)
      u[i] = static_cast<T>(-portable_log(1.0 - static_cast<double>(u[i])) / lambd);
  });
  tensor.detach().copy_(values);
  return tensor;
}

Tensor normal(const Tensor& mean, const Tensor& std, Generator& generator) {
  if (!is_floating(defined_impl(mean, "normal")->dtype))
    fail("normal", "expected means of a floating dtype, got ", mean.dtype());
  check_deviations(std);
  const Shape sizes = broadcast_shapes(mean.sizes(), std.sizes(), "normal");
  const DType dtype = std::max(mean.dtype(), std.dtype());
  const Tensor z = randn(sizes, {.dtype = dtype}, generator);
  return z.mul(std.detach().to(dtype)).add(mean.detach().to(dtype));
}

Tensor normal(const Tensor& mean, double std, Generator& generator) {
  if (!is_floating(defined_impl(mean, "normal")->dtype))
    fail("normal", "expected means of a floating dtype, got ", mean.dtype());
  if (!(std >= 0)) fail("normal", "expected a standard deviation of 0 or more, got ", std);
  return randn(mean.sizes(), {.dtype = mean.dtype()}, generator).mul(std).add(mean.detach());
}

Tensor normal(double mean, const Tensor& std, Generator& generator) {
  check_deviations(std);
  return randn(std.sizes(), {.dtype = std.dtype()}, generator).mul(std.detach()).add(mean);
}

Tensor normal(double mean, double std, const Shape& sizes, const TensorOptions& options,
              Generator& generator) {
  Tensor result = normal_(new_tensor(sizes, options.dtype), mean, std, generator);
  return options.requires_grad ? result.requires_grad_() : result;
}

Tensor bernoulli(const Tensor& p, Generator& generator) {
  const Tensor chance = checked("bernoulli", "probabilities from 0 to 1", p,
                                [](double v) { return v >= 0 && v <= 1; });
  const Tensor u = rand(p.sizes(), {.dtype = p.dtype()}, generator);
  return u.to(kFloat64).lt(chance).to(p.dtype());
}

Tensor multinomial(const Tensor& weights, int64_t num_samples, bool replacement,
                   Generator& generator) {
  const char* op = "multinomial";
  const Shape& sizes = defined_impl(weights, op)->sizes;
  if (sizes.empty() || sizes.size() > 2)
    fail(op, "expected a vector or a matrix of weights, got ", sizes);
  if (num_samples < 1) fail(op, "expected to draw 1 position or more, got ", num_samples);
  if (sizes.back() == 0) fail(op, "expected weights of at least one position, got ", sizes);
  if (!replacement && num_samples > sizes.back()) {
    fail(op, "expected to draw no more than the ", sizes.back(), " positions, got ", num_samples,
         "; draw with replacement");
  }
  const Tensor w = checked(op, "finite weights of 0 or more", weights,
                           [](double v) { return v >= 0 && std::isfinite(v); });
  Shape to = sizes;
  to[to.size() - 1] = num_samples;
  Tensor result = new_tensor(to, kInt64);
  const int64_t rows = sizes.size() == 1 ? 1 : sizes.front(), n = sizes.back();
  with_memory(0, [&] {
    for (int64_t r = 0; r < rows; ++r) {
      const double* const row = values_of<double>(w) + r * n;
      if (std::all_of(row, row + n, [](double v) { return v == 0; }))
        fail(op, "expected a row with a weight above 0, got only zeros in row ", r);
      int64_t* const out = values_of<int64_t>(result) + r * num_samples;
      replacement ? draw_again(out, num_samples, row, n, generator)
                  : draw_once(out, num_samples, row, n, generator);
    }
  });
  return result;
}

}  // namespace norma
