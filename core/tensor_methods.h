// The methods of Tensor that fewer programs call: the second page of core/tensor.h.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "norma/core/dtype.h"
#include "norma/core/hook.h"
#include "norma/core/scalar.h"
#include "norma/core/shape.h"
#include "norma/core/tensor_spellings.h"

namespace norma {

class Tensor;
class TensorIndex;
class IndexedTensor;

/// How a tensor is made in the likeness of another: what is not said is as there.
struct LikeOptions {
  std::optional<DType> dtype = {};  ///< that of the other
  bool requires_grad = false;       ///< a leaf with a gradient
};

/// Gets a gradient; may return another. See `register_hook`.
using TensorHook = Hook<Tensor(const Tensor& grad)>;
/// Gets a leaf whose gradient has grown.
using AccumulatedHook = Hook<void(const Tensor& leaf)>;

/// What `Tensor` has besides its own page, named and counted as in PyTorch. Each section is defined
/// in the file of autograd/ that it names. Every operation on floating tensors is differentiable
/// unless its comment says otherwise. Errors of all are those of Tensor.
class TensorMethods : public TensorSpellings {
 public:
  // --- Products by name (autograd/products.cpp) ---
  /// The product of two matrices. Errors: other sizes, other numbers of dimensions.
  Tensor mm(const Tensor& other) const;
  /// [b, n, m] times [b, m, p], matrix by matrix. Errors: other sizes, other numbers of dimensions.
  Tensor bmm(const Tensor& other) const;
  /// A matrix times a vector. Errors: other sizes, other numbers of dimensions.
  Tensor mv(const Tensor& vector) const;
  /// Σ xᵢ yᵢ of two vectors of one length; others throw.
  Tensor dot(const Tensor& other) const;
  /// xᵢ yⱼ of two vectors; others throw.
  Tensor outer(const Tensor& other) const;
  /// beta · this + alpha · a b for matrices a and b; this is broadcast, and not read for beta = 0.
  /// Errors: other sizes, other numbers of dimensions.
  Tensor addmm(const Tensor& a, const Tensor& b, Scalar beta = 1, Scalar alpha = 1) const;
  /// The same for batches of matrices, errors included.
  Tensor baddbmm(const Tensor& a, const Tensor& b, Scalar beta = 1, Scalar alpha = 1) const;

  // --- Indexing as Python writes it (autograd/indexing.cpp; the indices: core/index.h) ---
  /// `x.index({Slice(), 1, mask})` is Python's `x[:, 1, mask]`: a view where there are numbers,
  /// slices, None and Ellipsis alone; with index tensors, masks and lists a copy. As the target of
  /// `=`, both write into x: `x.index({Slice(), 1}) = y`, `x.index({mask}) += 1`. Errors: indices
  /// out of range, more than dimensions, of another dtype, masks of other sizes, a step below 1.
  IndexedTensor index(const std::vector<TensorIndex>& indices) const;
  /// Python's `x[indices] = values`; the values broadcast. `accumulate` adds them instead, also
  /// those of indices that occur twice; without it, one of these values stays. Errors as of
  /// `index`, and values that do not broadcast.
  Tensor& index_put_(const std::vector<TensorIndex>& indices, const Tensor& values,
                     bool accumulate = false);
  Tensor& index_put_(const std::vector<TensorIndex>& indices, Scalar value,
                     bool accumulate = false);
  /// A copy with those values.
  Tensor index_put(const std::vector<TensorIndex>& indices, const Tensor& values,
                   bool accumulate = false) const;

  // --- Positions (autograd/positions.cpp) ---
  /// The positions of all elements other than 0, a row for each: kInt64, [count, dim()].
  Tensor nonzero() const;
  /// The same.
  Tensor argwhere() const;
  /// The elements where `mask` (kBool) is true, in a row; both broadcast. Errors: another dtype of
  /// the mask.
  Tensor masked_select(const Tensor& mask) const;
  /// The elements where `mask` (kBool, broadcast to x) is true become those of `source`, in order.
  /// Errors: another dtype of either, too few elements in `source`.
  Tensor masked_scatter(const Tensor& mask, const Tensor& source) const;
  Tensor& masked_scatter_(const Tensor& mask, const Tensor& source);
  /// Elements of the flattened tensor, in the shape of `index`; negative ones count from the end.
  /// Errors: a position that is none.
  Tensor take(const Tensor& index) const;
  /// Writes to elements of the flattened tensor; `source` has as many elements as `index`.
  /// Errors: another number, another dtype, a position that is none.
  Tensor put(const Tensor& index, const Tensor& source, bool accumulate = false) const;
  Tensor& put_(const Tensor& index, const Tensor& source, bool accumulate = false);
  /// `gather` where x and the indices broadcast except in `dim`; without it, of all elements.
  /// Errors: an index out of range, another number of dimensions.
  Tensor take_along_dim(const Tensor& indices, std::optional<int64_t> dim = std::nullopt) const;

  // --- Writing by index tensors (autograd/scatter.cpp): kInt64, in the scatter family and in
  // index_add kInt32, too ---
  /// `gather` backwards: out[i][index[i][j]] = src[i][j] for `dim` 1, and so on. `src` is no
  /// smaller than `index`. Where an index occurs twice, one of the values stays, and the gradient
  /// goes to all. `reduce`: "add", or "multiply", which is not differentiable. Errors: an index out
  /// of range, sizes as of `gather`, another word.
  Tensor scatter(int64_t dim, const Tensor& index, const Tensor& src) const;
  Tensor scatter(int64_t dim, const Tensor& index, Scalar value) const;
  Tensor scatter(int64_t dim, const Tensor& index, const Tensor& src,
                 const std::string& reduce) const;
  Tensor scatter(int64_t dim, const Tensor& index, Scalar value, const std::string& reduce) const;
  Tensor& scatter_(int64_t dim, const Tensor& index, const Tensor& src);
  Tensor& scatter_(int64_t dim, const Tensor& index, Scalar value);
  Tensor& scatter_(int64_t dim, const Tensor& index, const Tensor& src, const std::string& reduce);
  Tensor& scatter_(int64_t dim, const Tensor& index, Scalar value, const std::string& reduce);
  /// Adds all values that reach a place. Errors as of `scatter`.
  Tensor scatter_add(int64_t dim, const Tensor& index, const Tensor& src) const;
  Tensor& scatter_add_(int64_t dim, const Tensor& index, const Tensor& src);
  /// `reduce`: "sum", "prod", "mean", "amax" or "amin" of the values that reach a place, with what
  /// is there if `include_self`. Equal extrema share the gradient. Errors as of `scatter`.
  Tensor scatter_reduce(int64_t dim, const Tensor& index, const Tensor& src,
                        const std::string& reduce, bool include_self = true) const;
  /// `index_select` backwards: adds alpha · source to the places `index` (1-d) of dimension `dim`.
  /// Errors: an index out of range, other sizes of `source`.
  Tensor index_add(int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1) const;
  Tensor& index_add_(int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1);
  /// Slices `index` (1-d) along `dim` become those of `source`. Errors as of `index_add`.
  Tensor index_copy(int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor& index_copy_(int64_t dim, const Tensor& index, const Tensor& source);
  /// Negative indices count from the end; `value` as a tensor is 0-d. Errors: an index out of
  /// range, another `value`.
  Tensor index_fill(int64_t dim, const Tensor& index, Scalar value) const;
  Tensor index_fill(int64_t dim, const Tensor& index, const Tensor& value) const;
  Tensor& index_fill_(int64_t dim, const Tensor& index, Scalar value);
  Tensor& index_fill_(int64_t dim, const Tensor& index, const Tensor& value);

  // --- Matrices (autograd/linalg.cpp; more under linalg in autograd/linalg.h) ---
  /// Of [*, n, n]; throws where a matrix is singular.
  Tensor inverse() const;
  /// The determinant. Errors: no square matrices, integers; likewise below.
  Tensor det() const;
  /// The sign of the determinant and the logarithm of its absolute value, -infinity for 0.
  std::pair<Tensor, Tensor> slogdet() const;
  /// The nth power of [*, m, m]; for n < 0, of the inverse. Errors: no square matrices; n < 0 for
  /// integers and singular ones.
  Tensor matrix_power(int64_t n) const;
  /// The Kronecker product. Errors: operands of more than 6 dimensions.
  Tensor kron(const Tensor& other) const;
  // --- Parts (autograd/parts.cpp): views, whose in-place changes reach this tensor ---
  /// At most `chunks` parts of one length along `dim`; the last may be shorter. Errors: chunks < 1.
  std::vector<Tensor> chunk(int64_t chunks, int64_t dim = 0) const;
  /// Parts of `size` elements along `dim`; the last may be shorter. Or parts of the given sizes.
  /// Errors: a size below 1, sizes of another sum.
  std::vector<Tensor> split(int64_t size, int64_t dim = 0) const;
  std::vector<Tensor> split(const std::vector<int64_t>& sizes, int64_t dim = 0) const;
  /// As `split` with sizes.
  std::vector<Tensor> split_with_sizes(const std::vector<int64_t>& sizes, int64_t dim = 0) const;
  /// `sections` parts, the first ones longer by one where needed; or parts that end at the indices.
  /// Errors: sections < 1.
  std::vector<Tensor> tensor_split(int64_t sections, int64_t dim = 0) const;
  std::vector<Tensor> tensor_split(const std::vector<int64_t>& indices, int64_t dim = 0) const;
  /// The slices along `dim`, without it.
  std::vector<Tensor> unbind(int64_t dim = 0) const;
  /// The elements i, i + offset of dimensions `dim0` and `dim1`, as the last dimension. Errors:
  /// fewer than two dimensions, or twice the same.
  Tensor diagonal(int64_t offset = 0, int64_t dim0 = 0, int64_t dim1 = 1) const;
  /// All windows of `size` elements along `dim`, `step` apart; a window is the last dimension.
  /// Errors: `size` beyond the dimension's, a step below 1.
  Tensor unfold(int64_t dim, int64_t size, int64_t step) const;
  /// The memory behind this tensor in any geometry; `storage_offset` is this tensor's by default.
  /// Errors: negative numbers, and elements outside of that memory.
  Tensor as_strided(const Shape& sizes, const Shape& strides,
                    std::optional<int64_t> storage_offset = {}) const;

  // --- Rearranging (autograd/rearrange.cpp) ---
  /// Dimensions `source` come to stand at `destination`. Errors: not as many, or one twice.
  Tensor movedim(const Shape& source, const Shape& destination) const;
  Tensor swapaxes(int64_t dim0, int64_t dim1) const;  ///< `transpose`
  Tensor swapdims(int64_t dim0, int64_t dim1) const;  ///< `transpose`
  /// All dimensions in reverse order.
  Tensor T() const;
  /// The last two dimensions swapped. Errors: fewer than two dimensions.
  Tensor mT() const;
  Tensor view_as(const Tensor& other) const;      ///< `view(other.sizes())`
  Tensor reshape_as(const Tensor& other) const;   ///< `reshape(other.sizes())`
  Tensor expand_as(const Tensor& other) const;    ///< `expand(other.sizes())`
  Tensor broadcast_to(const Shape& sizes) const;  ///< `expand(sizes)`
  /// `dim` as several dimensions, of which one may be -1. Errors: sizes of another product.
  Tensor unflatten(int64_t dim, const Shape& sizes) const;
  Tensor ravel() const;  ///< `reshape({-1})`
  /// Copies side by side, `times` along each dimension; more entries add dimensions in front.
  /// Errors: fewer entries than dimensions.
  Tensor repeat(const Shape& times) const;
  /// As `repeat`, but fewer entries than dimensions are those of the last ones.
  Tensor tile(const Shape& times) const;
  /// Every element `repeats` times in place; without `dim`, of the flattened tensor. Errors:
  /// repeats < 0.
  Tensor repeat_interleave(int64_t repeats, std::optional<int64_t> dim = {}) const;
  /// Element i `repeats[i]` times; `repeats` has one dimension, of kInt64 or kInt32. Errors:
  /// another number of them, one below 0.
  Tensor repeat_interleave(const Tensor& repeats, std::optional<int64_t> dim = {}) const;
  Tensor flip(const Shape& dims) const;  ///< backwards along `dims`; one twice throws
  Tensor fliplr() const;                 ///< along dimension 1; a vector throws
  Tensor flipud() const;                 ///< along dimension 0; a number throws
  /// Moves the elements by `shifts` along `dims`, those beyond the end to the front; without `dims`
  /// in the flattened tensor. Errors: not a shift for each dimension.
  Tensor roll(const Shape& shifts, const Shape& dims = {}) const;
  /// Rotates the plane of two dimensions by k · 90°, from the first towards the second. Errors:
  /// dims that are not two different ones.
  Tensor rot90(int64_t k = 1, const Shape& dims = {0, 1}) const;
  /// The matrices with zeros above (below) a diagonal. Errors: fewer than two dimensions.
  Tensor tril(int64_t diagonal = 0) const;
  Tensor triu(int64_t diagonal = 0) const;  ///< zeros below it
  /// Of a vector, the matrix with that diagonal; of a matrix, a copy of its diagonal. Errors:
  /// another number of dimensions.
  Tensor diag(int64_t diagonal = 0) const;
  /// Matrices in dimensions `dim0` and `dim1`, whose diagonals are the last dimension. Errors:
  /// twice the same dimension.
  Tensor diag_embed(int64_t offset = 0, int64_t dim0 = -2, int64_t dim1 = -1) const;

  // --- Running results (autograd/scan.cpp). Values are converted to `dtype` first ---
  Tensor cumsum(int64_t dim, std::optional<DType> dtype = {}) const;   ///< of all elements so far
  Tensor cumprod(int64_t dim, std::optional<DType> dtype = {}) const;  ///< of all elements so far
  /// log Σ exp of all elements so far.
  Tensor logcumsumexp(int64_t dim) const;
  /// The largest (smallest) element so far and its position; of equals the last one.
  std::pair<Tensor, Tensor> cummax(int64_t dim) const;
  std::pair<Tensor, Tensor> cummin(int64_t dim) const;  ///< the smallest, likewise

  // --- More reductions (autograd/statistics.cpp) ---
  Tensor prod(std::optional<DType> dtype = {}) const;  ///< of all elements; kInt64 for integers
  Tensor prod(int64_t dim, bool keepdim = false, std::optional<DType> dtype = {}) const;
  /// log Σ exp, without overflow on the way.
  Tensor logsumexp(const Shape& dims, bool keepdim = false) const;
  /// Extrema over some dimensions, or all; equal ones share the gradient evenly. Errors: no
  /// element.
  Tensor amax(const Shape& dims = {}, bool keepdim = false) const;
  Tensor amin(const Shape& dims = {}, bool keepdim = false) const;  ///< the smallest, likewise
  /// `var` and `mean` (`std` and `mean`) in one call, in that order.
  std::pair<Tensor, Tensor> var_mean(const Shape& dims = {}, bool unbiased = true,
                                     bool keepdim = false) const;
  /// As above, of `std`.
  std::pair<Tensor, Tensor> std_mean(const Shape& dims = {}, bool unbiased = true,
                                     bool keepdim = false) const;
  /// Of an even count the lower of the two in the middle; NaN where any is, and for no element over
  /// all. Values and positions along `dim`. Errors: no element along `dim`, or of integers.
  Tensor median() const;
  std::pair<Tensor, Tensor> median(int64_t dim, bool keepdim = false) const;
  /// The value below which a share q of the elements lies, interpolated between neighbours. Errors:
  /// a q outside [0, 1], no element.
  Tensor quantile(double q, std::optional<int64_t> dim = {}, bool keepdim = false) const;
  /// The same for every q of a vector, along a new first dimension. Errors likewise, and q of
  /// another dtype.
  Tensor quantile(const Tensor& q, std::optional<int64_t> dim = {}, bool keepdim = false) const;
  /// kInt64.
  Tensor count_nonzero(const Shape& dims = {}) const;
  /// Sums and means of what is not NaN.
  Tensor nansum(const Shape& dims = {}, bool keepdim = false) const;
  Tensor nanmean(const Shape& dims = {}, bool keepdim = false) const;  ///< means of what is not NaN
  /// The sum of a matrix's diagonal. Errors: no matrix.
  Tensor trace() const;

  // --- Order (autograd/sort.cpp). NaN is larger than any number. Positions are kInt64, those of
  // equal elements in their order ---
  /// The elements in order along `dim`, and their positions.
  std::pair<Tensor, Tensor> sort(int64_t dim = -1, bool descending = false,
                                 bool stable = true) const;
  /// Those positions.
  Tensor argsort(int64_t dim = -1, bool descending = false, bool stable = true) const;
  /// The k largest (smallest) elements along `dim` and their positions, the first of them first.
  /// Errors: k below 0 or beyond the dimension's size.
  std::pair<Tensor, Tensor> topk(int64_t k, int64_t dim = -1, bool largest = true,
                                 bool sorted = true) const;
  /// The k-th smallest element, counted from 1, and its position. Errors: k below 1 or beyond the
  /// dimension's size.
  std::pair<Tensor, Tensor> kthvalue(int64_t k, int64_t dim = -1, bool keepdim = false) const;
  /// The different elements of the flattened tensor, sorted; not differentiable.
  Tensor unique() const;
  /// They, where each element is among them, and how often each is there. What is not asked for is
  /// an empty tensor. They are sorted in any case.
  std::tuple<Tensor, Tensor, Tensor> unique(bool sorted, bool return_inverse,
                                            bool return_counts = false) const;
  /// The same for runs of equal elements, in their order.
  Tensor unique_consecutive() const;
  std::tuple<Tensor, Tensor, Tensor> unique_consecutive(bool return_inverse,
                                                        bool return_counts = false) const;
  /// How often each of 0, 1, … is in a vector of integers; at least `minlength` entries. Errors:
  /// anything but a vector of integers >= 0.
  Tensor bincount(int64_t minlength = 0) const;
  /// The sums of their weights. Errors likewise, and another number of weights.
  Tensor bincount(const Tensor& weights, int64_t minlength = 0) const;
  /// How many elements lie in each of `bins` equal parts of [min, max]; of the elements' own range
  /// where both are equal. Errors: bins < 1, max < min, a range that is not finite, integers.
  Tensor histc(int64_t bins = 100, Scalar min = 0, Scalar max = 0) const;

  // --- Making others, and random values (autograd/random.cpp): by the default generator ---
  /// Of any values.
  Tensor new_empty(const Shape& sizes, const LikeOptions& options = {}) const;
  /// All 0.
  Tensor new_zeros(const Shape& sizes, const LikeOptions& options = {}) const;
  /// All 1.
  Tensor new_ones(const Shape& sizes, const LikeOptions& options = {}) const;
  /// All `value`. Errors: one that the dtype does not hold.
  Tensor new_full(const Shape& sizes, Scalar value, const LikeOptions& options = {}) const;
  /// 1 with the probability that the element says, 0 otherwise. Errors: one outside of [0, 1].
  Tensor bernoulli() const;
  /// Positions drawn from weights, which need not add up to 1: of a vector, or of every row.
  /// Errors: negative weights, a sum of 0, too few that are not 0.
  Tensor multinomial(int64_t num_samples, bool replacement = false) const;
  /// Uniform in [low, high). Errors: low > high, integers.
  Tensor& uniform_(double low = 0, double high = 1);
  /// N(mean, std²). Errors: std < 0, integers.
  Tensor& normal_(double mean = 0, double std = 1);
  /// 1 with probability p, 0 otherwise. Errors: one outside of [0, 1].
  Tensor& bernoulli_(double p = 0.5);
  Tensor& bernoulli_(const Tensor& p);
  /// -log(u) / lambd for uniform u. Errors: lambd <= 0, integers.
  Tensor& exponential_(double lambd = 1);
  /// Integers in [0, to) or [from, to); without bounds as many as the dtype holds exactly. Errors:
  /// from >= to, numbers that the dtype does not hold.
  Tensor& random_();
  Tensor& random_(int64_t to);
  Tensor& random_(int64_t from, int64_t to);

  // --- History (autograd/tensor_grad.cpp) ---
  /// The tensor itself becomes a leaf that requires no gradient, for all its names. Errors: a
  /// view.
  Tensor& detach_();

  // --- Other names and properties (core/tensor_names.cpp) ---
  /// `detach()`, for programs that write `x.data`.
  Tensor data() const;
  Tensor& set_requires_grad(bool on);  ///< `requires_grad_`
  /// The dtype of `other`.
  Tensor type_as(const Tensor& other) const;
  Tensor toType(DType dtype) const;  ///< `to(dtype)`
  /// This tensor: there is no other device.
  Tensor cpu() const;
  DType scalar_type() const;          ///< `dtype()`
  bool is_floating_point() const;     ///< kFloat32 or kFloat64
  int64_t ndimension() const;         ///< `dim()`
  int64_t stride(int64_t dim) const;  ///< elements between neighbours along `dim`
  /// Bytes of one element, and of all.
  int64_t element_size() const;
  int64_t nbytes() const;  ///< bytes of all elements
  /// The address of the first element, whatever its type.
  void* data_ptr() const;

  // --- Angles, in radians; integers become kFloat32 (autograd/trigonometry.cpp) ---
  Tensor sin() const;    ///< sine
  Tensor cos() const;    ///< cosine
  Tensor tan() const;    ///< tangent
  Tensor asin() const;   ///< in [-π/2, π/2]; NaN beyond ±1
  Tensor acos() const;   ///< in [0, π]; NaN beyond ±1
  Tensor atan() const;   ///< in (-π/2, π/2)
  Tensor sinh() const;   ///< hyperbolic sine
  Tensor cosh() const;   ///< hyperbolic cosine
  Tensor asinh() const;  ///< inverse of sinh
  Tensor acosh() const;  ///< inverse of cosh; NaN below 1
  Tensor atanh() const;  ///< inverse of tanh; NaN beyond ±1
  /// The angle of the point (other, this), in [-π, π].
  Tensor atan2(const Tensor& other) const;
  /// √(this² + other²) without overflow, of floating tensors.
  Tensor hypot(const Tensor& other) const;
  /// sin(πx) / (πx), 1 at 0.
  Tensor sinc() const;
  Tensor& sin_();
  Tensor& cos_();

  // --- Powers, roots, logarithms; integers become kFloat32 (autograd/exponential.cpp) ---
  Tensor exp2() const;  ///< 2ˣ
  /// e^x - 1 and log(1 + x), exact near 0.
  Tensor expm1() const;
  Tensor log1p() const;  ///< log(1 + x)
  Tensor log2() const;   ///< to base 2
  Tensor log10() const;  ///< to base 10
  /// 1 / √x.
  Tensor rsqrt() const;
  /// 1 / x.
  Tensor reciprocal() const;
  /// 2/√π ∫₀ˣ e^(-t²) dt, 1 minus it, and its inverse on (-1, 1).
  Tensor erf() const;
  Tensor erfc() const;    ///< 1 - erf(x)
  Tensor erfinv() const;  ///< inverse of erf
  /// log(e^this + e^other) without overflow, of floating tensors.
  Tensor logaddexp(const Tensor& other) const;
  Tensor& log_();
  Tensor& rsqrt_();
  Tensor& reciprocal_();
  Tensor& square_();

  // --- Rounding and remainders; gradients pass frac, and to the left of a remainder; the others'
  //     are 0 (autograd/rounding.cpp) ---
  Tensor floor() const;  ///< the largest integer not above x
  Tensor ceil() const;   ///< the smallest integer not below x
  /// To the nearest, of two the even one; to `decimals` digits behind the point, or, negative,
  /// before it. Errors: decimals of integers.
  Tensor round(int64_t decimals = 0) const;
  /// Towards 0, and what that leaves.
  Tensor trunc() const;
  Tensor frac() const;  ///< x - trunc(x)
  /// -1, 0 or 1; 0 for NaN. Of bools, the same bools.
  Tensor sign() const;
  Tensor sgn() const;  ///< `sign`
  /// What is left of this after whole multiples of `other`: with the sign of this (C++'s `%`), or
  /// of `other` (Python's). Errors: an integer by 0.
  Tensor fmod(const Tensor& other) const;
  Tensor fmod(Scalar other) const;
  Tensor remainder(const Tensor& other) const;  ///< of `other`'s sign
  Tensor remainder(Scalar other) const;
  Tensor& abs_();
  Tensor& floor_();
  Tensor& ceil_();
  Tensor& round_(int64_t decimals = 0);
  Tensor& trunc_();

  // --- Of three tensors that broadcast (autograd/blend.cpp) ---
  /// this + weight · (end - this), of floating tensors of one dtype. Errors: different dtypes.
  Tensor lerp(const Tensor& end, const Tensor& weight) const;
  Tensor lerp(const Tensor& end, Scalar weight) const;
  /// this + value · a · b.
  Tensor addcmul(const Tensor& a, const Tensor& b, Scalar value = 1) const;
  /// this + value · a / b. Errors: a and b of integers.
  Tensor addcdiv(const Tensor& a, const Tensor& b, Scalar value = 1) const;
  Tensor& lerp_(const Tensor& end, const Tensor& weight);
  Tensor& lerp_(const Tensor& end, Scalar weight);
  Tensor& addcmul_(const Tensor& a, const Tensor& b, Scalar value = 1);
  Tensor& addcdiv_(const Tensor& a, const Tensor& b, Scalar value = 1);

  // --- Logic of what is 0 and what is not; kBool, not differentiable (autograd/comparison.cpp) ---
  Tensor logical_and(const Tensor& other) const;  ///< where neither is 0
  Tensor logical_or(const Tensor& other) const;   ///< where one or both are not 0
  Tensor logical_xor(const Tensor& other) const;  ///< where one is 0 and the other is not
  Tensor isinf() const;                           ///< where it is ∞ or -∞

  // --- Choices in place (autograd/clamp.cpp) ---
  Tensor& clamp_min_(Scalar min);
  Tensor& clamp_max_(Scalar max);
  Tensor& masked_fill_(const Tensor& mask, Scalar value);

  // --- Hooks (autograd/hooks.cpp) ---
  /// Calls `hook` with every gradient of this tensor that backward() or autograd::grad computes,
  /// before it is used: what it returns takes the gradient's place; undefined, or nothing, leaves
  /// it. On leaves and results; several are called in the order of their registration, and
  /// before retain_grad() takes it. With create_graph, what they compute is recorded. After a
  /// change in place the hook stays with the values before it. It must not own the tensor, whose
  /// graph owns it: capture `x.detach()`, or what you need of it. Errors: no function, a tensor
  /// that requires no gradient; in backward, what is returned of another shape or dtype.
  HookHandle register_hook(TensorHook hook) const;
  /// Calls `hook` with this leaf each time after backward() has added to its grad(). Errors: no
  /// function, no leaf that requires a gradient.
  HookHandle register_post_accumulate_grad_hook(AccumulatedHook hook) const;

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
