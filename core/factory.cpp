#include "norma/core/factory.h"

#include <algorithm>
#include <cmath>

#include "norma/core/integers.h"
#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"

namespace norma {

namespace {

Tensor finish(Tensor tensor, const TensorOptions& options) {
  if (options.requires_grad) tensor.requires_grad_();
  return tensor;
}

/// Walks a nested list: checks that it is rectangular, collects sizes and leaves.
void collect(const NestedList& list, int64_t depth, Shape& sizes, std::vector<Scalar>& leaves,
             bool first) {
  if (!list.is_list()) {
    if (depth != sizes.size())
      fail("tensor", "expected lists of equal depth, got a number among lists");
    return leaves.push_back(list.value());
  }
  const auto length = static_cast<int64_t>(list.items().size());
  if (first) {
    sizes.push_back(length);
  } else if (depth >= sizes.size()) {
    fail("tensor", "expected lists of equal depth, got a list among numbers");
  } else if (sizes[depth] != length) {
    fail("tensor", "expected rows of equal length, got ", length, " elements in a row of ",
         sizes[depth]);
  }
  bool first_item = first;
  for (const NestedList& item : list.items()) {
    collect(item, depth + 1, sizes, leaves, first_item);
    first_item = false;
  }
}

/// Integer tensors take what fits; uint8 also takes negative integers, modulo 256.
void refuse_overflow(const char* op, Scalar value, DType dtype) {
  if (is_floating(dtype) || dtype == kBool) return;
  const double number = value.to<double>();
  const bool fraction = value.dtype() == kFloat64;
  if (!fraction && dtype == kInt64) return;
  const bool fits = dtype == kInt64 ? number >= -0x1p63 && number < 0x1p63
                    : fraction      ? number >= 0 && number <= 255
                                    : std::fabs(number) < 256;
  if (fits) return;
  fail(op, "expected a value that fits ", dtype, ", got ", number);
}

Tensor from_leaves(const Shape& sizes, const std::vector<Scalar>& leaves, DType dtype) {
  for (const Scalar& leaf : leaves) refuse_overflow("tensor", leaf, dtype);
  Tensor result = new_tensor(sizes, dtype);
  dispatch(dtype, [&]<class T>() {
    T* out = values_of<T>(result);
    for (std::size_t i = 0; i < leaves.size(); ++i) out[i] = leaves[i].to<T>();
  });
  return result;
}

Tensor nested_tensor(const NestedList& values, const DType* wanted) {
  return with_memory(0, [&] {
    Shape sizes;
    std::vector<Scalar> leaves;
    collect(values, 0, sizes, leaves, true);
    DType dtype = leaves.empty() ? kFloat32 : kBool;
    for (const Scalar& leaf : leaves) {
      dtype = std::max(dtype, leaf.dtype() == kFloat64 ? kFloat32 : leaf.dtype());
    }
    return from_leaves(sizes, leaves, wanted ? *wanted : dtype);
  });
}

}  // namespace

Tensor empty(const Shape& sizes, const TensorOptions& options) {
  return finish(new_tensor(sizes, options.dtype), options);
}

Tensor full(const Shape& sizes, Scalar value, const TensorOptions& options) {
  refuse_overflow("full", value, options.dtype);
  Tensor result = new_tensor(sizes, options.dtype);
  dispatch(options.dtype,
           [&]<class T>() { std::fill_n(values_of<T>(result), result.numel(), value.to<T>()); });
  return finish(result, options);
}

Tensor zeros(const Shape& sizes, const TensorOptions& options) { return full(sizes, 0, options); }
Tensor ones(const Shape& sizes, const TensorOptions& options) { return full(sizes, 1, options); }
Tensor empty_like(const Tensor& other) { return new_tensor(other.sizes(), other.dtype()); }
Tensor zeros_like(const Tensor& other) { return zeros(other.sizes(), {.dtype = other.dtype()}); }
Tensor ones_like(const Tensor& other) { return ones(other.sizes(), {.dtype = other.dtype()}); }
Tensor full_like(const Tensor& other, Scalar value) {
  return full(other.sizes(), value, {.dtype = other.dtype()});
}

Tensor arange(Scalar end) { return arange(0, end, 1); }

Tensor arange(Scalar start, Scalar end, Scalar step) {
  const bool floating =
      start.dtype() == kFloat64 || end.dtype() == kFloat64 || step.dtype() == kFloat64;
  return arange(start, end, step, {.dtype = floating ? kFloat32 : kInt64});
}

Tensor arange(Scalar start, Scalar end, Scalar step, const TensorOptions& options) {
  // Integers are counted as such: float64 is exact up to 2^53 only.
  const bool whole = !is_floating(options.dtype);
  if (whole) {
    for (Scalar value : {start, end, step}) refuse_overflow("arange", value, kInt64);
  }
  const auto from = whole ? start.to<int64_t>() : 0, to = whole ? end.to<int64_t>() : 0,
             by = whole ? step.to<int64_t>() : 0;
  const double first = start.to<double>(), last = end.to<double>(), delta = step.to<double>();
  if (!std::isfinite(delta) || (whole ? by == 0 : delta == 0))
    fail("arange", "expected a step other than 0, got ", delta);
  const double steps = std::ceil((last - first) / delta);
  if (!std::isfinite(steps) || steps > 0x1p62 ||
      (whole ? by > 0 ? to < from : to > from : steps < 0)) {
    fail("arange", "expected an end that the step leads to, got start ", first, ", end ", last,
         ", step ", delta);
  }
  const Wide range = Wide(to) - from;
  const int64_t count =
      whole ? static_cast<int64_t>(range / by + (range % by != 0)) : static_cast<int64_t>(steps);
  Tensor result = new_tensor({count}, options.dtype);
  dispatch(options.dtype, [&]<class T>() {
    T* out = values_of<T>(result);
    if (is_floating(options.dtype)) {
      for (int64_t i = 0; i < count; ++i)
        out[i] = static_cast<T>(first + static_cast<double>(i) * delta);
    } else {
      for (int64_t i = 0; i < count; ++i) {
        out[i] = static_cast<T>(static_cast<int64_t>(from + Wide(i) * by));
      }
    }
  });
  return finish(result, options);
}

Tensor linspace(double start, double end, int64_t steps, const TensorOptions& options) {
  if (steps < 0) fail("linspace", "expected 0 steps or more, got ", steps);
  Tensor result = new_tensor({steps}, options.dtype);
  const double delta = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0.0;
  dispatch(options.dtype, [&]<class T>() {
    T* out = values_of<T>(result);
    // From both ends towards the middle, so that the ends are exact.
    for (int64_t i = 0; i < steps; ++i) {
      out[i] = convert<T>(i < (steps + 1) / 2 ? start + static_cast<double>(i) * delta
                                              : end - static_cast<double>(steps - 1 - i) * delta);
    }
  });
  return finish(result, options);
}

Tensor eye(int64_t n, const TensorOptions& options) { return eye(n, n, options); }

Tensor eye(int64_t n, int64_t m, const TensorOptions& options) {
  Tensor result = zeros({n, m}, {.dtype = options.dtype});
  dispatch(options.dtype, [&]<class T>() {
    T* out = values_of<T>(result);
    for (int64_t i = 0; i < std::min(n, m); ++i) out[i * m + i] = static_cast<T>(1);
  });
  return finish(result, options);
}

Tensor tensor(const NestedList& values) { return nested_tensor(values, nullptr); }

Tensor tensor(const NestedList& values, const TensorOptions& options) {
  return finish(nested_tensor(values, &options.dtype), options);
}

void detail::add_row(std::size_t length, int64_t depth, Shape& sizes) {
  const auto size = static_cast<int64_t>(length);
  if (depth == sizes.size()) sizes.push_back(size);
  if (sizes[depth] == size) return;
  fail("tensor", "expected rows of equal length, got ", size, " elements in a row of ",
       sizes[depth]);
}

void* detail::new_values(const Tensor& tensor) { return impl_of(tensor)->data(); }

void detail::refuse_number(uint64_t value) {
  fail("tensor", "expected a value that fits int64, got ", std::to_string(value));
}

Tensor from_blob(void* data, const Shape& sizes, DType dtype, std::function<void()> deleter) {
  return with_memory(0, [&] {
    for (int64_t size : sizes) {
      if (size < 0) fail("from_blob", "expected sizes of 0 or more, got ", sizes);
    }
    int64_t bytes = 0;
    if (__builtin_mul_overflow(sizes.numel(), item_size(dtype), &bytes)) {
      fail("from_blob", "expected fewer than 2^63 bytes, got sizes ", sizes);
    }
    if (!data && bytes != 0) fail("from_blob", "expected a pointer to the values, got null");
    auto impl = Ref<TensorImpl>::make();
    impl->storage = Ref<Storage>::make(data, static_cast<std::size_t>(bytes), std::move(deleter));
    impl->sizes = sizes;
    impl->strides = contiguous_strides(sizes);
    impl->numel = sizes.numel();
    impl->dtype = dtype;
    return Tensor(std::move(impl));
  });
}

}  // namespace norma
