// Indexing: families/indexing.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

using norma::TensorIndex;

/// `next`: the first input that is an index tensor.
std::vector<TensorIndex> indices_of(const Json& described, const Tensors& x, std::size_t next) {
  std::vector<TensorIndex> out;
  for (const Json& index : described) {
    const auto kind = index.at(0).get<std::string>();
    const auto end = [&](std::size_t i) {
      return index.at(i).is_null() ? std::nullopt : std::optional(index.at(i).get<int64_t>());
    };
    if (kind == "slice") {
      out.emplace_back(norma::Slice(end(1), end(2), end(3)));
    } else if (kind == "number") {
      out.emplace_back(index.at(1).get<int64_t>());
    } else if (kind == "flag") {
      out.emplace_back(index.at(1).get<bool>());
    } else if (kind == "list") {
      out.emplace_back(index.at(1).get<std::vector<int64_t>>());
    } else if (kind == "none") {
      out.emplace_back(norma::None);
    } else if (kind == "dots") {
      out.emplace_back(norma::Ellipsis);
    } else {
      out.emplace_back(x.at(next++));
    }
  }
  return out;
}

Tensors index(const Tensors& x, const Json& options) {
  return {x[0].index(indices_of(options.at("indices"), x, 1))};
}

Tensors index_put(const Tensors& x, const Json& options) {
  const auto indices = indices_of(options.at("indices"), x, 2);
  const auto form = options.at("form").get<std::string>();
  Tensor y = x[0] * 2;
  if (form == "number") {
    y.index(indices) = options.at("value").get<double>();
  } else if (form == "plus") {
    y.index(indices) += x[1];
  } else if (form == "assign") {
    y.index(indices) = x[1];
  } else {
    y.index_put_(indices, x[1], form == "accumulate");
  }
  return {y, y * y};
}

Tensors scatter(const Tensors& x, const Json& options) {
  const auto form = options.at("form").get<std::string>();
  const auto dim = options.at("dim").get<int64_t>();
  if (form == "number") return {x[0].scatter(dim, x[2], options.at("value").get<double>())};
  if (form == "put") return {x[0].scatter(dim, x[2], x[1])};
  if (form == "add") return {x[0].scatter_add(dim, x[2], x[1])};
  if (form == "reduce_add") return {x[0].scatter(dim, x[2], x[1], "add")};
  return {x[0].scatter_reduce(dim, x[2], x[1], form, options.at("include_self").get<bool>())};
}

Tensors scatter_multiply(const Tensors& x, const Json& options) {
  const auto dim = options.at("dim").get<int64_t>();
  return {x[0].scatter(dim, x[2], x[1], "multiply"), x[0].scatter(dim, x[2], 3, "multiply")};
}

Tensors index_rows(const Tensors& x, const Json& options) {
  const auto form = options.at("form").get<std::string>();
  const auto dim = options.at("dim").get<int64_t>();
  const auto alpha = options.at("alpha").get<double>();
  Tensor y = x[0] * 2;
  if (form == "add") return {y.index_add(dim, x[2], x[1], alpha)};
  if (form == "copy") return {y.index_copy_(dim, x[2], x[1])};
  return {form == "fill" ? y.index_fill(dim, x[2], alpha) : y.index_fill_(dim, x[2], x[1])};
}

Tensors positions(const Tensors& x, const Json&) {
  Tensors out = norma::where(x[0]);
  out.insert(out.begin(), {x[0].nonzero(), x[0].argwhere()});
  return out;
}

Tensors masked(const Tensors& x, const Json& options) {
  const auto form = options.at("form").get<std::string>();
  if (form == "select") return {x[0].masked_select(x[2])};
  if (form == "scatter") return {x[0].masked_scatter(x[2], x[1])};
  return {(x[0] * 2).masked_scatter_(x[2], x[1])};
}

Tensors take(const Tensors& x, const Json& options) {
  const auto form = options.at("form").get<std::string>();
  if (form == "take") return {x[0].take(x[2])};
  if (form == "along") return {x[0].take_along_dim(x[2], options.at("dim").get<int64_t>())};
  if (form == "along_flat") return {x[0].take_along_dim(x[2])};
  return {x[0].put(x[2], x[1], form == "accumulate")};
}

Tensors no_dimensions(const Tensors& x, const Json&) {
  const Tensor a = x[0], b = x[1], zero = x[2], row = x[3];
  return {a.gather(0, zero),      a.index_select(0, row),
          a.scatter(0, zero, b),  a.scatter_add(0, zero, b),
          a.take(zero),           a.index_fill(0, row, 2.5),
          a.index({norma::None}), a.index({norma::Ellipsis}),
          a.index({true}),        a.index_copy(0, row, b)};
}

const Family family("indexing", {{"index", index},
                                 {"index_whole", index},
                                 {"index_put", index_put},
                                 {"scatter", scatter},
                                 {"scatter_multiply", scatter_multiply},
                                 {"index_rows", index_rows},
                                 {"positions", positions},
                                 {"masked", masked},
                                 {"take", take},
                                 {"no_dimensions", no_dimensions}});

}  // namespace
}  // namespace parity
