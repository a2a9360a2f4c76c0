#include <algorithm>

#include "norma/autograd/functional_shuffle.h"
#include "norma/autograd/operands.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/unfold.h"

namespace norma::functional {
namespace {

using autograd::as_option;
using kernels::Conv2dShape;

// The sizes before the last three, then `rest`.
Shape with_leading(const Shape& sizes, std::initializer_list<int64_t> rest) {
  Shape result;
  for (int64_t i = 0; i + 3 < sizes.size(); ++i) result.push_back(sizes[i]);
  for (const int64_t size : rest) result.push_back(size);
  return result;
}

int64_t leading(const Shape& sizes) { return with_leading(sizes, {}).numel(); }

const Shape& check_shuffle(const char* op, const Tensor& input, const char* name, int64_t factor) {
  const Shape& sizes = defined_impl(input, op)->sizes;
  if (sizes.size() < 3) {
    fail(op, "expects input to have at least 3 dimensions, but got input with ", sizes.size(),
         " dimension(s)");
  }
  if (factor < 1) fail(op, "expects a positive ", name, ", but got ", factor);
  return sizes;
}

// Windows over images [n, channels, image]; `n` and `channels` are told by the caller.
Conv2dShape window_shape(const char* op, int64_t n, int64_t channels, Pair image, Pair kernel,
                         const UnfoldOptions& o) {
  const auto check = [&](const char* name, Pair value, int64_t low) {
    if (std::min(value.h, value.w) >= low) return;
    fail(op, name, " should be ", low > 0 ? "greater than zero" : "non-negative", ", but got ",
         value);
  };
  check("kernel_size", kernel, 1);
  check("dilation", o.dilation, 1);
  check("padding", o.padding, 0);
  check("stride", o.stride, 1);
  const Pair padded(checked_padded(op, "a padded image", o.padding.h, image.h, o.padding.h),
                    checked_padded(op, "a padded image", o.padding.w, image.w, o.padding.w));
  const Pair reach(checked_reach(op, o.dilation.h, kernel.h),
                   checked_reach(op, o.dilation.w, kernel.w));
  if (padded.h <= reach.h || padded.w <= reach.w) {
    fail(op, "expected windows inside the image, got spatial size ", image,
         ", kernel_size=", kernel, ", dilation=", o.dilation, " and padding=", o.padding);
  }
  // Of strides and dilations beyond the image nothing is seen.
  return {.batch = n,
          .in_channels = channels,
          .in_h = image.h,
          .in_w = image.w,
          .out_channels = channels,
          .out_h = (padded.h - reach.h - 1) / o.stride.h + 1,
          .out_w = (padded.w - reach.w - 1) / o.stride.w + 1,
          .kernel_h = kernel.h,
          .kernel_w = kernel.w,
          .stride_h = std::min(o.stride.h, padded.h),
          .stride_w = std::min(o.stride.w, padded.w),
          .pad_top = o.padding.h,
          .pad_left = o.padding.w,
          .dilation_h = std::min(o.dilation.h, padded.h),
          .dilation_w = std::min(o.dilation.w, padded.w),
          .groups = 1};
}

}  // namespace

Tensor pixel_shuffle(const Tensor& input, int64_t upscale_factor) {
  const char* const op = "pixel_shuffle";
  const Shape& sizes = check_shuffle(op, input, "upscale_factor", upscale_factor);
  const int64_t rank = sizes.size(), r = upscale_factor, channels = sizes[rank - 3];
  const int64_t square = checked_product(op, "the square of upscale_factor", r, r);
  if (channels % square != 0) {
    fail(op,
         "expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
         "but input.size(-3)=",
         channels, " is not divisible by ", square);
  }
  const int64_t c = channels / square, h = sizes[rank - 2], w = sizes[rank - 1];
  const Tensor parts = input.reshape({leading(sizes), c, r, r, h, w});
  return parts.permute({0, 1, 4, 2, 5, 3}).reshape(with_leading(sizes, {c, h * r, w * r}));
}

Tensor pixel_unshuffle(const Tensor& input, int64_t downscale_factor) {
  const char* const op = "pixel_unshuffle";
  const Shape& sizes = check_shuffle(op, input, "downscale_factor", downscale_factor);
  const int64_t rank = sizes.size(), r = downscale_factor;
  for (const int64_t axis : {2, 1}) {
    if (sizes[rank - axis] % r != 0) {
      fail(op, "expects ", axis == 2 ? "height" : "width",
           " to be divisible by downscale_factor, but input.size(-", axis, ")=", sizes[rank - axis],
           " is not divisible by ", r);
    }
  }
  const int64_t c = sizes[rank - 3], h = sizes[rank - 2] / r, w = sizes[rank - 1] / r;
  const int64_t channels =
      checked_product(op, "channels", c, checked_product(op, "channels", r, r));
  const Tensor parts = input.reshape({leading(sizes), c, h, r, w, r});
  return parts.permute({0, 1, 3, 5, 2, 4}).reshape(with_leading(sizes, {channels, h, w}));
}

Tensor channel_shuffle(const Tensor& input, int64_t groups) {
  const char* const op = "channel_shuffle";
  const Shape& sizes = defined_impl(input, op)->sizes;
  if (sizes.size() < 3) fail(op, "expects input with > 2 dims, but got input with sizes ", sizes);
  if (groups < 1) {
    fail(op, "Number of groups to divide channels in must be positive. Value of groups:", groups);
  }
  if (sizes[1] % groups != 0) {
    fail(op, "Number of channels must be divisible by groups. Got ", sizes[1], " channels and ",
         groups, " groups.");
  }
  Shape split = sizes;
  split[1] = groups;
  split.insert(2, sizes[1] / groups);
  return input.reshape(split).transpose(1, 2).reshape(sizes);
}

Tensor unfold(const Tensor& input, Pair kernel_size, const UnfoldOptions& options) {
  const char* const op = "unfold";
  const Shape& sizes = autograd::check_floating(op, input)->sizes;
  const int64_t rank = sizes.size();
  const bool fits = rank == 3 || rank == 4;
  if (!fits || std::min({sizes[rank - 3], sizes[rank - 2], sizes[rank - 1]}) < 1) {
    fail(op,
         "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
         "dimensions for input, but got: ",
         sizes);
  }
  if (rank == 3) return unfold(input.unsqueeze(0), kernel_size, options).squeeze(0);
  const Conv2dShape shape =
      window_shape(op, sizes[0], sizes[1], {sizes[2], sizes[3]}, kernel_size, options);
  const int64_t taps = checked_product(op, "kernel cells", kernel_size.h, kernel_size.w);
  const Shape columns{sizes[0], checked_product(op, "rows", sizes[1], taps),
                      checked_product(op, "windows", shape.out_h, shape.out_w)};
  return autograd::dense_operation(
      {op,
       {{"kernel_size", as_option(kernel_size)},
        {"dilation", as_option(options.dilation)},
        {"padding", as_option(options.padding)},
        {"stride", as_option(options.stride)}}},
      input, columns, [=](const auto* x, auto* y) { kernels::unfold(shape, x, y); },
      [=](const auto* dy, auto* dx) { kernels::fold(shape, dy, dx); });
}

Tensor fold(const Tensor& input, Pair output_size, Pair kernel_size, const UnfoldOptions& options) {
  const char* const op = "fold";
  const Shape& sizes = autograd::check_floating(op, input)->sizes;
  const int64_t rank = sizes.size();
  if ((rank != 2 && rank != 3) || std::min(sizes[rank - 2], sizes[rank - 1]) < 1) {
    fail(op,
         "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
         "non-zero dimensions for input, but got: ",
         sizes);
  }
  if (rank == 2) return fold(input.unsqueeze(0), output_size, kernel_size, options).squeeze(0);
  if (output_size.h < 1 || output_size.w < 1) {
    fail(op, "output_size should be greater than zero, but got ", output_size);
  }
  Conv2dShape shape = window_shape(op, sizes[0], 1, output_size, kernel_size, options);
  const int64_t taps = checked_product(op, "kernel cells", kernel_size.h, kernel_size.w);
  if (sizes[1] % taps != 0) {
    fail(op,
         "Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
         "but got input.size(1)=",
         sizes[1], " and kernel_size=", kernel_size);
  }
  const int64_t windows = checked_product(op, "windows", shape.out_h, shape.out_w);
  if (sizes[2] != windows) {
    fail(op,
         "expected size of input's dimension 2 to match the calculated number of sliding blocks ",
         shape.out_h, " * ", shape.out_w, " = ", windows, ", but got input.size(2)=", sizes[2]);
  }
  shape.in_channels = shape.out_channels = sizes[1] / taps;
  return autograd::dense_operation(
      {op,
       {{"output_size", as_option(output_size)},
        {"kernel_size", as_option(kernel_size)},
        {"dilation", as_option(options.dilation)},
        {"padding", as_option(options.padding)},
        {"stride", as_option(options.stride)}}},
      input, {sizes[0], shape.in_channels, output_size.h, output_size.w},
      [=](const auto* y, auto* x) { kernels::fold(shape, y, x); },
      [=](const auto* dx, auto* dy) { kernels::unfold(shape, dx, dy); });
}

}  // namespace norma::functional
