#include <algorithm>
#include <cmath>

#include "norma/autograd/functional_pad.h"
#include "norma/autograd/operands.h"
#include "norma/core/factory.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/pad.h"
#include "norma/core/kernels/plain/pad.h"
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

/// The last dimension, and with `axes` = 2 that before it; a signal is an image of height 1.
Tensor padded(const char* op, int64_t axes, const Tensor& input, const PadSizes& pad,
              PaddingMode mode) {
  Shape sizes = input.sizes();
  const int64_t rank = sizes.size();
  kernels::Pad2dShape shape{.planes = 1,
                            .in_h = axes == 2 ? sizes[rank - 2] : 1,
                            .in_w = sizes[rank - 1],
                            .left = pad.left,
                            .right = pad.right,
                            .top = pad.top,
                            .bottom = pad.bottom,
                            .border = static_cast<kernels::Border>(mode)};
  for (int64_t i = 0; i < rank - axes; ++i) shape.planes *= sizes[i];
  const char* what = "a padded input";
  if (axes == 2) sizes[rank - 2] = checked_padded(op, what, pad.top, shape.in_h, pad.bottom);
  sizes[rank - 1] = checked_padded(op, what, pad.left, shape.in_w, pad.right);
  constexpr const char* kModes[] = {"constant", "reflect", "replicate", "circular"};
  const Shape margins =
      axes == 1 ? Shape{pad.left, pad.right} : Shape{pad.left, pad.right, pad.top, pad.bottom};
  return autograd::dense_operation(
      {op, {{"pad", margins}, {"mode", kModes[static_cast<int>(mode)]}, {"value", 0.0}}}, input,
      sizes, [=](const auto* x, auto* y) { kernels::pad2d_forward(shape, x, y); },
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

namespace {

struct Margins {
  int64_t dim, before, behind;
};

std::vector<Margins> margins_of(const Tensor& input, const std::vector<int64_t>& pad,
                                PaddingMode mode) {
  const Shape& sizes = defined_impl(input, "pad")->sizes;
  const auto count = static_cast<int64_t>(pad.size());
  const int64_t rank = sizes.size(), axes = count / 2;
  if (count % 2 != 0) fail("pad", "Padding length must be divisible by 2, got ", count);
  if (mode == PaddingMode::Constant && count > 2 * rank) {
    fail("pad",
         "Padding length should be less than or equal to two times the input dimension but got "
         "padding length ",
         count, " and input of dimension ", rank);
  }
  if (mode != PaddingMode::Constant &&
      (axes < 1 || axes > 3 || (rank != axes + 1 && rank != axes + 2))) {
    fail("pad", "Padding size ", count, " is not supported for ", rank,
         "D input tensor; modes other than constant take 2 numbers for 2D or 3D input, 4 for 3D or "
         "4D, 6 for 4D or 5D");
  }
  std::vector<Margins> margins;
  for (int64_t i = 0; i < axes; ++i) {
    const auto at = static_cast<std::size_t>(2 * i);
    const Margins m{rank - 1 - i, pad[at], pad[at + 1]};
    const int64_t size = sizes[m.dim];
    const std::string given =
        text(Pair(m.before, m.behind), " for dimension ", m.dim, " of ", sizes);
    const int64_t length = checked_padded("pad", "a padded input", m.before, size, m.behind);
    if (length < 0 || m.before < -size || m.behind < -size) {
      fail("pad", "expected padding that takes away no more cells than there are, got ", given);
    }
    if (mode == PaddingMode::Reflect && std::max(m.before, m.behind) >= size && length > 0) {
      fail("pad", "Padding size should be less than the corresponding input dimension, but got ",
           given);
    }
    const int64_t rest = size + std::min<int64_t>(m.before, 0) + std::min<int64_t>(m.behind, 0);
    if (mode == PaddingMode::Circular && std::max(m.before, m.behind) > rest) {
      fail("pad", "Padding value causes wrapping around more than once, got ", given);
    }
    if (mode == PaddingMode::Replicate && size == 0 && length > 0) {
      fail("pad", "expected a dimension that is not empty to repeat the edge of, got ", given);
    }
    if (m.before != 0 || m.behind != 0) margins.push_back(m);
  }
  return margins;
}

Tensor filled_around(const Tensor& x, const std::vector<Margins>& margins, Scalar value) {
  Shape sizes = x.sizes();
  for (const Margins& m : margins) sizes[m.dim] += m.before + m.behind;
  const auto inside = [margins, of_x = x.sizes()](Tensor y) {
    for (const Margins& m : margins) y = y.narrow(m.dim, m.before, of_x[m.dim]);
    return y;
  };
  const auto embed = [=](const Tensor& v, Scalar around) {
    const NoGradGuard no_grad;
    Tensor y = full(sizes, around, {.dtype = v.dtype()});
    inside(y).copy_(v);
    return y;
  };
  Shape pad = Shape::filled(2 * x.dim(), 0);
  for (const Margins& m : margins) {
    const int64_t at = 2 * (x.dim() - 1 - m.dim);
    pad[at] = m.before, pad[at + 1] = m.behind;
  }
  return autograd::record({"pad", {{"pad", pad}, {"mode", "constant"}, {"value", value}}},
                          embed(x, value), {&x}, [=](const Tensor& g, autograd::InputGrads& d) {
                            d[0] = autograd::linear_map(
                                "pad", g,
                                [=](const Tensor& v) { return inside(v.detach()).clone(); },
                                [=](const Tensor& v) { return embed(v, 0); });
                          });
}

// Cell by cell of one dimension.
Tensor shown_along(const Tensor& x, const Margins& m, PaddingMode mode) {
  const int64_t size = x.sizes()[m.dim];
  const Tensor cells = new_tensor({m.before + size + m.behind}, kInt64);
  int64_t* next = values_of<int64_t>(cells);
  for (int64_t i = -m.before; i < size + m.behind; ++i) {
    *next++ = kernels::plain::shown(i, size, static_cast<kernels::Border>(mode));
  }
  return x.index_select(m.dim, cells);
}

}  // namespace

Tensor pad(const Tensor& input, const std::vector<int64_t>& pad, PaddingMode mode,
           std::optional<Scalar> value) {
  return with_memory(0, [&] {
    std::vector<Margins> margins = margins_of(input, pad, mode);
    if (mode != PaddingMode::Constant && value) {
      fail("pad", "expected a value with PaddingMode::Constant alone, got one with another mode");
    }
    Tensor x = input;
    const bool crops = mode == PaddingMode::Constant || mode == PaddingMode::Circular;
    bool is_plain = is_floating(x.dtype());
    for (Margins& m : margins) {
      if (crops && std::min(m.before, m.behind) < 0) {
        const int64_t start = std::max<int64_t>(-m.before, 0);
        x = x.narrow(m.dim, start, x.sizes()[m.dim] - start + std::min<int64_t>(m.behind, 0));
        m.before = std::max<int64_t>(m.before, 0), m.behind = std::max<int64_t>(m.behind, 0);
      }
      is_plain = is_plain && std::min(m.before, m.behind) >= 0;
    }
    if (margins.empty()) return x.clone();
    const int64_t rank = x.dim(), lowest = margins.back().dim;
    const double number = value.value_or(0).to<double>();
    if (is_plain && lowest >= rank - 2 && (number == 0 && !std::signbit(number))) {
      PadSizes sizes;
      for (const Margins& m : margins) {
        (m.dim == rank - 1 ? sizes.left : sizes.top) = m.before;
        (m.dim == rank - 1 ? sizes.right : sizes.bottom) = m.behind;
      }
      return padded("pad", lowest == rank - 1 ? 1 : 2, x, sizes, mode);
    }
    if (mode == PaddingMode::Constant) return filled_around(x, margins, value.value_or(0));
    for (const Margins& m : margins) x = shown_along(x, m, mode);
    return x;
  });
}

}  // namespace norma::functional
