// Parts of a tensor: lists of views, and views of other geometry.
#include <algorithm>

#include "norma/autograd/in_place.h"
#include "norma/autograd/operands.h"
#include "norma/core/integers.h"
#include "norma/core/memory.h"

namespace norma {

using namespace autograd;

namespace {

/// `dim` of a tensor that has dimensions, made non-negative.
int64_t own_dim(const char* op, const Tensor& self, int64_t dim) {
  const Shape& sizes = defined_impl(self, op)->sizes;
  if (sizes.empty()) fail(op, "expected a tensor with dimensions, got a 0-d tensor");
  return wrap_dim(dim, sizes.size(), op);
}

/// What nobody means, and no memory holds.
void check_count(const char* op, int64_t parts) {
  constexpr int64_t kMost = int64_t{1} << 24;
  if (parts > kMost) fail(op, "expected at most ", kMost, " parts, got ", parts);
}

/// Elements begin to end of every part; `bounds` are the ends.
std::vector<Tensor> between(const Tensor& self, int64_t dim, const std::vector<int64_t>& bounds) {
  std::vector<Tensor> parts;
  int64_t begin = 0;
  for (const int64_t end : bounds) {
    parts.push_back(self.slice(dim, begin, end));
    begin = end;
  }
  return parts;
}

std::vector<Tensor> pieces(const char* op, const Tensor& self, const std::vector<int64_t>& sizes,
                           int64_t dim) {
  const int64_t d = own_dim(op, self, dim);
  return with_memory(0, [&] {
    std::vector<int64_t> bounds;
    Wide total = 0;
    for (const int64_t size : sizes) {
      if (size < 0) fail(op, "expected sizes of 0 or more, got ", size);
      total += size;
      bounds.push_back(static_cast<int64_t>(std::min<Wide>(total, self.size(d))));
    }
    if (total != self.size(d)) {
      fail(op, "expected sizes that add up to the ", self.size(d), " elements of dimension ", d,
           ", got ", static_cast<int64_t>(std::min<Wide>(total, INT64_MAX)));
    }
    return between(self, d, bounds);
  });
}

}  // namespace

std::vector<Tensor> TensorMethods::split(int64_t size, int64_t dim) const {
  const int64_t d = own_dim("split", self(), dim), length = self().size(d);
  if (size < 0 || (size == 0 && length != 0))
    fail("split", "expected a size of 1 or more, got ", size);
  const int64_t count = length == 0 ? 1 : length / size + (length % size != 0);
  check_count("split", count);
  return with_memory(0, [&] {
    std::vector<Tensor> parts;
    for (int64_t i = 0; i < count; ++i)
      parts.push_back(self().narrow(d, i * size, std::min(size, length - i * size)));
    return parts;
  });
}

std::vector<Tensor> TensorMethods::split(const std::vector<int64_t>& sizes, int64_t dim) const {
  return pieces("split", self(), sizes, dim);
}

std::vector<Tensor> TensorMethods::split_with_sizes(const std::vector<int64_t>& sizes,
                                                    int64_t dim) const {
  return pieces("split_with_sizes", self(), sizes, dim);
}

std::vector<Tensor> TensorMethods::chunk(int64_t chunks, int64_t dim) const {
  const int64_t d = own_dim("chunk", self(), dim), length = self().size(d);
  if (chunks < 1) fail("chunk", "expected 1 chunk or more, got ", chunks);
  check_count("chunk", length == 0 ? chunks : 1);
  if (length == 0) {  // as many empty ones as were asked for
    return with_memory(
        0, [&] { return pieces("chunk", self(), std::vector<int64_t>(std::size_t(chunks)), d); });
  }
  return split(length / chunks + (length % chunks != 0), d);
}

std::vector<Tensor> TensorMethods::tensor_split(int64_t sections, int64_t dim) const {
  const int64_t d = own_dim("tensor_split", self(), dim), length = self().size(d);
  if (sections < 1) fail("tensor_split", "expected 1 section or more, got ", sections);
  check_count("tensor_split", sections);
  return with_memory(0, [&] {
    std::vector<int64_t> sizes(static_cast<std::size_t>(sections), length / sections);
    std::for_each_n(sizes.begin(), length % sections, [](int64_t& size) { ++size; });
    return pieces("tensor_split", self(), sizes, d);
  });
}

std::vector<Tensor> TensorMethods::tensor_split(const std::vector<int64_t>& indices,
                                                int64_t dim) const {
  const int64_t d = own_dim("tensor_split", self(), dim);
  return with_memory(0, [&] {
    std::vector<int64_t> bounds = indices;
    bounds.push_back(self().size(d));
    return between(self(), d, bounds);
  });
}

std::vector<Tensor> TensorMethods::unbind(int64_t dim) const {
  const int64_t d = own_dim("unbind", self(), dim);
  check_count("unbind", self().size(d));
  return with_memory(0, [&] {
    std::vector<Tensor> parts;
    for (int64_t i = 0; i < self().size(d); ++i) parts.push_back(self().select(d, i));
    return parts;
  });
}

Tensor TensorMethods::diagonal(int64_t offset, int64_t dim0, int64_t dim1) const {
  const TensorImpl* x = defined_impl(self(), "diagonal");
  const int64_t rank = x->sizes.size();
  if (rank < 2) fail("diagonal", "expected a tensor of 2 dimensions or more, got ", x->sizes);
  const int64_t a = wrap_dim(dim0, rank, "diagonal"), b = wrap_dim(dim1, rank, "diagonal");
  if (a == b) fail("diagonal", "expected two different dimensions, got ", dim0, " and ", dim1);
  const Wide rows = Wide(x->sizes[a]) + std::min<Wide>(offset, 0),
             columns = Wide(x->sizes[b]) - std::max<Wide>(offset, 0);
  const auto length = static_cast<int64_t>(std::max<Wide>(0, std::min(rows, columns)));
  Shape sizes = x->sizes, strides = x->strides;
  const int64_t step = strides[a] + strides[b];
  const int64_t start = length == 0 ? 0 : offset < 0 ? -offset * strides[a] : offset * strides[b];
  for (const int64_t dim : {std::max(a, b), std::min(a, b)}) {
    sizes.erase(dim);
    strides.erase(dim);
  }
  sizes.push_back(length);
  strides.push_back(step);
  return record_region({"diagonal", {{"offset", offset}, {"dim1", a}, {"dim2", b}}},
                       make_view(self(), sizes, strides, x->offset + start), self());
}

Tensor TensorMethods::unfold(int64_t dim, int64_t size, int64_t step) const {
  const TensorImpl* x = defined_impl(self(), "unfold");
  const int64_t d = wrap_dim(dim, x->sizes.size(), "unfold");
  const int64_t length = x->sizes.empty() ? 1 : x->sizes[d];
  if (size < 0 || size > length) {
    fail("unfold", "expected windows of at most the ", length, " elements of dimension ", d,
         ", got ", size);
  }
  if (step < 1) fail("unfold", "expected a step of 1 or more, got ", step);
  Shape sizes = x->sizes, strides = x->strides;
  const int64_t stride = x->sizes.empty() ? 1 : strides[d];
  if (!sizes.empty()) {
    sizes[d] = (length - size) / step + 1;
    if (sizes[d] > 1) strides[d] *= step;
  }
  sizes.push_back(size);
  strides.push_back(stride);
  return record_region({"unfold", {{"dimension", d}, {"size", size}, {"step", step}}},
                       make_view(self(), sizes, strides, x->offset), self());
}

Tensor TensorMethods::as_strided(const Shape& sizes, const Shape& strides,
                                 std::optional<int64_t> storage_offset) const {
  const TensorImpl* x = defined_impl(self(), "as_strided");
  const int64_t offset = storage_offset.value_or(x->offset);
  if (sizes.size() != strides.size()) {
    fail("as_strided", "expected a stride for every size, got ", sizes, " and ", strides);
  }
  Wide last = offset, count = 1;
  for (int64_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0) fail("as_strided", "expected sizes of 0 or more, got ", sizes);
    if (strides[i] < 0) fail("as_strided", "expected strides of 0 or more, got ", strides);
    last = std::min<Wide>(last + Wide(std::max<int64_t>(sizes[i] - 1, 0)) * strides[i], INT64_MAX);
    count = std::min<Wide>(count * sizes[i], INT64_MAX);
  }
  const auto bytes = static_cast<int64_t>(x->storage->bytes());
  const int64_t held = bytes / item_size(x->dtype);
  if (offset < 0 || (count > 0 && last >= held)) {
    fail("as_strided", "expected elements among the ", held, " of the storage, got sizes ", sizes,
         ", strides ", strides, " and offset ", offset);
  }
  return record_region("as_strided", make_view(self(), sizes, strides, offset), self());
}

}  // namespace norma
