// What operations on dense memory share. For Norma's own sources.
#pragma once
#include "norma/autograd/record.h"
#include "norma/core/tensor_impl.h"

namespace norma::autograd {

/// What `tensor` points at, whose elements are floating; throws `[op] …` otherwise.
inline const TensorImpl* check_floating(const char* op, const Tensor& tensor,
                                        const char* name = "input") {
  const TensorImpl* impl = defined_impl(tensor, op);
  if (!is_floating(impl->dtype)) {
    fail(op, "expected a floating ", name, ", got ", impl->dtype, "; convert it with to(kFloat32)");
  }
  return impl;
}

/// The values in row-major order, outside the graph: the tensor itself where it is so already.
inline Tensor packed(const Tensor& tensor) {
  return !tensor.defined() || tensor.is_contiguous() ? tensor : tensor.detach().contiguous();
}

/// The elements of a contiguous tensor, null where it is undefined.
template <class T>
T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? impl_of(tensor)->data_as<T>() : nullptr;
}

/// With what kernels may keep `weight` packed: its storage. Null for a strided one, of which they
/// see a copy, and while it is recorded: in training it changes with every step.
inline Storage* keeper(const Tensor& weight, const Inputs& inputs) {
  return weight.is_contiguous() && !recording(inputs) ? impl_of(weight)->storage.get() : nullptr;
}

/// Height and width, or of signals the width alone, as an option of an operation.
template <class Pair>
Shape as_option(const Pair& size, int64_t axes = 2) {
  return axes == 1 ? Shape{size.w} : Shape{size.h, size.w};
}

/// What `kernel(from, to)` writes for the floating elements of `input`, in row-major order.
template <class Kernel>
Tensor filled(const Shape& sizes, const Tensor& input, Kernel kernel) {
  const Tensor x = input.contiguous();
  Tensor out = new_tensor(sizes, x.dtype());
  if (out.numel() == 0) return out;  // loops over its other sizes might not end
  dispatch_floating(x.dtype(), [&]<class T>() {
    kernel(static_cast<const T*>(impl_of(x)->data_as<T>()), impl_of(out)->data_as<T>());
  });
  return out;
}

/// Records y = map(x), a linear function; `adjoint(g)` is what backward gives. Each is the other's
/// backward, however often it is differentiated. `read_besides` as in `record`.
template <class Map, class Adjoint>
Tensor linear_map(const Operation& op, const Tensor& x, Map map, Adjoint adjoint,
                  const Inputs& read_besides = {}) {
  if (!recording({&x}) && !observer()) return map(x);
  const auto backward = [op = op.name, map, adjoint](const Tensor& g, InputGrads& d) {
    d[0] = linear_map(op, g, adjoint, map);
  };
  return record(op, map(x), {&x}, backward, read_besides);
}

/// Records an operation on one floating tensor, given by its kernels forward(x, y),
/// backward(dy, dx) and, where the first is not linear, forward's derivative along(dx, dy).
template <class Forward, class Backward, class Along>
Tensor dense_operation(const Operation& op, const Tensor& input, const Shape& sizes,
                       Forward forward, Backward backward, Along along) {
  const Tensor x = input.contiguous();
  const auto to = [=](const Tensor& v) { return filled(sizes, v, along); };
  const auto back = [=, from = x.sizes()](const Tensor& g) { return filled(from, g, backward); };
  return record(
      op, filled(sizes, x, forward), {&x},
      [=, op = op.name](const Tensor& g, InputGrads& d) { d[0] = linear_map(op, g, back, to); });
}
template <class Forward, class Backward>
Tensor dense_operation(const Operation& op, const Tensor& input, const Shape& sizes,
                       Forward forward, Backward backward) {
  return dense_operation(op, input, sizes, forward, backward, forward);
}

}  // namespace norma::autograd
