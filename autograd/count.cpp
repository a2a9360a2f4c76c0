// Counting values, and finding their places among others.
#include <algorithm>
#include <cmath>
#include <vector>

#include "norma/autograd/functional.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/promotion.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/order.h"
#include "norma/core/memory.h"

namespace norma {

using namespace autograd;

namespace {

using Unique = std::tuple<Tensor, Tensor, Tensor>;

Tensor vector_of(const std::vector<int64_t>& values) {
  Tensor result = new_tensor({static_cast<int64_t>(values.size())}, kInt64);
  std::copy(values.begin(), values.end(), values_of<int64_t>(result));
  return result;
}

/// The runs of equal elements of `self`, taken in the order of `positions`.
Unique runs(const Tensor& self, const Tensor& positions, bool return_inverse, bool return_counts) {
  const Tensor x = packed(self.detach());
  const Tensor inverse = new_tensor(return_inverse ? x.sizes() : Shape{0}, kInt64);
  const int64_t* const order = values_of<int64_t>(positions);
  return with_memory(0, [&] {
    std::vector<int64_t> starts;
    dispatch(x.dtype(), [&]<class T>() {
      const T* const values = values_of<T>(x);
      int64_t* const to = values_of<int64_t>(inverse);
      for (int64_t i = 0; i < x.numel(); ++i) {
        if (i == 0 || values[order[i]] != values[order[i - 1]]) starts.push_back(i);
        if (return_inverse) to[order[i]] = static_cast<int64_t>(starts.size()) - 1;
      }
    });
    std::vector<int64_t> first, counts;
    for (std::size_t k = 0; k < starts.size(); ++k) {
      const int64_t end = k + 1 < starts.size() ? starts[k + 1] : x.numel();
      first.push_back(order[starts[k]]);
      if (return_counts) counts.push_back(end - starts[k]);
    }
    const auto found = [&](const Tensor& out) { return told("unique", out, {&self}); };
    return Unique(x.reshape({-1}).index_select(0, found(vector_of(first))), found(inverse),
                  found(vector_of(counts)));
  });
}

/// How many of `length` ordered values come before `value`.
template <class T>
int64_t place(const T* sorted, int64_t length, T value, bool right) {
  int64_t begin = 0, end = length;
  while (begin < end) {
    const int64_t middle = begin + (end - begin) / 2;
    const bool before = right ? !(sorted[middle] > value) : !(sorted[middle] >= value);
    (before ? begin : end) = before ? middle + 1 : middle;
  }
  return begin;
}

Tensor places(const char* op, const Tensor& sorted, const Tensor& values, bool right) {
  const DType dtype = std::max(defined_impl(sorted, op)->dtype, defined_impl(values, op)->dtype);
  Shape expected = values.sizes();
  if (sorted.dim() > 1 && !expected.empty()) expected[expected.size() - 1] = sorted.sizes().back();
  if (sorted.dim() == 0 || (sorted.dim() > 1 && sorted.sizes() != expected)) {
    fail(op, "expected a sorted vector, or sorted rows of the shape of the values except in the ",
         "last dimension, got ", sorted.sizes(), " and ", values.sizes());
  }
  const Tensor row = packed(sorted.detach().to(dtype)), x = packed(values.detach().to(dtype));
  Tensor out = new_tensor(values.sizes(), kInt64);
  if (out.numel() == 0) return out;
  const int64_t length = row.sizes().back();
  const int64_t columns = sorted.dim() > 1 ? values.sizes().back() : out.numel();
  int64_t* const to = values_of<int64_t>(out);
  dispatch(dtype, [&]<class T>() {
    const T *const from = values_of<T>(x), *const all = values_of<T>(row);
    for (int64_t i = 0; i < out.numel(); ++i)
      to[i] = place(all + i / columns * length, length, from[i], right);
  });
  return told({op, {{"right", right}}}, out, {&sorted, &values});
}

/// The counted integers in row-major order, and one more than the largest.
struct Counted {
  Tensor x;
  int64_t bins;

  Counted(const Tensor& self, int64_t minlength) {
    const DType dtype = defined_impl(self, "bincount")->dtype;
    if (self.dim() != 1 || is_floating(dtype) || dtype == kBool)
      fail("bincount", "expected a vector of integers, got ", dtype, " ", self.sizes());
    if (minlength < 0) fail("bincount", "expected a minlength of 0 or more, got ", minlength);
    x = packed(self.detach().to(kInt64));
    int64_t most = -1;
    for (int64_t i = 0; i < x.numel(); ++i) {
      const int64_t value = values_of<int64_t>(x)[i];
      if (value < 0) fail("bincount", "expected integers of 0 or more, got ", value);
      most = std::max(most, value);
    }
    if (most == INT64_MAX) fail("bincount", "expected integers below 2^63 - 1, got ", most);
    bins = std::max(most + 1, minlength);
  }
};

}  // namespace

Tensor TensorMethods::unique() const { return std::get<0>(unique(true, false)); }

Unique TensorMethods::unique(bool /*sorted*/, bool return_inverse, bool return_counts) const {
  defined_impl(self(), "unique");
  const Tensor positions = self().detach().flatten().argsort();
  return runs(self(), positions, return_inverse, return_counts);
}

Tensor TensorMethods::unique_consecutive() const { return std::get<0>(unique_consecutive(false)); }

Unique TensorMethods::unique_consecutive(bool return_inverse, bool return_counts) const {
  const int64_t count = defined_impl(self(), "unique_consecutive")->numel;
  return runs(self(), arange(count), return_inverse, return_counts);
}

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right) {
  return places("searchsorted", sorted, values, right);
}

Tensor searchsorted(const Tensor& sorted, Scalar value, bool right) {
  if (defined_impl(sorted, "searchsorted")->sizes.size() != 1)
    fail("searchsorted", "expected a sorted vector for a single value, got ", sorted.sizes());
  const DType promoted = result_type(sorted, value, "searchsorted");
  const DType dtype = is_floating(promoted) ? promoted : kInt64;
  return places("searchsorted", sorted, full(Shape{}, value, {.dtype = dtype}), right);
}

Tensor bucketize(const Tensor& input, const Tensor& boundaries, bool right) {
  if (defined_impl(boundaries, "bucketize")->sizes.size() != 1)
    fail("bucketize", "expected a vector of boundaries, got ", boundaries.sizes());
  return places("bucketize", boundaries, input, right);
}

Tensor TensorMethods::bincount(int64_t minlength) const {
  const Counted counted(self(), minlength);
  Tensor out = zeros({counted.bins}, {.dtype = kInt64});
  const int64_t* const x = values_of<int64_t>(counted.x);
  int64_t* const total = values_of<int64_t>(out);
  for (int64_t i = 0; i < counted.x.numel(); ++i) ++total[x[i]];
  return told("bincount", out, {&self()});
}

Tensor TensorMethods::bincount(const Tensor& weights, int64_t minlength) const {
  defined_impl(weights, "bincount");
  const Counted counted(self(), minlength);
  if (weights.sizes() != counted.x.sizes()) {
    fail("bincount", "expected a weight for each of the integers ", counted.x.sizes(), ", got ",
         weights.sizes());
  }
  const DType dtype = weights.dtype() == kFloat32 ? kFloat32 : kFloat64;
  const Tensor w = packed(weights.detach().to(dtype));
  Tensor out = zeros({counted.bins}, {.dtype = dtype});
  const int64_t* const x = values_of<int64_t>(counted.x);
  dispatch_floating(dtype, [&]<class T>() {
    T* const total = values_of<T>(out);
    for (int64_t i = 0; i < w.numel(); ++i) total[x[i]] += values_of<T>(w)[i];
  });
  return told("bincount", out, {&self(), &weights});
}

Tensor TensorMethods::histc(int64_t bins, Scalar min, Scalar max) const {
  const Tensor x = packed(check_floating("histc", self()) ? self().detach() : self());
  if (bins < 1) fail("histc", "expected 1 bin or more, got ", bins);
  auto low = min.to<double>(), high = max.to<double>();
  if (low == high && x.numel() > 0) {
    low = x.min().item<double>();
    high = x.max().item<double>();
  }
  if (low == high) low -= 1, high += 1;
  if (!std::isfinite(low) || !std::isfinite(high))
    fail("histc", "expected a finite range, got [", low, ", ", high, "]");
  if (low > high) fail("histc", "expected a max of at least min, got [", low, ", ", high, "]");
  Tensor out = zeros({bins}, {.dtype = x.dtype()});
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T from = static_cast<T>(low), to = static_cast<T>(high);
    T* const total = values_of<T>(out);
    for (int64_t i = 0; i < x.numel(); ++i) {
      const T value = values_of<T>(x)[i];
      if (!(value >= from && value <= to)) continue;
      const T at = (value - from) / (to - from) * static_cast<T>(bins);
      total[at >= 0 ? std::min(convert<int64_t>(at), bins - 1) : 0] += 1;  // 0/0 where to is from
    }
  });
  return told({"histc", {{"bins", bins}, {"min", min}, {"max", max}}}, out, {&self()});
}

Tensor functional::one_hot(const Tensor& classes, int64_t num_classes) {
  if (defined_impl(classes, "one_hot")->dtype != kInt64)
    fail("one_hot", "expected classes of dtype int64, got ", classes.dtype());
  const Tensor x = packed(classes);
  const int64_t *const from = values_of<int64_t>(x), *const end = from + x.numel();
  if (from == end && num_classes < 1)
    fail("one_hot", "expected a number of classes for an empty tensor, got ", num_classes);
  const int64_t least = from == end ? 0 : *std::min_element(from, end);
  const int64_t most = from == end ? -1 : *std::max_element(from, end);
  if (least < 0) fail("one_hot", "expected classes of 0 or more, got ", least);
  if (num_classes < -1 || (num_classes != -1 && most >= num_classes)) {
    fail("one_hot", "expected classes below num_classes ", num_classes, ", got ", most);
  }
  const int64_t count = num_classes == -1 ? std::min(most, INT64_MAX - 1) + 1 : num_classes;
  Shape sizes = classes.sizes();
  sizes.push_back(count);
  Tensor out = zeros(sizes, {.dtype = kInt64});
  int64_t* to = values_of<int64_t>(out);
  for (const int64_t* c = from; c != end; ++c, to += count) to[*c] = 1;
  return told({"one_hot", {{"num_classes", num_classes}}}, out, {&classes});
}

}  // namespace norma
