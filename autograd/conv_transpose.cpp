// A transposed convolution from x to y is the gradient of the convolution from y to x.
#include <algorithm>

#include "norma/autograd/conv_maps.h"
#include "norma/autograd/functional_conv_transpose.h"
#include "norma/autograd/operands.h"
#include "norma/core/factory.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/conv/conv.h"

namespace norma::functional {
namespace {

using autograd::bilinear;
using autograd::check_floating;
using autograd::data_or_null;
using autograd::InputGrads;
using autograd::Saved;
using autograd::Third;
using kernels::Conv2dShape;

ConvTransposeOptions flat(const ConvTranspose1dOptions& o) {
  return {.stride = {1, o.stride},
          .padding = {0, o.padding},
          .output_padding = {0, o.output_padding},
          .groups = o.groups,
          .dilation = {1, o.dilation}};
}

std::string tuple(int64_t axes, Pair value) {
  return axes == 1 ? text('(', value.w, ",)") : value.str();
}

// `axes`: 1 or 2 dimensions that the kernel slides along.
void check_options(const char* op, int64_t axes, const ConvTransposeOptions& o) {
  const auto at_least = [&](const char* name, Pair value, int64_t low) {
    if (std::min(value.h, value.w) >= low) return;
    fail(op, low > 0 ? "non-positive " : "negative ", name, " is not supported, got ", name, "=",
         tuple(axes, value));
  };
  if (o.groups < 1) fail(op, "groups must be a positive integer, got ", o.groups);
  at_least("stride", o.stride, 1);
  at_least("dilation", o.dilation, 1);
  at_least("padding", o.padding, 0);
  at_least("output_padding", o.output_padding, 0);
  if (o.output_padding.h >= std::max(o.stride.h, o.dilation.h) ||
      o.output_padding.w >= std::max(o.stride.w, o.dilation.w)) {
    fail(op, "output padding must be smaller than either stride or dilation, but got ",
         "output_padding=", tuple(axes, o.output_padding), ", stride=", tuple(axes, o.stride),
         " and dilation=", tuple(axes, o.dilation));
  }
}

void check_tensors(const char* op, int64_t axes, const Tensor& input, const Tensor& weight,
                   const Tensor& bias, int64_t groups) {
  const TensorImpl* x = defined_impl(input, op);
  const TensorImpl* w = defined_impl(weight, op);
  const int64_t rank = axes + 2, of_x = x->sizes.size();
  if (of_x != rank - 1 && of_x != rank) {
    fail(op, "Expected ", rank - 1, "D (unbatched) or ", rank, "D (batched) input to ", op,
         ", but got input of size: ", x->sizes);
  }
  if (w->sizes.size() != rank || w->sizes.numel() == 0) {
    fail(op, "expected weight [in_channels, out_channels/groups, ",
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
  const int64_t channels = x->sizes[of_x - axes - 1];
  if (channels != w->sizes[0]) {
    fail(op, "Given transposed=1, weight of size ", w->sizes, ", expected input", x->sizes,
         " to have ", w->sizes[0], " channels, but got ", channels, " channels instead");
  }
  for (int64_t i = of_x - axes; i < of_x; ++i) {
    if (x->sizes[i] == 0) {
      fail(op, "Only zero batch inputs are supported, but got input shape: ", x->sizes);
    }
  }
  if (!bias.defined()) return;
  const int64_t outputs = checked_product(op, "out_channels", w->sizes[1], groups);
  if (bias.sizes() != Shape{outputs}) {
    fail(op, "Given transposed=1, weight of size ", w->sizes,
         ", expected bias to be 1-dimensional with ", outputs, " elements, but got bias of size ",
         bias.sizes(), " instead");
  }
  if (bias.dtype() != x->dtype) {
    fail(op, "expected input and bias of one type, got input ", x->dtype, " and bias ",
         bias.dtype(), "; convert one with to()");
  }
}

int64_t output_length(const char* op, int64_t length, int64_t kernel, int64_t stride,
                      int64_t padding, int64_t dilation, int64_t output_padding) {
  const Wide reach = checked_reach(op, dilation, kernel);
  return checked_cells(op, "an output",
                       Wide(length - 1) * stride - 2 * Wide(padding) + reach + output_padding + 1);
}

// Of the convolution that goes the other way: its input is the output here.
Conv2dShape conv_shape(const char* op, int64_t axes, const Shape& x, const Shape& w,
                       const ConvTransposeOptions& o) {
  const Pair in(axes == 1 ? 1 : x[2], x.back()), kernel(axes == 1 ? 1 : w[2], w.back());
  const Pair out(
      output_length(op, in.h, kernel.h, o.stride.h, o.padding.h, o.dilation.h, o.output_padding.h),
      output_length(op, in.w, kernel.w, o.stride.w, o.padding.w, o.dilation.w, o.output_padding.w));
  if (out.h < 1 || out.w < 1) {
    const auto size = [&](Pair p) { return axes == 1 ? text(p.w) : text(p.h, " x ", p.w); };
    fail(op, "Given input size per channel: (", size(in),
         "). Calculated output size per channel: ", '(', size(out), "). Output size is too small");
  }
  const Pair padded(checked_padded(op, "an output", o.padding.h, out.h, o.padding.h),
                    checked_padded(op, "an output", o.padding.w, out.w, o.padding.w));
  // Of strides and dilations beyond the image nothing is seen.
  return {.batch = x[0],
          .in_channels = checked_product(op, "out_channels", w[1], o.groups),
          .in_h = out.h,
          .in_w = out.w,
          .out_channels = x[1],
          .out_h = in.h,
          .out_w = in.w,
          .kernel_h = kernel.h,
          .kernel_w = kernel.w,
          .stride_h = std::min(o.stride.h, padded.h),
          .stride_w = std::min(o.stride.w, padded.w),
          .pad_top = o.padding.h,
          .pad_left = o.padding.w,
          .dilation_h = std::min(o.dilation.h, padded.h),
          .dilation_w = std::min(o.dilation.w, padded.w),
          .groups = o.groups};
}

Tensor transposed(const char* op, const Conv2dShape& shape, const ConvTransposeOptions& o,
                  const Tensor& input, const Tensor& weight, const Tensor& b) {
  const Tensor x = input.contiguous(), w = weight.contiguous();
  Shape sizes{shape.batch, shape.in_channels, shape.in_w};
  if (x.dim() == 4) sizes = {shape.batch, shape.in_channels, shape.in_h, shape.in_w};
  Tensor y = new_tensor(sizes, x.dtype());
  if (shape.batch > 0) {
    dispatch_floating(x.dtype(), [&]<class T>() {
      kernels::conv2d_backward<T>(shape, nullptr, impl_of(w)->data_as<T>(),
                                  impl_of(x)->data_as<T>(), impl_of(y)->data_as<T>(), nullptr,
                                  nullptr);
    });
    if (b.defined()) {
      y.add_(b.detach().reshape(x.dim() == 4 ? Shape{-1, 1, 1} : Shape{-1, 1}));
    }
  }
  auto backward = [op, shape, x_saved = w.requires_grad() ? Saved(x) : Saved(),
                   w_saved = x.requires_grad() ? Saved(w) : Saved(), x_sizes = x.sizes(),
                   w_sizes = w.sizes()](const Tensor& g, InputGrads& d) {
    if (d.needs(0)) d[0] = bilinear(op, shape, Third::Output, x_sizes, g, *w_saved);
    if (d.needs(1)) d[1] = bilinear(op, shape, Third::Weight, w_sizes, g, *x_saved);
    if (d.needs(2)) d[2] = autograd::sum_channels(g);
  };
  if (!autograd::observer()) return autograd::record(op, y, {&x, &w, &b}, std::move(backward));
  const int64_t axes = x.dim() - 2;
  using autograd::as_option;
  return autograd::record({op,
                           {{"stride", as_option(o.stride, axes)},
                            {"padding", as_option(o.padding, axes)},
                            {"output_padding", as_option(o.output_padding, axes)},
                            {"groups", o.groups},
                            {"dilation", as_option(o.dilation, axes)}}},
                          y, {&x, &w, &b}, std::move(backward));
}

}  // namespace

void ConvTransposeOptions::check(const char* op) const { check_options(op, 2, *this); }

void ConvTranspose1dOptions::check(const char* op) const { check_options(op, 1, flat(*this)); }

Tensor conv_transpose2d(const Tensor& input, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  const char* const op = "conv_transpose2d";
  options.check(op);
  check_tensors(op, 2, input, weight, bias, options.groups);
  if (input.dim() == 3) return conv_transpose2d(input.unsqueeze(0), weight, bias, options)[0];
  const Conv2dShape shape = conv_shape(op, 2, input.sizes(), weight.sizes(), options);
  return transposed(op, shape, options, input, weight, bias);
}

Tensor conv_transpose1d(const Tensor& input, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose1dOptions& options) {
  const char* const op = "conv_transpose1d";
  options.check(op);
  check_tensors(op, 1, input, weight, bias, options.groups);
  if (input.dim() == 2) return conv_transpose1d(input.unsqueeze(0), weight, bias, options)[0];
  const Conv2dShape shape = conv_shape(op, 1, input.sizes(), weight.sizes(), flat(options));
  return transposed(op, shape, flat(options), input, weight, bias);
}

}  // namespace norma::functional
