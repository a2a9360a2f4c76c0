// Convolutions, pooling, padding, resizing, and windows as columns.
#include <algorithm>
#include <cmath>

#include "call.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"

namespace norma::onnx {

namespace {

/// `before` of every axis, then `behind`: how ONNX pads.
Shape joined(const Shape& before, const Shape& behind) {
  Shape all = before;
  for (const int64_t size : behind) all.push_back(size);
  return all;
}

/// The sizes of an image or a signal.
Shape space(const Shape& sizes, int64_t axes) {
  Shape own;
  for (int64_t i = sizes.size() - axes; i < sizes.size(); ++i) own.push_back(sizes[i]);
  return own;
}

Shape kernel_of(Call& c) { return space(c.shape(1), c.rank(1) - 2); }

std::string convolution(Call& c) {
  const Shape kernel = kernel_of(c), dilation = c.list("dilation");
  Shape before = c.list("padding"), behind = before;
  if (c.word("padding") == "same") {
    before = behind = kernel;
    for (int64_t i = 0; i < kernel.size(); ++i) {
      const int64_t all = dilation[i] * (kernel[i] - 1);
      before[i] = all / 2, behind[i] = all - all / 2;
    }
  }
  std::vector<std::string> inputs = {c.in(0), c.in(1)};
  if (c.has(2)) inputs.push_back(c.in(2));
  return c.node("Conv", inputs,
                {{"kernel_shape", kernel},
                 {"strides", c.list("stride")},
                 {"pads", joined(before, behind)},
                 {"dilations", dilation},
                 {"group", c.integer("groups")}});
}

std::string transposed_convolution(Call& c) {
  std::vector<std::string> inputs = {c.in(0), c.in(1)};
  if (c.has(2)) inputs.push_back(c.in(2));
  return c.node("ConvTranspose", inputs,
                {{"kernel_shape", kernel_of(c)},
                 {"strides", c.list("stride")},
                 {"pads", joined(c.list("padding"), c.list("padding"))},
                 {"output_padding", c.list("output_padding")},
                 {"dilations", c.list("dilation")},
                 {"group", c.integer("groups")}});
}

/// `write` of [N, C, …], also where the input has no N.
template <class Write>
std::string batched(Call& c, int64_t axes, Write write) {
  if (c.rank(0) == axes + 2) return write(c.in(0));
  const std::string x = c.node("Unsqueeze", {c.in(0), c.graph.integers({0})});
  return c.node("Squeeze", {write(x), c.graph.integers({0})});
}

/// How much more padding behind the input the last window reaches into; with ceil_mode it may
/// begin where the others do not fill the input.
Shape reach_behind(Call& c, const Shape& kernel, const Shape& dilation) {
  const int64_t axes = kernel.size();
  const Shape in = space(c.shape(0), axes), out = space(c.out().sizes(), axes);
  const Shape stride = c.list("stride"), padding = c.list("padding");
  Shape behind = padding;
  for (int64_t i = 0; i < axes; ++i) {
    const int64_t end = (out[i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1;
    behind[i] = std::max(padding[i], end - in[i] - padding[i]);
  }
  return behind;
}

std::string max_pool(Call& c) {
  const Shape kernel = c.list("kernel_size"), dilation = c.list("dilation");
  const DType dtype = c.out().dtype();
  return batched(c, kernel.size(), [&](const std::string& x) {
    const std::string y =
        c.node("MaxPool", {is_floating(dtype) ? x : c.cast(x, kFloat64)},
               {{"kernel_shape", kernel},
                {"strides", c.list("stride")},
                {"pads", joined(c.list("padding"), reach_behind(c, kernel, dilation))},
                {"dilations", dilation}});
    return is_floating(dtype) ? y : c.cast(y, dtype);
  });
}

/// The positions within an image alone.
std::string max_pool_indices(Call& c) {
  const Shape kernel = c.list("kernel_size"), dilation = c.list("dilation");
  const Shape image = space(c.shape(0), 2);
  return batched(c, 2, [&](const std::string& x) {
    const std::string all =
        c.graph.nodes("MaxPool", {x}, 2,
                      {{"kernel_shape", kernel},
                       {"strides", c.list("stride")},
                       {"pads", joined(c.list("padding"), reach_behind(c, kernel, dilation))},
                       {"dilations", dilation}})[1];
    // There they count the whole batch.
    return c.node("Mod", {all, c.graph.integers({image.numel()})});
  });
}

/// Every value in its place among zeros.
std::string max_unpool(Call& c) {
  const Sizes in = c.sizes(0);
  const auto lines = [&](int64_t length) {
    Sizes sizes(in.begin(), in.end() - 2);
    sizes.push_back({length, 0});
    return sizes;
  };
  const int64_t cells = space(c.shape(0), 2).numel(), whole = space(c.out().sizes(), 2).numel();
  const std::string zero = c.scalar(0, c.out().dtype());
  const std::string plane = c.node("Expand", {zero, c.graph.list(lines(whole))});
  return c.reshaped(
      c.node("ScatterElements",
             {plane, c.reshaped(c.in(1), lines(cells)), c.reshaped(c.in(0), lines(cells))},
             {{"axis", c.rank(0) - 2}}));
}

/// Zeros around the last axes.
std::string padded(Call& c, const std::string& x, const Shape& before, const Shape& behind) {
  const Shape none = {0, 0};
  const Shape pads = joined(joined(none, before), joined(none, behind));
  return c.node("Pad", {x, c.graph.integers(pads)});
}

std::string avg_pool(Call& c) {
  const Shape kernel = c.list("kernel_size"), padding = c.list("padding");
  const int64_t axes = kernel.size();
  const Shape ones = Shape::filled(axes, 1);
  const int64_t divisor = c.integer("divisor_override");
  const bool counts = c.flag("count_include_pad") || divisor != 0;
  Shape behind = reach_behind(c, kernel, ones);
  return batched(c, axes, [&](std::string x) {
    Shape pads = joined(padding, behind);
    if (counts) {
      // The padding counts, what ceil_mode adds to it does not; with a divisor all is the same.
      x = padded(c, x, padding, divisor != 0 ? behind : padding);
      for (int64_t i = 0; i < axes; ++i) {
        pads[i] = 0;
        pads[axes + i] = divisor != 0 ? 0 : behind[i] - padding[i];
      }
    }
    std::string mean =
        c.node("AveragePool", {x},
               {{"kernel_shape", kernel}, {"strides", c.list("stride")}, {"pads", pads}});
    if (divisor == 0) return mean;
    const double factor = static_cast<double>(kernel.numel()) / static_cast<double>(divisor);
    return c.node("Mul", {mean, c.scalar(factor, c.out().dtype())});
  });
}

/// Where window i of `out` begins and ends in `in` cells.
std::pair<int64_t, int64_t> window(int64_t i, int64_t in, int64_t out) {
  return {i * in / out, ((i + 1) * in + out - 1) / out};
}

/// [out, in]: each row the mean over its window.
Tensor averaging(int64_t in, int64_t out, DType dtype) {
  Tensor matrix = zeros({out, in}, {.dtype = dtype});
  for (int64_t i = 0; i < out; ++i) {
    const auto [begin, end] = window(i, in, out);
    matrix.select(0, i).narrow(0, begin, end - begin).fill_(1 / static_cast<double>(end - begin));
  }
  return matrix;
}

/// The windows are all alike where the input's size is a multiple of the result's.
std::string adaptive_pool(Call& c, bool is_max) {
  const Shape to = c.list("output_size");
  const int64_t axes = to.size();
  const Shape in = space(c.shape(0), axes);
  Shape kernel = in;
  bool even = true;
  for (int64_t i = 0; i < axes; ++i) even &= in[i] % to[i] == 0, kernel[i] = in[i] / to[i];
  return batched(c, axes, [&](std::string x) -> std::string {
    if (to.numel() == 1) return c.node(is_max ? "GlobalMaxPool" : "GlobalAveragePool", {x});
    if (even) {
      return c.node(is_max ? "MaxPool" : "AveragePool", {x},
                    {{"kernel_shape", kernel}, {"strides", kernel}});
    }
    if (!is_max) {
      const DType dtype = c.out().dtype();
      x = c.node("MatMul", {x, c.graph.constant(averaging(in.back(), to.back(), dtype).t())});
      if (axes == 1) return x;
      return c.node("MatMul", {c.graph.constant(averaging(in[0], to[0], dtype)), x});
    }
    for (int64_t axis = 0; axis < axes; ++axis) {
      std::vector<std::string> parts;
      for (int64_t i = 0; i < to[axis]; ++i) {
        const auto [begin, end] = window(i, in[axis], to[axis]);
        const std::string part = c.node(
            "Slice",
            {x, c.graph.integers({begin}), c.graph.integers({end}), c.graph.integers({axis + 2})});
        parts.push_back(c.graph.reduce("ReduceMax", part, {axis + 2}, true));
      }
      x = c.node("Concat", parts, {{"axis", axis + 2}});
    }
    return x;
  });
}

std::string pad(Call& c) {
  const Shape sizes = c.list("pad");
  const std::string mode = c.word("mode");
  const int64_t rank = c.rank(0);
  Shape before = Shape::filled(rank, 0), behind = before;
  for (int64_t i = 0; i + 1 < sizes.size(); i += 2) {
    before[rank - 1 - i / 2] = sizes[i];
    behind[rank - 1 - i / 2] = sizes[i + 1];
  }
  if (mode != "circular") {
    std::vector<std::string> inputs = {c.in(0), c.graph.integers(joined(before, behind))};
    if (mode == "constant") inputs.push_back(c.option_scalar("value", c.out().dtype()));
    return c.node("Pad", inputs, {{"mode", mode == "replicate" ? "edge" : mode}});
  }
  std::string x = c.in(0);
  for (int64_t d = 0; d < rank; ++d) {
    if (before[d] + behind[d] == 0) continue;
    const int64_t length = c.shape(0)[d];
    const auto part = [&](int64_t begin, int64_t end) {
      return c.node("Slice",
                    {x, c.graph.integers({begin}), c.graph.integers({end}), c.graph.integers({d})});
    };
    std::vector<std::string> parts;
    if (before[d] > 0) parts.push_back(part(length - before[d], length));
    parts.push_back(x);
    if (behind[d] > 0) parts.push_back(part(0, behind[d]));
    x = c.node("Concat", parts, {{"axis", d}});
  }
  return x;
}

std::string interpolate(Call& c) {
  const std::string mode = c.word("mode");
  const bool align = c.flag("align_corners"), is_signal = c.rank(0) == 3;
  const Sizes in = c.sizes(0), out = c.out_sizes();
  // A signal as an image of height 1, which every runtime resizes.
  const std::string x = is_signal ? c.node("Unsqueeze", {c.in(0), c.graph.integers({2})}) : c.in(0);
  const bool by_factor = c.number("scales_w") != 0;
  std::vector<std::string> inputs = {x, "", ""};
  if (by_factor && !align) {
    const double high = is_signal ? 1 : c.number("scales_h");
    inputs[2] = c.graph.constant(norma::tensor(
        {1.0F, 1.0F, static_cast<float>(high), static_cast<float>(c.number("scales_w"))}));
  } else {
    Sizes sizes = out;
    if (is_signal) sizes.insert(sizes.begin() + 2, Size{1, 0});
    inputs.push_back(c.graph.list(sizes));
  }
  const bool nearest = mode.starts_with("nearest");
  const std::string where = align               ? "align_corners"
                            : mode == "nearest" ? "asymmetric"
                                                : "half_pixel";
  const std::string how = nearest ? "nearest" : mode == "bicubic" ? "cubic" : "linear";
  const std::string y = c.node("Resize", inputs,
                               {{"mode", how},
                                {"coordinate_transformation_mode", where},
                                {"nearest_mode", mode == "nearest" ? "floor" : "round_prefer_ceil"},
                                {"cubic_coeff_a", -0.75}});
  return is_signal ? c.node("Squeeze", {y, c.graph.integers({2})}) : y;
}

/// One kernel for each of its cells, which picks that cell, for each of `channels`.
Tensor picking(int64_t channels, const Shape& kernel, DType dtype) {
  const int64_t cells = kernel.numel();
  const Tensor one = eye(cells, {.dtype = dtype}).reshape({cells, 1, kernel[0], kernel[1]});
  return cat(std::vector<Tensor>(static_cast<std::size_t>(channels), one));
}

/// Windows along one dimension, whose cells come last.
std::string windows(Call& c) {
  const int64_t dim = c.integer("dimension"), size = c.integer("size"), step = c.integer("step");
  const int64_t rank = c.rank(0);
  if (rank == 0) return c.reshaped(c.in(0));
  if (c.sizes(0)[static_cast<std::size_t>(dim)].per_sample != 0)
    c.refuse("a dimension of one size");
  const Tensor starts = arange((c.shape(0)[dim] - size) / step + 1) * step;
  const Tensor cells = starts.unsqueeze(1) + arange(size);
  const std::string y = c.node("Gather", {c.in(0), c.graph.constant(cells)}, {{"axis", dim}});
  Shape order;
  for (int64_t i = 0; i <= rank; ++i) {
    if (i != dim + 1) order.push_back(i);
  }
  order.push_back(dim + 1);
  return c.node("Transpose", {y}, {{"perm", order}});
}

std::string unfold(Call& c) {
  if (c.has_option("dimension")) return windows(c);
  const Shape kernel = c.list("kernel_size"), padding = c.list("padding");
  const int64_t channels = c.shape(0)[1];
  return c.reshaped(c.node("Conv",
                           {c.in(0), c.graph.constant(picking(channels, kernel, c.out().dtype()))},
                           {{"kernel_shape", kernel},
                            {"strides", c.list("stride")},
                            {"pads", joined(padding, padding)},
                            {"dilations", c.list("dilation")},
                            {"group", channels}}));
}

std::string fold(Call& c) {
  const Shape kernel = c.list("kernel_size"), padding = c.list("padding");
  const Shape stride = c.list("stride"), dilation = c.list("dilation"), to = c.list("output_size");
  const int64_t channels = c.out().size(1);
  Shape windows = kernel, rest = kernel;
  for (int64_t i = 0; i < 2; ++i) {
    const int64_t room = to[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1;
    windows[i] = room / stride[i] + 1, rest[i] = room % stride[i];
  }
  Sizes images = {c.sizes(0)[0], c.sizes(0)[1], Size{windows[0], 0}, Size{windows[1], 0}};
  return c.node(
      "ConvTranspose",
      {c.reshaped(c.in(0), images), c.graph.constant(picking(channels, kernel, c.out().dtype()))},
      {{"kernel_shape", kernel},
       {"strides", stride},
       {"pads", joined(padding, padding)},
       {"output_padding", rest},
       {"dilations", dilation},
       {"group", channels}});
}

}  // namespace

Writers window_writers() {
  const Writer average = [](Call& c) { return adaptive_pool(c, false); };
  const Writer most = [](Call& c) { return adaptive_pool(c, true); };
  return {
      {"conv1d", convolution},
      {"conv2d", convolution},
      {"conv_transpose1d", transposed_convolution},
      {"conv_transpose2d", transposed_convolution},
      {"max_pool1d", max_pool},
      {"max_pool2d", max_pool},
      {"max_pool2d_with_indices", max_pool},
      {"max_pool2d_indices", max_pool_indices},
      {"max_unpool2d", max_unpool},
      {"avg_pool1d", avg_pool},
      {"avg_pool2d", avg_pool},
      {"lp_pool2d", avg_pool},
      {"adaptive_avg_pool1d", average},
      {"adaptive_avg_pool2d", average},
      {"adaptive_max_pool1d", most},
      {"adaptive_max_pool2d", most},
      {"pad", pad},
      {"pad1d", pad},
      {"pad2d", pad},
      {"interpolate", interpolate},
      {"unfold", unfold},
      {"fold", fold},
  };
}

}  // namespace norma::onnx
