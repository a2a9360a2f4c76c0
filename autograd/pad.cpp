#include <algorithm>

#include "norma/autograd/functional.h"
#include "norma/autograd/operands.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/pad.h"
#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"

namespace norma::functional {
namespace {

using autograd::check_floating;

void check_margins(const char* op, const char* name, int64_t before, int64_t after, int64_t size,
                   PaddingMode mode) {
  const std::string given = text(Pair(before, after), " for a ", name, " of ", size);
  if (std::min(before, after) < 0) fail(op, "expected padding that is not negative, got ", given);
  const int64_t largest = std::max(before, after);
  if (mode == PaddingMode::Reflect && largest >= size) {
    fail(op, "Padding size should be less than the corresponding input dimension, but got ", given);
  }
  if (mode == PaddingMode::Circular && largest > size) {
    fail(op, "Padding value causes wrapping around more than once, got ", given);
  }
  if (mode == PaddingMode::Replicate && largest > 0 && size == 0) {
    fail(op, "expected a non-empty ", name[0] == 'l' ? "signal" : "image",
         " to repeat the edge of, got ", given);
  }
}

// `axes`: 1 or 2 dimensions to pad.
void check_input(const char* op, int64_t axes, const Tensor& input) {
  const Shape& sizes = defined_impl(input, op)->sizes;
  if (sizes.size() != axes + 1 && sizes.size() != axes + 2) {
    fail(op, "expected input ", axes == 1 ? "[N, C, L] or [C, L]" : "[N, C, H, W] or [C, H, W]",
         ", got ", sizes);
  }
  check_floating(op, input);
}

/// A signal (`axes` = 1) is an image of height 1.
Tensor padded(const char* op, int64_t axes, const Tensor& input, const PadSizes& pad,
              PaddingMode mode) {
  Shape sizes = input.sizes();
  const int64_t rank = sizes.size();
  const kernels::Pad2dShape shape{.planes = sizes[0] * (rank == axes + 2 ? sizes[1] : 1),
                                  .in_h = axes == 2 ? sizes[rank - 2] : 1,
                                  .in_w = sizes[rank - 1],
                                  .left = pad.left,
                                  .right = pad.right,
                                  .top = pad.top,
                                  .bottom = pad.bottom,
                                  .border = static_cast<kernels::Border>(mode)};
  const char* what = "a padded input";
  if (axes == 2) sizes[rank - 2] = checked_padded(op, what, pad.top, shape.in_h, pad.bottom);
  sizes[rank - 1] = checked_padded(op, what, pad.left, shape.in_w, pad.right);
  return autograd::dense_operation(
      op, input, sizes, [=](const auto* x, auto* y) { kernels::pad2d_forward(shape, x, y); },
      [=](const auto* dy, auto* dx) { kernels::pad2d_backward(shape, dy, dx); });
}

}  // namespace

Tensor pad2d(const Tensor& input, const PadSizes& pad, PaddingMode mode) {
  return with_memory(0, [&] {
    check_input("pad2d", 2, input);
    const Shape& sizes = input.sizes();
    check_margins("pad2d", "height", pad.top, pad.bottom, sizes[sizes.size() - 2], mode);
    check_margins("pad2d", "width", pad.left, pad.right, sizes.back(), mode);
    return padded("pad2d", 2, input, pad, mode);
  });
}

Tensor pad1d(const Tensor& input, const Pad1dSizes& pad, PaddingMode mode) {
  return with_memory(0, [&] {
    check_input("pad1d", 1, input);
    check_margins("pad1d", "length", pad.left, pad.right, input.sizes().back(), mode);
    return padded("pad1d", 1, input, {.left = pad.left, .right = pad.right}, mode);
  });
}

}  // namespace norma::functional
