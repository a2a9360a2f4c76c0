// Products of matrices and vectors by the names of their shapes.
#include "norma/autograd/ops.h"
#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/tensor_impl.h"

namespace norma {

using namespace autograd;

namespace {

void check_dims(const char* op, const Tensor& a, int64_t dims_a, const Tensor& b, int64_t dims_b) {
  const Shape& sa = defined_impl(a, op)->sizes;
  const Shape& sb = defined_impl(b, op)->sizes;
  if (sa.size() == dims_a && sb.size() == dims_b) return;
  fail(op, "expected tensors of ", dims_a, " and ", dims_b, " dimensions, got ", sa, " and ", sb,
       "; matmul takes any");
}

Tensor scaled(const Tensor& x, Scalar factor) {
  return factor.to<double>() == 1 ? x : x.mul(factor);
}

Tensor add_product(const char* op, const Tensor& start, const Tensor& a, const Tensor& b,
                   int64_t dims, Scalar beta, Scalar alpha) {
  const Shape& sizes = defined_impl(start, op)->sizes;
  check_dims(op, a, dims, b, dims);
  Tensor product = scaled(a.matmul(b), alpha);
  if (broadcast_shapes(sizes, product.sizes(), op) != product.sizes()) {
    fail(op, "expected a tensor that is broadcast to the product's shape ", product.sizes(),
         ", got ", sizes);
  }
  if (beta.to<double>() != 0) return scaled(start, beta) + product;
  if (!recording({&start})) return product;
  return product + start.masked_fill(ones({}, {.dtype = kBool}), 0);  // 0 · NaN would be NaN
}

}  // namespace

Tensor TensorMethods::mm(const Tensor& other) const {
  check_dims("mm", self(), 2, other, 2);
  return self().matmul(other);
}

Tensor TensorMethods::bmm(const Tensor& other) const {
  check_dims("bmm", self(), 3, other, 3);
  if (self().size(0) != other.size(0)) {
    fail("bmm", "expected batches of one length, got ", self().sizes(), " and ", other.sizes());
  }
  return self().matmul(other);
}

Tensor TensorMethods::mv(const Tensor& vector) const {
  check_dims("mv", self(), 2, vector, 1);
  return self().matmul(vector);
}

Tensor TensorMethods::dot(const Tensor& other) const {
  check_dims("dot", self(), 1, other, 1);
  return self().matmul(other);
}

Tensor TensorMethods::outer(const Tensor& other) const {
  check_dims("outer", self(), 1, other, 1);
  return self().unsqueeze(1) * other;
}

Tensor TensorMethods::addmm(const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) const {
  return add_product("addmm", self(), a, b, 2, beta, alpha);
}

Tensor TensorMethods::baddbmm(const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) const {
  return add_product("baddbmm", self(), a, b, 3, beta, alpha);
}

}  // namespace norma
