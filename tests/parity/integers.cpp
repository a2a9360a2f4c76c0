// Tensors of int32: families/integers.py.
#include <string>

#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace F = norma::functional;
using norma::kInt32, norma::kInt64, norma::Scalar;

int64_t whole(const Json& options, const char* name) { return options.at(name).get<int64_t>(); }
Scalar scalar_of(const Json& options, const char* name) {
  const Json& number = options.at(name);
  if (number.is_boolean()) return number.get<bool>();
  return number.is_number_integer() ? Scalar(number.get<int64_t>()) : Scalar(number.get<double>());
}
Tensor digits(const Tensor& x) { return (x.to(norma::kFloat64) * 1000).to(kInt64); }

void append(Tensors& out, const std::pair<Tensor, Tensor>& both) {
  out.push_back(both.first);
  out.push_back(both.second);
}

Tensors arithmetic(const Tensors& x, const Json&) {
  return {x[0] + x[1], x[0] * x[1], x[0].maximum(x[1]), x[0].minimum(x[1]),
          norma::where(x[0] > x[1], x[0], x[1])};
}

Tensors subtraction(const Tensors& x, const Json&) {
  return {x[0] - x[1], x[0].addcmul(x[1], x[0], 3), -x[0], x[0].abs()};
}

Tensors comparisons(const Tensors& x, const Json&) {
  const Tensor &a = x[0], &b = x[1];
  return {a == b,           a != b,          a<b, a <= b, a> b, a >= b,
          a.logical_and(b), a.logical_or(b), a.logical_xor(b),  a != 0};
}

Tensors by_number(const Tensors& x, const Json& options) {
  const Scalar n = scalar_of(options, "number");
  const Tensor& a = x[0];
  return {a + n, a - n, n - a, a * n, a == n, a != n, a<n, a <= n, a> n, a >= n};
}

Tensors by_fraction(const Tensors& x, const Json& options) {
  const auto number = options.at("number").get<double>();
  const Scalar n = number;
  const Tensor& a = x[0];
  Tensors out = {a + n, a - n,     n - a,         a * n, a / n, a.clamp(n, std::nullopt),
                 a / 7, a.fmod(n), a.remainder(n)};
  out.insert(out.begin() + 6, a.clamp(-number, n));
  for (Tensor& y : out) y = digits(y);
  for (const Tensor& y : {a < n, a >= n, a == n}) out.push_back(y);
  return out;
}

Tensors division(const Tensors& x, const Json& options) {
  Tensors out = {x[0].fmod(x[1]), x[0].remainder(x[1]), digits(x[0] / x[1])};
  if (options.at("number").is_null()) return out;
  const Scalar n = scalar_of(options, "number");
  out.push_back(x[0].fmod(n));
  out.push_back(x[0].remainder(n));
  return out;
}

Tensors powers(const Tensors& x, const Json& options) {
  return {x[0].pow(whole(options, "power")), x[0].square(), x[0].pow(x[1])};
}

Tensors of_each(const Tensors& x, const Json&) {
  const Tensor &a = x[0], small = a.remainder(8);
  return {a.abs(),
          -a,
          a.sign(),
          a.relu(),
          F::relu6(a),
          a.floor(),
          a.round(),
          a.logical_not(),
          a.isnan(),
          a.isfinite(),
          digits(small.sin()),
          digits(small.exp()),
          digits(small.tanh()),
          digits(small.sigmoid()),
          digits(small.sqrt()),
          digits(small.reciprocal())};
}

Tensors clamp(const Tensors& x, const Json& options) {
  const Scalar low = scalar_of(options, "low"), high = scalar_of(options, "high");
  return {x[0].clamp(low, high), x[0].clamp_min(low), x[0].clamp_max(high), x[0].maximum(x[1])};
}

Tensors conversions(const Tensors& x, const Json&) {
  return {x[0].to(kInt32),
          x[1].to(kInt32),
          x[2].to(kInt64),
          x[2].to(norma::kUInt8),
          x[2].to(norma::kBool),
          digits(x[2].to(norma::kFloat64)),
          x[2].to(norma::kFloat32).to(kInt32)};
}

Tensors reductions(const Tensors& x, const Json& options) {
  const Tensor& a = x[0];
  const int64_t dim = whole(options, "dim");
  const bool keepdim = options.at("keepdim").get<bool>();
  Tensors out = {a.sum(),
                 a.sum(dim, keepdim),
                 a.prod(dim, keepdim),
                 a.amax(dim, keepdim),
                 a.amin(dim, keepdim),
                 a.max(),
                 a.min()};
  append(out, a.max(dim, keepdim));
  append(out, a.min(dim, keepdim));
  for (const Tensor& y :
       {a.argmax(dim, keepdim), a.argmin(), a.any(), a.all(dim, keepdim), a.count_nonzero(dim),
        a.median(), a.sum(dim, keepdim, kInt32), a.prod(dim, keepdim, kInt32)})
    out.push_back(y);
  return out;
}

Tensors scans(const Tensors& x, const Json& options) {
  const int64_t dim = whole(options, "dim");
  Tensors out = {x[0].cumsum(dim), x[0].cumprod(dim), x[0].cumsum(dim, kInt32)};
  append(out, x[0].cummax(dim));
  append(out, x[0].cummin(dim));
  return out;
}

Tensors order(const Tensors& x, const Json& options) {
  const int64_t dim = whole(options, "dim"), k = whole(options, "k");
  const bool descending = options.at("descending").get<bool>();
  Tensors out;
  append(out, x[1].sort(dim, descending));
  out.push_back(x[0].argsort(dim, descending));
  append(out, x[0].topk(k, dim, descending));
  append(out, x[0].kthvalue(k, dim));
  out.push_back(x[0].median(dim).first);
  const auto [values, inverse, counts] = x[1].unique(true, true, true);
  for (const Tensor& y : {values, inverse, counts}) out.push_back(y);
  return out;
}

Tensors counting(const Tensors& x, const Json&) {
  return {norma::searchsorted(x[0], x[1]), norma::searchsorted(x[0], 3, true), x[2].bincount(4),
          digits(x[2].bincount(x[3])), x[2].nonzero()};
}

Tensors matmul(const Tensors& x, const Json&) {
  const Tensor product = x[0].matmul(x[1]);
  Tensors out = {product, x[2] + product};
  if (x[0].dim() > 2) return out;
  out.push_back(x[2].addmm(x[0], x[1]));
  out.push_back(norma::einsum("ij,jk->ik", {x[0], x[1]}));
  return out;
}

Tensors shapes(const Tensors& x, const Json& options) {
  const int64_t dim = whole(options, "dim");
  const Tensor& a = x[0];
  return {norma::cat({a, x[1]}, dim),
          norma::stack({x[1], a}, dim),
          a.flip(dim),
          a.roll(1, dim),
          a.transpose(0, dim).contiguous(),
          a.repeat_interleave(2, dim),
          F::pad(a, {1, 2}, norma::PaddingMode::Constant, 7),
          (a.dim() > 1 ? a : a.expand({2, -1})).tril()};
}

Tensors in_place(const Tensors& x, const Json& options) {
  const Scalar value = scalar_of(options, "value");
  Tensor y = x[0].clone(), z = x[0].clone();
  const Tensor mask = x[0] > x[1];
  Tensors out = {x[0].masked_fill(mask, value), y.clone().fill_(value),
                 y.clone().masked_fill_(mask, value)};
  y.add_(x[1]).mul_(x[1]);
  z.copy_(x[1]).clamp_(-3, 3).sub_(1);
  out.insert(out.end(), {y, y, z, z, z});
  return out;
}

Tensors pooling(const Tensors& x, const Json& options) {
  return {F::max_pool2d(x[0], 2, {.stride = whole(options, "stride")})};
}

Tensors as_indices(const Tensors& x, const Json&) {
  const Tensor &table = x[0], &i = x[1], &w = x[2], &s = x[3];
  const Tensor source = table.narrow(0, 0, w.size(0));
  return {table.index_select(0, i),
          F::embedding(i, table),
          table.index({s}),
          table.t().index({norma::Slice(), s}),
          table.gather(0, w),
          table.scatter_add(0, w, source),
          table.scatter_add(0, w, source * 2),
          table.index_add(0, i, table.index_select(0, i)),
          table.repeat_interleave(x[4], 0)};
}

Tensors writing(const Tensors& x, const Json& options) {
  const Tensor &a = x[0], mask = a > x[1];
  Tensor put = a.clone();
  put.index({mask}) = 5;
  Tensors out = {a.scatter_add(0, x[3], x[1]),
                 a.index_add(0, x[2], x[1].index_select(0, x[2]), 3),
                 a.index_fill(0, x[2], 7),
                 put,
                 a.index({mask}),
                 a.take(x[2]),
                 a.gather(0, x[3])};
  if (!options.at("reduce").get<bool>()) return out;
  for (const char* const how : {"sum", "prod", "amax", "amin"})
    for (const bool own : {true, false}) out.push_back(a.scatter_reduce(0, x[3], x[1], how, own));
  return out;
}

Tensors made(const Tensors& x, const Json& options) {
  const Scalar value = scalar_of(options, "value");
  const auto number = [&](const char* name) { return options.at(name).get<double>(); };
  return {norma::arange(scalar_of(options, "start"), scalar_of(options, "end"),
                        scalar_of(options, "step"), {.dtype = kInt32}),
          norma::linspace(number("low"), number("high"), whole(options, "n"), {.dtype = kInt32}),
          norma::full({2, 2}, value, {.dtype = kInt32}),
          norma::eye(3, 2, {.dtype = kInt32}),
          norma::cat({norma::full({1}, value, {.dtype = kInt32}),
                      norma::tensor({1, 0}, {.dtype = kInt32})}),
          norma::zeros_like(x[0]),
          norma::ones_like(x[0]),
          norma::full_like(x[0], value),
          norma::zeros({2}, {.dtype = kInt32})};
}

const Family family("integers", {{"arithmetic", arithmetic},
                                 {"subtraction", subtraction},
                                 {"comparisons", comparisons},
                                 {"by_number", by_number},
                                 {"by_fraction", by_fraction},
                                 {"division", division},
                                 {"powers", powers},
                                 {"of_each", of_each},
                                 {"clamp", clamp},
                                 {"conversions", conversions},
                                 {"reductions", reductions},
                                 {"scans", scans},
                                 {"order", order},
                                 {"counting", counting},
                                 {"matmul", matmul},
                                 {"shapes", shapes},
                                 {"in_place", in_place},
                                 {"pooling", pooling},
                                 {"as_indices", as_indices},
                                 {"writing", writing},
                                 {"made", made}});

}  // namespace
}  // namespace parity
