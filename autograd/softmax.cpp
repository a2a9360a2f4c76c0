// softmax and log_softmax along a dimension.
#include "norma/core/kernels/softmax.h"

#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"

namespace norma {

using namespace autograd;

namespace {

Tensor normalised(const char* op, const Tensor& self, int64_t dim, bool log) {
  const Shape& sizes = check_floating(op, self)->sizes;
  const kernels::MiddleShape shape(sizes, wrap_dim(dim, sizes.size(), op));
  const Tensor out = filled(sizes, self.detach(), [=](const auto* px, auto* y) {
    kernels::softmax_forward(shape, log, px, y);
  });
  return record({op, {{"dim", dim}}}, out, {&self},
                [=, y = Saved(out)](const Tensor& g, InputGrads& d) {
                  if (grad_enabled()) {
                    const Tensor y_g = log ? y->exp().mul(g.sum({dim}, true)) : y->mul(g);
                    d[0] = log ? g - y_g : y_g - *y * y_g.sum({dim}, true);
                    return;
                  }
                  d[0] = filled(g.sizes(), g, [&]<class T>(const T* dy, T* dx) {
                    kernels::softmax_backward(shape, log, dy, impl_of(*y)->data_as<const T>(), dx);
                  });
                });
}

}  // namespace

Tensor Tensor::softmax(int64_t dim) const { return normalised("softmax", *this, dim, false); }
Tensor Tensor::log_softmax(int64_t dim) const {
  return normalised("log_softmax", *this, dim, true);
}

}  // namespace norma
