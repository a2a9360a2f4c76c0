#include <algorithm>
#include <string_view>

#include "norma/autograd/conv_maps.h"
#include "norma/autograd/functional.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/conv/conv.h"
#include "norma/core/tensor_impl.h"

namespace norma {

std::string Pair::str() const { return text('(', h, ", ", w, ')'); }

namespace {

// PyTorch's words for a padding, as literals.
const char* checked_word(const char* op, const char* numbers, const char* word) {
  const std::string_view given = word ? word : "";
  if (given != "same" && given != "valid") {
    fail(op, "Invalid padding string '", given, "', expected ", numbers, ", \"valid\" or \"same\"");
  }
  return given == "same" ? "same" : "valid";
}

}  // namespace

Padding::Padding(const char* word)
    : size_(0), word_(checked_word("conv2d", "a number, {height, width}", word)) {}

std::string Padding::str() const { return word_[0] ? word_ : size_.str(); }

Padding1d::Padding1d(const char* word)
    : size_(0), word_(checked_word("conv1d", "a number", word)) {}

std::string Padding1d::str() const { return word_[0] ? word_ : text('(', size_, ",)"); }

namespace functional {
namespace {

using autograd::as_option;
using autograd::bilinear;
using autograd::check_floating;
using autograd::data_or_null;
using autograd::InputGrads;
using autograd::Option;
using autograd::record;
using autograd::Saved;
using autograd::sum_channels;
using autograd::Third;
using kernels::Conv2dShape;

bool any_below(int64_t value, int64_t low) { return value < low; }
bool any_below(Pair value, int64_t low) { return value.h < low || value.w < low; }
std::string tuple(int64_t value) { return text('(', value, ",)"); }
std::string tuple(Pair value) { return value.str(); }

template <class Options>
void check_options(const char* op, const Options& o) {
  if (o.groups < 1) {
    fail(op, "groups must be a positive integer, got ", o.groups);
  }
  if (any_below(o.stride, 1)) {
    fail(op, "non-positive stride is not supported, got stride=", tuple(o.stride));
  }
  if (any_below(o.dilation, 1)) {
    fail(op, "non-positive dilation is not supported, got dilation=", tuple(o.dilation));
  }
  if (any_below(o.padding.size(), 0)) {
    fail(op, "negative padding is not supported, got padding=", o.padding);
  }
  if (o.padding.is_same() && o.stride != 1) {
    fail(op,
         "padding='same' is not supported for strided convolutions, got stride=", tuple(o.stride));
  }
}

// What helps against channels in another place than PyTorch's; `expected` of them.
std::string layout_hint(int64_t axes, const Shape& x, int64_t expected) {
  const bool batched = x.size() == axes + 2;
  if (x.back() == expected) {
    const char* move = axes == 1 ? (batched ? "transpose(1, 2)" : "transpose(0, 1)")
                                 : (batched ? "permute({0, 3, 1, 2})" : "permute({2, 0, 1})");
    return text("; its last axis has ", expected, ": pass x.", move);
  }
  if (batched || expected != 1) return "";
  return text("; an input without a batch is ", axes == 1 ? "[C, L]" : "[C, H, W]",
              ": x.unsqueeze(1) makes samples of one channel of it");
}

// `axes`: 1 or 2 dimensions that the kernel slides along.
void check_tensors(const char* op, int64_t axes, const Tensor& input, const Tensor& weight,
                   const Tensor& bias, int64_t groups) {
  const TensorImpl* x = defined_impl(input, op);
  const TensorImpl* w = defined_impl(weight, op);
  const int64_t rank = axes + 2;
  if (x->sizes.size() != rank - 1 && x->sizes.size() != rank) {
    fail(op, "Expected ", rank - 1, "D (unbatched) or ", rank, "D (batched) input to ", op,
         ", but got input of size: ", x->sizes,
         (axes == 1 ? "; expected [C, L] or [N, C, L]" : "; expected [C, H, W] or [N, C, H, W]"));
  }
  if (w->sizes.size() != rank || std::min(w->sizes[2], w->sizes[rank - 1]) < 1 || w->sizes[0] < 1) {
    fail(op, "expected weight [out_channels, in_channels/groups, ",
         (axes == 1 ? "kernel_size" : "kernel_h, kernel_w"), "], got ", w->sizes);
  }
  check_floating(op, input);
  if (w->dtype != x->dtype) {
    fail(op, "expected input and weight of one type, got input ", x->dtype, " and weight ",
         w->dtype, "; convert one with to()");
  }
  if (w->sizes[0] % groups != 0) {
    fail(op, "Given groups=", groups, ", expected weight to be divisible by ", groups,
         " at dimension 0, but got weight of size ", w->sizes, " instead");
  }
  const int64_t channels = x->sizes[x->sizes.size() - rank + 1];
  if (channels != w->sizes[1] * groups) {
    fail(op, "Given groups=", groups, ", weight of size ", w->sizes, ", expected input", x->sizes,
         " to have ", w->sizes[1] * groups, " channels, but got ", channels, " channels instead",
         layout_hint(axes, x->sizes, w->sizes[1] * groups));
  }
  if (!bias.defined()) return;
  if (bias.sizes() != Shape{w->sizes[0]}) {
    fail(op, "Given weight of size ", w->sizes, ", expected bias to be 1-dimensional with ",
         w->sizes[0], " elements, but got bias of size ", bias.sizes(), " instead");
  }
  if (bias.dtype() != x->dtype) {
    fail(op, "expected input and bias of one type, got input ", x->dtype, " and bias ",
         bias.dtype(), "; convert one with to()");
  }
}

// Sizes of two dimensions; one-dimensional ones have a height of 1.
Conv2dShape conv_shape(const char* op, int64_t axes, const Shape& x, const Shape& w,
                       const ConvOptions& o) {
  const auto size = [&](const Shape& sizes) {
    return axes == 1 ? Pair(1, sizes[2]) : Pair(sizes[2], sizes[3]);
  };
  const Pair in = size(x), kernel = size(w);
  const Pair reach(checked_reach(op, o.dilation.h, kernel.h),
                   checked_reach(op, o.dilation.w, kernel.w));
  const PadSizes padding = o.pad_sizes(kernel);
  const Pair padded(checked_padded(op, "a padded input", padding.top, in.h, padding.bottom),
                    checked_padded(op, "a padded input", padding.left, in.w, padding.right));
  if (padded.h <= reach.h || padded.w <= reach.w) {
    const auto size_text = [&](int64_t h, int64_t width) {
      return axes == 1 ? text('(', width, ')') : text('(', h, " x ", width, ')');
    };
    fail(op, "Calculated padded input size per channel: ", size_text(padded.h, padded.w),
         ". Kernel size: ", size_text(reach.h + 1, reach.w + 1),
         ". Kernel size can't be greater than actual input size");
  }
  // Of strides and dilations beyond the image nothing is seen.
  return {.batch = x[0],
          .in_channels = x[1],
          .in_h = in.h,
          .in_w = in.w,
          .out_channels = w[0],
          .out_h = (padded.h - reach.h - 1) / o.stride.h + 1,
          .out_w = (padded.w - reach.w - 1) / o.stride.w + 1,
          .kernel_h = kernel.h,
          .kernel_w = kernel.w,
          .stride_h = std::min(o.stride.h, padded.h),
          .stride_w = std::min(o.stride.w, padded.w),
          .pad_top = padding.top,
          .pad_left = padding.left,
          .dilation_h = std::min(o.dilation.h, padded.h),
          .dilation_w = std::min(o.dilation.w, padded.w),
          .groups = o.groups};
}

// Without an input cell or a weight, kernels of any size sum nothing to the bias.
Tensor convolve_nothing(const char* op, const Shape& out_sizes, const Tensor& x, const Tensor& w,
                        const Tensor& b) {
  const Tensor y = zeros(out_sizes, {.dtype = x.dtype()});
  if (b.defined() && y.numel() > 0) y.transpose(1, -1).detach().add_(b.detach());
  return record(op, y, {&x, &w, &b},
                [x_sizes = x.sizes(), w_sizes = w.sizes()](const Tensor& g, InputGrads& d) {
                  d[0] = zeros(x_sizes, {.dtype = g.dtype()});
                  d[1] = zeros(w_sizes, {.dtype = g.dtype()});
                  if (d.needs(2)) d[2] = sum_channels(g);
                });
}

Tensor convolve(const char* op, const Conv2dShape& shape, const ConvOptions& o, const Tensor& input,
                const Tensor& weight, const Tensor& bias) {
  const Tensor x = input.contiguous(), w = weight.contiguous();
  const Tensor b = bias.defined() ? bias.contiguous() : bias;
  Shape out_sizes{shape.batch, shape.out_channels, shape.out_w};
  if (x.dim() == 4) out_sizes = {shape.batch, shape.out_channels, shape.out_h, shape.out_w};
  if (x.numel() == 0 || w.numel() == 0) return convolve_nothing(op, out_sizes, x, w, b);
  const Tensor y = new_tensor(out_sizes, x.dtype());
  Storage* const kept = autograd::keeper(weight, {&x, &w, &b});
  dispatch_floating(x.dtype(), [&]<class T>() {
    kernels::conv2d_forward(shape, impl_of(x)->data_as<T>(), impl_of(w)->data_as<T>(),
                            data_or_null<T>(b), impl_of(y)->data_as<T>(), kept);
  });
  // Each factor is kept for the sake of the other's gradient only.
  auto backward = [op, shape, x_saved = w.requires_grad() ? Saved(x) : Saved(),
                   w_saved = x.requires_grad() ? Saved(w) : Saved(), x_sizes = x.sizes(),
                   w_sizes = w.sizes()](const Tensor& g, InputGrads& d) {
    if (grad_enabled()) {
      if (d.needs(0)) d[0] = bilinear(op, shape, Third::Input, x_sizes, g, *w_saved);
      if (d.needs(1)) d[1] = bilinear(op, shape, Third::Weight, w_sizes, *x_saved, g);
      if (d.needs(2)) d[2] = sum_channels(g);
      return;
    }
    const Tensor dy = g.contiguous();
    const DType dtype = dy.dtype();
    if (d.needs(0)) d[0] = new_tensor(x_sizes, dtype);
    if (d.needs(1)) d[1] = new_tensor(w_sizes, dtype);
    if (d.needs(2)) d[2] = new_tensor({shape.out_channels}, dtype);
    dispatch_floating(dtype, [&]<class T>() {
      kernels::conv2d_backward(shape, d.needs(1) ? data_or_null<T>(*x_saved) : nullptr,
                               d.needs(0) ? data_or_null<T>(*w_saved) : nullptr,
                               impl_of(dy)->data_as<T>(), data_or_null<T>(d[0]),
                               data_or_null<T>(d[1]), data_or_null<T>(d[2]));
    });
  };
  if (!autograd::observer()) return record(op, y, {&x, &w, &b}, std::move(backward));
  const int64_t axes = x.dim() - 2;
  const Shape padding = as_option(o.padding.size(), axes);
  return record({op,
                 {{"stride", as_option(o.stride, axes)},
                  o.padding.is_same() ? Option("padding", "same") : Option("padding", padding),
                  {"dilation", as_option(o.dilation, axes)},
                  {"groups", o.groups}}},
                y, {&x, &w, &b}, std::move(backward));
}

}  // namespace

void ConvOptions::check(const char* op) const { check_options(op, *this); }

void Conv1dOptions::check(const char* op) const { check_options(op, *this); }

PadSizes ConvOptions::pad_sizes(Pair kernel_size) const {
  if (!padding.is_same()) {
    const Pair size = padding.size();
    return {.left = size.w, .right = size.w, .top = size.h, .bottom = size.h};
  }
  const auto rows = kernels::same_padding(kernel_size.h, dilation.h);
  const auto cols = kernels::same_padding(kernel_size.w, dilation.w);
  return {.left = cols.before, .right = cols.behind, .top = rows.before, .bottom = rows.behind};
}

Pad1dSizes Conv1dOptions::pad_sizes(int64_t kernel_size) const {
  if (!padding.is_same()) return {.left = padding.size(), .right = padding.size()};
  const auto cells = kernels::same_padding(kernel_size, dilation);
  return {.left = cells.before, .right = cells.behind};
}

Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias,
              const ConvOptions& options) {
  options.check("conv2d");
  check_tensors("conv2d", 2, input, weight, bias, options.groups);
  if (input.dim() == 3) return conv2d(input.unsqueeze(0), weight, bias, options).squeeze(0);
  return convolve("conv2d", conv_shape("conv2d", 2, input.sizes(), weight.sizes(), options),
                  options, input, weight, bias);
}

Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias,
              const Conv1dOptions& options) {
  options.check("conv1d");
  check_tensors("conv1d", 1, input, weight, bias, options.groups);
  if (input.dim() == 2) return conv1d(input.unsqueeze(0), weight, bias, options).squeeze(0);
  const ConvOptions flat{
      .stride = {1, options.stride},
      .padding = options.padding.is_same() ? Padding("same") : Padding(0, options.padding.size()),
      .dilation = {1, options.dilation},
      .groups = options.groups};
  return convolve("conv1d", conv_shape("conv1d", 1, input.sizes(), weight.sizes(), flat), flat,
                  input, weight, bias);
}

}  // namespace functional
}  // namespace norma
