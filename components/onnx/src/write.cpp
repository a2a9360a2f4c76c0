// Elements written at an index, and regions of a tensor changed in place.
#include <limits>

#include "call.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/shape.h"

namespace norma::onnx {

namespace {

/// The product of sizes, of which at most one grows.
Size product(Call& c, const Sizes& sizes) {
  Size all{1, 0};
  for (const Size& size : sizes) {
    if (all.per_sample != 0 && size.per_sample != 0)
      c.refuse("one dimension of an index that grows");
    all = all.times(size);
  }
  return all;
}

/// ScatterElements; bools and bytes are added up as integers.
std::string scatter(Call& c, const std::string& x, const std::string& index,
                    const std::string& values, int64_t dim, const std::string& reduction) {
  if ((reduction == "max" || reduction == "min") && c.graph.opset() < 18) {
    fail(kOp, "expected an opset from 18 to 20 for \"amax\" and \"amin\", got ", c.graph.opset(),
         " in ", c.place(), "; set .opset = 18");
  }
  const DType dtype = c.out().dtype();
  const auto write = [&](const std::string& to, const std::string& from) {
    return c.node("ScatterElements", {to, index, from}, {{"axis", dim}, {"reduction", reduction}});
  };
  if (reduction == "none" || (dtype != kBool && dtype != kUInt8)) return write(x, values);
  return c.cast(write(c.cast(x, kInt32), c.cast(values, kInt32)), dtype);
}

std::string expanded(Call& c, const std::string& x, const Sizes& from, const Sizes& to) {
  return from == to ? x : c.node("Expand", {x, c.graph.list(to)});
}

/// The number that no extremum is.
Scalar neutral(DType dtype, const std::string& reduction) {
  if (reduction == "mul") return 1;
  const bool largest = reduction == "max";
  if (is_floating(dtype)) {
    const double infinity = std::numeric_limits<double>::infinity();
    return largest ? -infinity : infinity;
  }
  if (dtype == kUInt8) return largest ? 0 : 255;
  if (dtype == kInt64) return largest ? INT64_MIN : INT64_MAX;
  return largest ? int64_t{INT32_MIN} : int64_t{INT32_MAX};
}

/// The index is as large as the values: as gather takes them.
std::string scattered(Call& c) {
  const DType dtype = c.out().dtype();
  const bool is_number = c.rank(0) == 0;
  const Sizes one = {{1, 0}}, sizes = is_number ? one : c.sizes(2);
  const auto line = [&](const std::string& x) { return is_number ? c.reshaped(x, one) : x; };
  const std::string index = line(c.in(2, kInt64)), reduction = c.word("reduce");
  const int64_t dim = c.integer("dim");
  std::string x = line(c.in(0, dtype));
  if (c.has_option("include_self") && !c.flag("include_self")) {
    const Tensor number = full({}, neutral(dtype, reduction), {.dtype = dtype});
    const std::string none = c.node("Expand", {c.graph.constant(number), c.graph.list(sizes)});
    x = scatter(c, x, index, none, dim, "none");
  }
  const std::string values = expanded(c, line(c.in(1, dtype)), is_number ? one : c.sizes(1), sizes);
  return c.reshaped(scatter(c, x, index, values, dim, reduction));
}

/// The index is one of positions in the middle of [outer, length, inner].
std::string written(Call& c) {
  if (c.tensor(2).numel() == 0) return c.in(0);
  if (c.integer("dim") >= 0) return scattered(c);
  const DType dtype = c.out().dtype();
  const Size outer = c.size("outer"), inner = c.size("inner"), count = product(c, c.sizes(2));
  const Sizes places = {outer, count, inner};
  const std::string x = c.reshaped(c.in(0, dtype), {outer, c.size("length"), inner});
  const std::string row = c.reshaped(c.in(2, kInt64), {{1, 0}, count, {1, 0}});
  const std::string index = expanded(c, row, {{1, 0}, count, {1, 0}}, places);
  const std::string values = expanded(c, c.in(1, dtype), c.sizes(1), c.sizes("size"));
  return c.reshaped(scatter(c, x, index, c.reshaped(values, places), 1, c.word("reduce")));
}

/// The source's elements one after the other where the mask is set.
std::string masked_scatter(Call& c) {
  const std::string whole = c.graph.list(c.out_sizes()), flat = c.graph.integers({-1});
  const std::string zero = c.graph.integers({0});
  const std::string mask = c.node("Expand", {c.in(1), whole});
  const std::string bits = c.cast(c.node("Reshape", {mask, flat}), kInt64);
  const std::string counted = c.node("CumSum", {bits, c.scalar(0, kInt64)});
  const std::string before = c.node("Sub", {counted, c.graph.integers({1})});
  const std::string source = c.node("Reshape", {c.in(2), flat});
  const std::string picked = c.node("Gather", {source, c.node("Max", {before, zero})});
  return c.node("Where", {mask, c.reshaped(picked), c.in(0)});
}

std::string copied(Call& c) {
  return expanded(c, c.in(1, c.out().dtype()), c.sizes(1), c.out_sizes());
}

std::string filled(Call& c) {
  return c.node("Expand", {c.option_scalar("value", c.out().dtype()), c.graph.list(c.out_sizes())});
}

/// The places of a view's elements in its base, which lies row by row in memory.
std::string places(Call& c) {
  for (std::size_t run = 0; run < c.runs(); ++run) {
    const Shape &sizes = c.shape(run, 0), layout = c.list(run, "layout");
    const Shape rows = contiguous_strides(sizes);
    for (int64_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] != 1 && layout[i] != rows[i]) c.refuse("a part of a tensor in row-major order");
    }
  }
  const Sizes sizes = c.sizes("size"), strides = c.sizes("stride");
  const Size offset = c.size("offset");
  const int64_t rank = static_cast<int64_t>(sizes.size());
  if (is_fixed(sizes) && is_fixed(strides) && is_fixed({offset})) {
    Tensor all = full(Shape::filled(rank, 1), offset.fixed, {.dtype = kInt64});
    for (int64_t i = 0; i < rank; ++i) {
      Shape along = Shape::filled(rank, 1);
      along[i] = -1;
      const auto at = static_cast<std::size_t>(i);
      all = all + (arange(sizes[at].fixed) * strides[at].fixed).reshape(along);
    }
    return c.graph.constant(all);
  }
  const auto number = [&](const Size& size) {
    return c.node("Squeeze", {c.graph.list({size}), c.graph.integers({0})});
  };
  std::string all = c.graph.list({offset});
  for (int64_t i = 0; i < rank; ++i) {
    const auto at = static_cast<std::size_t>(i);
    std::string steps = c.node("Range", {number({0, 0}), number(sizes[at]), number({1, 0})});
    steps = c.node("Mul", {steps, c.graph.list({strides[at]})});
    Shape behind;
    for (int64_t k = i + 1; k < rank; ++k) behind.push_back(k - i);
    if (!behind.empty()) steps = c.node("Unsqueeze", {steps, c.graph.integers(behind)});
    all = c.node("Add", {all, steps});
  }
  return all;
}

std::string region(Call& c) {
  const std::string flat = c.node("Reshape", {c.in(0), c.graph.integers({-1})});
  return c.reshaped(c.node("Gather", {flat, places(c)}));
}

std::string replaced_region(Call& c) {
  const std::string flat = c.graph.integers({-1});
  const std::string index = c.node("Reshape", {places(c), flat});
  const std::string values = c.node("Reshape", {c.in(1), flat});
  const std::string x = c.node("Reshape", {c.in(0), flat});
  return c.reshaped(scatter(c, x, index, values, 0, "none"));
}

}  // namespace

Writers write_writers() {
  Writers all = {
      {"masked_scatter", masked_scatter},
      {"copy_", copied},
      {"assign", copied},
      {"fill_", filled},
      {"region_of", region},
      {"as_strided", region},
      {"replace_region", replaced_region},
  };
  for (const char* op : {"scatter", "scatter_", "scatter_add", "scatter_add_", "scatter_reduce",
                         "index_add", "index_add_", "index_copy", "index_copy_", "index_fill",
                         "index_fill_", "index_put_", "put", "put_"}) {
    all.emplace_back(
        op, [](Call& c) { return c.has_option("include_self") ? scattered(c) : written(c); });
  }
  return all;
}

}  // namespace norma::onnx
