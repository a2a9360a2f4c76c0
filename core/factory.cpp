#include "norma/core/factory.h"

#include <algorithm>
#include <cmath>

#include "norma/core/elementary.h"
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
  const bool fits = dtype == kInt64   ? number >= -0x1p63 && number < 0x1p63
                    : dtype == kInt32 ? number >= -0x1p31 && number < 0x1p31
                    : fraction        ? number >= 0 && number < 256
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
  if (options.dtype == kBool) return zeros(sizes, options);  // any other byte is no bool
  return finish(new_tensor(sizes, options.dtype), options);
}

Tensor full(const Shape& sizes, Scalar value, const TensorOptions& options) {
  refuse_overflow("full", value, options.dtype);
  Tensor result = new_tensor(sizes, options.dtype);
  dispatch(options.dtype,
           [&]<class T>() { std::fill_n(values_of<T>(result), result.numel(), value.to<T>()); });
  return finish(result, options);
}

Tensor full(const Shape& sizes, Scalar value) {
  return full(sizes, value, {.dtype = value.dtype() == kFloat64 ? kFloat32 : value.dtype()});
}

Tensor zeros(const Shape& sizes, const TensorOptions& options) { return full(sizes, 0, options); }
Tensor ones(const Shape& sizes, const TensorOptions& options) { return full(sizes, 1, options); }

TensorOptions options_like(const char* op, const Tensor& other, const LikeOptions& options) {
  return {.dtype = options.dtype.value_or(defined_impl(other, op)->dtype),
          .requires_grad = options.requires_grad};
}

Tensor empty_like(const Tensor& other, const LikeOptions& options) {
  const TensorOptions like = options_like("empty_like", other, options);
  return empty(other.sizes(), like);
}
Tensor zeros_like(const Tensor& other, const LikeOptions& options) {
  const TensorOptions like = options_like("zeros_like", other, options);
  return full(other.sizes(), 0, like);
}
Tensor ones_like(const Tensor& other, const LikeOptions& options) {
  const TensorOptions like = options_like("ones_like", other, options);
  return full(other.sizes(), 1, like);
}
Tensor full_like(const Tensor& other, Scalar value, const LikeOptions& options) {
  const TensorOptions like = options_like("full_like", other, options);
  return full(other.sizes(), value, like);
}

Tensor arange(Scalar end) { return arange(0, end, 1); }

Tensor arange(Scalar start, Scalar end, Scalar step) {
  const bool floating =
      start.dtype() == kFloat64 || end.dtype() == kFloat64 || step.dtype() == kFloat64;
  return arange(start, end, step, {.dtype = floating ? kFloat32 : kInt64});
}

Tensor arange(Scalar start, Scalar end, Scalar step, const TensorOptions& options) {
  const bool whole = !is_floating(options.dtype);
  if (whole) {
    for (Scalar value : {start, end, step}) refuse_overflow("arange", value, kInt64);
  }
  const double first = start.to<double>(), last = end.to<double>(), delta = step.to<double>();
  if (!std::isfinite(delta) || delta == 0)
    fail("arange", "expected a step other than 0, got ", delta);
  const bool exact =
      whole && start.dtype() != kFloat64 && end.dtype() != kFloat64 && step.dtype() != kFloat64;
  const auto from = whole ? start.to<int64_t>() : 0, by = whole ? step.to<int64_t>() : 0;
  const double steps = std::ceil((last - first) / delta);
  // Integers are counted as such: float64 is exact up to 2^53 only.
  const Wide range = exact ? Wide(end.to<int64_t>()) - from : 0;
  if (!std::isfinite(steps) || steps > 0x1p62 ||
      (exact ? (by > 0 ? range < 0 : range > 0) : (delta > 0 ? last < first : last > first))) {
    fail("arange", "expected an end that the step leads to, got start ", first, ", end ", last,
         ", step ", delta);
  }
  const int64_t count =
      exact ? static_cast<int64_t>(range / by + (range % by != 0)) : static_cast<int64_t>(steps);
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
  for (const double value : {start, end}) {
    // uint8 takes negative numbers, fractions cut off.
    const bool small = std::fabs(value) < 256;
    const Scalar cut = small ? Scalar(static_cast<int64_t>(value)) : Scalar(value);
    if (steps > 0) refuse_overflow("linspace", cut, options.dtype);
  }
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

Tensor logspace(double start, double end, int64_t steps, double base,
                const TensorOptions& options) {
  if (steps < 0) fail("logspace", "expected 0 steps or more, got ", steps);
  Tensor result = linspace(start, end, steps, {.dtype = kFloat64});
  double* const out = values_of<double>(result);
  for (int64_t i = 0; i < steps; ++i) out[i] = elementary::pow(base, out[i]);
  return finish(result.to(options.dtype), options);
}

namespace {

/// Where the row of a matrix crosses the diagonal.
int64_t crossing(Wide row, int64_t offset, int64_t col) {
  return static_cast<int64_t>(std::clamp<Wide>(row + offset, 0, col));
}

/// How many elements lie on and below a diagonal: rows that grow by one, then whole ones.
Wide lower_count(int64_t row, int64_t col, Wide offset) {
  const Wide rows = row - std::clamp<Wide>(-offset, 0, row);
  const Wide first = std::clamp<Wide>(offset + 1 + (row - rows), 0, col);
  const Wide growing = std::clamp<Wide>(col - first, 0, rows);
  return growing * first + growing * (growing - 1) / 2 + (rows - growing) * col;
}

Tensor triangle_indices(const char* op, int64_t row, int64_t col, int64_t offset, bool lower) {
  if (row < 0 || col < 0) fail(op, "expected sizes of 0 or more, got ", row, " and ", col);
  const Wide count = lower ? lower_count(row, col, offset)
                           : Wide(row) * col - lower_count(row, col, Wide(offset) - 1);
  Tensor result = new_tensor(
      {2, checked_cells(op, "the count", std::min<Wide>(count, Wide(kMostCells) + 1))}, kInt64);
  int64_t *rows = values_of<int64_t>(result), *columns = rows + result.size(1);
  // Rows without elements are passed over at once: there may be many.
  Wide r = lower ? std::max<Wide>(0, -Wide(offset)) : 0;
  for (const int64_t* const end = columns; rows < end; ++r) {
    const int64_t from = lower ? 0 : crossing(r, offset, col);
    const int64_t to = lower ? crossing(r + 1, offset, col) : col;
    for (int64_t c = from; c < to; ++c) {
      *rows++ = static_cast<int64_t>(r);
      *columns++ = c;
    }
  }
  return result;
}

}  // namespace

Tensor tril_indices(int64_t row, int64_t col, int64_t offset) {
  return triangle_indices("tril_indices", row, col, offset, true);
}

Tensor triu_indices(int64_t row, int64_t col, int64_t offset) {
  return triangle_indices("triu_indices", row, col, offset, false);
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
