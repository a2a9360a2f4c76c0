// torch::f(x): functions that make tensors, and methods of Tensor called as functions.
#pragma once
#include "torch/types.h"

namespace torch {

// --- Making tensors ---
#define NORMA_TORCH_MAKE(name)                                                      \
  inline Tensor name(const IntArrayRef& sizes, const TensorOptions& options = {}) { \
    return norma::name(sizes, options.own());                                       \
  }                                                                                 \
  inline Tensor name##_like(const Tensor& x, const TensorOptions& options = {}) {   \
    return norma::name(x.sizes(), options.own(x.dtype()));                          \
  }
NORMA_TORCH_MAKE(empty)
NORMA_TORCH_MAKE(zeros)
NORMA_TORCH_MAKE(ones)
NORMA_TORCH_MAKE(rand)
NORMA_TORCH_MAKE(randn)
inline Tensor full(const IntArrayRef& sizes, norma::Scalar value,
                   const TensorOptions& options = {}) {
  const auto own = is_floating(value.dtype()) ? kFloat : value.dtype();
  return norma::full(sizes, value, options.own(own));
}
inline Tensor full_like(const Tensor& x, norma::Scalar value, const TensorOptions& options = {}) {
  return norma::full(x.sizes(), value, options.own(x.dtype()));
}
inline Tensor arange(norma::Scalar start, norma::Scalar end, norma::Scalar step,
                     const TensorOptions& options = {}) {
  const auto floating = [](norma::Scalar number) { return is_floating(number.dtype()); };
  const bool any = floating(start) || floating(end) || floating(step);
  return norma::arange(start, end, step, options.own(any ? kFloat : kLong));
}
inline Tensor arange(norma::Scalar start, norma::Scalar end, const TensorOptions& options = {}) {
  return arange(start, end, 1, options);
}
inline Tensor arange(norma::Scalar end, const TensorOptions& options = {}) {
  return arange(0, end, 1, options);
}
inline Tensor linspace(norma::Scalar start, norma::Scalar end, int64_t steps = 100,
                       const TensorOptions& options = {}) {
  return norma::linspace(start.to<double>(), end.to<double>(), steps, options.own());
}
inline Tensor eye(int64_t n, const TensorOptions& options = {}) {
  return norma::eye(n, options.own());
}
inline Tensor eye(int64_t n, int64_t m, const TensorOptions& options = {}) {
  return norma::eye(n, m, options.own());
}
inline Tensor randint(int64_t low, int64_t high, const IntArrayRef& sizes,
                      const TensorOptions& options = {}) {
  return norma::randint(low, high, sizes, options.own(kLong));
}
inline Tensor randint(int64_t high, const IntArrayRef& sizes, const TensorOptions& options = {}) {
  return randint(0, high, sizes, options);
}
inline Tensor randperm(int64_t n, const TensorOptions& options = {}) {
  return norma::randperm(n).to(options.own(kLong).dtype);
}
inline Tensor normal(double mean, double std, const IntArrayRef& sizes) {
  return norma::normal_(norma::empty(sizes), mean, std);
}
inline Tensor range(norma::Scalar start, norma::Scalar end, norma::Scalar step = 1,
                    const TensorOptions& options = {}) {
  const auto own = options.own(kFloat);
  const double first = start.to<double>(), by = step.to<double>();
  const double count = std::floor((end.to<double>() - first) / by) + 1;
  if (!(by != 0 && count >= 1 && count < 0x1p62)) {
    norma::fail("range", "expected a step from start towards end, got ", first, " to ",
                end.to<double>(), " by ", by);
  }
  const auto type = is_floating(own.dtype) ? kDouble : kLong;
  const Tensor places = norma::arange(0, static_cast<int64_t>(count), 1, {.dtype = type});
  const Tensor numbers = is_floating(own.dtype) ? places * by + first
                                                : places * step.to<int64_t>() + start.to<int64_t>();
  return numbers.to(own.dtype).requires_grad_(own.requires_grad);
}
inline Tensor logspace(norma::Scalar start, norma::Scalar end, int64_t steps = 100,
                       double base = 10) {
  return norma::full({}, base).pow(linspace(start, end, steps));
}
inline Tensor scalar_tensor(norma::Scalar value, const TensorOptions& options = {}) {
  return norma::full({}, value, options.own());
}
/// Floating numbers, double ones as well, are kFloat32 unless the options say otherwise.
inline Tensor tensor(const norma::NestedList& values, const TensorOptions& options = {}) {
  if (options.has_dtype()) return norma::tensor(values, options.own());
  return norma::tensor(values).requires_grad_(options.requires_grad());
}
template <class T>
Tensor tensor(const std::vector<T>& values, const TensorOptions& options = {}) {
  const Tensor all = norma::tensor(values);
  const auto own = options.own(is_floating(all.dtype()) ? kFloat : all.dtype());
  return all.to(own.dtype).requires_grad_(own.requires_grad);
}
/// Shares memory.
template <class T>
Tensor from_blob(T* data, const IntArrayRef& sizes, const TensorOptions& options = {},
                 std::function<void()> deleter = {}) {
  void* const memory = const_cast<void*>(static_cast<const void*>(data));
  return norma::from_blob(memory, sizes, options.own().dtype, std::move(deleter))
      .requires_grad_(options.requires_grad());
}
template <class T>
Tensor from_blob(T* data, const IntArrayRef& sizes, const std::function<void(void*)>& deleter,
                 const TensorOptions& options = {}) {
  return from_blob(data, sizes, options, [=] { deleter(data); });
}

// --- Functions that Norma has under the same name ---
using norma::atleast_1d, norma::atleast_2d, norma::atleast_3d, norma::bucketize, norma::cdist;
using norma::cat, norma::einsum, norma::equal, norma::stack, norma::where;
using norma::column_stack, norma::dstack, norma::searchsorted, norma::tensordot;
using norma::hstack, norma::meshgrid, norma::relu, norma::sigmoid, norma::tanh, norma::vstack;
inline bool allclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8,
                     bool equal_nan = false) {
  if (!equal_nan) return norma::allclose(a, b, rtol, atol);
  return equal(a.isnan(), b.isnan()) &&
         norma::allclose(where(a.isnan(), norma::zeros({}), a),
                         where(b.isnan(), norma::zeros({}), b), rtol, atol);
}
inline Tensor where(const Tensor& condition, const Tensor& x, norma::Scalar other) {
  return x.where(condition, other);
}
inline Tensor where(const Tensor& condition, norma::Scalar x, const Tensor& other) {
  return other.where(condition.logical_not(), x);
}
inline Tensor where(const Tensor& condition, norma::Scalar x, norma::Scalar other) {
  const auto type = std::max(x.dtype(), other.dtype());
  const auto own = is_floating(type) ? kFloat : type;
  return norma::full({}, x, {.dtype = own}).where(condition, other);
}
inline Tensor concat(const std::vector<Tensor>& tensors, int64_t dim = 0) {
  return norma::cat(tensors, dim);
}

inline Tensor pow(norma::Scalar base, const Tensor& exponent) {
  return norma::full({}, base, {.dtype = norma::libtorch::common_type(exponent, base)})
      .pow(exponent);
}
inline auto _unique2(const Tensor& x, bool sorted = true, bool inverse = false,
                     bool counts = false) {
  return x.unique(sorted, inverse, counts);
}
// `out = f(x, y)`
#define NORMA_TORCH_OUT(name)                                                    \
  inline Tensor& name##_out(Tensor& out, const Tensor& x, const Tensor& other) { \
    return out = x.name(other);                                                  \
  }
NORMA_TORCH_OUT(add)
NORMA_TORCH_OUT(sub)
NORMA_TORCH_OUT(mul)
NORMA_TORCH_OUT(div)
NORMA_TORCH_OUT(matmul)
NORMA_TORCH_OUT(mm)

inline Tensor reshape(const Tensor& x, const IntArrayRef& sizes) { return x.reshape(sizes); }
inline Tensor flatten(const Tensor& x, int64_t start_dim = 0, int64_t end_dim = -1) {
  return x.flatten(start_dim, end_dim);
}

// --- Methods as functions: torch::sum(x, 1) is x.sum(1), torch::sum(x, {0, 1}) x.sum({0, 1}) ---
#define NORMA_TORCH_METHOD_AS(name, method)                                       \
  template <std::derived_from<Tensor> T, class... Args>                           \
  auto name(const T& x, const Args&... args)->decltype(x.method(args...)) {       \
    return x.method(args...);                                                     \
  }                                                                               \
  template <std::derived_from<Tensor> T, class... Args>                           \
  auto name(const T& x, std::initializer_list<int64_t> list, const Args&... args) \
      ->decltype(x.method(IntArrayRef(list), args...)) {                          \
    return x.method(IntArrayRef(list), args...);                                  \
  }
#define NORMA_TORCH_METHOD(name) NORMA_TORCH_METHOD_AS(name, name)
// clang-format off
#define NORMA_TORCH_METHODS(M) \
  M(absolute) M(divide) M(multiply) M(subtract) M(greater) M(less) M(floor_divide) M(clip) \
  M(isclose) M(bitwise_and) M(bitwise_or) M(bitwise_not) M(inner) M(dist) M(is_nonzero) \
  M(abs) M(acos) M(add) M(addcdiv) M(addcmul) M(addmm) M(all) M(amax) M(amin) M(any) \
  M(argmax) M(argmin) M(argsort) M(argwhere) M(asin) M(atan) M(atan2) M(baddbmm) \
  M(bernoulli) M(bincount) M(bmm) M(ceil) M(chunk) M(clamp) M(clamp_max) M(clamp_min) \
  M(clone) M(cos) M(cosh) M(count_nonzero) M(cummax) M(cummin) M(cumprod) M(cumsum) M(det) \
  M(diag) M(diagonal) M(div) M(dot) M(eq) M(erf) M(erfc) M(exp) M(exp2) M(expand_as) \
  M(expm1) M(flip) M(floor) M(fmod) M(frac) M(gather) M(ge) M(gt) M(histc) M(index_select) \
  M(inverse) M(isfinite) M(isinf) M(isnan) M(kron) M(kthvalue) M(le) M(lerp) M(log) \
  M(log10) M(log1p) M(log2) M(logcumsumexp) M(logical_and) M(logical_not) M(logical_or) \
  M(logical_xor) M(logsumexp) M(lt) M(masked_fill) M(masked_select) M(matmul) M(max) \
  M(maximum) M(mean) M(median) M(min) M(minimum) M(mm) M(movedim) M(mul) M(multinomial) \
  M(mv) M(narrow) M(ne) M(neg) M(nonzero) M(norm) M(outer) M(permute) M(pow) M(prod) \
  M(quantile) M(reciprocal) M(remainder) M(repeat_interleave) M(roll) M(rot90) M(round) \
  M(rsqrt) M(scatter) M(scatter_add) M(select) M(sign) M(sin) M(sinh) M(slice) M(sort) \
  M(split) M(sqrt) M(square) M(squeeze) M(std) M(std_mean) M(sub) M(sum) M(swapaxes) M(t) \
  M(take) M(take_along_dim) M(tan) M(tile) M(topk) M(trace) M(transpose) M(tril) M(triu) \
  M(acosh) M(as_strided) M(asinh) M(atanh) M(broadcast_to) M(diag_embed) M(erfinv) M(fliplr) \
  M(flipud) M(hypot) M(index_add) M(index_copy) M(index_fill) M(index_put) M(logaddexp) \
  M(masked_scatter) M(matrix_power) M(nanmean) M(nansum) M(ravel) M(scatter_reduce) M(sgn) \
  M(sinc) M(slogdet) M(swapdims) M(tensor_split) M(trunc) M(unbind) M(unflatten) \
  M(unique) M(unsqueeze) M(var) M(var_mean) M(view_as)
// clang-format on
NORMA_TORCH_METHODS(NORMA_TORCH_METHOD)
NORMA_TORCH_METHOD_AS(max, maximum)
NORMA_TORCH_METHOD_AS(min, minimum)

}  // namespace torch
