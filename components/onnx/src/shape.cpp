// Views, copies, joins, and the order of elements.
#include <limits>
#include <numeric>

#include "call.h"
#include "norma/core/factory.h"

namespace norma::onnx {

namespace {

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

std::string transpose(Call& c) {
  Shape order;
  for (int64_t i = 0; i < c.rank(0); ++i) order.push_back(i);
  if (order.empty()) return c.in(0);
  std::swap(order[c.integer("dim0")], order[c.integer("dim1")]);
  return c.node("Transpose", {c.in(0)}, {{"perm", order}});
}

std::string permute(Call& c) {
  const Shape order = c.list("dims").empty() ? Shape() : c.dims("dims");
  return c.node("Transpose", {c.in(0)}, {{"perm", order}});
}

std::string slice(Call& c) {
  const int64_t dim = c.integer("dim");
  const Size end = c.size("end"), whole = c.sizes(0)[static_cast<std::size_t>(dim)];
  // What ends where the tensor does, does so for every length.
  const std::string last = end == whole ? c.graph.integers({kEnd}) : c.graph.list({end});
  return c.node("Slice", {c.in(0), c.graph.list({c.size("start")}), last, c.graph.integers({dim}),
                          c.graph.integers({c.integer("step")})});
}

std::string select(Call& c) {
  const std::string at =
      c.node("Squeeze", {c.graph.list({c.size("index")}), c.graph.integers({0})});
  return c.node("Gather", {c.in(0), at}, {{"axis", c.integer("dim")}});
}

std::string expand(Call& c) { return c.node("Expand", {c.in(0), c.graph.list(c.out_sizes())}); }

std::string cat(Call& c) {
  std::vector<std::string> parts;
  for (int i = 0; i < c.count(); ++i) {
    if (c.tensor(i).numel() > 0) parts.push_back(c.in(i, c.out().dtype()));
  }
  return c.node("Concat", parts, {{"axis", c.integer("dim")}});
}

std::string flip(Call& c) {
  const Shape dims = c.list("dims");
  if (dims.empty()) return c.in(0);
  const Shape last = Shape::filled(dims.size(), -1), before = Shape::filled(dims.size(), -kEnd);
  return c.node("Slice", {c.in(0), c.graph.integers(last), c.graph.integers(before),
                          c.graph.integers(dims), c.graph.integers(last)});
}

Writer triangle(bool upper) {
  return [upper](Call& c) {
    const std::string diagonal = c.graph.constant(norma::tensor(c.integer("diagonal")));
    return c.node("Trilu", {c.in(0), diagonal}, {{"upper", int64_t{upper}}});
  };
}

std::string as_is(Call& c) { return c.in(0); }
std::string reshape(Call& c) { return c.reshaped(c.in(0)); }

}  // namespace

Writers shape_writers() {
  return {
      {"view", reshape},        {"reshape", reshape},
      {"squeeze", reshape},     {"unsqueeze", reshape},
      {"transpose", transpose}, {"permute", permute},
      {"slice", slice},         {"select", select},
      {"expand", expand},       {"cat", cat},
      {"flip", flip},           {"tril", triangle(false)},
      {"triu", triangle(true)}, {"clone", as_is},
      {"detach", as_is},        {"to", [](Call& c) { return c.in(0, c.out().dtype()); }},
  };
}

}  // namespace norma::onnx
