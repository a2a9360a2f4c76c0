// Dropout: random masks in training, the identity otherwise.
#include <string>

#include "norma/autograd/functional.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/dropout.h"
#include "norma/core/random.h"
#include "norma/core/tensor_impl.h"

namespace norma::functional {
namespace {

using autograd::check_floating;
using autograd::InputGrads;
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
  const Tensor x = input.is_contiguous() ? input : input.detach().contiguous();
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
  Tensor y = new_tensor(x.sizes(), x.dtype());
  uint8_t* const values = mask.impl()->data_as<uint8_t>();
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* px = x.impl()->data_as<T>();
    T* py = y.impl()->data_as<T>();
    if (length == 1) {
      kernels::dropout_forward<T>(count, px, p, random, scale, values, py);
    } else {
      kernels::random_mask(rows, p, random, values);
      kernels::apply_mask<T>(rows, length, px, values, scale, py);
    }
  });
  return record(op, y, {&input}, [=](const Tensor& grad, InputGrads& d) {
    const Tensor g = grad.contiguous();
    d[0] = new_tensor(g.sizes(), g.dtype());
    dispatch_floating(g.dtype(), [&]<class T>() {
      kernels::apply_mask<T>(rows, length, g.impl()->data_as<T>(), mask.impl()->data_as<uint8_t>(),
                             scale, d[0].impl()->data_as<T>());
    });
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
