// Reductions, and positions of extrema.
#include <cmath>

#include "call.h"

namespace norma::onnx {

namespace {

/// Over the option `dim`, all dimensions where it is empty.
std::string reduced(Call& c, const char* type, const std::string& x) {
  if (c.rank(0) == 0) return x;
  return c.graph.reduce(type, x, c.dims("dim"), c.flag("keepdim"));
}

Writer reduction(const char* type) {
  return [type](Call& c) { return reduced(c, type, c.in(0, c.out().dtype())); };
}

/// How many elements become one, as a tensor.
std::string length_of(Call& c) {
  Size length{1, 0};
  const Sizes sizes = c.sizes(0);
  for (const int64_t dim : c.dims("dim")) {
    const Size own = sizes[static_cast<std::size_t>(dim)];
    if (own.per_sample != 0 && length.per_sample != 0) c.refuse("one dimension that grows");
    length = length.times(own);
  }
  return c.cast(c.graph.list({length}), c.out().dtype());
}

std::string variance(Call& c) {
  const DType dtype = c.out().dtype();
  const std::string x = c.in(0), mean = c.graph.reduce("ReduceMean", x, c.dims("dim"), true);
  const std::string apart = c.node("Sub", {x, mean});
  std::string sum = reduced(c, "ReduceSum", c.node("Mul", {apart, apart}));
  std::string divisor = length_of(c);
  if (c.flag("unbiased")) divisor = c.node("Sub", {divisor, c.scalar(1, dtype)});
  // A number, so that no dimension is added to the result's.
  divisor = c.node("Squeeze", {divisor, c.graph.integers({0})});
  return c.node("Div", {sum, divisor});
}

std::string norm(Call& c) {
  const std::string x = c.in(0);
  // Of a number over no dimensions.
  if (c.rank(0) == 0)
    return norm_of(c, c.node("Unsqueeze", {x, c.graph.integers({0})}), c.number("p"), {0}, false);
  return norm_of(c, x, c.number("p"), c.dims("dim"), c.flag("keepdim"));
}

Writer extremum(const char* type) {
  return [type](Call& c) {
    return c.graph.reduce(type, c.in(0), c.has_option("dim") ? c.dims("dim") : c.all_dims(),
                          c.has_option("keepdim") && c.flag("keepdim"));
  };
}

Writer position(const char* type) {
  return [type](Call& c) {
    const Shape dims = c.list("dim");
    const int64_t keeps = c.flag("keepdim") ? 1 : 0;
    if (!dims.empty()) {
      const int64_t dim = dims[0] < 0 ? dims[0] + c.rank(0) : dims[0];
      return c.node(type, {c.in(0)}, {{"axis", dim}, {"keepdims", keeps}});
    }
    const std::string flat = c.node("Reshape", {c.in(0), c.graph.integers({-1})});
    return c.node(type, {flat}, {{"axis", int64_t{0}}, {"keepdims", int64_t{0}}});
  };
}

/// Whether any or all are other than 0: the largest or least of them as numbers.
Writer truth(const char* type) {
  return [type](Call& c) {
    const std::string bits = c.cast(c.in(0, kBool), kInt32);
    return c.cast(reduced(c, type, bits), c.out().dtype());
  };
}

std::string prod(Call& c) {
  const int64_t dim = c.integer("dim");
  const std::string x = c.in(0, c.out().dtype());
  return c.rank(0) == 0 ? x : c.graph.reduce("ReduceProd", x, {dim}, c.flag("keepdim"));
}

std::string cumsum(Call& c) {
  if (c.rank(0) == 0) return c.in(0);
  return c.node("CumSum", {c.in(0, c.out().dtype()), c.graph.integers({c.integer("dim")})});
}

/// NaN counts nothing.
std::string nansum(Call& c) {
  const std::string x = c.in(0), zero = c.scalar(0, c.out().dtype());
  return reduced(c, "ReduceSum", c.node("Where", {c.node("IsNaN", {x}), zero, x}));
}

}  // namespace

std::string norm_of(Call& c, const std::string& x, double p, const Shape& dims, bool keepdim) {
  const DType dtype = c.out().dtype();
  const auto over = [&](const char* type, const std::string& values) {
    return c.graph.reduce(type, values, dims, keepdim);
  };
  if (p == 1) return over("ReduceL1", x);
  if (p == 2) return over("ReduceL2", x);
  const std::string size = c.node("Abs", {x});
  if (std::isinf(p)) return over(p > 0 ? "ReduceMax" : "ReduceMin", size);
  if (p == 0) {
    const std::string is_there = c.node("Greater", {size, c.scalar(0, dtype)});
    return over("ReduceSum", c.cast(is_there, dtype));
  }
  const std::string sum = over("ReduceSum", c.node("Pow", {size, c.scalar(p, dtype)}));
  return c.node("Pow", {sum, c.scalar(1 / p, dtype)});
}

Writers reduction_writers() {
  return {
      {"sum", reduction("ReduceSum")},
      {"nansum", nansum},
      {"mean", reduction("ReduceMean")},
      {"amax", reduction("ReduceMax")},
      {"amin", reduction("ReduceMin")},
      {"logsumexp", reduction("ReduceLogSumExp")},
      {"max", extremum("ReduceMax")},
      {"min", extremum("ReduceMin")},
      {"prod", prod},
      {"var", variance},
      {"std", [](Call& c) { return c.node("Sqrt", {variance(c)}); }},
      {"norm", norm},
      {"argmax", position("ArgMax")},
      {"argmin", position("ArgMin")},
      {"any", truth("ReduceMax")},
      {"all", truth("ReduceMin")},
      {"cumsum", cumsum},
  };
}

}  // namespace norma::onnx
