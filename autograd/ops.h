// Free spellings of tensor operations, as in `torch.`: operators, and functions on several tensors.
//
// Errors of all: those of Tensor, and of the method of the same name.
#pragma once
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "norma/core/index.h"
#include "norma/core/tensor.h"

namespace norma {

// Operands are passed by value: the result may reuse the memory of a temporary.
Tensor operator+(Tensor a, Tensor b);  ///< elements added
Tensor operator-(Tensor a, Tensor b);  ///< elements subtracted
Tensor operator*(Tensor a, Tensor b);  ///< elements multiplied
Tensor operator/(Tensor a, Tensor b);  ///< elements divided
Tensor operator+(Tensor a, Scalar b);  ///< elements added
Tensor operator-(Tensor a, Scalar b);  ///< elements subtracted
Tensor operator*(Tensor a, Scalar b);  ///< elements multiplied
Tensor operator/(Tensor a, Scalar b);  ///< elements divided
inline Tensor operator+(Scalar a, Tensor b) { return std::move(b) + a; }
inline Tensor operator*(Scalar a, Tensor b) { return std::move(b) * a; }
Tensor operator-(Scalar a, const Tensor& b);  ///< elements subtracted
Tensor operator/(Scalar a, const Tensor& b);  ///< elements divided
inline Tensor operator==(const Tensor& a, const Tensor& b) { return a.eq(b); }
inline Tensor operator!=(const Tensor& a, const Tensor& b) { return a.ne(b); }
inline Tensor operator<(const Tensor& a, const Tensor& b) { return a.lt(b); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return a.le(b); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return a.gt(b); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return a.ge(b); }
inline Tensor operator==(const Tensor& a, Scalar b) { return a.eq(b); }
inline Tensor operator!=(const Tensor& a, Scalar b) { return a.ne(b); }
inline Tensor operator<(const Tensor& a, Scalar b) { return a.lt(b); }
inline Tensor operator<=(const Tensor& a, Scalar b) { return a.le(b); }
inline Tensor operator>(const Tensor& a, Scalar b) { return a.gt(b); }
inline Tensor operator>=(const Tensor& a, Scalar b) { return a.ge(b); }

inline Tensor abs(const Tensor& x) { return x.abs(); }
inline Tensor exp(const Tensor& x) { return x.exp(); }
inline Tensor log(const Tensor& x) { return x.log(); }
inline Tensor sqrt(const Tensor& x) { return x.sqrt(); }
inline Tensor pow(const Tensor& x, Scalar exponent) { return x.pow(exponent); }
inline Tensor pow(const Tensor& x, const Tensor& exponent) { return x.pow(exponent); }
inline Tensor sigmoid(const Tensor& x) { return x.sigmoid(); }
inline Tensor tanh(const Tensor& x) { return x.tanh(); }
inline Tensor relu(Tensor x) { return std::move(x).relu(); }
inline Tensor clamp(const Tensor& x, std::optional<Scalar> min,
                    std::optional<Scalar> max = std::nullopt) {
  return x.clamp(min, max);
}
inline Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max = Tensor()) {
  return x.clamp(min, max);
}
inline Tensor clamp_min(const Tensor& x, Scalar min) { return x.clamp_min(min); }
inline Tensor clamp_max(const Tensor& x, Scalar max) { return x.clamp_max(max); }
inline Tensor maximum(const Tensor& a, const Tensor& b) { return a.maximum(b); }
inline Tensor minimum(const Tensor& a, const Tensor& b) { return a.minimum(b); }
inline Tensor sum(const Tensor& x) { return x.sum(); }
inline Tensor mean(const Tensor& x) { return x.mean(); }
inline Tensor softmax(const Tensor& x, int64_t dim) { return x.softmax(dim); }
inline Tensor log_softmax(const Tensor& x, int64_t dim) { return x.log_softmax(dim); }
inline Tensor sin(const Tensor& x) { return x.sin(); }
inline Tensor cos(const Tensor& x) { return x.cos(); }
inline Tensor tan(const Tensor& x) { return x.tan(); }
inline Tensor asin(const Tensor& x) { return x.asin(); }
inline Tensor acos(const Tensor& x) { return x.acos(); }
inline Tensor atan(const Tensor& x) { return x.atan(); }
inline Tensor sinh(const Tensor& x) { return x.sinh(); }
inline Tensor cosh(const Tensor& x) { return x.cosh(); }
inline Tensor asinh(const Tensor& x) { return x.asinh(); }
inline Tensor acosh(const Tensor& x) { return x.acosh(); }
inline Tensor atanh(const Tensor& x) { return x.atanh(); }
inline Tensor sinc(const Tensor& x) { return x.sinc(); }
inline Tensor exp2(const Tensor& x) { return x.exp2(); }
inline Tensor expm1(const Tensor& x) { return x.expm1(); }
inline Tensor log1p(const Tensor& x) { return x.log1p(); }
inline Tensor log2(const Tensor& x) { return x.log2(); }
inline Tensor log10(const Tensor& x) { return x.log10(); }
inline Tensor rsqrt(const Tensor& x) { return x.rsqrt(); }
inline Tensor reciprocal(const Tensor& x) { return x.reciprocal(); }
inline Tensor erf(const Tensor& x) { return x.erf(); }
inline Tensor erfc(const Tensor& x) { return x.erfc(); }
inline Tensor erfinv(const Tensor& x) { return x.erfinv(); }
inline Tensor square(const Tensor& x) { return x.square(); }
inline Tensor floor(const Tensor& x) { return x.floor(); }
inline Tensor ceil(const Tensor& x) { return x.ceil(); }
inline Tensor trunc(const Tensor& x) { return x.trunc(); }
inline Tensor frac(const Tensor& x) { return x.frac(); }
inline Tensor sign(const Tensor& x) { return x.sign(); }
inline Tensor isnan(const Tensor& x) { return x.isnan(); }
inline Tensor isinf(const Tensor& x) { return x.isinf(); }
inline Tensor isfinite(const Tensor& x) { return x.isfinite(); }
inline Tensor logical_not(const Tensor& x) { return x.logical_not(); }
inline Tensor round(const Tensor& x, int64_t decimals = 0) { return x.round(decimals); }
inline Tensor atan2(const Tensor& a, const Tensor& b) { return a.atan2(b); }
inline Tensor hypot(const Tensor& a, const Tensor& b) { return a.hypot(b); }
inline Tensor logaddexp(const Tensor& a, const Tensor& b) { return a.logaddexp(b); }
inline Tensor fmod(const Tensor& a, const Tensor& b) { return a.fmod(b); }
inline Tensor remainder(const Tensor& a, const Tensor& b) { return a.remainder(b); }
inline Tensor logical_and(const Tensor& a, const Tensor& b) { return a.logical_and(b); }
inline Tensor logical_or(const Tensor& a, const Tensor& b) { return a.logical_or(b); }
inline Tensor logical_xor(const Tensor& a, const Tensor& b) { return a.logical_xor(b); }
inline Tensor fmod(const Tensor& x, Scalar y) { return x.fmod(y); }
inline Tensor remainder(const Tensor& x, Scalar y) { return x.remainder(y); }
inline Tensor lerp(const Tensor& x, const Tensor& end, const Tensor& weight) {
  return x.lerp(end, weight);
}
inline Tensor lerp(const Tensor& x, const Tensor& end, Scalar weight) {
  return x.lerp(end, weight);
}
inline Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value = 1) {
  return x.addcmul(a, b, value);
}
inline Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value = 1) {
  return x.addcdiv(a, b, value);
}
inline Tensor matmul(const Tensor& a, const Tensor& b) { return a.matmul(b); }

/// Elements of `a` where `condition` (kBool) is true, of `b` elsewhere; all three broadcast.
/// Errors: a condition of another dtype, shapes that do not broadcast.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// `nonzero`, a tensor of indices for every dimension: `x.index_put_({where(c)[0]}, 1)`. Errors: an
/// undefined tensor.
std::vector<Tensor> where(const Tensor& condition);
inline Tensor nonzero(const Tensor& x) { return x.nonzero(); }
inline Tensor argwhere(const Tensor& x) { return x.argwhere(); }
inline Tensor masked_select(const Tensor& x, const Tensor& mask) { return x.masked_select(mask); }
inline Tensor take(const Tensor& x, const Tensor& index) { return x.take(index); }
inline Tensor take_along_dim(const Tensor& x, const Tensor& indices,
                             std::optional<int64_t> dim = std::nullopt) {
  return x.take_along_dim(indices, dim);
}
inline Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  return x.index_select(dim, index);
}
inline Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  return x.gather(dim, index);
}
inline Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  return x.scatter(dim, index, src);
}
inline Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  return x.scatter_add(dim, index, src);
}
/// Joins along an existing dimension. Errors: no tensor, sizes that differ in another dimension.
Tensor cat(const std::vector<Tensor>& tensors, int64_t dim = 0);
/// Joins along a new dimension. Errors: no tensor, different sizes.
Tensor stack(const std::vector<Tensor>& tensors, int64_t dim = 0);
/// Joins side by side, below each other, along the third dimension, or vectors as columns; what has
/// too few dimensions gets them. Errors: no tensor, sizes that differ in another dimension.
Tensor hstack(const std::vector<Tensor>& tensors);
/// Below each other. Errors: likewise.
Tensor vstack(const std::vector<Tensor>& tensors);
/// Along the third dimension. Errors: likewise.
Tensor dstack(const std::vector<Tensor>& tensors);
/// Vectors as columns. Errors: likewise.
Tensor column_stack(const std::vector<Tensor>& tensors);
/// With at least one dimension.
Tensor atleast_1d(const Tensor& tensor);
/// With at least two, new ones in front.
Tensor atleast_2d(const Tensor& tensor);
/// With at least three.
Tensor atleast_3d(const Tensor& tensor);
/// The coordinates of a grid of these vectors, as views: the i-th changes along dimension i. "xy"
/// swaps the first two dimensions. Errors: another `indexing`, no tensor, tensors of more than one
/// dimension or of several dtypes.
std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors,
                             const std::string& indexing = "ij");
/// Where each value would stand in a sorted tensor: behind all that are smaller, with `right`
/// behind equal ones, too. The last dimension is sorted; the others are as those of `values`, or
/// there are none. kInt64, not differentiable. Errors: different dtypes, other dimensions.
Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right = false);
Tensor searchsorted(const Tensor& sorted, Scalar value, bool right = false);
/// The same for every element of `input` in a sorted vector. Errors: boundaries that are no vector.
Tensor bucketize(const Tensor& input, const Tensor& boundaries, bool right = false);

inline std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim = 0) {
  return x.chunk(chunks, dim);
}
inline std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t dim = 0) {
  return x.split(size, dim);
}
inline std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes,
                                 int64_t dim = 0) {
  return x.split(sizes, dim);
}
inline std::vector<Tensor> unbind(const Tensor& x, int64_t dim = 0) { return x.unbind(dim); }
inline Tensor movedim(const Tensor& x, const Shape& source, const Shape& destination) {
  return x.movedim(source, destination);
}
inline Tensor tile(const Tensor& x, const Shape& times) { return x.tile(times); }
inline Tensor repeat_interleave(const Tensor& x, int64_t repeats, std::optional<int64_t> dim = {}) {
  return x.repeat_interleave(repeats, dim);
}
inline Tensor repeat_interleave(const Tensor& x, const Tensor& repeats,
                                std::optional<int64_t> dim = {}) {
  return x.repeat_interleave(repeats, dim);
}
inline Tensor flip(const Tensor& x, const Shape& dims) { return x.flip(dims); }
inline Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims = {}) {
  return x.roll(shifts, dims);
}
inline Tensor tril(const Tensor& x, int64_t diagonal = 0) { return x.tril(diagonal); }
inline Tensor triu(const Tensor& x, int64_t diagonal = 0) { return x.triu(diagonal); }
inline Tensor diag(const Tensor& x, int64_t diagonal = 0) { return x.diag(diagonal); }
inline Tensor cumsum(const Tensor& x, int64_t dim) { return x.cumsum(dim); }
inline Tensor cumprod(const Tensor& x, int64_t dim) { return x.cumprod(dim); }
inline Tensor prod(const Tensor& x) { return x.prod(); }
inline Tensor prod(const Tensor& x, int64_t dim, bool keepdim = false) {
  return x.prod(dim, keepdim);
}
inline Tensor logsumexp(const Tensor& x, const Shape& dims, bool keepdim = false) {
  return x.logsumexp(dims, keepdim);
}
inline Tensor median(const Tensor& x) { return x.median(); }
inline Tensor quantile(const Tensor& x, double q) { return x.quantile(q); }
inline Tensor trace(const Tensor& x) { return x.trace(); }
inline std::pair<Tensor, Tensor> sort(const Tensor& x, int64_t dim = -1, bool descending = false) {
  return x.sort(dim, descending);
}
inline Tensor argsort(const Tensor& x, int64_t dim = -1, bool descending = false) {
  return x.argsort(dim, descending);
}
inline std::pair<Tensor, Tensor> topk(const Tensor& x, int64_t k, int64_t dim = -1,
                                      bool largest = true, bool sorted = true) {
  return x.topk(k, dim, largest, sorted);
}
inline Tensor unique(const Tensor& x) { return x.unique(); }
inline Tensor bincount(const Tensor& x) { return x.bincount(); }
inline Tensor multinomial(const Tensor& x, int64_t num_samples, bool replacement = false) {
  return x.multinomial(num_samples, replacement);
}
inline Tensor bernoulli(const Tensor& p) { return p.bernoulli(); }

/// Sums of products by the names of their dimensions: `einsum("bij,bjk->bik", {a, b})` is a batched
/// product, "ii" a trace, "i,j->ij" an outer product. "..." stands for further dimensions, which
/// broadcast; without "->" the output has these and the letters that occur once, in alphabetical
/// order. From left to right, each pair of operands as one product of matrices. Errors: an equation
/// of something else, other operands than it names, sizes that differ, several dtypes.
Tensor einsum(const std::string& equation, const std::vector<Tensor>& operands);
/// Sums over the last `dims` dimensions of a and the first of b, or over dims_a and dims_b. Errors:
/// more dimensions than there are, or of other sizes.
Tensor tensordot(const Tensor& a, const Tensor& b, int64_t dims = 2);
Tensor tensordot(const Tensor& a, const Tensor& b, const Shape& dims_a, const Shape& dims_b);
/// The distances (Σ|x₁ - x₂|^p)^(1/p) of all rows of [*, P, M] from those of [*, R, M]: [*, P, R].
/// p = 0: how many elements differ. At distance 0 the gradient is 0. Errors: p < 0, rows of
/// different lengths, integers, two dtypes.
Tensor cdist(const Tensor& x1, const Tensor& x2, double p = 2);
inline Tensor kron(const Tensor& a, const Tensor& b) { return a.kron(b); }
inline Tensor inverse(const Tensor& x) { return x.inverse(); }
inline Tensor det(const Tensor& x) { return x.det(); }
inline std::pair<Tensor, Tensor> slogdet(const Tensor& x) { return x.slogdet(); }

/// |a - b| <= atol + rtol |b| for every element, shapes broadcast; NaN equals nothing. Errors:
/// shapes that do not broadcast.
bool allclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8);
/// Same shape and same values.
bool equal(const Tensor& a, const Tensor& b);

namespace autograd {

/// The sums over all elements of `outputs` of their gradients with respect to each of `inputs`,
/// which may be leaves or results on the way; `grad()` of leaves stays as it is.
/// ```cpp
/// Tensor u = net(x);
/// Tensor du = autograd::grad({u.sum()}, {x}, {}, {}, true)[0];  // du/dx, to be differentiated
/// ```
/// `grad_outputs`: what the gradient of each output starts with; none: outputs of one element, 1.
/// `retain_graph`: keeps what the graph saved for another call; default: `create_graph`.
/// `create_graph`: the results are recorded, so that they have derivatives themselves. Results may
/// share memory with each other and with `grad_outputs`: clone() before changing them in place.
/// `allow_unused`: an input that no output depends on gets an undefined Tensor instead of an error.
/// Errors: besides that, no outputs or inputs, one that requires no gradient, a gradient of another
/// shape or number, a graph that was freed, values changed since. PyTorch: `torch.autograd.grad`.
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& grad_outputs = {},
                         std::optional<bool> retain_graph = std::nullopt, bool create_graph = false,
                         bool allow_unused = false);

}  // namespace autograd

}  // namespace norma
