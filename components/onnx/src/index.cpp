// Elements picked by an index, which is the second input.
#include <cmath>

#include "call.h"
#include "norma/core/factory.h"

namespace norma::onnx {

namespace {

std::string index_select(Call& c) {
  return c.node("Gather", {c.in(0), c.in(1, kInt64)}, {{"axis", c.integer("dim")}});
}

std::string gather(Call& c) {
  if (c.rank(0) == 0) return c.in(0);
  return c.node("GatherElements", {c.in(0), c.in(1, kInt64)}, {{"axis", c.integer("dim")}});
}

std::string embedding(Call& c) {
  std::string rows = c.node("Gather", {c.in(0), c.in(1, kInt64)}, {{"axis", int64_t{0}}});
  const double most = c.number("max_norm");
  if (std::isinf(most)) return rows;
  const DType dtype = c.out().dtype();
  const std::string norm = norm_of(c, rows, c.number("norm_type"), {c.out().dim() - 1}, true);
  const std::string limit = c.scalar(most, dtype);
  const std::string factor = c.node("Div", {limit, c.node("Add", {norm, c.scalar(1e-7, dtype)})});
  const std::string is_long = c.node("Greater", {norm, limit});
  return c.node("Mul", {rows, c.node("Where", {is_long, factor, c.scalar(1, dtype)})});
}

std::string take(Call& c) {
  const std::string flat = c.node("Reshape", {c.in(0), c.graph.integers({-1})});
  return c.node("Gather", {flat, c.in(1, kInt64)}, {{"axis", int64_t{0}}});
}

/// The index counts the elements of several dimensions side by side, which become one first.
std::string index(Call& c) {
  const int64_t first = c.integer("first_dim"), end = c.integer("end_dim");
  const Sizes own = c.sizes(0);
  Sizes sizes(own.begin(), own.begin() + first);
  Size length{1, 0};
  for (int64_t d = first; d < end; ++d) {
    const Size size = own[static_cast<std::size_t>(d)];
    if (length.per_sample != 0 && size.per_sample != 0)
      c.refuse("one indexed dimension that grows");
    length = length.times(size);
  }
  sizes.push_back(length);
  sizes.insert(sizes.end(), own.begin() + end, own.end());
  const std::string x = end - first == 1 ? c.in(0) : c.reshaped(c.in(0), sizes);
  return c.node("Gather", {x, c.in(1, kInt64)}, {{"axis", first}});
}

/// 1 where the class is the place's number.
std::string one_hot(Call& c) {
  const int64_t classes = c.integer("num_classes");
  if (classes < 1) c.refuse("a number of classes");
  const std::string places = c.graph.constant(arange(classes));
  const std::string x = c.node("Unsqueeze", {c.in(0), c.graph.integers({-1})});
  return c.cast(c.node("Equal", {x, places}), kInt64);
}

}  // namespace

Writers index_writers() {
  return {
      {"index_select", index_select}, {"gather", gather}, {"take_along_dim", gather},
      {"embedding", embedding},       {"take", take},     {"index", index},
      {"one_hot", one_hot},
  };
}

}  // namespace norma::onnx
