// Normalisation and products of matrices.
#include "call.h"
#include "norma/core/factory.h"

namespace norma::onnx {

namespace {

/// Input i, or as many of `value` as the sizes say where it is absent.
std::string or_filled(Call& c, int i, const Shape& sizes, double value) {
  return c.has(i) ? c.in(i) : c.graph.constant(full(sizes, value, {.dtype = c.out().dtype()}));
}

/// Of channels, as they stand in an input: [C, 1, …].
std::string by_channel(Call& c, int i) {
  Sizes sizes(static_cast<std::size_t>(c.rank(0) - 1), Size{1, 0});
  sizes[0] = {c.shape(0)[1], 0};
  return c.reshaped(c.in(i), sizes);
}

/// y · weight + bias, inputs 1 and 2, where they are there.
std::string with_parameters(Call& c, std::string y) {
  if (c.has(1)) y = c.node("Mul", {y, by_channel(c, 1)});
  return c.has(2) ? c.node("Add", {y, by_channel(c, 2)}) : y;
}

/// By the statistics of the batch itself, for a layer that keeps none.
std::string batch_statistics(Call& c) {
  Shape dims = {0};
  for (int64_t i = 2; i < c.rank(0); ++i) dims.push_back(i);
  const std::string x = c.in(0);
  const std::string apart = c.node("Sub", {x, c.graph.reduce("ReduceMean", x, dims, true)});
  const std::string variance =
      c.graph.reduce("ReduceMean", c.node("Mul", {apart, apart}), dims, true);
  const std::string eps = c.option_scalar("eps", c.out().dtype());
  const std::string deviation = c.node("Sqrt", {c.node("Add", {variance, eps})});
  return with_parameters(c, c.node("Div", {apart, deviation}));
}

std::string batch_norm(Call& c) {
  if (c.flag("training")) return batch_statistics(c);
  const Shape channels{c.shape(0)[1]};
  return c.node(
      "BatchNormalization",
      {c.in(0), or_filled(c, 1, channels, 1), or_filled(c, 2, channels, 0), c.in(3), c.in(4)},
      {{"epsilon", c.number("eps")}});
}

std::string layer_norm(Call& c) {
  const Shape sizes = c.list("normalized_shape");
  std::vector<std::string> inputs = {c.in(0), or_filled(c, 1, sizes, 1)};
  if (c.has(2)) inputs.push_back(c.in(2));
  return c.node("LayerNormalization", inputs,
                {{"axis", c.rank(0) - sizes.size()}, {"epsilon", c.number("eps")}});
}

/// Every group as the one channel of an instance.
std::string group_norm(Call& c) {
  const int64_t groups = c.integer("num_groups");
  const Shape per_group{groups};
  const Shape& sizes = c.shape(0);
  const Sizes in = c.sizes(0);
  for (std::size_t i = 1; i < in.size(); ++i) {
    if (in[i].per_sample != 0) c.refuse("channels and cells of one number");
  }
  const int64_t cells = sizes.numel() / sizes[0] / groups;
  const DType dtype = c.out().dtype();
  const std::string y = c.node("InstanceNormalization",
                               {c.reshaped(c.in(0), {in[0], {groups, 0}, {cells, 0}}),
                                c.graph.constant(ones(per_group, {.dtype = dtype})),
                                c.graph.constant(zeros(per_group, {.dtype = dtype}))},
                               {{"epsilon", c.number("eps")}});
  return with_parameters(c, c.reshaped(y));
}

std::string linear(Call& c) {
  if (c.rank(0) == 2) {
    std::vector<std::string> inputs = {c.in(0), c.in(1)};
    if (c.has(2)) inputs.push_back(c.in(2));
    return c.node("Gemm", inputs, {{"transB", int64_t{1}}});
  }
  const std::string weight = c.node("Transpose", {c.in(1)}, {{"perm", Shape{1, 0}}});
  const std::string y = c.node("MatMul", {c.in(0), weight});
  return c.has(2) ? c.node("Add", {y, c.in(2)}) : y;
}

/// The distances of all pairs of rows.
std::string cdist(Call& c) {
  const DType dtype = c.out().dtype();
  const double p = c.number("p");
  const std::string a = c.in(0), b = c.in(1), last = c.graph.integers({-1});
  if (c.word("compute_mode") == "use_mm_for_euclid_dist") {
    Shape turned;
    for (int64_t i = 0; i < c.rank(1); ++i) turned.push_back(i);
    std::swap(turned[c.rank(1) - 1], turned[c.rank(1) - 2]);
    const auto transposed = [&](const std::string& x) {
      return c.node("Transpose", {x}, {{"perm", turned}});
    };
    const auto squares = [&](const std::string& x) {
      return c.graph.reduce("ReduceSumSquare", x, {-1}, true);
    };
    const std::string sum = c.node("Add", {squares(a), transposed(squares(b))});
    const std::string product = c.node("MatMul", {a, transposed(b)});
    const std::string rest = c.node("Sub", {sum, c.node("Mul", {product, c.scalar(2, dtype)})});
    return c.node("Sqrt", {c.node("Max", {rest, c.scalar(0, dtype)})});
  }
  const std::string apart = c.node("Sub", {c.node("Unsqueeze", {a, c.graph.integers({-2})}),
                                           c.node("Unsqueeze", {b, c.graph.integers({-3})})});
  return norm_of(c, apart, p, {-1}, false);
}

}  // namespace

Writers norm_writers() {
  return {
      {"batch_norm", batch_norm},
      {"layer_norm", layer_norm},
      {"group_norm", group_norm},
      {"instance_norm", group_norm},
      {"linear", linear},
      {"cdist", cdist},
      {"matmul",
       [](Call& c) {
         return c.node("MatMul", {c.in(0), c.in(1)});
       }},
  };
}

}  // namespace norma::onnx
