// What goes by the order of elements, positions among ordered ones, and diagonals.
#include <algorithm>
#include <cmath>
#include <limits>

#include "call.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"

namespace norma::onnx {

namespace {

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

std::string ordered(Call& c, int i) { return c.in(i, comparable(c.tensor(i).dtype())); }

/// The positions alone: the values are gathered by them.
std::string topk(Call& c) {
  const int64_t k = c.integer("k");
  if (c.rank(0) == 0) return c.scalar(0, kInt64);
  return c.graph.nodes("TopK", {ordered(c, 0), c.graph.integers({k})}, 2,
                       {{"axis", c.integer("dim")},
                        {"largest", int64_t{c.flag("largest")}},
                        {"sorted", int64_t{1}}})[1];
}

/// Values and positions of the k-th least element along `dim`, which keeps its dimension.
std::vector<std::string> least(Call& c, const std::string& x, const std::string& k, int64_t dim) {
  std::vector<std::string> found =
      c.graph.nodes("TopK", {x, k}, 2, {{"axis", dim}, {"largest", int64_t{0}}});
  for (std::string& part : found)
    part = c.node(
        "Slice", {part, c.graph.integers({-1}), c.graph.integers({kEnd}), c.graph.integers({dim})});
  return found;
}

std::string kthvalue(Call& c) {
  if (c.rank(0) == 0) return c.scalar(0, kInt64);
  return least(c, ordered(c, 0), c.graph.integers({c.integer("k")}), c.integer("dim"))[1];
}

/// How many elements there are up to the middle one.
std::string middle(Call& c, const std::string& length) {
  const std::string two = c.graph.integers({2}), one = c.graph.integers({1});
  return c.node("Div", {c.node("Add", {length, one}), two});
}

/// Along a dimension the position, of all elements the value; NaN where one is.
std::string median(Call& c) {
  const std::string x = ordered(c, 0);
  const bool real = is_floating(c.tensor(0).dtype());
  if (!c.has_option("dim")) {
    const std::string flat = c.node("Reshape", {x, c.graph.integers({-1})});
    const std::string k = middle(c, c.node("Shape", {flat}));
    std::string value = c.node("Squeeze", {least(c, flat, k, 0)[0]});
    if (real) {
      const std::string bits = c.cast(c.node("IsNaN", {flat}), kInt32);
      const std::string any = c.cast(c.graph.reduce("ReduceMax", bits, {0}, false), kBool);
      value = c.node("Where", {any, c.scalar(NAN, c.out().dtype()), value});
    }
    return c.cast(value, c.out().dtype());
  }
  if (c.rank(0) == 0) return c.scalar(0, kInt64);
  const int64_t dim = c.dims("dim")[0];
  const std::string length = c.graph.list({c.sizes(0)[static_cast<std::size_t>(dim)]});
  std::string position = least(c, x, middle(c, length), dim)[1];
  if (real) {
    const std::string bits = c.cast(c.node("IsNaN", {x}), kInt32);
    const std::string any = c.cast(c.graph.reduce("ReduceMax", bits, {dim}, true), kBool);
    const std::string first = c.node("ArgMax", {bits}, {{"axis", dim}, {"keepdims", int64_t{1}}});
    position = c.node("Where", {any, first, position});
  }
  return c.flag("keepdim") ? position : c.node("Squeeze", {position, c.graph.integers({dim})});
}

/// How many of the ordered values come before each.
std::string searchsorted(Call& c) {
  const DType dtype = comparable(std::max(c.tensor(0).dtype(), c.tensor(1).dtype()));
  std::string sorted = c.in(0, dtype);
  if (c.rank(0) > 1) sorted = c.node("Unsqueeze", {sorted, c.graph.integers({-2})});
  const std::string values = c.node("Unsqueeze", {c.in(1, dtype), c.graph.integers({-1})});
  const std::string behind =
      c.node(c.flag("right") ? "Greater" : "GreaterOrEqual", {sorted, values});
  const std::string before = c.cast(c.node("Not", {behind}), kInt64);
  return c.graph.reduce("ReduceSum", before, {c.rank(1)}, false);
}

std::string histc(Call& c) {
  const DType dtype = c.out().dtype();
  const double low = c.number("min"), high = c.number("max");
  if (!(low < high)) c.refuse("a range that does not depend on values");
  const int64_t bins = c.integer("bins");
  const auto number = [&](double value) { return c.scalar(value, dtype); };
  const std::string x = c.node("Reshape", {c.in(0), c.graph.integers({-1, 1})});
  const std::string share = c.node("Div", {c.node("Sub", {x, number(low)}), number(high - low)});
  const std::string at =
      c.node("Floor", {c.node("Mul", {share, number(static_cast<double>(bins))})});
  const std::string bin = c.node("Min", {at, number(static_cast<double>(bins - 1))});
  const std::string within = c.node("And", {c.node("GreaterOrEqual", {x, number(low)}),
                                            c.node("LessOrEqual", {x, number(high)})});
  const std::string is_own = c.node("Equal", {bin, c.graph.constant(arange(bins).to(dtype))});
  return c.graph.reduce("ReduceSum", c.cast(c.node("And", {is_own, within}), dtype), {0}, false);
}

/// The dimensions in order, but for these, which come last.
Shape others(int64_t rank, int64_t a, int64_t b) {
  Shape order;
  for (int64_t i = 0; i < rank; ++i) {
    if (i != a && i != b) order.push_back(i);
  }
  return order;
}

int64_t fixed_size(Call& c, int64_t dim) {
  const Size size = c.sizes(0)[static_cast<std::size_t>(dim)];
  if (size.per_sample != 0) c.refuse("dimensions of one size");
  return size.fixed;
}

/// The rows of matrices side by side, of which those places are picked.
std::string diagonal(Call& c) {
  const int64_t a = c.integer("dim1"), b = c.integer("dim2");
  const int64_t rows = fixed_size(c, a), columns = fixed_size(c, b);
  // Beyond the matrix there is nothing, however far.
  const int64_t offset = std::clamp(c.integer("offset"), -rows, columns);
  Shape order = others(c.rank(0), a, b);
  const Sizes own = c.sizes(0);
  Sizes flat;
  for (const int64_t dim : order) flat.push_back(own[static_cast<std::size_t>(dim)]);
  flat.push_back({rows * columns, 0});
  order.push_back(a), order.push_back(b);
  const int64_t row = std::max<int64_t>(0, -offset), column = std::max<int64_t>(0, offset);
  const int64_t length = std::min(rows - row, columns - column);
  const Tensor places = arange(length) * (columns + 1) + (row * columns + column);
  const std::string x = c.node("Transpose", {c.in(0)}, {{"perm", order}});
  const int64_t last = c.rank(0) - 2;
  std::string y =
      c.node("Gather", {c.reshaped(x, flat), c.graph.constant(places)}, {{"axis", last}});
  if (!c.has_option("place")) return y;
  Shape back;
  for (int64_t i = 0; i < last; ++i) back.push_back(i);
  back.insert(c.integer("place"), last);
  return c.node("Transpose", {y}, {{"perm", back}});
}

/// Picked from the values with a zero behind them.
std::string diag_embed(Call& c) {
  const int64_t a = c.integer("dim1"), b = c.integer("dim2"), offset = c.integer("offset");
  const int64_t rank = c.rank(0), length = fixed_size(c, rank - 1);
  const int64_t side = length + std::abs(offset);
  Tensor places = full({side, side}, length, {.dtype = kInt64});
  places.diagonal(offset).copy_(arange(length));
  Shape pads = Shape::filled(2 * rank, 0);
  pads[2 * rank - 1] = 1;
  const std::string x = c.node("Pad", {c.in(0), c.graph.integers(pads)});
  const std::string y = c.node("Gather", {x, c.graph.constant(places)}, {{"axis", rank - 1}});
  // The matrices stand in the last two dimensions so far.
  Shape order;
  for (int64_t i = 0; i < rank - 1; ++i) order.push_back(i);
  order.insert(std::min(a, b), a < b ? rank - 1 : rank);
  order.insert(std::max(a, b), a < b ? rank : rank - 1);
  return c.node("Transpose", {y}, {{"perm", order}});
}

std::string det(Call& c) { return c.node("Det", {c.in(0)}); }

std::string slogdet(Call& c) {
  const std::string det = c.node("Det", {c.in(0)});
  return c.has_option("sign") ? c.node("Sign", {det}) : c.node("Log", {c.node("Abs", {det})});
}

}  // namespace

Writers order_writers() {
  return {
      {"topk", topk},
      {"kthvalue", kthvalue},
      {"median", median},
      {"searchsorted", searchsorted},
      {"bucketize", searchsorted},
      {"histc", histc},
      {"diagonal", diagonal},
      {"einsum", diagonal},
      {"diag_embed", diag_embed},
      {"linalg.det", det},
      {"linalg.slogdet", slogdet},
  };
}

}  // namespace norma::onnx
