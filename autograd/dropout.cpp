// Dropout: random masks in training, the identity otherwise.
#include <string>

#include "norma/autograd/functional.h"
#include "norma/autograd/operands.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/dropout.h"
#include "norma/core/random.h"
#include "norma/core/tensor_impl.h"

namespace norma::functional {
namespace {

using autograd::check_floating;
using autograd::filled;
using autograd::InputGrads;
using autograd::linear_map;
using autograd::packed;
using autograd::record;

void check(const char* op, const Tensor& input, double p) {
  defined_impl(input, op);
  if (!(p >= 0.0 && p <= 1.0)) {
    fail(op, "dropout probability has to be between 0 and 1, but got ", rounded(p));
  }
  check_floating(op, input);
}

/// The input with one mask value for each of `rows` equal stretches of its elements.
Tensor masked(const char* op, const Tensor& input, double p, int64_t rows) {
  const Tensor x = packed(input);
  const int64_t count = x.numel();
  if (count == 0 || p == 1.0) {
    return record(op, zeros(x.sizes(), {.dtype = x.dtype()}), {&input},
                  [](const Tensor& g, InputGrads& d) { d[0] = zeros_like(g); });
  }
  const int64_t length = count / rows;
  const double scale = 1.0 / (1.0 - p);
  Generator& generator = default_generator();
  const uint64_t first = generator.reserve(kernels::mask_blocks(rows));
  const kernels::RandomBlocks random{generator.seed(), first};
  const Tensor mask = new_tensor({rows}, kUInt8);
  uint8_t* const values = impl_of(mask)->data_as<uint8_t>();
  const Tensor y = filled(x.sizes(), x, [=](const auto* from, auto* to) {
    if (length == 1) return kernels::dropout_forward(count, from, p, random, scale, values, to);
    kernels::random_mask(rows, p, random, values);
    kernels::apply_mask(rows, length, from, values, scale, to);
  });
  const auto apply = [=](const Tensor& g) {
    return filled(g.sizes(), g, [&](const auto* dy, auto* dx) {
      kernels::apply_mask(rows, length, dy, impl_of(mask)->data_as<const uint8_t>(), scale, dx);
    });
  };
  return record(op, y, {&input}, [op, apply](const Tensor& g, InputGrads& d) {
    d[0] = linear_map(op, g, apply, apply);
  });
}

}  // namespace

Tensor dropout(const Tensor& input, double p, bool training) {
  check("dropout", input, p);
  return training && p > 0.0 ? masked("dropout", input, p, input.numel()) : input;
}

Tensor dropout2d(const Tensor& input, double p, bool training) {
  check("dropout2d", input, p);
  if (input.dim() < 2) {
    fail("dropout2d", "expected an input of at least two dimensions, [N, C, …], got ",
         input.sizes(), "; dropout() takes any shape");
  }
  if (!training || p == 0.0) return input;
  return masked("dropout2d", input, p, input.size(0) * input.size(1));
}

}  // namespace norma::functional
