// Arithmetic, comparisons, and functions of single elements.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "call.h"

namespace norma::onnx {

namespace {

/// The node `type`, in the result's dtype.
Writer unary(const char* type) {
  return [type](Call& c) { return c.node(type, {c.in(0, c.out().dtype())}); };
}

/// The second operand, which may be the option `other`.
std::string second(Call& c, DType dtype) {
  return c.has(1) ? c.in(1, dtype) : c.option_scalar("other", dtype);
}

Writer binary(const char* type) {
  return [type](Call& c) {
    const DType dtype = c.out().dtype();
    return c.node(type, {c.in(0, dtype), second(c, dtype)});
  };
}

/// Sums and products of bools are "or" and "and".
Writer arithmetic(const char* type, const char* of_bools) {
  return [=](Call& c) {
    const DType dtype = c.out().dtype();
    return c.node(dtype == kBool ? of_bools : type, {c.in(0, dtype), second(c, dtype)});
  };
}

/// The type in which both operands are compared.
DType common_type(Call& c) {
  const DType own = c.tensor(0).dtype();
  DType common = own;
  if (c.has(1)) {
    common = std::max(own, c.tensor(1).dtype());
  } else if (!is_floating(own)) {
    common = std::floor(c.number("other")) == c.number("other") ? kInt64 : kFloat32;
  }
  return comparable(common);
}

Writer comparison(const char* type) {
  return [type](Call& c) {
    const DType dtype = common_type(c);
    return c.node(type, {c.in(0, dtype), second(c, dtype)});
  };
}

Writer logical(const char* type) {
  return [type](Call& c) { return c.node(type, {c.in(0, kBool), c.in(1, kBool)}); };
}

std::string truncated(Call& c, const std::string& x) {
  return c.node("Mul", {c.node("Sign", {x}), c.node("Floor", {c.node("Abs", {x})})});
}

std::string remainder(Call& c) {
  const DType dtype = c.out().dtype();
  const std::string x = c.in(0, dtype), y = second(c, dtype);
  if (!is_floating(dtype)) return c.node("Mod", {x, y});
  return c.node("Sub", {x, c.node("Mul", {y, c.node("Floor", {c.node("Div", {x, y})})})});
}

std::string floor_divide(Call& c) {
  const DType dtype = c.out().dtype();
  const std::string x = c.in(0, dtype), y = c.in(1, dtype);
  if (is_floating(dtype)) return c.node("Floor", {c.node("Div", {x, y})});
  // Integers are divided towards 0 there.
  return c.node("Div", {c.node("Sub", {x, c.node("Mod", {x, y})}), y});
}

std::string round(Call& c) {
  const double decimals = c.has_option("decimals") ? c.number("decimals") : 0;
  const double ten = std::round(std::exp2(std::log2(10.0) * std::fabs(decimals)));
  const std::string x = c.in(0);
  if (decimals == 0) return is_floating(c.out().dtype()) ? c.node("Round", {x}) : x;
  const std::string factor = c.scalar(ten, c.out().dtype());
  return decimals > 0 ? c.node("Div", {c.node("Round", {c.node("Mul", {x, factor})}), factor})
                      : c.node("Mul", {c.node("Round", {c.node("Div", {x, factor})}), factor});
}

/// The angle of (x, y), by that of y / x in the right half.
std::string atan2(Call& c) {
  const DType dtype = c.out().dtype();
  const std::string y = c.in(0, dtype), x = c.in(1, dtype), zero = c.scalar(0, dtype);
  const std::string angle = c.node("Atan", {c.node("Div", {y, x})});
  const std::string below = c.scalar(-std::numbers::pi, dtype);
  const std::string half =
      c.node("Where", {c.node("Less", {y, zero}), below, c.scalar(std::numbers::pi, dtype)});
  const std::string left = c.node("Where", {c.node("Less", {x, zero}), half, zero});
  const std::string upright = c.linear(c.node("Sign", {y}), std::numbers::pi / 2);
  return c.node("Where", {c.node("Equal", {x, zero}), upright, c.node("Add", {angle, left})});
}

std::string logaddexp(Call& c) {
  const DType dtype = c.out().dtype();
  const std::string a = c.in(0, dtype), b = c.in(1, dtype);
  const std::string apart = c.node("Neg", {c.node("Abs", {c.node("Sub", {a, b})})});
  const std::string rest = c.node("Log", {c.linear(c.node("Exp", {apart}), 1, 1)});
  return c.node("Add", {c.node("Max", {a, b}), rest});
}

std::string sinc(Call& c) {
  const DType dtype = c.out().dtype();
  const std::string x = c.in(0, dtype), angle = c.linear(x, std::numbers::pi);
  const std::string is_zero = c.node("Equal", {x, c.scalar(0, dtype)});
  return c.node("Where",
                {is_zero, c.scalar(1, dtype), c.node("Div", {c.node("Sin", {angle}), angle})});
}

/// By M. Giles, "Approximating the erfinv function" (2010): off by less than 1e-6 of the result.
std::string erfinv(Call& c) {
  const DType dtype = c.out().dtype();
  const std::string x = c.in(0, dtype), one = c.scalar(1, dtype);
  const std::string rest = c.node("Mul", {c.node("Sub", {one, x}), c.node("Add", {one, x})});
  const std::string w = c.node("Neg", {c.node("Log", {rest})});
  const auto polynomial = [&](std::initializer_list<double> factors, const std::string& t) {
    std::string p;
    for (const double factor : factors)
      p = p.empty() ? c.scalar(factor, dtype)
                    : c.node("Add", {c.node("Mul", {p, t}), c.scalar(factor, dtype)});
    return p;
  };
  const std::string middle =
      polynomial({2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                  -0.00125372503, -0.00417768164, 0.246640727, 1.50140941},
                 c.linear(w, 1, -2.5));
  const std::string tail =
      polynomial({-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                  -0.0076224613, 0.00943887047, 1.00167406, 2.83297682},
                 c.linear(c.node("Sqrt", {w}), 1, -3));
  const std::string is_middle = c.node("Less", {w, c.scalar(5, dtype)});
  const std::string y = c.node("Mul", {c.node("Where", {is_middle, middle, tail}), x});
  const std::string is_end = c.node("Equal", {c.node("Abs", {x}), one});
  return c.node("Where", {is_end, c.linear(x, INFINITY), y});
}

std::string hypot(Call& c) {
  const DType dtype = c.out().dtype();
  const std::string a = c.node("Abs", {c.in(0, dtype)}), b = c.node("Abs", {c.in(1, dtype)});
  const std::string large = c.node("Max", {a, b}), small = c.node("Min", {a, b});
  // The squares of their shares: those of the numbers may lie beyond what the type holds.
  const std::string is_zero = c.node("Equal", {large, c.scalar(0, dtype)});
  const std::string whole = c.node("Where", {is_zero, c.scalar(1, dtype), large});
  const std::string share = c.node("Div", {small, whole});
  const std::string square = c.node("Mul", {share, share});
  const std::string length = c.node("Mul", {large, c.node("Sqrt", {c.linear(square, 1, 1)})});
  const std::string is_far = c.node("Or", {c.node("IsInf", {a}), c.node("IsInf", {b})});
  return c.node("Where", {is_far, c.scalar(INFINITY, dtype), length});
}

std::string is_finite(Call& c) {
  return c.node("Not", {c.node("Or", {c.node("IsNaN", {c.in(0)}), c.node("IsInf", {c.in(0)})})});
}

std::string clamp(Call& c) {
  const DType dtype = c.out().dtype();
  std::string x = c.in(0, dtype);
  if (c.count() == 3) {  // bounds that are tensors
    if (c.has(1)) x = c.node("Max", {x, c.in(1, dtype)});
    return c.has(2) ? c.node("Min", {x, c.in(2, dtype)}) : x;
  }
  const double min = c.number("min"), max = c.number("max");
  if (std::isnan(min) || std::isnan(max)) c.refuse("bounds that are numbers");
  // One after the other: where they cross, the upper one holds.
  if (!std::isinf(min)) x = c.node("Max", {x, c.option_scalar("min", dtype)});
  return std::isinf(max) ? x : c.node("Min", {x, c.option_scalar("max", dtype)});
}

std::string lerp(Call& c) {
  const DType dtype = c.out().dtype();
  const std::string weight = c.has(2) ? c.in(2, dtype) : c.option_scalar("weight", dtype);
  const std::string way = c.node("Sub", {c.in(1, dtype), c.in(0, dtype)});
  return c.node("Add", {c.in(0, dtype), c.node("Mul", {weight, way})});
}

}  // namespace

Writers elementwise_writers() {
  Writers all;
  constexpr std::pair<const char*, const char*> kUnary[] = {
      {"abs", "Abs"},   {"exp", "Exp"},     {"log", "Log"},         {"sqrt", "Sqrt"},
      {"neg", "Neg"},   {"floor", "Floor"}, {"ceil", "Ceil"},       {"sign", "Sign"},
      {"erf", "Erf"},   {"sin", "Sin"},     {"cos", "Cos"},         {"tan", "Tan"},
      {"asin", "Asin"}, {"acos", "Acos"},   {"atan", "Atan"},       {"sinh", "Sinh"},
      {"cosh", "Cosh"}, {"asinh", "Asinh"}, {"acosh", "Acosh"},     {"atanh", "Atanh"},
      {"tanh", "Tanh"}, {"relu", "Relu"},   {"sigmoid", "Sigmoid"},
  };
  for (const auto& [op, type] : kUnary) all.emplace_back(op, unary(type));
  constexpr std::pair<const char*, const char*> kBinary[] = {
      {"sub", "Sub"}, {"div", "Div"}, {"maximum", "Max"}, {"minimum", "Min"}};
  for (const auto& [op, type] : kBinary) all.emplace_back(op, binary(type));
  constexpr std::pair<const char*, const char*> kComparisons[] = {{"eq", "Equal"},
                                                                  {"lt", "Less"},
                                                                  {"le", "LessOrEqual"},
                                                                  {"gt", "Greater"},
                                                                  {"ge", "GreaterOrEqual"}};
  for (const auto& [op, type] : kComparisons) all.emplace_back(op, comparison(type));
  const Writers others = {
      {"add", arithmetic("Add", "Or")},
      {"mul", arithmetic("Mul", "And")},
      {"ne",
       [](Call& c) {
         const DType dtype = common_type(c);
         return c.node("Not", {c.node("Equal", {c.in(0, dtype), second(c, dtype)})});
       }},
      {"logical_and", logical("And")},
      {"logical_or", logical("Or")},
      {"logical_xor", logical("Xor")},
      {"logical_not", [](Call& c) { return c.node("Not", {c.in(0, kBool)}); }},
      {"isnan", [](Call& c) { return c.node("IsNaN", {c.in(0)}); }},
      {"isfinite", is_finite},
      {"where",
       [](Call& c) {
         const DType dtype = c.out().dtype();
         return c.node("Where", {c.in(2), c.in(0, dtype), c.in(1, dtype)});
       }},
      {"rsub",
       [](Call& c) {
         const DType dtype = c.out().dtype();
         return c.node("Sub", {c.option_scalar("other", dtype), c.in(0, dtype)});
       }},
      {"reciprocal",
       [](Call& c) {
         const DType dtype = c.out().dtype();
         return c.node("Div", {c.option_scalar("numerator", dtype), c.in(0, dtype)});
       }},
      {"pow",
       [](Call& c) {
         const DType dtype = c.out().dtype();
         return c.node("Pow", {c.in(0, dtype),
                               c.has(1) ? c.in(1, dtype) : c.option_scalar("exponent", dtype)});
       }},
      {"fmod",
       [](Call& c) {
         const DType dtype = c.out().dtype();
         return c.node("Mod", {c.in(0, dtype), second(c, dtype)}, {{"fmod", int64_t{1}}});
       }},
      {"remainder", remainder},
      {"floor_divide", floor_divide},
      {"round", round},
      {"trunc", [](Call& c) { return truncated(c, c.in(0)); }},
      {"frac",
       [](Call& c) {
         return c.node("Sub", {c.in(0), truncated(c, c.in(0))});
       }},
      {"exp2",
       [](Call& c) {
         const DType dtype = c.out().dtype();
         return c.node("Pow", {c.scalar(2, dtype), c.in(0, dtype)});
       }},
      {"expm1", [](Call& c) { return c.linear(c.node("Exp", {c.in(0, c.out().dtype())}), 1, -1); }},
      {"log1p", [](Call& c) { return c.node("Log", {c.linear(c.in(0, c.out().dtype()), 1, 1)}); }},
      {"log2",
       [](Call& c) {
         return c.linear(c.node("Log", {c.in(0, c.out().dtype())}), std::numbers::log2e);
       }},
      {"log10",
       [](Call& c) {
         return c.linear(c.node("Log", {c.in(0, c.out().dtype())}), std::numbers::log10e);
       }},
      {"rsqrt",
       [](Call& c) { return c.node("Reciprocal", {c.node("Sqrt", {c.in(0, c.out().dtype())})}); }},
      {"erfc", [](Call& c) { return c.linear(c.node("Erf", {c.in(0, c.out().dtype())}), -1, 1); }},
      {"sinc", sinc},
      {"erfinv", erfinv},
      {"hypot", hypot},
      {"atan2", atan2},
      {"logaddexp", logaddexp},
      {"clamp", clamp},
      {"clamp_min", clamp},
      {"clamp_max", clamp},
      {"lerp", lerp},
  };
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

}  // namespace norma::onnx
