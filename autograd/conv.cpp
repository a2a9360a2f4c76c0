#include <algorithm>
#include <string_view>

#include "norma/autograd/functional.h"
#include "norma/autograd/record.h"
#include "norma/core/kernels/conv.h"
#include "norma/core/tensor_impl.h"

namespace norma {

std::string Pair::str() const { return "(" + std::to_string(h) + ", " + std::to_string(w) + ")"; }

Padding::Padding(const char* word) : size_(0) {
  const std::string_view given = word ? word : "";
  if (given != "same" && given != "valid") {
    fail("conv2d", "Invalid padding string '" + std::string(given) +
                       "', expected a number, {height, width}, \"valid\" or \"same\"");
  }
  word_ = given == "same" ? "same" : "valid";
}

std::string Padding::str() const { return word_[0] ? word_ : size_.str(); }

namespace functional {
namespace {

using autograd::InputGrads;
using autograd::record;
using autograd::Saved;
using kernels::Conv2dShape;

std::string size_text(int64_t h, int64_t w) {
  return "(" + std::to_string(h) + " x " + std::to_string(w) + ")";
}

void check_tensors(const Tensor& input, const Tensor& weight, const Tensor& bias, int64_t groups) {
  const TensorImpl* x = defined_impl(input, "conv2d");
  const TensorImpl* w = defined_impl(weight, "conv2d");
  if (x->sizes.size() != 3 && x->sizes.size() != 4) {
    fail("conv2d",
         "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: " +
             x->sizes.str());
  }
  if (w->sizes.size() != 4 || std::min(w->sizes[2], w->sizes[3]) < 1 || w->sizes[0] < 1) {
    fail("conv2d", "expected weight [out_channels, in_channels/groups, kernel_h, kernel_w], got " +
                       w->sizes.str());
  }
  if (!is_floating(x->dtype)) {
    fail("conv2d", std::string("expected a floating input, got ") + dtype_name(x->dtype) +
                       "; convert it with to(kFloat32)");
  }
  if (w->dtype != x->dtype) {
    fail("conv2d", std::string("expected input and weight of one type, got input ") +
                       dtype_name(x->dtype) + " and weight " + dtype_name(w->dtype) +
                       "; convert one with to()");
  }
  if (w->sizes[0] % groups != 0) {
    fail("conv2d", "Given groups=" + std::to_string(groups) +
                       ", expected weight to be divisible by " + std::to_string(groups) +
                       " at dimension 0, but got weight of size " + w->sizes.str() + " instead");
  }
  const int64_t channels = x->sizes[x->sizes.size() - 3];
  if (channels != w->sizes[1] * groups) {
    fail("conv2d", "Given groups=" + std::to_string(groups) + ", weight of size " + w->sizes.str() +
                       ", expected input" + x->sizes.str() + " to have " +
                       std::to_string(w->sizes[1] * groups) + " channels, but got " +
                       std::to_string(channels) + " channels instead");
  }
  if (!bias.defined()) return;
  if (bias.sizes() != Shape{w->sizes[0]}) {
    fail("conv2d", "Given weight of size " + w->sizes.str() +
                       ", expected bias to be 1-dimensional with " + std::to_string(w->sizes[0]) +
                       " elements, but got bias of size " + bias.sizes().str() + " instead");
  }
  if (bias.dtype() != x->dtype) {
    fail("conv2d", std::string("expected input and bias of one type, got input ") +
                       dtype_name(x->dtype) + " and bias " + dtype_name(bias.dtype()) +
                       "; convert one with to()");
  }
}

Conv2dShape conv_shape(const Shape& x, const Shape& w, const ConvOptions& o) {
  const Pair reach(o.dilation.h * (w[2] - 1), o.dilation.w * (w[3] - 1));
  const PadSizes frame = o.pad_sizes({w[2], w[3]});
  const Pair padded(x[2] + frame.top + frame.bottom, x[3] + frame.left + frame.right);
  if (padded.h <= reach.h || padded.w <= reach.w) {
    fail("conv2d", "Calculated padded input size per channel: " + size_text(padded.h, padded.w) +
                       ". Kernel size: " + size_text(reach.h + 1, reach.w + 1) +
                       ". Kernel size can't be greater than actual input size");
  }
  return {.batch = x[0],
          .in_channels = x[1],
          .in_h = x[2],
          .in_w = x[3],
          .out_channels = w[0],
          .out_h = (padded.h - reach.h - 1) / o.stride.h + 1,
          .out_w = (padded.w - reach.w - 1) / o.stride.w + 1,
          .kernel_h = w[2],
          .kernel_w = w[3],
          .stride_h = o.stride.h,
          .stride_w = o.stride.w,
          .pad_top = frame.top,
          .pad_left = frame.left,
          .dilation_h = o.dilation.h,
          .dilation_w = o.dilation.w,
          .groups = o.groups};
}

template <class T>
T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.impl()->data_as<T>() : nullptr;
}

}  // namespace

void ConvOptions::check(const char* op) const {
  if (groups < 1) {
    fail(op, "groups must be a positive integer, got " + std::to_string(groups));
  }
  if (stride.h < 1 || stride.w < 1) {
    fail(op, "non-positive stride is not supported, got stride=" + stride.str());
  }
  if (dilation.h < 1 || dilation.w < 1) {
    fail(op, "non-positive dilation is not supported, got dilation=" + dilation.str());
  }
  if (padding.size().h < 0 || padding.size().w < 0) {
    fail(op, "negative padding is not supported, got padding=" + padding.str());
  }
  if (padding.is_same() && stride != Pair(1)) {
    fail(op,
         "padding='same' is not supported for strided convolutions, got stride=" + stride.str());
  }
}

PadSizes ConvOptions::pad_sizes(Pair kernel_size) const {
  if (!padding.is_same()) {
    const Pair size = padding.size();
    return {.left = size.w, .right = size.w, .top = size.h, .bottom = size.h};
  }
  const int64_t rows = dilation.h * (kernel_size.h - 1), cols = dilation.w * (kernel_size.w - 1);
  return {.left = cols / 2, .right = cols - cols / 2, .top = rows / 2, .bottom = rows - rows / 2};
}

Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias,
              const ConvOptions& options) {
  options.check("conv2d");
  check_tensors(input, weight, bias, options.groups);
  if (input.dim() == 3) return conv2d(input.unsqueeze(0), weight, bias, options).squeeze(0);
  const Conv2dShape shape = conv_shape(input.sizes(), weight.sizes(), options);
  const Tensor x = input.contiguous(), w = weight.contiguous();
  const Tensor b = bias.defined() ? bias.contiguous() : bias;
  const Tensor y =
      new_tensor({shape.batch, shape.out_channels, shape.out_h, shape.out_w}, x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    kernels::conv2d_forward(shape, x.impl()->data_as<T>(), w.impl()->data_as<T>(),
                            data_or_null<T>(b), y.impl()->data_as<T>());
  });
  // Each factor is kept for the sake of the other's gradient only.
  return record(
      "conv2d", y, {&x, &w, &b},
      [shape, x_saved = w.requires_grad() ? Saved(x) : Saved(),
       w_saved = x.requires_grad() ? Saved(w) : Saved(),
       sizes = w.sizes()](const Tensor& g, InputGrads& d) {
        const Tensor dy = g.contiguous();
        const DType dtype = dy.dtype();
        if (d.needs(0)) {
          d[0] = new_tensor({shape.batch, shape.in_channels, shape.in_h, shape.in_w}, dtype);
        }
        if (d.needs(1)) d[1] = new_tensor(sizes, dtype);
        if (d.needs(2)) d[2] = new_tensor({shape.out_channels}, dtype);
        dispatch_floating(dtype, [&]<class T>() {
          kernels::conv2d_backward(shape, d.needs(1) ? data_or_null<T>(*x_saved) : nullptr,
                                   d.needs(0) ? data_or_null<T>(*w_saved) : nullptr,
                                   dy.impl()->data_as<T>(), data_or_null<T>(d[0]),
                                   data_or_null<T>(d[1]), data_or_null<T>(d[2]));
        });
      });
}

}  // namespace functional
}  // namespace norma
