// softmax and log_softmax along a dimension.
#include "norma/core/kernels/softmax.h"
#include "norma/autograd/promotion.h"
#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/tensor_impl.h"

namespace norma {

using namespace autograd;

namespace {

kernels::SoftmaxShape shape_along(const Shape& sizes, int64_t dim) {
  kernels::SoftmaxShape shape;
  for (int64_t i = 0; i < dim; ++i) shape.outer *= sizes[i];
  if (!sizes.empty()) shape.length = sizes[dim];
  for (int64_t i = dim + 1; i < sizes.size(); ++i) shape.inner *= sizes[i];
  return shape;
}

Tensor normalised(const char* op, const Tensor& self, int64_t dim, bool log) {
  const Shape sizes = defined_impl(self, op)->sizes;
  const int64_t d = wrap_dim(dim, sizes.size(), op);
  const DType dtype = floating_type(self.dtype());
  const Tensor x = self.detach().to(dtype).contiguous();
  Tensor out = new_tensor(sizes, dtype);
  const kernels::SoftmaxShape shape = shape_along(sizes, d);
  if (out.numel() > 0) {
    dispatch_floating(dtype, [&]<class T>() {
      kernels::softmax_forward(shape, log, x.data_ptr<T>(), out.data_ptr<T>());
    });
  }
  return record(op, out, {&self}, [=, y = Saved(out)](const Tensor& grad, InputGrads& grads) {
    grads[0] = new_tensor(sizes, grad.dtype());
    if (grads[0].numel() == 0) return;
    const Tensor g = grad.contiguous();
    dispatch_floating(grad.dtype(), [&]<class T>() {
      kernels::softmax_backward(shape, log, g.data_ptr<T>(), y->data_ptr<T>(),
                                grads[0].data_ptr<T>());
    });
  });
}

}  // namespace

Tensor Tensor::softmax(int64_t dim) const { return normalised("softmax", *this, dim, false); }
Tensor Tensor::log_softmax(int64_t dim) const {
  return normalised("log_softmax", *this, dim, true);
}

}  // namespace norma
