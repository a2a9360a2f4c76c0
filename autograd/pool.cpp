#include <algorithm>
#include <limits>

#include "norma/autograd/functional.h"
#include "norma/autograd/operands.h"
#include "norma/core/kernels/plain/pool.h"
#include "norma/core/kernels/pool/avg_pool.h"
#include "norma/core/kernels/pool/max_pool.h"
#include "norma/core/tensor_impl.h"

namespace norma::functional {
namespace {

using autograd::check_floating;
using autograd::dense_operation;
using kernels::Pool2dShape;

// One-dimensional windows have a height of 1, and `axes` 1.
struct Window {
  Pair kernel, stride, padding, dilation;
  bool ceil_mode;
  int64_t axes = 2;

  std::string str(Pair value) const { return axes == 1 ? text(value.w) : value.str(); }
};

void check_window(const char* op, const Window& o) {
  const auto positive = [&](const char* name, const Pair& value) {
    if (value.h < 1 || value.w < 1) {
      fail(op, name, " should be greater than zero, but got ", name, "=", o.str(value));
    }
  };
  positive("kernel_size", o.kernel);
  positive("stride", o.stride);
  positive("dilation", o.dilation);
  if (o.padding.h < 0 || o.padding.w < 0) {
    fail(op, "pad must be non-negative, but got pad=", o.str(o.padding));
  }
  if (o.padding.h > o.kernel.h / 2 || o.padding.w > o.kernel.w / 2) {
    fail(op, "pad should be at most half of kernel size, but got pad=", o.str(o.padding),
         " and kernel_size=", o.str(o.kernel));
  }
}

void check_input(const char* op, const Tensor& input, int64_t axes = 2) {
  const TensorImpl* x = defined_impl(input, op);
  const int64_t rank = x->sizes.size();
  bool fits = rank == axes + 1 || rank == axes + 2;
  for (int64_t i = rank - axes - 1; fits && i < rank; ++i) fits = x->sizes[i] > 0;
  if (!fits) {
    fail(op, "Expected ", axes == 1 ? "2D or 3D" : "3D or 4D",
         " (batch mode) tensor with optional 0 dim batch size for input, but got: ", x->sizes);
  }
  check_floating(op, input);
}

// The number of windows along one axis.
int64_t window_count(const char* op, int64_t in, int64_t kernel, int64_t stride, int64_t pad,
                     int64_t dilation, bool ceil_mode) {
  const Wide padded = checked_padded(op, "a padded input", pad, in, pad);
  const Wide reach = checked_reach(op, dilation, kernel);
  const Wide room = padded - reach - 1;
  if (room < 0 && !(ceil_mode && room + stride > 0)) return 0;
  const Wide count = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  // The last window has to start in the image or in the padding before it.
  return static_cast<int64_t>((count - 1) * stride >= in + pad ? count - 1 : count);
}

Pool2dShape pool_shape(const char* op, const Shape& x, const Window& o) {
  const int64_t rank = x.size(), channel_axis = rank - o.axes - 1;
  const int64_t h = o.axes == 1 ? 1 : x[rank - 2], w = x[rank - 1];
  const int64_t out_h =
      window_count(op, h, o.kernel.h, o.stride.h, o.padding.h, o.dilation.h, o.ceil_mode);
  const int64_t out_w =
      window_count(op, w, o.kernel.w, o.stride.w, o.padding.w, o.dilation.w, o.ceil_mode);
  if (out_h < 1 || out_w < 1) {
    const auto size = [&](int64_t rows, int64_t cols) {
      return text('(', x[channel_axis], 'x', o.axes == 1 ? "" : text(rows, 'x'), cols, ')');
    };
    fail(op, "Given input size: ", size(h, w), ". Calculated output size: ", size(out_h, out_w),
         ". Output size is too small");
  }
  // Of strides and dilations beyond the image nothing is seen.
  const int64_t most_h = h + 2 * o.padding.h, most_w = w + 2 * o.padding.w;
  return {.planes = x[channel_axis] * (channel_axis == 1 ? x[0] : 1),
          .in_h = h,
          .in_w = w,
          .out_h = out_h,
          .out_w = out_w,
          .kernel_h = o.kernel.h,
          .kernel_w = o.kernel.w,
          .stride_h = std::min(o.stride.h, most_h),
          .stride_w = std::min(o.stride.w, most_w),
          .pad_h = o.padding.h,
          .pad_w = o.padding.w,
          .dilation_h = std::min(o.dilation.h, most_h),
          .dilation_w = std::min(o.dilation.w, most_w)};
}

// `sizes` with those of the windows in the last one or two dimensions.
Shape output_sizes(Shape sizes, const Pool2dShape& shape, int64_t axes = 2) {
  if (axes == 2) sizes[sizes.size() - 2] = shape.out_h;
  sizes[sizes.size() - 1] = shape.out_w;
  return sizes;
}

template <class Index>
Tensor max_pool(const char* op, const Tensor& input, const Pool2dShape& shape, const Shape& sizes) {
  const Shape bytes{sizes.numel(), sizeof(Index)};
  const Tensor choice = autograd::recording({&input}) ? new_tensor(bytes, kUInt8) : Tensor();
  return dense_operation(
      op, input, sizes,
      [&](const auto* x, auto* y) {
        kernels::max_pool_forward(shape, x, y, autograd::data_or_null<Index>(choice));
      },
      [shape, choice](const auto* dy, auto* dx) {
        kernels::max_pool_backward(shape, dy, impl_of(choice)->data_as<const Index>(), dx);
      },
      [shape, choice](const auto* x, auto* y) {
        kernels::plain::max_pool_pick(shape, x, impl_of(choice)->data_as<const Index>(), y);
      });
}

Tensor max_pool(const char* op, const Tensor& input, const Window& window) {
  check_input(op, input, window.axes);
  const Pool2dShape shape = pool_shape(op, input.sizes(), window);
  const Shape sizes = output_sizes(input.sizes(), shape, window.axes);
  const int64_t cells = shape.window_cells();
  if (cells > std::numeric_limits<int32_t>::max()) {
    return max_pool<int64_t>(op, input, shape, sizes);
  }
  return cells <= std::numeric_limits<uint8_t>::max() ? max_pool<uint8_t>(op, input, shape, sizes)
                                                      : max_pool<int32_t>(op, input, shape, sizes);
}

Window window_of(Pair kernel_size, const MaxPoolOptions& o) {
  return {kernel_size, o.stride.value_or(kernel_size), o.padding, o.dilation, o.ceil_mode};
}

Window window_of(int64_t kernel_size, const MaxPool1dOptions& o) {
  return {.kernel = {1, kernel_size},
          .stride = {1, o.stride.value_or(kernel_size)},
          .padding = {0, o.padding},
          .dilation = {1, o.dilation},
          .ceil_mode = o.ceil_mode,
          .axes = 1};
}

Window window_of(Pair kernel_size, const AvgPoolOptions& o) {
  return {kernel_size, o.stride.value_or(kernel_size), o.padding, 1, o.ceil_mode};
}

}  // namespace

void MaxPoolOptions::check(const char* op, Pair kernel_size) const {
  check_window(op, window_of(kernel_size, *this));
}

void MaxPool1dOptions::check(const char* op, int64_t kernel_size) const {
  check_window(op, window_of(kernel_size, *this));
}

void AvgPoolOptions::check(const char* op, Pair kernel_size) const {
  check_window(op, window_of(kernel_size, *this));
  if (divisor_override == 0) fail(op, "divisor must be not zero");
}

Tensor max_pool2d(const Tensor& input, Pair kernel_size, const MaxPoolOptions& options) {
  options.check("max_pool2d", kernel_size);
  return max_pool("max_pool2d", input, window_of(kernel_size, options));
}

Tensor max_pool1d(const Tensor& input, int64_t kernel_size, const MaxPool1dOptions& options) {
  options.check("max_pool1d", kernel_size);
  return max_pool("max_pool1d", input, window_of(kernel_size, options));
}

Tensor avg_pool2d(const Tensor& input, Pair kernel_size, const AvgPoolOptions& options) {
  options.check("avg_pool2d", kernel_size);
  check_input("avg_pool2d", input);
  const Pool2dShape shape =
      pool_shape("avg_pool2d", input.sizes(), window_of(kernel_size, options));
  const kernels::AvgPoolRule rule{options.count_include_pad, options.divisor_override.value_or(0)};
  return dense_operation(
      "avg_pool2d", input, output_sizes(input.sizes(), shape),
      [=](const auto* x, auto* y) { kernels::avg_pool_forward(shape, rule, x, y); },
      [=](const auto* dy, auto* dx) { kernels::avg_pool_backward(shape, rule, dy, dx); });
}

Tensor adaptive_avg_pool2d(const Tensor& input, Pair output_size) {
  if (output_size.h < 1 || output_size.w < 1) {
    fail("adaptive_avg_pool2d", "elements of output_size must be greater than zero, but got ",
         output_size);
  }
  check_input("adaptive_avg_pool2d", input);
  const Shape& sizes = input.sizes();
  const int64_t rank = sizes.size();
  Pool2dShape shape{};
  shape.planes = sizes[0] * (rank == 4 ? sizes[1] : 1);
  shape.in_h = sizes[rank - 2];
  shape.in_w = sizes[rank - 1];
  shape.out_h = output_size.h;
  shape.out_w = output_size.w;
  return dense_operation(
      "adaptive_avg_pool2d", input, output_sizes(sizes, shape),
      [=](const auto* x, auto* y) { kernels::adaptive_avg_pool_forward(shape, x, y); },
      [=](const auto* dy, auto* dx) { kernels::adaptive_avg_pool_backward(shape, dy, dx); });
}

}  // namespace norma::functional
