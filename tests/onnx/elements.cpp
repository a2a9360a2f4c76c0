// Functions of single elements, and arithmetic.
#include "cases.h"

namespace cases {

using namespace norma;

namespace {

void add_unary(Cases& all) {
  const std::pair<const char*, Function> any[] = {
      {"abs", [](Tensor x) { return x.abs(); }},
      {"exp", [](Tensor x) { return x.exp(); }},
      {"exp2", [](Tensor x) { return x.exp2(); }},
      {"expm1", [](Tensor x) { return x.expm1(); }},
      {"neg", [](Tensor x) { return -x; }},
      {"floor", [](Tensor x) { return (x * 3).floor(); }},
      {"ceil", [](Tensor x) { return (x * 3).ceil(); }},
      {"trunc", [](Tensor x) { return (x * 3).trunc(); }},
      {"frac", [](Tensor x) { return (x * 3).frac(); }},
      {"round", [](Tensor x) { return (x * 3).round(); }},
      {"round_decimals", [](Tensor x) { return x.round(2); }},
      {"round_tens", [](Tensor x) { return (x * 100).round(-1); }},
      {"sign", [](Tensor x) { return (x * 2).trunc().sign(); }},
      {"erf", [](Tensor x) { return x.erf(); }},
      {"erfc", [](Tensor x) { return x.erfc(); }},
      {"sin", [](Tensor x) { return x.sin(); }},
      {"cos", [](Tensor x) { return x.cos(); }},
      {"tan", [](Tensor x) { return (x * 0.5).tan(); }},
      {"atan", [](Tensor x) { return x.atan(); }},
      {"sinh", [](Tensor x) { return x.sinh(); }},
      {"cosh", [](Tensor x) { return x.cosh(); }},
      {"asinh", [](Tensor x) { return x.asinh(); }},
      {"sinc", [](Tensor x) { return (x * 2).trunc().sinc() + x.sinc(); }},
      {"square", [](Tensor x) { return x.square(); }},
      {"isfinite", [](Tensor x) { return x.log().isfinite(); }},
      {"isnan", [](Tensor x) { return x.log().isnan(); }},
      {"nan_to_num", [](Tensor x) { return x.log().masked_fill(x < 0, 0); }},
  };
  for (const auto& [name, f] : any) all.push_back(function(name, {3, 4}, f));
  // Of numbers above 0, and from -1 to 1.
  const std::pair<const char*, Function> positive[] = {
      {"log", [](Tensor x) { return x.log(); }},
      {"log1p", [](Tensor x) { return x.log1p(); }},
      {"log2", [](Tensor x) { return x.log2(); }},
      {"log10", [](Tensor x) { return x.log10(); }},
      {"sqrt", [](Tensor x) { return x.sqrt(); }},
      {"rsqrt", [](Tensor x) { return x.rsqrt(); }},
      {"reciprocal", [](Tensor x) { return 2 / x; }},
      {"asin", [](Tensor x) { return (x - 0.7).asin(); }},
      {"acos", [](Tensor x) { return (x - 0.7).acos(); }},
      {"atanh", [](Tensor x) { return (x - 0.7).atanh(); }},
      {"acosh", [](Tensor x) { return (x + 1).acosh(); }},
  };
  const auto inputs = [](int64_t n) { return List{rand({n, 3, 4}) + 0.1}; };
  for (const auto& [name, f] : positive)
    all.push_back(function(name, inputs, [f = f](const List& in) { return List{f(in[0])}; }));
}

void add_numbers(Cases& all) {
  const std::pair<const char*, Function> some[] = {
      {"add_number", [](Tensor x) { return x + 2; }},
      {"sub_number", [](Tensor x) { return x - 2.5; }},
      {"rsub_number", [](Tensor x) { return 2 - x; }},
      {"mul_number", [](Tensor x) { return x * 3; }},
      {"div_number", [](Tensor x) { return x / 3; }},
      {"pow_number", [](Tensor x) { return x.pow(3); }},
      {"pow_root", [](Tensor x) { return x.abs().pow(0.5); }},
      {"fmod_number", [](Tensor x) { return (x * 3).fmod(1.5); }},
      {"remainder_number", [](Tensor x) { return (x * 3).remainder(1.5); }},
      {"clamp", [](Tensor x) { return x.clamp(-0.5, 0.7); }},
      {"clamp_min", [](Tensor x) { return x.clamp_min(0.1); }},
      {"clamp_max", [](Tensor x) { return x.clamp_max(0.1); }},
      {"compare", [](Tensor x) { return where(x > 0.5, x, where(x <= -0.5, x * 2, x * x)); }},
      {"compare_more",
       [](Tensor x) {
         const Tensor t = (x * 2).trunc();
         return (t >= 1).logical_or(t < -1).logical_xor(t.eq(0)).logical_and(t.ne(2));
       }},
      {"logical_not", [](Tensor x) { return (x > 0).logical_not(); }},
      {"bool_sum", [](Tensor x) { return (x > 0).sum(1); }},
      {"bool_arithmetic", [](Tensor x) { return (x > 0) * (x < 1) + (x < -1); }},
      {"masked_fill", [](Tensor x) { return x.masked_fill(x > 0, -7); }},
      {"in_place",
       [](Tensor x) {
         Tensor y = x * 2;
         y.add_(1);
         y.relu_();
         return y.mul_(x);
       }},
      {"input_in_place", [](Tensor x) { return x.add_(1); }},
      {"to_int", [](Tensor x) { return (x * 5).to(kInt64); }},
      {"int_arithmetic",
       [](Tensor x) {
         const Tensor i = (x * 5).to(kInt64);
         return (i * 3 - 2).remainder(4) + i.floor_divide(3) + i / 2;
       }},
      {"to_double", [](Tensor x) { return x.to(kFloat64).exp().to(kFloat32); }},
      {"no_grad",
       [](Tensor x) {
         const NoGradGuard no_grad;
         return x.mul(2).softmax(1).detach() + x;
       }},
      {"detached", [](Tensor x) { return x.detach().exp() / x.detach().exp().sum(1, true); }},
  };
  for (const auto& [name, f] : some) all.push_back(function(name, {3, 4}, f));
}

void add_pairs(Cases& all) {
  using Pairwise = Tensor (*)(Tensor, Tensor);
  const std::pair<const char*, Pairwise> some[] = {
      {"add", [](Tensor x, Tensor y) { return x + y; }},
      {"sub", [](Tensor x, Tensor y) { return x - y; }},
      {"mul", [](Tensor x, Tensor y) { return x * y; }},
      {"div", [](Tensor x, Tensor y) { return x / (y.abs() + 1); }},
      {"pow", [](Tensor x, Tensor y) { return (x.abs() + 0.1).pow(y); }},
      {"maximum", [](Tensor x, Tensor y) { return x.maximum(y); }},
      {"minimum", [](Tensor x, Tensor y) { return x.minimum(y); }},
      {"atan2", [](Tensor x, Tensor y) { return x.atan2(y.trunc()); }},
      {"logaddexp", [](Tensor x, Tensor y) { return x.logaddexp(y); }},
      {"fmod", [](Tensor x, Tensor y) { return (x * 3).fmod(y.abs() + 1); }},
      {"remainder", [](Tensor x, Tensor y) { return (x * 3).remainder(y.abs() + 1); }},
      {"lerp", [](Tensor x, Tensor y) { return x.lerp(x + y, 0.3); }},
      {"lerp_tensor", [](Tensor x, Tensor y) { return x.lerp(x + y, x.sigmoid()); }},
      {"clamp_tensors", [](Tensor x, Tensor y) { return x.clamp(y - 0.5, y + 0.5); }},
      {"addcmul", [](Tensor x, Tensor y) { return x.addcmul(x, y, 0.5); }},
      {"addcdiv", [](Tensor x, Tensor y) { return x.addcdiv(x, y.abs() + 1, 0.5); }},
      {"mixed_types", [](Tensor x, Tensor y) { return x * (y * 3).to(kInt64) + (y > 0); }},
  };
  const auto inputs = [](int64_t n) { return List{randn({n, 3, 4}), randn({n, 1, 4})}; };
  for (const auto& [name, f] : some)
    all.push_back(
        function(name, inputs, [f = f](const List& in) { return List{f(in[0], in[1])}; }));
}

}  // namespace

Cases elements() {
  Cases all;
  add_unary(all);
  add_numbers(all);
  add_pairs(all);
  return all;
}

}  // namespace cases
