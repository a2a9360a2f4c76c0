// Picking elements by index tensors.
#include <string>

#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/tensor_impl.h"

namespace norma {

using namespace autograd;

namespace {

void check_index(const char* op, const Tensor& index, int64_t size) {
  if (index.dtype() != kInt64) {
    fail(op, "expected an index of dtype int64, got ", index.dtype());
  }
  const int64_t* values = index.data_ptr<int64_t>();
  for (int64_t i = 0; i < index.numel(); ++i) {
    if (values[i] < 0 || values[i] >= size) {
      fail(op, "expected indices in [0, ", size - 1, "], got ", values[i]);
    }
  }
}

/// Sizes before, at and after `dim` of a row-major tensor.
struct Around {
  int64_t outer = 1, length = 1, inner = 1;
  Around(const Shape& sizes, int64_t dim) : length(sizes[dim]) {
    for (int64_t i = 0; i < dim; ++i) outer *= sizes[i];
    for (int64_t i = dim + 1; i < sizes.size(); ++i) inner *= sizes[i];
  }
};

/// visit(position in x, position in out) for every element of out = x.index_select(dim, index).
template <class Visit>
void visit_selected(const Around& x, const int64_t* index, int64_t count, Visit visit) {
  for (int64_t o = 0; o < x.outer; ++o) {
    for (int64_t k = 0; k < count; ++k) {
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
  Shape at = Shape::filled(index_sizes.size(), 0);
  const int64_t count = index_sizes.numel();
  for (int64_t n = 0; n < count; ++n) {
    int64_t from = 0;
    for (int64_t i = 0; i < at.size(); ++i) from += (i == dim ? index[n] : at[i]) * strides[i];
    visit(from, n);
    for (int64_t i = at.size() - 1; i >= 0 && ++at[i] == index_sizes[i]; --i) at[i] = 0;
  }
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
  const Tensor picks = index.contiguous(), x = detach().contiguous();
  check_index("index_select", picks, size(d));
  const Shape from = sizes();
  Shape to = from;
  to[d] = picks.numel();
  Tensor out = new_tensor(to, dtype());
  dispatch(dtype(), [&]<class T>() {
    const T* source = x.data_ptr<T>();
    T* target = out.data_ptr<T>();
    visit_selected(Around(from, d), picks.data_ptr<int64_t>(), picks.numel(),
                   [=](int64_t a, int64_t b) { target[b] = source[a]; });
  });
  return record("index_select", out, {this},
                [=, saved = Saved(picks)](const Tensor& g, InputGrads& grads) {
                  grads[0] = zeros(from, {.dtype = g.dtype()});
                  const Tensor dense = g.contiguous();
                  dispatch_floating(g.dtype(), [&]<class T>() {
                    T* total = grads[0].data_ptr<T>();
                    const T* share = dense.data_ptr<T>();
                    visit_selected(Around(from, d), saved->data_ptr<int64_t>(), saved->numel(),
                                   [=](int64_t a, int64_t b) { total[a] += share[b]; });
                  });
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
  const Tensor picks = index.contiguous(), x = detach().contiguous();
  check_index("gather", picks, from[d]);
  Tensor out = new_tensor(to, dtype());
  dispatch(dtype(), [&]<class T>() {
    const T* source = x.data_ptr<T>();
    T* target = out.data_ptr<T>();
    visit_gathered(from, to, picks.data_ptr<int64_t>(), d,
                   [=](int64_t a, int64_t b) { target[b] = source[a]; });
  });
  return record("gather", out, {this},
                [=, saved = Saved(picks)](const Tensor& g, InputGrads& grads) {
                  grads[0] = zeros(from, {.dtype = g.dtype()});
                  const Tensor dense = g.contiguous();
                  dispatch_floating(g.dtype(), [&]<class T>() {
                    T* total = grads[0].data_ptr<T>();
                    const T* share = dense.data_ptr<T>();
                    visit_gathered(from, to, saved->data_ptr<int64_t>(), d,
                                   [=](int64_t a, int64_t b) { total[a] += share[b]; });
                  });
                });
}

}  // namespace norma
