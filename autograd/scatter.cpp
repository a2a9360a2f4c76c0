// Writing by index tensors.
#include <algorithm>
#include <limits>
#include <string>

#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/places.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/elementwise.h"

namespace norma {

using namespace autograd;

namespace {

/// What scatter's index names in x.
Places scatter_places(const char* op, const Tensor& x, int64_t dim, const Tensor& index) {
  const Shape from = defined_impl(x, op)->sizes, to = defined_impl(index, op)->sizes;
  const int64_t d = wrap_dim(dim, from.size(), op);
  bool fits = std::max<int64_t>(from.size(), 1) == std::max<int64_t>(to.size(), 1);
  for (int64_t i = 0; fits && i < to.size(); ++i) fits = i == d || to[i] <= from[i];
  if (!fits && index.numel() > 0) {
    fail(op, "expected an index of as many dimensions, no larger than ", from,
         " except in dimension ", d, ", got ", to);
  }
  return {checked_index(op, widened_index(op, index), from.empty() ? 1 : from[d]), d, from};
}

/// The part of a source that an index of these sizes reads.
Tensor scatter_source(const char* op, const Tensor& src, const Shape& sizes) {
  const Shape& from = defined_impl(src, op)->sizes;
  if (from == sizes) return src;
  bool fits = std::max<int64_t>(from.size(), 1) == std::max<int64_t>(sizes.size(), 1);
  for (int64_t i = 0; fits && i < std::min(from.size(), sizes.size()); ++i)
    fits = sizes[i] <= from[i];
  if (!fits && sizes.numel() > 0) {
    fail(op, "expected a source no smaller than the index of shape ", sizes, ", got ", from);
  }
  if (!fits) return zeros(sizes, {.dtype = src.dtype()});
  Tensor part = src;
  for (int64_t i = 0; i < std::min(from.size(), sizes.size()); ++i)
    part = part.narrow(i, 0, sizes[i]);
  return part.reshape(sizes);
}

Write reduction(const char* op, const std::string& name) {
  if (name == "add") return Write::Add;
  if (name != "multiply") fail(op, "expected reduce \"add\" or \"multiply\", got \"", name, "\"");
  return Write::Multiply;
}

Tensor scattered(const char* op, const Tensor& x, int64_t dim, const Tensor& index,
                 const Tensor& src, Write how) {
  const Places places = scatter_places(op, x, dim, index);
  return written(op, x, places, scatter_source(op, src, places.to), how);
}
Tensor scattered(const char* op, const Tensor& x, int64_t dim, const Tensor& index, Scalar value,
                 Write how) {
  const Places places = scatter_places(op, x, dim, index);
  return written(op, x, places, number_like(x, value), how);
}
Tensor& scatter_in_place(const char* op, Tensor& x, int64_t dim, const Tensor& index,
                         const Tensor& src, Write how) {
  const Places places = scatter_places(op, x, dim, index);
  return write_in_place(op, x, places, scatter_source(op, src, places.to), how);
}
Tensor& scatter_in_place(const char* op, Tensor& x, int64_t dim, const Tensor& index, Scalar value,
                         Write how) {
  const Places places = scatter_places(op, x, dim, index);
  return write_in_place(op, x, places, number_like(x, value), how);
}

/// What index_select's index names in x; negative indices where `wrap`.
Places row_places(const char* op, const Tensor& x, int64_t dim, const Tensor& index,
                  bool wrap = false) {
  const Shape& from = defined_impl(x, op)->sizes;
  const int64_t d = wrap_dim(dim, from.size(), op), size = from.empty() ? 1 : from[d];
  if (defined_impl(index, op)->sizes.size() > 1) {
    fail(op, "expected a 1-d index, got one of shape ", index.sizes());
  }
  const Tensor picks = wrap ? wrapped_index(op, index, size) : checked_index(op, index, size);
  Shape to = from;
  if (to.empty() && picks.numel() != 1) to.push_back(picks.numel());
  if (!to.empty()) to[d] = picks.numel();
  return {picks, {from, d}, from, to};
}

/// Throws unless a source has a row for every index.
void check_rows(const char* op, const Places& places, const Tensor& x, const Tensor& source) {
  const Shape& sizes = defined_impl(source, op)->sizes;
  check_same_dtype(op, x, source);
  if (sizes == places.to) return;
  fail(op, "expected a source of shape ", places.to, ", a row for every index, got ", sizes);
}

Tensor times(const Tensor& source, Scalar alpha) {
  return alpha.to<double>() == 1 ? source : source.mul(number_like(source, alpha));
}

/// The value of index_fill.
Tensor fill_value(const char* op, const Tensor& x, const Tensor& value) {
  if (defined_impl(value, op)->sizes.size() > 0) {
    fail(op, "expected a number or a 0-d tensor as value, got one of shape ", value.sizes());
  }
  return value.to(defined_impl(x, op)->dtype);
}

/// Number by which no element is replaced.
Tensor neutral(const Tensor& x, Write how) {
  return dispatch(x.dtype(), [&]<class T>() {
    using Limits = std::numeric_limits<T>;
    const T most = Limits::has_infinity ? Limits::infinity() : Limits::max();
    const T least = Limits::has_infinity ? static_cast<T>(-most) : Limits::lowest();
    return number_like(x, how == Write::Max ? least : most);
  });
}

Tensor scatter_extremum(const Tensor& x, const Places& places, const Tensor& src, Write how,
                        bool include_self) {
  const char* const op = "scatter_reduce";
  const Tensor own = x.detach(), values = src.detach();
  const Tensor start = include_self ? own : written(op, own, places, neutral(own, how), Write::Put);
  Tensor out = written(op, start, places, values, how);
  if (!recording({&x, &src})) return out;
  // Equal extrema share the gradient.
  Tensor self_wins = own.eq(out).to(out.dtype());
  if (!include_self) self_wins = written(op, self_wins, places, number_like(own, 0), Write::Put);
  const Tensor src_wins = values.eq(taken(op, out, places)).to(out.dtype());
  const Tensor winners = written(op, self_wins, places, src_wins, Write::Add);
  const auto backward = [=](const Tensor& g, InputGrads& d) {
    const Tensor share = g / winners;
    d[0] = share * self_wins;
    d[1] = taken("scatter_reduce", share, places) * src_wins;
  };
  return record({op,
                 {{"dim", places.dim},
                  {"reduce", how == Write::Max ? "max" : "min"},
                  {"include_self", include_self}}},
                out, {&x, &src}, backward, {&*places.index});
}

Tensor scatter_product(const Tensor& x, const Places& places, const Tensor& src,
                       bool include_self) {
  const char* const op = "scatter_reduce";
  const Tensor own = x.detach();
  const Tensor start =
      include_self ? own : written(op, own, places, number_like(own, 1), Write::Put);
  Tensor out = written(op, start, places, src.detach(), Write::Multiply);
  return record(
      {op, {{"dim", places.dim}, {"reduce", "mul"}, {"include_self", include_self}}}, out,
      {&x, &src},
      [=, self = Saved(x), from = Saved(src), y = Saved(out)](const Tensor& g, InputGrads& d) {
        // The product of the others: divided by the own factor, or without it where it is 0.
        if (d.needs(0)) {
          const Tensor factor = self->masked_fill(self->eq(0), 1);
          d[0] = g * scatter_product(factor, places, *from, include_self) / factor;
          if (!include_self) d[0] = written(op, d[0], places, number_like(g, 0), Write::Put);
        }
        if (d.needs(1)) {
          const Tensor zero = from->eq(0);
          Tensor count = zeros(places.from, {.dtype = g.dtype()});
          count = taken(op, written(op, count, places, zero.to(g.dtype()), Write::Add), places);
          if (grad_enabled() && count.gt(1).any().item<bool>()) {
            fail(op, "expected at most one 0 of src for a place, got more: create_graph cannot ",
                 "differentiate \"prod\" there");
          }
          const Tensor only = zero.logical_and(count.eq(1));
          const Tensor others =
              scatter_product(*self, places, from->masked_fill(only, 1), include_self);
          d[1] = where(only, taken(op, g * others, places),
                       taken(op, g * *y, places) / from->masked_fill(zero, 1));
        }
      },
      {&*places.index});
}

}  // namespace

Tensor TensorMethods::scatter(int64_t dim, const Tensor& index, const Tensor& src) const {
  return scattered("scatter", self(), dim, index, src, Write::Put);
}
Tensor& TensorMethods::scatter_(int64_t dim, const Tensor& index, const Tensor& src) {
  return scatter_in_place("scatter_", self(), dim, index, src, Write::Put);
}
Tensor TensorMethods::scatter(int64_t dim, const Tensor& index, const Tensor& src,
                              const std::string& reduce) const {
  return scattered("scatter", self(), dim, index, src, reduction("scatter", reduce));
}
Tensor& TensorMethods::scatter_(int64_t dim, const Tensor& index, const Tensor& src,
                                const std::string& reduce) {
  return scatter_in_place("scatter_", self(), dim, index, src, reduction("scatter_", reduce));
}
Tensor TensorMethods::scatter(int64_t dim, const Tensor& index, Scalar value) const {
  return scattered("scatter", self(), dim, index, value, Write::Put);
}
Tensor& TensorMethods::scatter_(int64_t dim, const Tensor& index, Scalar value) {
  return scatter_in_place("scatter_", self(), dim, index, value, Write::Put);
}
Tensor TensorMethods::scatter(int64_t dim, const Tensor& index, Scalar value,
                              const std::string& reduce) const {
  return scattered("scatter", self(), dim, index, value, reduction("scatter", reduce));
}
Tensor& TensorMethods::scatter_(int64_t dim, const Tensor& index, Scalar value,
                                const std::string& reduce) {
  return scatter_in_place("scatter_", self(), dim, index, value, reduction("scatter_", reduce));
}

Tensor TensorMethods::scatter_add(int64_t dim, const Tensor& index, const Tensor& src) const {
  return scattered("scatter_add", self(), dim, index, src, Write::Add);
}
Tensor& TensorMethods::scatter_add_(int64_t dim, const Tensor& index, const Tensor& src) {
  return scatter_in_place("scatter_add_", self(), dim, index, src, Write::Add);
}

Tensor TensorMethods::scatter_reduce(int64_t dim, const Tensor& index, const Tensor& src,
                                     const std::string& reduce, bool include_self) const {
  const char* const op = "scatter_reduce";
  const bool mean = reduce == "mean";
  if (reduce != "sum" && reduce != "prod" && !mean && reduce != "amax" && reduce != "amin") {
    fail(op, "expected reduce \"sum\", \"prod\", \"mean\", \"amax\" or \"amin\", got \"", reduce,
         "\"");
  }
  const Places places = scatter_places(op, self(), dim, index);
  const Tensor source = scatter_source(op, src, places.to);
  check_same_dtype(op, self(), source);
  if (reduce == "prod") return scatter_product(self(), places, source, include_self);
  if (reduce == "amax" || reduce == "amin") {
    return scatter_extremum(self(), places, source, reduce == "amax" ? Write::Max : Write::Min,
                            include_self);
  }
  const Tensor start =
      include_self ? self() : written(op, self(), places, number_like(self(), 0), Write::Put);
  Tensor total = written(op, start, places, source, Write::Add);
  if (!mean) return total;
  Tensor count = ones(self().sizes(), {.dtype = self().dtype()});
  const Tensor one = number_like(count, 1);
  if (!include_self) count = written(op, count, places, number_like(count, 0), Write::Put);
  count = written(op, count, places, one, Write::Add);
  if (is_floating(total.dtype())) return total / count;
  // kUInt8 counts to 255.
  return total.floor_divide(count.masked_fill(count.eq(0), 1));
}

Tensor TensorMethods::index_add(int64_t dim, const Tensor& index, const Tensor& source,
                                Scalar alpha) const {
  const Places places = row_places("index_add", self(), dim, widened_index("index_add", index));
  check_rows("index_add", places, self(), source);
  return written("index_add", self(), places, times(source, alpha), Write::Add);
}
Tensor TensorMethods::index_copy(int64_t dim, const Tensor& index, const Tensor& source) const {
  const Places places = row_places("index_copy", self(), dim, index);
  check_rows("index_copy", places, self(), source);
  return written("index_copy", self(), places, source, Write::Put);
}
Tensor TensorMethods::index_fill(int64_t dim, const Tensor& index, const Tensor& value) const {
  const Tensor number = fill_value("index_fill", self(), value);
  return written("index_fill", self(), row_places("index_fill", self(), dim, index, true), number,
                 Write::Put);
}
Tensor TensorMethods::index_fill(int64_t dim, const Tensor& index, Scalar value) const {
  defined_impl(self(), "index_fill");
  return index_fill(dim, index, number_like(self(), value));
}
Tensor& TensorMethods::index_add_(int64_t dim, const Tensor& index, const Tensor& source,
                                  Scalar alpha) {
  const Places places = row_places("index_add_", self(), dim, widened_index("index_add_", index));
  check_rows("index_add_", places, self(), source);
  return write_in_place("index_add_", self(), places, times(source, alpha), Write::Add);
}
Tensor& TensorMethods::index_copy_(int64_t dim, const Tensor& index, const Tensor& source) {
  const Places places = row_places("index_copy_", self(), dim, index);
  check_rows("index_copy_", places, self(), source);
  return write_in_place("index_copy_", self(), places, source, Write::Put);
}
Tensor& TensorMethods::index_fill_(int64_t dim, const Tensor& index, const Tensor& value) {
  const Tensor number = fill_value("index_fill_", self(), value);
  return write_in_place("index_fill_", self(), row_places("index_fill_", self(), dim, index, true),
                        number, Write::Put);
}
Tensor& TensorMethods::index_fill_(int64_t dim, const Tensor& index, Scalar value) {
  defined_impl(self(), "index_fill_");
  return index_fill_(dim, index, number_like(self(), value));
}

}  // namespace norma
