// Running products, extrema and logarithms of sums: ONNX has running sums alone. Each element is
// combined with the one before it, then with those two before, four, eight, …
#include "call.h"
#include "norma/core/factory.h"

namespace norma::onnx {

namespace {

using Values = std::vector<std::string>;
/// What becomes of elements of all lists, and of those that come later.
using Combine = std::function<Values(const Values& earlier, const Values& later)>;

Values running(Call& c, Values values, const Combine& combine) {
  const int64_t dim = c.integer("dim");
  const Size length = c.sizes(0)[static_cast<std::size_t>(dim)];
  if (length.per_sample != 0) c.refuse("a dimension of one size");
  const auto part = [&](const std::string& x, int64_t begin, int64_t end) {
    return c.node("Slice",
                  {x, c.graph.integers({begin}), c.graph.integers({end}), c.graph.integers({dim})});
  };
  for (int64_t reach = 1; reach < length.fixed; reach *= 2) {
    Values earlier, later;
    for (const std::string& x : values) {
      earlier.push_back(part(x, 0, length.fixed - reach));
      later.push_back(part(x, reach, length.fixed));
    }
    const Values rest = combine(earlier, later);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = c.node("Concat", {part(values[i], 0, reach), rest[i]}, {{"axis", dim}});
  }
  return values;
}

std::string cumprod(Call& c) {
  std::string x = c.in(0, c.out().dtype());
  if (c.rank(0) == 0) return x;
  return running(c, {x}, [&](const Values& a, const Values& b) {
    return Values{c.node("Mul", {a[0], b[0]})};
  })[0];
}

std::string logcumsumexp(Call& c) {
  const DType dtype = c.out().dtype();
  std::string x = c.in(0, dtype);
  if (c.rank(0) == 0) return x;
  return running(c, {x}, [&](const Values& a, const Values& b) {
    const std::string most = c.node("Max", {a[0], b[0]});
    const std::string apart = c.node("Neg", {c.node("Abs", {c.node("Sub", {a[0], b[0]})})});
    const std::string sum = c.node("Add", {c.node("Exp", {apart}), c.scalar(1, dtype)});
    // Of two equal infinities there is no difference.
    return Values{c.node(
        "Where", {c.node("IsInf", {most}), most, c.node("Add", {most, c.node("Log", {sum})})})};
  })[0];
}

/// The positions of the running extrema; a later one that is equal wins, and so does NaN.
Writer running_extremum(const char* compare) {
  return [compare](Call& c) -> std::string {
    const Shape& sizes = c.shape(0);
    if (sizes.empty()) return c.scalar(0, kInt64);
    const DType own = c.tensor(0).dtype();
    const bool real = is_floating(own);
    const int64_t dim = c.integer("dim");
    Shape along = Shape::filled(sizes.size(), 1);
    along[dim] = sizes[dim];
    const std::string places = c.node(
        "Expand", {c.graph.constant(arange(sizes[dim]).reshape(along)), c.graph.list(c.sizes(0))});
    return running(c, {c.in(0, comparable(own)), places}, [&](const Values& a, const Values& b) {
      std::string wins = c.node(compare, {a[0], b[0]});
      if (real) {
        const std::string is_number = c.node("Not", {c.node("IsNaN", {b[0]})});
        wins = c.node("Or", {wins, c.node("And", {c.node("IsNaN", {a[0]}), is_number})});
      }
      return Values{c.node("Where", {wins, a[0], b[0]}), c.node("Where", {wins, a[1], b[1]})};
    })[1];
  };
}

}  // namespace

Writers scan_writers() {
  return {{"cumprod", cumprod},
          {"logcumsumexp", logcumsumexp},
          {"cummax", running_extremum("Greater")},
          {"cummin", running_extremum("Less")}};
}

}  // namespace norma::onnx
