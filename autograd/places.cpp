#include "norma/autograd/places.h"

#include <algorithm>
#include <string>

#include "norma/autograd/in_place.h"
#include "norma/autograd/operands.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/elementwise.h"
#include "norma/core/tensor_impl.h"

namespace norma::autograd {

namespace {

using kernels::MiddleShape;

template <class Visit>
void visit_selected(const MiddleShape& x, const int64_t* index, int64_t count, Visit visit) {
  for (int64_t o = 0; o < x.outer; ++o) {
    for (int64_t k = 0; x.inner == 1 && k < count; ++k)
      visit(o * x.length + index[k], o * count + k);
    for (int64_t k = 0; x.inner != 1 && k < count; ++k) {
      for (int64_t i = 0; i < x.inner; ++i) {
        visit((o * x.length + index[k]) * x.inner + i, (o * count + k) * x.inner + i);
      }
    }
  }
}

template <class Visit>
void visit_gathered(const Shape& x, const Shape& index_sizes, const int64_t* index, int64_t dim,
                    Visit visit) {
  const Shape strides = contiguous_strides(x);
  // All dimensions but the last step once per row.
  const int64_t last = x.size() - 1, length = index_sizes[last];
  const int64_t step = dim == last ? 0 : 1, own = strides[dim];
  Shape at = Shape::filled(index_sizes.size(), 0);
  const int64_t count = index_sizes.numel();
  for (int64_t n = 0, from = 0; n < count; n += length) {
    for (int64_t k = 0; k < length; ++k) visit(from + k * step + index[n + k] * own, n + k);
    for (int64_t i = last - 1; i >= 0; --i) {
      const int64_t stride = i == dim ? 0 : strides[i];
      from += stride;
      if (++at[i] < index_sizes[i]) break;
      from -= at[i] * stride;
      at[i] = 0;
    }
  }
}

/// Calls f with a pointer type for elements that are copied only, of which the size alone counts.
template <class F>
void dispatch_size(DType dtype, F f) {
  if (item_size(dtype) == 1) return f.template operator()<uint8_t>();
  if (item_size(dtype) == 4) return f.template operator()<int32_t>();
  f.template operator()<int64_t>();
}

/// Into the row-major memory of x.
void write_values(const Tensor& x, const Places& places, const Tensor& values, Write how) {
  // One value counts for all places.
  const bool one = values.numel() == 1;
  const Tensor from = one || values.sizes() == places.to
                          ? packed(values)
                          : packed(values.detach().expand(places.to));
  const int64_t every = one ? 0 : -1;
  TensorImpl *to = impl_of(x), *source = impl_of(from);
  if (how == Write::Put) {
    return dispatch_size(x.dtype(), [&]<class T>() {
      T* const out = to->data_as<T>();
      const T* const v = source->data_as<T>();
      places.each([=](int64_t at, int64_t i) { out[at] = v[i & every]; });
    });
  }
  dispatch(x.dtype(), [&]<class T>() {
    T* const out = to->data_as<T>();
    const T* const v = source->data_as<T>();
    using Sum = std::conditional_t<std::is_floating_point_v<T>, T, uint64_t>;  // wraps around
    const auto wide = [](T value) { return static_cast<Sum>(value); };
    const auto combine = [&](auto f) {
      places.each([=](int64_t at, int64_t i) { out[at] = f(out[at], v[i & every]); });
    };
    if (how == Write::Add)
      return combine([=](T a, T b) { return static_cast<T>(wide(a) + wide(b)); });
    if (how == Write::Multiply)
      return combine([=](T a, T b) { return static_cast<T>(wide(a) * wide(b)); });
    const bool largest = how == Write::Max;
    combine([=](T a, T b) { return (largest ? b > a : b < a) || b != b ? b : a; });
  });
}

void check_values(const char* op, const Tensor& x, const Tensor& values, Write how) {
  check_same_dtype(op, x, values);
  if (how > Write::Add && recording({&x, &values})) {
    fail(op, "expected tensors that need no gradient for what is not differentiable");
  }
}

template <class Inside>
Tensor index_within(const char* op, const Tensor& index, Inside inside, int64_t least,
                    int64_t size) {
  if (defined_impl(index, op)->dtype != kInt64) {
    fail(op, "expected an index of dtype int64, got ", index.dtype());
  }
  Tensor picks = packed(index);
  const int64_t* values = values_of<int64_t>(picks);
  const int64_t count = picks.numel();
  uint64_t outside = 0;  // the highest bit: whether any index is
  for (int64_t i = 0; i < count; ++i) outside |= inside(values[i]);
  if (outside >> 63 == 0) return picks;
  const auto is_outside = [=](int64_t value) { return value < least || value >= size; };
  fail(op, "expected indices in [", least, ", ", size - 1, "], got ",
       *std::find_if(values, values + count, is_outside));
}

}  // namespace

Places::Places(const Tensor& picks, const MiddleShape& middle, const Shape& x, const Shape& result)
    : index(picks), from(x), to(result), shape(middle) {}

Places::Places(const Tensor& picks, int64_t along, const Shape& x)
    : index(picks), from(x), to(picks.sizes()), dim(along) {}

template <class Visit>
void Places::each(Visit visit) const {
  const int64_t* values = values_of<int64_t>(*index);
  if (to.numel() == 0) return;
  const Shape one{1};  // what a tensor without dimensions is
  dim < 0 ? visit_selected(shape, values, index->numel(), visit)
          : visit_gathered(from.empty() ? one : from, to.empty() ? one : to, values, dim, visit);
}

Tensor widened_index(const char* op, const Tensor& index) {
  return defined_impl(index, op)->dtype == kInt32 ? index.to(kInt64) : index;
}

Tensor checked_index(const char* op, const Tensor& index, int64_t size) {
  const auto inside = [limit = static_cast<uint64_t>(size) - 1](int64_t value) {
    return static_cast<uint64_t>(value) | (limit - static_cast<uint64_t>(value));
  };
  return index_within(op, index, inside, 0, size);
}

Tensor wrapped_index(const char* op, const Tensor& index, int64_t size) {
  bool negative = false;
  const auto inside = [&negative, size](int64_t value) {
    negative |= value < 0;
    return value < -size || value >= size ? uint64_t{1} << 63 : 0;
  };
  Tensor picks = index_within(op, index, inside, -size, size);
  if (!negative) return picks;
  Tensor out = new_tensor(picks.sizes(), kInt64);
  kernels::copy(out, picks);
  int64_t* values = values_of<int64_t>(out);
  for (int64_t i = 0; i < out.numel(); ++i) values[i] += values[i] < 0 ? size : 0;
  return told({"remainder", {{"other", size}}}, out, {&index});
}

Tensor flat_positions(const Tensor& tensor) {
  const Tensor mask = packed(tensor.dtype() == kBool ? tensor : tensor.detach().ne(0));
  const bool* set = values_of<bool>(mask);
  int64_t count = 0;
  for (int64_t i = 0; i < mask.numel(); ++i) count += set[i];
  Tensor out = new_tensor({count}, kInt64);
  int64_t* to = values_of<int64_t>(out);
  for (int64_t i = 0, n = 0; n < count; ++i) {
    to[n] = i;
    n += set[i];
  }
  return told("nonzero", out, {&tensor});
}

void check_same_dtype(const char* op, const Tensor& x, const Tensor& values) {
  if (x.dtype() == defined_impl(values, op)->dtype) return;
  fail(op, "expected values of the dtype ", x.dtype(), " that they are written to, got ",
       values.dtype(), "; convert them with to()");
}

Tensor number_like(const Tensor& x, Scalar value) {
  return full(Shape{}, value, {.dtype = x.dtype()});
}

Tensor taken(const Operation& op, const Tensor& x, const Places& places) {
  const auto copy = [places](const Tensor& from) {
    const Tensor source = packed(from);
    Tensor out = new_tensor(places.to, source.dtype());
    dispatch_size(source.dtype(), [&]<class T>() {
      const T* const v = impl_of(source)->data_as<T>();
      T* const to = impl_of(out)->data_as<T>();
      places.each([=](int64_t at, int64_t i) { to[i] = v[at]; });
    });
    return out;
  };
  const auto put_back = [places](const Tensor& g) {
    Tensor out = zeros(places.from, {.dtype = g.dtype()});
    write_values(out, places, g, Write::Add);
    return out;
  };
  return linear_map(op, x, copy, put_back, {&*places.index});
}

Tensor written(const char* op, const Tensor& x, const Places& places, const Tensor& values,
               Write how) {
  check_values(op, x, values, how);
  Tensor out = new_tensor(x.sizes(), x.dtype());
  kernels::copy(out, x);
  write_values(out, places, values, how);
  const auto backward = [op, places, how](const Tensor& g, InputGrads& d) {
    if (d.needs(0))
      d[0] = how == Write::Add ? g : written(op, g, places, number_like(g, 0), Write::Put);
    if (d.needs(1)) d[1] = taken(op, g, places);
  };
  if (!observer()) return record(op, out, {&x, &values}, backward);
  constexpr const char* kReductions[] = {"none", "add", "mul", "max", "min"};
  const kernels::MiddleShape& shape = places.shape;
  return record({op,
                 {{"dim", places.dim},
                  {"outer", shape.outer},
                  {"length", shape.length},
                  {"inner", shape.inner},
                  {"size", places.to},
                  {"reduce", kReductions[static_cast<int>(how)]}}},
                out, {&x, &values}, backward, {&*places.index});
}

Tensor& write_in_place(const char* op, Tensor& x, const Places& places, const Tensor& values,
                       Write how) {
  check_values(op, x, values, how);
  if (recording({&x, &values}) || observer())
    return assign(op, x, written(op, x, places, values, how));
  check_in_place(op, x);
  TensorImpl* impl = impl_of(x);
  const auto overlaps = [impl](const Tensor& t) {
    return impl_of(t)->storage.get() == impl->storage.get();
  };
  if (overlaps(*places.index)) {
    Places kept = places;
    kept.index = Saved(places.index->clone());
    return write_in_place(op, x, kept, values, how);
  }
  const Tensor own = x.is_contiguous() ? x.detach() : x.detach().contiguous();
  write_values(own, places, overlaps(values) ? values.detach().clone() : values, how);
  if (!x.is_contiguous()) kernels::copy(x, own);
  impl->storage->bump_version();
  return x;
}

}  // namespace norma::autograd
