// torch.linalg: systems of linear equations and what is made of them, for one matrix or batches.
//
// Errors of all: an undefined tensor, integers or bools, matrices that are not square.
#pragma once
#include <utility>

#include "norma/core/tensor.h"

namespace norma::linalg {

/// A⁻¹ of [*, n, n]. Throws where a matrix is singular: where elimination with partial pivoting
/// meets a column of zeros. PyTorch: `torch.linalg.inv`.
Tensor inv(const Tensor& a);

/// X of A X = B, for A of [*, n, n] and B of [*, n, k] or a vector [*, n]; leading dimensions
/// broadcast. Vectors are taken where B is 1-d or of the shape of A without its last dimension.
/// Throws where a matrix is singular, and for another number of rows or dtype of B. PyTorch:
/// `torch.linalg.solve`.
Tensor solve(const Tensor& a, const Tensor& b);

/// The determinant of [*, n, n]; 1 for n = 0. The gradient, g det(A) A⁻ᵀ, is that of the cofactors,
/// which singular matrices have, too; second derivatives need an inverse. `torch.linalg.det`.
Tensor det(const Tensor& a);

/// The determinant's sign (0 for singular matrices) and the logarithm of its absolute value
/// (-infinity), which has a gradient, A⁻ᵀ. PyTorch: `torch.linalg.slogdet`.
std::pair<Tensor, Tensor> slogdet(const Tensor& a);

/// The lower triangle L of A = L Lᵀ for symmetric positive definite A, of which the lower triangle
/// is read; throws where A is none. PyTorch: `torch.linalg.cholesky`.
Tensor cholesky(const Tensor& a);

/// Aⁿ; for n < 0 of the inverse, which throws for singular matrices. Also of integers, with n of at
/// least 0. `torch.linalg.matrix_power`.
Tensor matrix_power(const Tensor& a, int64_t n);

}  // namespace norma::linalg
