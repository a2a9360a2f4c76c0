#include <algorithm>
#include <cmath>
#include <memory>
#include <new>

#include "norma/autograd/functional_interpolate.h"
#include "norma/autograd/operands.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/resize.h"
#include "norma/core/memory.h"

namespace norma::functional {
namespace {

using kernels::Taps;

bool is_smooth(Interpolation mode) {
  return mode == Interpolation::Linear || mode == Interpolation::Bilinear ||
         mode == Interpolation::Bicubic;
}

const char* name_of(Interpolation mode) {
  constexpr const char* kNames[] = {"nearest", "nearest-exact", "linear", "bilinear", "bicubic"};
  return kNames[static_cast<int>(mode)];
}

// What one axis is computed with: in double, but which cell is the nearest is decided in float, as
// PyTorch does for images of either type.
template <class T>
struct Axis {
  int64_t in, out;
  T scale;  // input cells to an output cell
  bool align_corners;

  Axis(int64_t input, int64_t output, double factor, bool align)
      : in(input), out(output), scale(T(input) / T(output)), align_corners(align) {
    if (factor > 0) scale = static_cast<T>(1.0 / factor);
    if (align) scale = output > 1 ? T(input - 1) / T(output - 1) : T(0);
  }
  T source(int64_t i, bool may_be_negative = false) const {
    if (align_corners) return scale * T(i);
    const T at = scale * (T(i) + T(0.5)) - T(0.5);
    return at < 0 && !may_be_negative ? T(0) : at;
  }
  int64_t cell(T at) const {
    const T last = T(in - 1), whole = std::floor(at);
    return whole < last ? static_cast<int64_t>(whole) : in - 1;
  }
};

// Cubic convolution with a = -3/4, at the distances 1 + t, t, 1 - t and 2 - t.
template <class T>
void cubic(T t, double* weights) {
  const T a = T(-0.75);
  const auto near = [=](T x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [=](T x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  weights[0] = double(far(t + 1)), weights[1] = double(near(t));
  weights[2] = double(near(1 - t)), weights[3] = double(far(2 - t));
}

template <class T>
Taps taps_of(Interpolation mode, const Axis<T>& axis) {
  const int64_t in = axis.in, taps = mode == Interpolation::Bicubic ? 4 : is_smooth(mode) ? 2 : 1;
  Taps result{in, axis.out, taps, {}, {}};
  if (axis.out > int64_t{1} << 40) throw std::bad_alloc();  // vectors throw another error then
  const auto count = static_cast<std::size_t>(axis.out * taps);
  result.at.resize(count);
  result.weight.resize(count, 1.0);
  for (int64_t i = 0; i < axis.out; ++i) {
    int64_t* const at = result.at.data() + i * taps;
    double* const weight = result.weight.data() + i * taps;
    if (mode == Interpolation::Nearest) {
      // PyTorch's short cuts, which ignore a factor that is not the ratio of the sizes.
      at[0] = axis.out == in ? i : axis.out == 2 * in ? i / 2 : axis.cell(axis.scale * T(i));
    }
    if (mode == Interpolation::NearestExact) at[0] = axis.cell(axis.source(i) + T(0.5));
    if (taps == 1) continue;
    const T from = axis.source(i, mode == Interpolation::Bicubic);
    const int64_t cell = axis.cell(from);
    const T t = std::clamp(from - T(cell), T(0), T(1));
    if (taps == 4) {
      for (int64_t k = 0; k < 4; ++k) at[k] = std::clamp<int64_t>(cell + k - 1, 0, in - 1);
      cubic(t, weight);
      continue;
    }
    const bool same = in == axis.out;
    at[0] = same ? i : cell, at[1] = std::min(at[0] + 1, in - 1);
    weight[0] = same ? 1 : double(1 - t), weight[1] = same ? 0 : double(t);
  }
  return result;
}

// Sizes of the result, and the factors to compute with: 0 for the ratio of the sizes.
struct Target {
  Shape sizes;
  std::vector<double> factors;
};

Target target_of(const Tensor& input, const InterpolateOptions& o) {
  const Shape& sizes = defined_impl(input, "interpolate")->sizes;
  const int64_t rank = sizes.size(), axes = rank - 2;
  if (rank != 3 && rank != 4) {
    fail("interpolate", "expected input [N, C, H, W] or [N, C, L], got ", sizes);
  }
  autograd::check_floating("interpolate", input);
  if (is_smooth(o.mode) && (o.mode == Interpolation::Linear) != (rank == 3)) {
    fail("interpolate", "Got ", rank, "D input, but ", name_of(o.mode), " mode needs ", 7 - rank,
         "D input");
  }
  const bool by_size = !o.size.empty();
  const auto given = by_size ? o.size.size() : static_cast<int64_t>(o.scale_factor.size());
  if (given != 1 && given != axes) {
    Shape spatial = sizes;
    spatial.erase(0), spatial.erase(0);
    fail("interpolate",
         "Input and output must have the same number of spatial dimensions, but got input with "
         "spatial dimensions of ",
         spatial, " and ", given, " numbers for the output");
  }
  Target target{sizes, std::vector<double>(static_cast<std::size_t>(axes))};
  for (int64_t i = 0; i < axes; ++i) {
    const int64_t from = given == 1 ? 0 : i;
    int64_t& out = target.sizes[i + 2];
    if (by_size) {
      out = o.size[from];
    } else {
      const double factor = o.scale_factor[static_cast<std::size_t>(from)];
      const double length = std::floor(double(sizes[i + 2]) * factor);
      out = length > 0 ? static_cast<int64_t>(std::min(length, double(kMostCells))) : 0;
      if (!o.recompute_scale_factor.value_or(false)) {
        target.factors[static_cast<std::size_t>(i)] = factor;
      }
    }
    if (sizes[i + 2] < 1 || out < 1) {
      fail("interpolate", "Input and output sizes should be greater than 0, but got input of size ",
           sizes, " and output of size ", target.sizes);
    }
  }
  if (sizes[1] == 0)
    fail("interpolate", "expected at least one channel, got input of size ", sizes);
  static_cast<void>(target.sizes.numel());  // throws where there are too many cells
  return target;
}

}  // namespace

void InterpolateOptions::check(const char* op) const {
  if (size.empty() == scale_factor.empty()) {
    fail(op, size.empty() ? "either size or scale_factor should be defined"
                          : "only one of size or scale_factor should be defined");
  }
  if (align_corners && !is_smooth(mode)) {
    fail(op,
         "align_corners option can only be set with the interpolating modes: Linear, Bilinear, "
         "Bicubic");
  }
  if (recompute_scale_factor.value_or(false) && !size.empty()) {
    fail(op, "recompute_scale_factor is not meaningful with an explicit size");
  }
}

Tensor interpolate(const Tensor& input, const InterpolateOptions& options) {
  return with_memory(0, [&] {
    options.check("interpolate");
    const Target target = target_of(input, options);
    const Shape& sizes = target.sizes;
    const std::vector<double>& factors = target.factors;
    const int64_t rank = sizes.size();
    if (options.mode == Interpolation::Area) {
      if (rank == 4) return adaptive_avg_pool2d(input, {sizes[2], sizes[3]});
      return adaptive_avg_pool2d(input.unsqueeze(2), {1, sizes[2]}).squeeze(2);
    }
    const bool align = options.align_corners.value_or(false);
    const Shape& from = input.sizes();
    const auto along = [&]<class T>(T, int64_t axis, Interpolation mode, double factor) {
      const bool is_there = axis >= 2;  // a signal has no rows
      return taps_of(mode, Axis<T>(is_there ? from[axis] : 1, is_there ? sizes[axis] : 1,
                                   is_there ? factor : 0, align));
    };
    const auto both = [&]<class T>(T type) {
      return std::make_shared<const std::pair<Taps, Taps>>(
          along(type, rank == 4 ? 2 : 0, rank == 4 ? options.mode : Interpolation::Nearest,
                factors[0]),
          along(type, rank - 1, options.mode, factors.back()));
    };
    const auto taps = is_smooth(options.mode) ? both(double()) : both(float());
    const int64_t planes = sizes[0] * sizes[1];
    return autograd::dense_operation(
        {"interpolate",
         {{"mode", name_of(options.mode)},
          {"align_corners", align},
          {"scales_h", factors[0]},
          {"scales_w", factors.back()}}},
        input, sizes,
        [=](const auto* x, auto* y) {
          kernels::resize_forward(planes, taps->first, taps->second, x, y);
        },
        [=](const auto* dy, auto* dx) {
          kernels::resize_backward(planes, taps->first, taps->second, dy, dx);
        });
  });
}

}  // namespace norma::functional
