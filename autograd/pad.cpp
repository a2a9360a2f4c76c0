#include <algorithm>

#include "norma/autograd/functional.h"
#include "norma/autograd/record.h"
#include "norma/core/kernels/pad.h"
#include "norma/core/tensor_impl.h"

namespace norma::functional {
namespace {

void check_margins(const char* name, int64_t before, int64_t after, int64_t size,
                   PaddingMode mode) {
  const std::string pair = "(" + std::to_string(before) + ", " + std::to_string(after) + ")";
  const std::string given = pair + " for a " + name + " of " + std::to_string(size);
  if (std::min(before, after) < 0)
    fail("pad2d", "expected padding that is not negative, got " + given);
  const int64_t largest = std::max(before, after);
  if (mode == PaddingMode::Reflect && largest >= size) {
    fail("pad2d",
         "Padding size should be less than the corresponding input dimension, but got " + given);
  }
  if (mode == PaddingMode::Circular && largest > size) {
    fail("pad2d", "Padding value causes wrapping around more than once, got " + given);
  }
  if (mode == PaddingMode::Replicate && largest > 0 && size == 0) {
    fail("pad2d", "expected a non-empty image to repeat the edge of, got " + given);
  }
}

}  // namespace

Tensor pad2d(const Tensor& input, const PadSizes& pad, PaddingMode mode) {
  const Shape sizes = defined_impl(input, "pad2d")->sizes;
  const int64_t rank = sizes.size();
  if (rank != 3 && rank != 4) {
    fail("pad2d", "expected input [N, C, H, W] or [C, H, W], got " + sizes.str());
  }
  if (!is_floating(input.dtype())) {
    fail("pad2d", std::string("expected a floating input, got ") + dtype_name(input.dtype()) +
                      "; convert it with to(kFloat32)");
  }
  check_margins("height", pad.top, pad.bottom, sizes[rank - 2], mode);
  check_margins("width", pad.left, pad.right, sizes[rank - 1], mode);
  const kernels::Pad2dShape shape{.planes = sizes[0] * (rank == 4 ? sizes[1] : 1),
                                  .in_h = sizes[rank - 2],
                                  .in_w = sizes[rank - 1],
                                  .left = pad.left,
                                  .right = pad.right,
                                  .top = pad.top,
                                  .bottom = pad.bottom,
                                  .border = static_cast<kernels::Border>(mode)};
  Shape out_sizes = sizes;
  out_sizes[rank - 2] = shape.out_h();
  out_sizes[rank - 1] = shape.out_w();
  const Tensor x = input.contiguous();
  const Tensor y = new_tensor(out_sizes, x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    kernels::pad2d_forward(shape, x.impl()->data_as<T>(), y.impl()->data_as<T>());
  });
  return autograd::record(
      "pad2d", y, {&x}, [shape, sizes](const Tensor& g, autograd::InputGrads& d) {
        const Tensor dy = g.contiguous();
        d[0] = new_tensor(sizes, dy.dtype());
        dispatch_floating(dy.dtype(), [&]<class T>() {
          kernels::pad2d_backward(shape, dy.impl()->data_as<T>(), d[0].impl()->data_as<T>());
        });
      });
}

}  // namespace norma::functional
