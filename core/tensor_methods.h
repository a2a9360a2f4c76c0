// The methods of Tensor that fewer programs call: the second page of core/tensor.h.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "norma/core/scalar.h"
#include "norma/core/shape.h"

namespace norma {

class Tensor;
class TensorIndex;
class IndexedTensor;

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

  // --- Indexing as Python writes it (autograd/indexing.cpp; the indices: core/index.h) ---
  /// `x.index({Slice(), 1, mask})` is Python's `x[:, 1, mask]`: a view where there are numbers,
  /// slices, None and Ellipsis alone; with index tensors, masks and lists a copy. As the target of
  /// `=`, both write into x: `x.index({Slice(), 1}) = y`, `x.index({mask}) += 1`.
  IndexedTensor index(const std::vector<TensorIndex>& indices) const;
  /// Python's `x[indices] = values`; the values broadcast. `accumulate` adds them instead, also
  /// those of indices that occur twice; without it, one of these values stays.
  Tensor& index_put_(const std::vector<TensorIndex>& indices, const Tensor& values,
                     bool accumulate = false);
  Tensor& index_put_(const std::vector<TensorIndex>& indices, Scalar value,
                     bool accumulate = false);
  Tensor index_put(const std::vector<TensorIndex>& indices, const Tensor& values,
                   bool accumulate = false) const;

  // --- Positions (autograd/positions.cpp) ---
  /// The positions of all elements other than 0, a row for each: kInt64, [count, dim()].
  Tensor nonzero() const;
  Tensor argwhere() const;
  /// The elements where `mask` (kBool) is true, in a row; both broadcast.
  Tensor masked_select(const Tensor& mask) const;
  /// The elements where `mask` (kBool, broadcast to x) is true become those of `source`, in order.
  Tensor masked_scatter(const Tensor& mask, const Tensor& source) const;
  Tensor& masked_scatter_(const Tensor& mask, const Tensor& source);
  /// Elements of the flattened tensor, in the shape of `index`; negative ones count from the end.
  Tensor take(const Tensor& index) const;
  /// Writes to elements of the flattened tensor; `source` has as many elements as `index`.
  Tensor put(const Tensor& index, const Tensor& source, bool accumulate = false) const;
  Tensor& put_(const Tensor& index, const Tensor& source, bool accumulate = false);
  /// `gather` where x and the indices broadcast except in `dim`; without it, of all elements.
  Tensor take_along_dim(const Tensor& indices, std::optional<int64_t> dim = std::nullopt) const;

  // --- Writing by index tensors (autograd/scatter.cpp) ---
  /// `gather` backwards: out[i][index[i][j]] = src[i][j] for `dim` 1, and so on. `src` is no
  /// smaller than `index`. Where an index occurs twice, one of the values stays, and the gradient
  /// goes to all. `reduce`: "add", or "multiply", which is not differentiable.
  Tensor scatter(int64_t dim, const Tensor& index, const Tensor& src) const;
  Tensor scatter(int64_t dim, const Tensor& index, Scalar value) const;
  Tensor scatter(int64_t dim, const Tensor& index, const Tensor& src,
                 const std::string& reduce) const;
  Tensor scatter(int64_t dim, const Tensor& index, Scalar value, const std::string& reduce) const;
  Tensor& scatter_(int64_t dim, const Tensor& index, const Tensor& src);
  Tensor& scatter_(int64_t dim, const Tensor& index, Scalar value);
  Tensor& scatter_(int64_t dim, const Tensor& index, const Tensor& src, const std::string& reduce);
  Tensor& scatter_(int64_t dim, const Tensor& index, Scalar value, const std::string& reduce);
  Tensor scatter_add(int64_t dim, const Tensor& index, const Tensor& src) const;
  Tensor& scatter_add_(int64_t dim, const Tensor& index, const Tensor& src);
  /// `reduce`: "sum", "mean", "amax" or "amin" of the values that reach a place, with what is there
  /// if `include_self`. Equal extrema share the gradient.
  Tensor scatter_reduce(int64_t dim, const Tensor& index, const Tensor& src,
                        const std::string& reduce, bool include_self = true) const;
  /// `index_select` backwards: adds alpha · source to the places `index` (1-d) of dimension `dim`.
  Tensor index_add(int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1) const;
  Tensor& index_add_(int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1);
  Tensor index_copy(int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor& index_copy_(int64_t dim, const Tensor& index, const Tensor& source);
  /// Negative indices count from the end; `value` as a tensor is 0-d.
  Tensor index_fill(int64_t dim, const Tensor& index, Scalar value) const;
  Tensor index_fill(int64_t dim, const Tensor& index, const Tensor& value) const;
  Tensor& index_fill_(int64_t dim, const Tensor& index, Scalar value);
  Tensor& index_fill_(int64_t dim, const Tensor& index, const Tensor& value);

  // --- Matrices (autograd/linalg.cpp; more under linalg in autograd/linalg.h) ---
  /// Of [*, n, n]; throws where a matrix is singular.
  Tensor inverse() const;
  Tensor det() const;
  /// The sign of the determinant and the logarithm of its absolute value, -infinity for 0.
  std::pair<Tensor, Tensor> slogdet() const;
  /// The nth power of [*, m, m]; for n < 0, of the inverse.
  Tensor matrix_power(int64_t n) const;
  /// The Kronecker product.
  Tensor kron(const Tensor& other) const;

 protected:
  TensorMethods() = default;
  TensorMethods(const TensorMethods&) = default;
  TensorMethods(TensorMethods&&) = default;
  TensorMethods& operator=(const TensorMethods&) = default;
  TensorMethods& operator=(TensorMethods&&) = default;
  ~TensorMethods() = default;

 private:
  const Tensor& self() const;
  Tensor& self();
};

}  // namespace norma
