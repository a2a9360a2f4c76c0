// The methods of Tensor that fewer programs call: the second page of core/tensor.h.
#pragma once
#include <cstdint>

#include "norma/core/scalar.h"
#include "norma/core/shape.h"

namespace norma {

class Tensor;

/// What `Tensor` has besides its own page, named and counted as in PyTorch. Each section is defined
/// in the file of autograd/ that it names. Every operation on floating tensors is differentiable
/// unless its comment says otherwise.
class TensorMethods {
 public:
  // --- Products by name (autograd/products.cpp) ---
  /// The product of two matrices.
  Tensor mm(const Tensor& other) const;
  /// [b, n, m] times [b, m, p], matrix by matrix.
  Tensor bmm(const Tensor& other) const;
  /// A matrix times a vector.
  Tensor mv(const Tensor& vector) const;
  /// Σ xᵢ yᵢ of two vectors of one length.
  Tensor dot(const Tensor& other) const;
  /// xᵢ yⱼ of two vectors.
  Tensor outer(const Tensor& other) const;
  /// beta · this + alpha · a b for matrices a and b; this is broadcast, and not read for beta = 0.
  Tensor addmm(const Tensor& a, const Tensor& b, Scalar beta = 1, Scalar alpha = 1) const;
  /// The same for batches of matrices.
  Tensor baddbmm(const Tensor& a, const Tensor& b, Scalar beta = 1, Scalar alpha = 1) const;

 protected:
  TensorMethods() = default;
  TensorMethods(const TensorMethods&) = default;
  TensorMethods(TensorMethods&&) = default;
  TensorMethods& operator=(const TensorMethods&) = default;
  TensorMethods& operator=(TensorMethods&&) = default;
  ~TensorMethods() = default;

 private:
  const Tensor& self() const;
};

}  // namespace norma
