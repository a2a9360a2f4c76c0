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
/// Shares memory; of numbers of 32 bits, which Norma's integers are not, a copy.
template <class T>
Tensor from_blob(T* data, const IntArrayRef& sizes, const TensorOptions& options = {},
                 std::function<void()> deleter = {}) {
  if constexpr (std::is_same_v<std::remove_const_t<T>, int32_t>) {
    return norma::tensor(std::vector<int32_t>(data, data + sizes.numel())).view(sizes);
  } else {
    void* const memory = const_cast<void*>(static_cast<const void*>(data));
    return norma::from_blob(memory, sizes, options.own().dtype, std::move(deleter))
        .requires_grad_(options.requires_grad());
  }
}
template <class T>
Tensor from_blob(T* data, const IntArrayRef& sizes, const std::function<void(void*)>& deleter,
                 const TensorOptions& options = {}) {
  return from_blob(data, sizes, options, [=] { deleter(data); });
}

// --- Functions that Norma has under the same name ---
using norma::allclose, norma::cat, norma::einsum, norma::equal, norma::stack, norma::where;
using norma::hstack, norma::meshgrid, norma::relu, norma::sigmoid, norma::tanh, norma::vstack;
inline Tensor concat(const std::vector<Tensor>& tensors, int64_t dim = 0) {
  return norma::cat(tensors, dim);
}

inline Tensor reshape(const Tensor& x, const IntArrayRef& sizes) { return x.reshape(sizes); }
inline Tensor flatten(const Tensor& x, int64_t start_dim = 0, int64_t end_dim = -1) {
  return x.flatten(start_dim, end_dim);
}

// --- Methods as functions: torch::sum(x, 1) is x.sum(1), torch::sum(x, {0, 1}) x.sum({0, 1}) ---
#define NORMA_TORCH_METHOD_AS(name, method)                                       \
  template <std::same_as<Tensor> T, class... Args>                                \
  auto name(const T& x, const Args&... args)->decltype(x.method(args...)) {       \
    return x.method(args...);                                                     \
  }                                                                               \
  template <std::same_as<Tensor> T, class... Args>                                \
  auto name(const T& x, std::initializer_list<int64_t> list, const Args&... args) \
      ->decltype(x.method(IntArrayRef(list), args...)) {                          \
    return x.method(IntArrayRef(list), args...);                                  \
  }
#define NORMA_TORCH_METHOD(name) NORMA_TORCH_METHOD_AS(name, name)
// clang-format off
NORMA_TORCH_METHOD(abs) NORMA_TORCH_METHOD(acos) NORMA_TORCH_METHOD(add)
NORMA_TORCH_METHOD(addcdiv) NORMA_TORCH_METHOD(addcmul) NORMA_TORCH_METHOD(addmm)
NORMA_TORCH_METHOD(all) NORMA_TORCH_METHOD(amax) NORMA_TORCH_METHOD(amin) NORMA_TORCH_METHOD(any)
NORMA_TORCH_METHOD(argmax) NORMA_TORCH_METHOD(argmin) NORMA_TORCH_METHOD(argsort)
NORMA_TORCH_METHOD(asin) NORMA_TORCH_METHOD(atan) NORMA_TORCH_METHOD(atan2)
NORMA_TORCH_METHOD(baddbmm) NORMA_TORCH_METHOD(bernoulli) NORMA_TORCH_METHOD(bincount)
NORMA_TORCH_METHOD(bmm) NORMA_TORCH_METHOD(ceil) NORMA_TORCH_METHOD(chunk)
NORMA_TORCH_METHOD(clamp) NORMA_TORCH_METHOD(clamp_max) NORMA_TORCH_METHOD(clamp_min)
NORMA_TORCH_METHOD(clone) NORMA_TORCH_METHOD(cos) NORMA_TORCH_METHOD(cosh)
NORMA_TORCH_METHOD(count_nonzero) NORMA_TORCH_METHOD(cummax) NORMA_TORCH_METHOD(cummin)
NORMA_TORCH_METHOD(cumprod) NORMA_TORCH_METHOD(cumsum) NORMA_TORCH_METHOD(det)
NORMA_TORCH_METHOD(diag) NORMA_TORCH_METHOD(diagonal) NORMA_TORCH_METHOD(div)
NORMA_TORCH_METHOD(dot) NORMA_TORCH_METHOD(eq) NORMA_TORCH_METHOD(erf) NORMA_TORCH_METHOD(erfc)
NORMA_TORCH_METHOD(exp) NORMA_TORCH_METHOD(exp2) NORMA_TORCH_METHOD(expm1)
 NORMA_TORCH_METHOD(flip) NORMA_TORCH_METHOD(floor)
NORMA_TORCH_METHOD(fmod) NORMA_TORCH_METHOD(frac) NORMA_TORCH_METHOD(gather)
NORMA_TORCH_METHOD(ge) NORMA_TORCH_METHOD(gt) NORMA_TORCH_METHOD(histc)
NORMA_TORCH_METHOD(index_select) NORMA_TORCH_METHOD(inverse) NORMA_TORCH_METHOD(isfinite)
NORMA_TORCH_METHOD(isinf) NORMA_TORCH_METHOD(isnan) NORMA_TORCH_METHOD(kron)
NORMA_TORCH_METHOD(kthvalue) NORMA_TORCH_METHOD(le) NORMA_TORCH_METHOD(lerp)
NORMA_TORCH_METHOD(log) NORMA_TORCH_METHOD(log10) NORMA_TORCH_METHOD(log1p)
NORMA_TORCH_METHOD(log2) NORMA_TORCH_METHOD(logical_and) NORMA_TORCH_METHOD(logical_not)
NORMA_TORCH_METHOD(logical_or) NORMA_TORCH_METHOD(logical_xor) NORMA_TORCH_METHOD(logsumexp)
NORMA_TORCH_METHOD(lt) NORMA_TORCH_METHOD(masked_fill) NORMA_TORCH_METHOD(masked_select)
NORMA_TORCH_METHOD(matmul) NORMA_TORCH_METHOD(max) NORMA_TORCH_METHOD(maximum)
NORMA_TORCH_METHOD(mean) NORMA_TORCH_METHOD(median) NORMA_TORCH_METHOD(min)
NORMA_TORCH_METHOD(minimum) NORMA_TORCH_METHOD(mm) NORMA_TORCH_METHOD(movedim)
NORMA_TORCH_METHOD(mul) NORMA_TORCH_METHOD(multinomial) NORMA_TORCH_METHOD(mv)
NORMA_TORCH_METHOD(narrow) NORMA_TORCH_METHOD(ne) NORMA_TORCH_METHOD(neg)
NORMA_TORCH_METHOD(nonzero) NORMA_TORCH_METHOD(norm) NORMA_TORCH_METHOD(outer)
NORMA_TORCH_METHOD(permute) NORMA_TORCH_METHOD(pow) NORMA_TORCH_METHOD(prod)
NORMA_TORCH_METHOD(quantile) NORMA_TORCH_METHOD(reciprocal) NORMA_TORCH_METHOD(remainder)
NORMA_TORCH_METHOD(repeat_interleave)  NORMA_TORCH_METHOD(roll)
NORMA_TORCH_METHOD(rot90) NORMA_TORCH_METHOD(round) NORMA_TORCH_METHOD(rsqrt)
NORMA_TORCH_METHOD(scatter) NORMA_TORCH_METHOD(scatter_add) NORMA_TORCH_METHOD(select)
NORMA_TORCH_METHOD(sign) NORMA_TORCH_METHOD(sin) NORMA_TORCH_METHOD(sinh)
NORMA_TORCH_METHOD(slice) NORMA_TORCH_METHOD(sort) NORMA_TORCH_METHOD(split)
NORMA_TORCH_METHOD(sqrt) NORMA_TORCH_METHOD(square) NORMA_TORCH_METHOD(squeeze)
NORMA_TORCH_METHOD(std) NORMA_TORCH_METHOD(std_mean) NORMA_TORCH_METHOD(sub)
NORMA_TORCH_METHOD(sum) NORMA_TORCH_METHOD(swapaxes) NORMA_TORCH_METHOD(t)
NORMA_TORCH_METHOD(take) NORMA_TORCH_METHOD(take_along_dim) NORMA_TORCH_METHOD(tan)
NORMA_TORCH_METHOD(tile) NORMA_TORCH_METHOD(topk) NORMA_TORCH_METHOD(trace)
NORMA_TORCH_METHOD(transpose) NORMA_TORCH_METHOD(tril) NORMA_TORCH_METHOD(triu)
NORMA_TORCH_METHOD(trunc) NORMA_TORCH_METHOD(unbind) NORMA_TORCH_METHOD(unflatten)
NORMA_TORCH_METHOD(unique) NORMA_TORCH_METHOD(unsqueeze) NORMA_TORCH_METHOD(var)
NORMA_TORCH_METHOD(var_mean) NORMA_TORCH_METHOD(view_as)
    // clang-format on
    NORMA_TORCH_METHOD_AS(max, maximum) NORMA_TORCH_METHOD_AS(min, minimum)

}  // namespace torch
