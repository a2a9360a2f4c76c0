// Running results and reductions: families/scans.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

using norma::Shape;

Replay along(Tensors (*run)(const Tensor&, int64_t)) {
  return [=](const Tensors& x, const Json& options) {
    return run(x[0], options.at("dim").get<int64_t>());
  };
}

Replay over_dims(Tensors (*run)(const Tensor&, const Shape&, bool)) {
  return [=](const Tensors& x, const Json& options) {
    return run(x[0], shape_of(options.at("dims")), options.at("keepdim").get<bool>());
  };
}

Tensors converted(const Tensors& x, const Json& options) {
  const auto name = options.at("name").get<std::string>();
  const auto dim = options.at("dim").get<int64_t>();
  const auto dtype = norma::kFloat64;
  const Tensor y = name == "cumsum"    ? x[0].cumsum(dim, dtype)
                   : name == "cumprod" ? x[0].cumprod(dim, dtype)
                   : name == "prod"    ? x[0].prod(dim, false, dtype)
                   : name == "sum"     ? x[0].sum(dim, false, dtype)
                   : name == "mean"    ? x[0].mean(dim, false, dtype)
                   : name == "softmax" ? x[0].softmax(dim, dtype)
                                       : x[0].log_softmax(dim, dtype);
  return {y.to(x[0].dtype())};
}

std::optional<int64_t> optional_dim(const Json& options) {
  const Json& dim = options.at("dim");
  return dim.is_null() ? std::nullopt : std::optional<int64_t>(dim.get<int64_t>());
}

Tensors median(const Tensors& x, const Json& options) {
  const auto dim = optional_dim(options);
  if (!dim) return {x[0].median()};
  const auto along = x[0].median(*dim, options.at("keepdim").get<bool>());
  return {x[0].median(), along.first, along.second};
}

Tensors quantile(const Tensors& x, const Json& options) {
  const auto dim = optional_dim(options);
  const bool keepdim = options.at("keepdim").get<bool>();
  return {x[0].quantile(options.at("q").get<double>(), dim, keepdim),
          x[0].quantile(x[1], dim, keepdim)};
}

const Family family(
    "scans",
    {{"cumsum", along([](const Tensor& x, int64_t dim) { return Tensors{x.cumsum(dim)}; })},
     {"cumprod", along([](const Tensor& x, int64_t dim) { return Tensors{x.cumprod(dim)}; })},
     {"logcumsumexp",
      along([](const Tensor& x, int64_t dim) { return Tensors{x.logcumsumexp(dim)}; })},
     {"cummax", along([](const Tensor& x, int64_t dim) {
        const auto y = x.cummax(dim);
        return Tensors{y.first, y.second};
      })},
     {"cummin", along([](const Tensor& x, int64_t dim) {
        const auto y = x.cummin(dim);
        return Tensors{y.first, y.second};
      })},
     {"converted", converted},
     {"prod",
      [](const Tensors& x, const Json& options) {
        return Tensors{x[0].prod(), x[0].prod(options.at("dim").get<int64_t>(),
                                              options.at("keepdim").get<bool>())};
      }},
     {"logsumexp", over_dims([](const Tensor& x, const Shape& dims, bool keepdim) {
        return Tensors{x.logsumexp(dims, keepdim)};
      })},
     {"amax_amin", over_dims([](const Tensor& x, const Shape& dims, bool keepdim) {
        return Tensors{x.amax(dims, keepdim), x.amin(dims, keepdim)};
      })},
     {"var_mean", over_dims([](const Tensor& x, const Shape& dims, bool keepdim) {
        const auto a = x.var_mean(dims, false, keepdim), b = x.std_mean(dims, false, keepdim);
        return Tensors{a.first, a.second, b.first, b.second};
      })},
     {"nan", over_dims([](const Tensor& x, const Shape& dims, bool keepdim) {
        return Tensors{x.nansum(dims, keepdim), x.nanmean(dims, keepdim)};
      })},
     {"count_nonzero", over_dims([](const Tensor& x, const Shape& dims, bool) {
        return Tensors{x.count_nonzero(dims), x.count_nonzero()};
      })},
     {"median", median},
     {"quantile", quantile},
     {"trace", [](const Tensors& x, const Json&) { return Tensors{x[0].trace()}; }}});

}  // namespace
}  // namespace parity
