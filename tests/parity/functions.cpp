// More functions of each element: families/functions.py.
#include <string>

#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

using norma::Scalar;

Replay unary(Tensor (*operation)(const Tensor&)) {
  return [=](const Tensors& x, const Json&) { return Tensors{operation(x[0])}; };
}
Replay binary(Tensor (*operation)(const Tensor&, const Tensor&)) {
  return [=](const Tensors& x, const Json&) { return Tensors{operation(x[0], x[1])}; };
}
Scalar scalar_of(const Json& options, const char* name) {
  const Json& number = options.at(name);
  return number.is_number_integer() ? Scalar(number.get<int64_t>()) : Scalar(number.get<double>());
}

Tensors clamp(const Tensors& x, const Json& options) {
  const auto kind = options.at("kind").get<std::string>();
  return {norma::clamp(x[0], kind == "max" ? Tensor() : x[1], kind == "min" ? Tensor() : x.back())};
}

Tensors in_place(const Tensors& x, const Json& options) {
  const auto name = options.at("name").get<std::string>();
  Tensor y = x[0] * 1;
  const std::map<std::string, std::function<void()>> changes = {
      {"masked_fill_", [&] { y.masked_fill_(x[3], 0.5); }},
      {"clamp_min_", [&] { y.clamp_min_(1.1); }},
      {"clamp_max_", [&] { y.clamp_max_(1.1); }},
      {"log_", [&] { y.log_(); }},
      {"abs_", [&] { y.abs_(); }},
      {"floor_", [&] { y.floor_(); }},
      {"ceil_", [&] { y.ceil_(); }},
      {"round_", [&] { y.round_(); }},
      {"trunc_", [&] { y.trunc_(); }},
      {"addcmul_", [&] { y.addcmul_(x[1], x[2]); }},
      {"addcdiv_", [&] { y.addcdiv_(x[1], x[2]); }},
      {"lerp_", [&] { y.lerp_(x[1], x[2]); }},
      {"reciprocal_", [&] { y.reciprocal_(); }},
      {"rsqrt_", [&] { y.rsqrt_(); }},
      {"sin_", [&] { y.sin_(); }},
      {"cos_", [&] { y.cos_(); }},
      {"square_", [&] { y.square_(); }}};
  changes.at(name)();
  return {y, y * y};
}

Tensors of_integers(const Tensors& inputs, const Json&) {
  const Tensor& x = inputs[0];
  Tensors out = {norma::sin(x),   norma::log1p(x),      norma::erf(x),
                 norma::rsqrt(x), norma::reciprocal(x), norma::atan2(x, x)};
  for (Tensor& y : out) y = (y * 10000).to(norma::kInt64);
  for (const auto operation : {norma::floor, norma::ceil, norma::trunc, norma::sign, norma::isinf})
    out.push_back(operation(x));
  out.insert(out.begin() + 8, norma::round(x));
  return out;
}

const Family family(
    "functions", {{"sin", unary(norma::sin)},
                  {"cos", unary(norma::cos)},
                  {"tan", unary(norma::tan)},
                  {"asin", unary(norma::asin)},
                  {"acos", unary(norma::acos)},
                  {"atan", unary(norma::atan)},
                  {"sinh", unary(norma::sinh)},
                  {"cosh", unary(norma::cosh)},
                  {"asinh", unary(norma::asinh)},
                  {"acosh", unary(norma::acosh)},
                  {"atanh", unary(norma::atanh)},
                  {"sinc", unary(norma::sinc)},
                  {"exp2", unary(norma::exp2)},
                  {"expm1", unary(norma::expm1)},
                  {"log1p", unary(norma::log1p)},
                  {"log2", unary(norma::log2)},
                  {"log10", unary(norma::log10)},
                  {"rsqrt", unary(norma::rsqrt)},
                  {"reciprocal", unary(norma::reciprocal)},
                  {"erf", unary(norma::erf)},
                  {"erfc", unary(norma::erfc)},
                  {"erfinv", unary(norma::erfinv)},
                  {"floor", unary(norma::floor)},
                  {"ceil", unary(norma::ceil)},
                  {"trunc", unary(norma::trunc)},
                  {"frac", unary(norma::frac)},
                  {"sign", unary(norma::sign)},
                  {"sgn", unary([](const Tensor& x) { return x.sgn() + x; })},
                  {"isinf", unary(norma::isinf)},
                  {"round",
                   [](const Tensors& x, const Json& options) {
                     return Tensors{norma::round(x[0], options.at("decimals").get<int64_t>())};
                   }},
                  {"atan2", binary(norma::atan2)},
                  {"hypot", binary(norma::hypot)},
                  {"logaddexp", binary(norma::logaddexp)},
                  {"fmod", binary(norma::fmod)},
                  {"remainder", binary(norma::remainder)},
                  {"remainders_by_number",
                   [](const Tensors& x, const Json& options) {
                     const Scalar n = scalar_of(options, "number");
                     return Tensors{norma::fmod(x[0], n), norma::remainder(x[0], n)};
                   }},
                  {"remainders_of_integers",
                   [](const Tensors& x, const Json& options) {
                     const Scalar n = scalar_of(options, "number");
                     const auto quarters = [](const Tensor& y) {
                       return (y.to(norma::kFloat64) * 4).to(norma::kInt64);
                     };
                     return Tensors{norma::fmod(x[0], x[1]), norma::remainder(x[0], x[1]),
                                    quarters(norma::fmod(x[0], n)),
                                    quarters(norma::remainder(x[0], n))};
                   }},
                  {"of_integers", of_integers},
                  {"logic",
                   [](const Tensors& x, const Json&) {
                     return Tensors{norma::logical_and(x[0], x[1]), norma::logical_or(x[0], x[1]),
                                    norma::logical_xor(x[0], x[1])};
                   }},
                  {"lerp",
                   [](const Tensors& x, const Json& options) {
                     return Tensors{options.at("weight").is_null()
                                        ? norma::lerp(x[0], x[1], x[2])
                                        : norma::lerp(x[0], x[1], scalar_of(options, "weight"))};
                   }},
                  {"addcmul",
                   [](const Tensors& x, const Json& options) {
                     return Tensors{norma::addcmul(x[0], x[1], x[2], scalar_of(options, "value"))};
                   }},
                  {"addcmul_of_integers",
                   [](const Tensors& x, const Json& options) {
                     return Tensors{norma::addcmul(x[0], x[1], x[2], scalar_of(options, "value"))};
                   }},
                  {"addcdiv",
                   [](const Tensors& x, const Json& options) {
                     return Tensors{norma::addcdiv(x[0], x[1], x[2], scalar_of(options, "value"))};
                   }},
                  {"clamp_by_tensors", clamp},
                  {"in_place", in_place}});

}  // namespace
}  // namespace parity
