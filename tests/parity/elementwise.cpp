// Operations on each element: families/elementwise.py.
#include <string>

#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

using norma::Scalar;

Scalar scalar_of(const Json& number) {
  return number.is_number_integer() ? Scalar(number.get<int64_t>()) : Scalar(number.get<double>());
}

Replay unary(Tensor (*operation)(const Tensor&)) {
  return [=](const Tensors& x, const Json&) { return Tensors{operation(x[0])}; };
}
Replay with_number(Tensor (*operation)(const Tensor&, Scalar)) {
  return [=](const Tensors& x, const Json& options) {
    return Tensors{operation(x[0], scalar_of(options.at("number")))};
  };
}
Replay binary(Tensor (*operation)(const Tensor&, const Tensor&)) {
  return [=](const Tensors& x, const Json&) { return Tensors{operation(x[0], x[1])}; };
}

template <class T>
Tensors comparisons(const Tensor& a, const T& b) {
  return {a == b, a != b, a<b, a <= b, a> b, a >= b};
}

template <class T>  // a tensor or a number
void change(Tensor& y, const std::string& step, const T& other) {
  if (step == "add_") {
    y.add_(other);
  } else if (step == "sub_") {
    y.sub_(other);
  } else if (step == "mul_") {
    y.mul_(other);
  } else if (step == "div_") {
    y.div_(other);
  } else if (step == "exp_") {
    y.exp_();
  } else if (step == "neg_") {
    y.neg_();
  } else if (step == "relu_") {
    y.relu_();
  } else if (step == "sigmoid_") {
    y.sigmoid_();
  } else if (step == "tanh_") {
    y.tanh_();
  } else if (step == "sqrt_") {
    y.sqrt_();
  } else if (step == "clamp_") {
    y.clamp_(3.5, 5);
  } else if (step == "pow_") {
    y.pow_(2);
  } else {
    throw std::runtime_error("unknown step " + step);
  }
}

Tensors in_place(const Tensors& x, const Json& options) {
  const Json& steps = options.at("steps");
  Tensor y = x[0].clone();
  change(y, steps.at(0).get<std::string>(), x[1]);
  for (const Json& step : options.at("numbers")) {
    change(y, step.at(0).get<std::string>(), scalar_of(step.at(1)));
  }
  change(y, steps.at(1).get<std::string>(), x[1]);
  return {y};
}

Tensors in_place_view(const Tensors& x, const Json& options) {
  const auto dim = options.at("dim").get<int64_t>(), index = options.at("index").get<int64_t>();
  const Tensor whole = x[0] * 2;
  Tensor part = whole.select(dim, index);
  part.mul_(x[1].select(dim, index));
  part.add_(1);
  return {whole * whole, part};
}

Tensors copy(const Tensors& x, const Json&) {
  Tensor y = x[0] * 1;
  y.copy_(x[1]);
  return {y, x[0] + y};
}

Tensors convert(const Tensors& x, const Json&) {
  const norma::DType own = x[0].dtype();
  return {x[0].to(norma::kInt64), x[0].to(norma::kBool), x[0].abs().to(norma::kUInt8),
          x[0].to(norma::kInt64).to(own), x[0].to(norma::kFloat64).to(own)};
}

Tensors nearness(const Tensors& x, const Json& options) {
  const bool close = norma::allclose(x[0], x[1], options.at("rtol").get<double>(),
                                     options.at("atol").get<double>());
  return {norma::full({}, close, {.dtype = norma::kBool}),
          norma::full({}, norma::equal(x[0], x[1]), {.dtype = norma::kBool})};
}

const Family family(
    "elementwise",
    {{"neg", unary([](const Tensor& x) { return -x; })},
     {"abs", unary(norma::abs)},
     {"exp", unary(norma::exp)},
     {"log", unary(norma::log)},
     {"sqrt", unary(norma::sqrt)},
     {"square", unary([](const Tensor& x) { return x.square(); })},
     {"sigmoid", unary(norma::sigmoid)},
     {"tanh", unary(norma::tanh)},
     {"relu", unary([](const Tensor& x) { return x.relu(); })},
     {"gelu", unary([](const Tensor& x) { return x.gelu(); })},
     {"gelu_tanh", unary([](const Tensor& x) { return x.gelu(true); })},
     {"detach_plus_self", unary([](const Tensor& x) { return x.detach() + x; })},
     {"reused", unary([](const Tensor& x) { return x * x + x; })},
     {"leaky_relu",
      with_number([](const Tensor& x, Scalar n) { return x.leaky_relu(n.to<double>()); })},
     {"add_number", with_number([](const Tensor& x, Scalar n) { return x + n; })},
     {"sub_number", with_number([](const Tensor& x, Scalar n) { return x - n; })},
     {"mul_number", with_number([](const Tensor& x, Scalar n) { return x * n; })},
     {"div_number", with_number([](const Tensor& x, Scalar n) { return x / n; })},
     {"number_sub", with_number([](const Tensor& x, Scalar n) { return n - x; })},
     {"number_div", with_number([](const Tensor& x, Scalar n) { return n / x; })},
     {"clamp_min", with_number([](const Tensor& x, Scalar n) { return x.clamp_min(n); })},
     {"clamp_max", with_number([](const Tensor& x, Scalar n) { return x.clamp_max(n); })},
     {"pow_number", with_number([](const Tensor& x, Scalar n) { return x.pow(n); })},
     {"pow_integer", with_number([](const Tensor& x, Scalar n) { return x.pow(n); })},
     {"clamp",
      [](const Tensors& x, const Json& options) {
        return Tensors{
            x[0].clamp(options.at("min").get<double>(), options.at("max").get<double>())};
      }},
     {"add", binary([](const Tensor& a, const Tensor& b) { return a + b; })},
     {"sub", binary([](const Tensor& a, const Tensor& b) { return a - b; })},
     {"mul", binary([](const Tensor& a, const Tensor& b) { return a * b; })},
     {"div", binary([](const Tensor& a, const Tensor& b) { return a / b; })},
     {"pow", binary([](const Tensor& a, const Tensor& b) { return a.pow(b); })},
     {"maximum", binary(norma::maximum)},
     {"minimum", binary(norma::minimum)},
     {"ties",
      [](const Tensors& x,
         const Json&) { return Tensors{norma::maximum(x[0], x[1]), norma::minimum(x[0], x[1])}; }},
     {"compare", [](const Tensors& x, const Json&) { return comparisons(x[0], x[1]); }},
     {"compare_number",
      [](const Tensors& x,
         const Json&
             options) { return comparisons(x[0], Scalar(options.at("number").get<double>())); }},
     {"predicates",
      [](const Tensors& x,
         const Json&) { return Tensors{x[0].isnan(), x[0].isfinite(), x[0].isnan().logical_not()}; }},
     {"nearness", nearness},
     {"where",
      [](const Tensors& x, const Json&) { return Tensors{norma::where(x[0], x[1], x[2])}; }},
     {"masked_fill",
      [](const Tensors& x,
         const Json&
             options) { return Tensors{x[0].masked_fill(x[1], options.at("value").get<double>())}; }},
     {"in_place", in_place},
     {"in_place_view", in_place_view},
     {"promotion", [](const Tensors& x, const Json&) { return Tensors{x[0] * x[1], x[0] + x[1]}; }},
     {"copy_", copy},
     {"to", convert}});

}  // namespace
}  // namespace parity
