// Picking elements by index tensors.
#include <algorithm>
#include <string>

#include "norma/autograd/operands.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/middle_shape.h"
#include "norma/core/tensor_impl.h"

namespace norma {

using namespace autograd;

namespace {

void check_index(const char* op, const Tensor& index, int64_t size) {
  if (index.dtype() != kInt64) {
    fail(op, "expected an index of dtype int64, got ", index.dtype());
  }
  const int64_t* values = values_of<int64_t>(index);
  const int64_t count = index.numel();
  uint64_t outside = 0;  // the highest bit: whether any index is
  for (int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<uint64_t>(values[i]);
    outside |= value | (static_cast<uint64_t>(size) - 1 - value);
  }
  if (outside >> 63 == 0) return;
  const auto is_outside = [=](int64_t value) { return value < 0 || value >= size; };
  fail(op, "expected indices in [0, ", size - 1, "], got ",
       *std::find_if(values, values + count, is_outside));
}

/// visit(position in x, position in out) for every element of out = x.index_select(dim, index).
template <class Visit>
void visit_selected(const kernels::MiddleShape& x, const int64_t* index, int64_t count,
                    Visit visit) {
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

/// visit(position in x, position in out) for every element of out = x.gather(dim, index).
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

/// Copies the elements that `visit(index, f)` tells f of, each as a position in `self` and one in
/// the result. Backward adds every element's gradient where it came from.
template <class Visit>
Tensor picked(const char* op, const Tensor& self, const Tensor& index, const Shape& sizes,
              Visit visit) {
  const Saved saved(index);
  const auto take = [=](const Tensor& from) {
    const Tensor x = from.detach().contiguous();
    Tensor out = new_tensor(sizes, x.dtype());
    dispatch(x.dtype(), [&]<class T>() {
      const T* source = values_of<T>(x);
      T* target = values_of<T>(out);
      visit(values_of<int64_t>(*saved), [=](int64_t at, int64_t to) { target[to] = source[at]; });
    });
    return out;
  };
  const auto put_back = [=, from = self.sizes()](const Tensor& g) {
    const Tensor dy = g.contiguous();
    Tensor out = zeros(from, {.dtype = g.dtype()});
    dispatch_floating(g.dtype(), [&]<class T>() {
      T* total = values_of<T>(out);
      const T* share = values_of<T>(dy);
      visit(values_of<int64_t>(*saved), [=](int64_t at, int64_t to) { total[at] += share[to]; });
    });
    return out;
  };
  return linear_map(op, self, take, put_back);
}

}  // namespace

Tensor Tensor::index_select(int64_t dim, const Tensor& index) const {
  defined_impl(*this, "index_select");
  defined_impl(index, "index_select");
  if (sizes().empty() || index.dim() > 1) {
    fail("index_select", "expected a tensor with dimensions and a 1-d index, got ", sizes(),
         " and ", index.sizes());
  }
  const int64_t d = wrap_dim(dim, sizes().size(), "index_select");
  const Tensor picks = index.contiguous();
  check_index("index_select", picks, size(d));
  Shape to = sizes();
  to[d] = picks.numel();
  const kernels::MiddleShape shape(sizes(), d);
  return picked("index_select", *this, picks, to, [=](const int64_t* values, auto visit) {
    visit_selected(shape, values, to[d], visit);
  });
}

Tensor Tensor::gather(int64_t dim, const Tensor& index) const {
  defined_impl(*this, "gather");
  defined_impl(index, "gather");
  const Shape from = sizes(), to = index.sizes();
  const int64_t d = wrap_dim(dim, from.size(), "gather");
  bool fits = !from.empty() && from.size() == to.size();
  for (int64_t i = 0; fits && i < to.size(); ++i) fits = i == d || to[i] <= from[i];
  if (!fits) {
    fail("gather", "expected an index of as many dimensions, no larger than ", from,
         " except in dimension ", d, ", got ", to);
  }
  const Tensor picks = index.contiguous();
  check_index("gather", picks, from[d]);
  return picked("gather", *this, picks, to, [=](const int64_t* values, auto visit) {
    visit_gathered(from, to, values, d, visit);
  });
}

}  // namespace norma
