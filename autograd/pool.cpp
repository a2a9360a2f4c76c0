#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "norma/autograd/functional_pool.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
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

  Shape list(Pair value) const { return autograd::as_option(value, axes); }
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

void check_rank(const char* op, const Tensor& input, int64_t axes = 2) {
  const TensorImpl* x = defined_impl(input, op);
  const int64_t rank = x->sizes.size();
  bool fits = rank == axes + 1 || rank == axes + 2;
  for (int64_t i = rank - axes - 1; fits && i < rank; ++i) fits = x->sizes[i] > 0;
  if (!fits) {
    fail(op, "Expected ", axes == 1 ? "2D or 3D" : "3D or 4D",
         " (batch mode) tensor with optional 0 dim batch size for input, but got: ", x->sizes);
  }
}

void check_input(const char* op, const Tensor& input, int64_t axes = 2) {
  check_rank(op, input, axes);
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

/// What `compute(operation)` gives, which is told to observers with its window.
template <class Compute>
Tensor told_with_window(const char* op, const Window& o, Compute compute) {
  if (!autograd::observer()) return compute(op);
  return compute({op,
                  {{"kernel_size", o.list(o.kernel)},
                   {"stride", o.list(o.stride)},
                   {"padding", o.list(o.padding)},
                   {"dilation", o.list(o.dilation)},
                   {"ceil_mode", o.ceil_mode}}});
}

template <class Index>
Tensor max_pool(const autograd::Operation& op, const Tensor& input, const Pool2dShape& shape,
                const Shape& sizes) {
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
  return told_with_window(op, window, [&](const autograd::Operation& told_as) {
    if (cells > std::numeric_limits<int32_t>::max()) {
      return max_pool<int64_t>(told_as, input, shape, sizes);
    }
    return cells <= std::numeric_limits<uint8_t>::max()
               ? max_pool<uint8_t>(told_as, input, shape, sizes)
               : max_pool<int32_t>(told_as, input, shape, sizes);
  });
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

Tensor max_pool_of_integers(const char* op, const Tensor& input, const Window& window) {
  check_rank(op, input);
  const Tensor x = input.contiguous();
  const Pool2dShape shape = pool_shape(op, x.sizes(), window);
  Tensor out = new_tensor(output_sizes(x.sizes(), shape), x.dtype());
  const auto fill = [&]<class T>(T lowest) {
    const T* const from = values_of<T>(x);
    T* const to = values_of<T>(out);
    std::fill_n(to, out.numel(), lowest);
    kernels::plain::each_cell(shape, [=](int64_t y, int64_t cell, int64_t, int64_t) {
      to[y] = std::max(to[y], from[cell]);
    });
  };
  x.dtype() == kUInt8 ? fill(uint8_t{0}) : fill(std::numeric_limits<int64_t>::lowest());
  return told_with_window(op, window, [&](const autograd::Operation& told_as) {
    return autograd::told(told_as, out, {&input});
  });
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
  const Window window = window_of(kernel_size, options);
  const DType dtype = defined_impl(input, "max_pool2d")->dtype;
  if (dtype == kInt32)
    return max_pool_of_integers("max_pool2d", input.to(kInt64), window).to(kInt32);
  if (dtype == kInt64 || dtype == kUInt8) return max_pool_of_integers("max_pool2d", input, window);
  return max_pool("max_pool2d", input, window);
}

Tensor max_pool1d(const Tensor& input, int64_t kernel_size, const MaxPool1dOptions& options) {
  options.check("max_pool1d", kernel_size);
  return max_pool("max_pool1d", input, window_of(kernel_size, options));
}

namespace {

Tensor avg_pool(const char* op, const Tensor& input, const Window& window,
                const kernels::AvgPoolRule& rule) {
  check_input(op, input, window.axes);
  const Pool2dShape shape = pool_shape(op, input.sizes(), window);
  return dense_operation(
      {op,
       {{"kernel_size", window.list(window.kernel)},
        {"stride", window.list(window.stride)},
        {"padding", window.list(window.padding)},
        {"ceil_mode", window.ceil_mode},
        {"count_include_pad", rule.count_include_pad},
        {"divisor_override", rule.divisor}}},
      input, output_sizes(input.sizes(), shape, window.axes),
      [=](const auto* x, auto* y) { kernels::avg_pool_forward(shape, rule, x, y); },
      [=](const auto* dy, auto* dx) { kernels::avg_pool_backward(shape, rule, dy, dx); });
}

Window window_of(int64_t kernel_size, const AvgPool1dOptions& o) {
  return {.kernel = {1, kernel_size},
          .stride = {1, o.stride.value_or(kernel_size)},
          .padding = {0, o.padding},
          .dilation = 1,
          .ceil_mode = o.ceil_mode,
          .axes = 1};
}

// The windows that give so many cells.
Pool2dShape adaptive_shape(const char* op, const Tensor& input, Pair output_size, int64_t axes) {
  if (output_size.h < 1 || output_size.w < 1) {
    fail(op, "elements of output_size must be greater than zero, but got ",
         axes == 1 ? text(output_size.w) : output_size.str());
  }
  check_input(op, input, axes);
  const Shape& sizes = input.sizes();
  const int64_t rank = sizes.size();
  Pool2dShape shape{};
  shape.planes = sizes[0] * (rank == axes + 2 ? sizes[1] : 1);
  shape.in_h = axes == 1 ? 1 : sizes[rank - 2];
  shape.in_w = sizes[rank - 1];
  shape.out_h = output_size.h;
  shape.out_w = output_size.w;
  return shape;
}

Tensor adaptive_avg_pool(const char* op, const Tensor& input, Pair output_size, int64_t axes) {
  const Pool2dShape shape = adaptive_shape(op, input, output_size, axes);
  return dense_operation(
      {op, {{"output_size", autograd::as_option(output_size, axes)}}}, input,
      output_sizes(input.sizes(), shape, axes),
      [=](const auto* x, auto* y) { kernels::adaptive_avg_pool_forward(shape, x, y); },
      [=](const auto* dy, auto* dx) { kernels::adaptive_avg_pool_backward(shape, dy, dx); });
}

Tensor adaptive_max_pool(const char* op, const Tensor& input, Pair output_size, int64_t axes) {
  const Pool2dShape shape = adaptive_shape(op, input, output_size, axes);
  const Shape sizes = output_sizes(input.sizes(), shape, axes);
  const int64_t count = sizes.numel(), cells = input.numel();
  const Tensor choice = new_tensor({count}, kInt64);
  const auto places = [choice] { return values_of<int64_t>(choice); };
  return dense_operation(
      {op, {{"output_size", autograd::as_option(output_size, axes)}}}, input, sizes,
      [&](const auto* x, auto* y) {
        kernels::plain::adaptive_max_pool_forward(shape, x, y, values_of<int64_t>(choice));
      },
      [=](const auto* dy, auto* dx) { kernels::plain::put(count, places(), dy, cells, dx); },
      [=](const auto* x, auto* y) { kernels::plain::take(count, places(), x, y); });
}

}  // namespace

void AvgPool1dOptions::check(const char* op, int64_t kernel_size) const {
  check_window(op, window_of(kernel_size, *this));
}

Tensor avg_pool2d(const Tensor& input, Pair kernel_size, const AvgPoolOptions& options) {
  options.check("avg_pool2d", kernel_size);
  return avg_pool("avg_pool2d", input, window_of(kernel_size, options),
                  {options.count_include_pad, options.divisor_override.value_or(0)});
}

Tensor avg_pool1d(const Tensor& input, int64_t kernel_size, const AvgPool1dOptions& options) {
  options.check("avg_pool1d", kernel_size);
  return avg_pool("avg_pool1d", input, window_of(kernel_size, options),
                  {options.count_include_pad, 0});
}

Tensor adaptive_avg_pool2d(const Tensor& input, Pair output_size) {
  return adaptive_avg_pool("adaptive_avg_pool2d", input, output_size, 2);
}

Tensor adaptive_avg_pool1d(const Tensor& input, int64_t output_size) {
  return adaptive_avg_pool("adaptive_avg_pool1d", input, {1, output_size}, 1);
}

Tensor adaptive_max_pool2d(const Tensor& input, Pair output_size) {
  return adaptive_max_pool("adaptive_max_pool2d", input, output_size, 2);
}

Tensor adaptive_max_pool1d(const Tensor& input, int64_t output_size) {
  return adaptive_max_pool("adaptive_max_pool1d", input, {1, output_size}, 1);
}

std::pair<Tensor, Tensor> max_pool2d_with_indices(const Tensor& input, Pair kernel_size,
                                                  const MaxPoolOptions& options) {
  const char* const op = "max_pool2d_with_indices";
  options.check(op, kernel_size);
  check_input(op, input);
  const Window window = window_of(kernel_size, options);
  const Pool2dShape shape = pool_shape(op, input.sizes(), window);
  const Shape sizes = output_sizes(input.sizes(), shape);
  const Tensor indices = new_tensor(sizes, kInt64);
  const Tensor choice = new_tensor(sizes, kInt64);
  const Tensor y = told_with_window(op, window, [&](const autograd::Operation& told_as) {
    return dense_operation(
        told_as, input, sizes,
        [&](const auto* x, auto* to) {
          kernels::plain::max_pool_forward(shape, x, to, values_of<int64_t>(choice));
        },
        [=](const auto* dy, auto* dx) {
          kernels::plain::max_pool_backward(shape, dy, values_of<int64_t>(choice), dx);
        },
        [=](const auto* x, auto* to) {
          kernels::plain::max_pool_pick(shape, x, values_of<int64_t>(choice), to);
        });
  });
  int64_t* const places = values_of<int64_t>(indices);
  for (int64_t i = 0; i < indices.numel(); ++i) {
    places[i] = values_of<int64_t>(choice)[i] % (shape.in_h * shape.in_w);
  }
  told_with_window("max_pool2d_indices", window, [&](const autograd::Operation& told_as) {
    return autograd::told(told_as, indices, {&input});
  });
  return {y, indices};
}

Tensor max_unpool2d(const Tensor& input, const Tensor& indices, Pair kernel_size,
                    const MaxUnpoolOptions& options) {
  const char* const op = "max_unpool2d";
  check_input(op, input);
  if (defined_impl(indices, op)->dtype != kInt64) {
    fail(op, "elements in indices should be type int64 but got: ", indices.dtype());
  }
  if (indices.sizes() != input.sizes()) {
    fail(op, "Expected shape of indices to be same as that of the input tensor (", input.sizes(),
         ") but got indices tensor with shape: ", indices.sizes());
  }
  const Pair stride = options.stride.value_or(kernel_size), padding = options.padding;
  check_window(op, {kernel_size, stride, padding, 1, false});
  Shape sizes = input.sizes();
  const int64_t rank = sizes.size();
  const auto length = [&](int64_t in, int64_t kernel, int64_t step, int64_t pad) {
    return checked_cells(op, "an output", Wide(in - 1) * step - 2 * Wide(pad) + kernel);
  };
  const Pair least(length(sizes[rank - 2], kernel_size.h, stride.h, padding.h),
                   length(sizes[rank - 1], kernel_size.w, stride.w, padding.w));
  const Pair out = options.output_size.value_or(least);
  if (Wide(out.h) <= Wide(least.h) - stride.h || Wide(out.h) >= Wide(least.h) + stride.h ||
      Wide(out.w) <= Wide(least.w) - stride.w || Wide(out.w) >= Wide(least.w) + stride.w ||
      out.h < 1 || out.w < 1) {
    fail(op, "invalid output_size ", out, ", expected at least one cell, and a distance from ",
         least, " below the stride ", stride);
  }
  sizes[rank - 2] = out.h, sizes[rank - 1] = out.w;
  const int64_t plane = checked_product(op, "cells", out.h, out.w), whole = sizes.numel();
  const int64_t count = input.numel(), cells = input.sizes()[rank - 2] * input.sizes()[rank - 1];
  const Tensor from = indices.contiguous(), places = new_tensor({count}, kInt64);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t index = values_of<int64_t>(from)[i];
    if (index < 0 || index >= plane) {
      fail(op, "Found an invalid max index: ", index, " (output volumes are of size ", out.h, 'x',
           out.w, ")");
    }
    values_of<int64_t>(places)[i] = i / cells * plane + index;
  }
  const auto put = [=](const Tensor& v) {
    return autograd::filled(sizes, v, [=](const auto* x, auto* y) {
      // Where an index stands twice, the last one counts.
      std::fill_n(y, whole, std::remove_cvref_t<decltype(*x)>(0));
      for (int64_t i = 0; i < count; ++i) y[values_of<int64_t>(places)[i]] = x[i];
    });
  };
  const auto take = [=, from = input.sizes()](const Tensor& g) {
    return autograd::filled(from, g, [=](const auto* dy, auto* dx) {
      kernels::plain::take(count, values_of<int64_t>(places), dy, dx);
    });
  };
  return autograd::linear_map(op, input, put, take, {&indices});
}

Tensor lp_pool2d(const Tensor& input, double norm_type, Pair kernel_size,
                 const LpPoolOptions& options) {
  const char* const op = "lp_pool2d";
  const Window window{kernel_size, options.stride.value_or(kernel_size), 0, 1, options.ceil_mode};
  check_window(op, window);
  check_input(op, input);
  if (norm_type == 0) fail(op, "norm_type must be a non-zero value, but got 0");
  if (std::isinf(norm_type)) {
    const MaxPoolOptions as_max{.stride = window.stride, .ceil_mode = options.ceil_mode};
    return norm_type > 0 ? max_pool2d(input.abs(), kernel_size, as_max)
                         : -max_pool2d(-input.abs(), kernel_size, as_max);
  }
  const Tensor mean = avg_pool(op, input.pow(norm_type), window, {true, 0});
  // relu stops the infinite slope of the root where the sum is zero.
  return (mean.sign() * mean.abs().relu() * (double(kernel_size.h) * double(kernel_size.w)))
      .pow(1.0 / norm_type);
}

}  // namespace norma::functional
