// Reductions and softmax: families/reductions.py.
#include <limits>

#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

using norma::Shape;

double power_of(const Json& options) {
  const Json& p = options.at("p");
  const double infinity = std::numeric_limits<double>::infinity();
  return !p.is_string() ? p.get<double>() : p == "-inf" ? -infinity : infinity;
}

/// `run(x, dims, keepdim, options)`; no dims mean everything.
Replay over_dims(Tensor (*run)(const Tensor&, const Shape&, bool, const Json&)) {
  return [=](const Tensors& x, const Json& options) {
    return Tensors{
        run(x[0], shape_of(options.at("dims")), options.at("keepdim").get<bool>(), options)};
  };
}

Replay along_dim(Tensors (*run)(const Tensor&, int64_t, bool)) {
  return [=](const Tensors& x, const Json& options) {
    return run(x[0], options.at("dim").get<int64_t>(), options.value("keepdim", false));
  };
}

Tensors extremes_along(const Tensor& x, int64_t dim, bool keepdim) {
  const auto high = x.max(dim, keepdim), low = x.min(dim, keepdim);
  return {high.first,
          high.second,
          low.first,
          low.second,
          x.argmax(dim, keepdim),
          x.argmin(dim, keepdim)};
}

Tensors standardise(const Tensors& x, const Json& options) {
  const Shape dims = shape_of(options.at("dims"));
  const Tensor mean = x[0].mean(dims, true);
  const Tensor variance = (x[0] - mean).square().mean(dims, true);
  return {(x[0] - mean) / (variance + 1e-5).sqrt()};
}

const Family family(
    "reductions",
    {{"sum", over_dims([](const Tensor& x, const Shape& dims, bool keepdim, const Json&) {
        return dims.empty() ? x.sum() : x.sum(dims, keepdim);
      })},
     {"mean", over_dims([](const Tensor& x, const Shape& dims, bool keepdim, const Json&) {
        return dims.empty() ? x.mean() : x.mean(dims, keepdim);
      })},
     {"var", over_dims([](const Tensor& x, const Shape& dims, bool keepdim, const Json& options) {
        const bool unbiased = options.at("unbiased").get<bool>();
        return dims.empty() ? x.var(unbiased) : x.var(dims, unbiased, keepdim);
      })},
     {"std", over_dims([](const Tensor& x, const Shape& dims, bool keepdim, const Json& options) {
        const bool unbiased = options.at("unbiased").get<bool>();
        return dims.empty() ? x.std(unbiased) : x.std(dims, unbiased, keepdim);
      })},
     {"norm", over_dims([](const Tensor& x, const Shape& dims, bool keepdim, const Json& options) {
        const double p = power_of(options);
        return dims.empty() ? x.norm(p) : x.norm(p, dims, keepdim);
      })},
     {"norm_of_any_power",
      over_dims([](const Tensor& x, const Shape& dims, bool keepdim, const Json& options) {
        return x.norm(power_of(options), dims, keepdim);
      })},
     {"extremes",
      [](const Tensors& x, const Json&) {
        return Tensors{x[0].max(), x[0].min(), x[0].argmax(), x[0].argmin()};
      }},
     {"extremes_along", along_dim(extremes_along)},
     {"extremes_of_integers", along_dim([](const Tensor& x, int64_t dim, bool) {
        const auto high = x.max(dim), low = x.min(dim);
        return Tensors{x.max(),    x.min(),     x.argmax(), x.argmin(),
                       high.first, high.second, low.first,  low.second};
      })},
     {"any_all", along_dim([](const Tensor& x, int64_t dim, bool keepdim) {
        return Tensors{x.any(), x.all(), x.any(dim, keepdim), x.all(dim, keepdim)};
      })},
     {"sum_of_integers",
      [](const Tensors& x, const Json& options) {
        const Shape dims = shape_of(options.at("dims"));
        return Tensors{dims.empty() ? x[0].sum() : x[0].sum(dims)};
      }},
     {"softmax",
      along_dim([](const Tensor& x, int64_t dim, bool) { return Tensors{x.softmax(dim)}; })},
     {"log_softmax",
      along_dim([](const Tensor& x, int64_t dim, bool) { return Tensors{x.log_softmax(dim)}; })},
     {"standardise", standardise}});

}  // namespace
}  // namespace parity
