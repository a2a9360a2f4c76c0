// The order of elements along a dimension.
#include "norma/autograd/operands.h"
#include "norma/autograd/promotion.h"
#include "norma/core/kernels/order.h"

namespace norma {

using namespace autograd;

namespace {

/// The values in the type in which they are compared.
Tensor computed(const Tensor& self) { return self.detach().to(computed_type(self.dtype())); }

/// Positions of the first `count` elements in order along `dim`.
Tensor order(const Tensor& self, int64_t dim, int64_t count, bool descending) {
  const Tensor x = packed(computed(self));
  Shape sizes = x.sizes();
  if (!sizes.empty()) sizes[dim] = count;
  Tensor index = new_tensor(sizes, kInt64);
  if (index.numel() == 0) return index;
  dispatch_computed(x.dtype(), [&]<class T>() {
    kernels::first_positions(values_of<int64_t>(index), values_of<T>(x),
                             kernels::MiddleShape(x.sizes(), dim), count, descending);
  });
  return told({"topk", {{"k", count}, {"dim", dim}, {"largest", descending}}}, index, {&self});
}

std::pair<Tensor, Tensor> with_values(const Tensor& self, int64_t dim, const Tensor& index) {
  return {self.dim() == 0 ? self.clone() : self.gather(dim, index), index};
}

void refuse_bools(const char* op, const Tensor& self) {
  if (defined_impl(self, op)->dtype == kBool) fail(op, "expected numbers, got bool");
}

}  // namespace

Tensor TensorMethods::argsort(int64_t dim, bool descending, bool /*stable*/) const {
  const Shape& sizes = defined_impl(self(), "argsort")->sizes;
  const int64_t d = wrap_dim(dim, sizes.size(), "argsort");
  return order(self(), d, sizes.empty() ? 1 : sizes[d], descending);
}

std::pair<Tensor, Tensor> TensorMethods::sort(int64_t dim, bool descending, bool /*stable*/) const {
  const Shape& sizes = defined_impl(self(), "sort")->sizes;
  const int64_t d = wrap_dim(dim, sizes.size(), "sort");
  return with_values(self(), d, order(self(), d, sizes.empty() ? 1 : sizes[d], descending));
}

std::pair<Tensor, Tensor> TensorMethods::topk(int64_t k, int64_t dim, bool largest,
                                              bool /*sorted*/) const {
  refuse_bools("topk", self());
  const Shape& sizes = self().sizes();
  const int64_t d = wrap_dim(dim, sizes.size(), "topk");
  const int64_t length = sizes.empty() ? 1 : sizes[d];
  if (k < 0 || k > length) {
    fail("topk", "expected k from 0 to the ", length, " elements of dimension ", d, ", got ", k);
  }
  return with_values(self(), d, order(self(), d, sizes.empty() ? 1 : k, largest));
}

std::pair<Tensor, Tensor> TensorMethods::kthvalue(int64_t k, int64_t dim, bool keepdim) const {
  refuse_bools("kthvalue", self());
  const Shape& sizes = self().sizes();
  const int64_t d = wrap_dim(dim, sizes.size(), "kthvalue");
  const int64_t length = sizes.empty() ? 1 : sizes[d];
  if (k < 1 || k > length) {
    fail("kthvalue", "expected k from 1 to the ", length, " elements of dimension ", d, ", got ",
         k);
  }
  const Tensor x = packed(computed(self()));
  Shape kept = sizes;
  if (!kept.empty()) kept[d] = 1;
  const Tensor index = new_tensor(kept, kInt64);
  if (index.numel() > 0) {
    dispatch_computed(x.dtype(), [&]<class T>() {
      kernels::kth_position(values_of<int64_t>(index), values_of<T>(x),
                            kernels::MiddleShape(x.sizes(), d), k - 1);
    });
  }
  told({"kthvalue", {{"k", k}, {"dim", d}}}, index, {&self()});
  auto found = with_values(self(), d, index);
  if (keepdim || sizes.empty()) return found;
  return {found.first.squeeze(d), found.second.squeeze(d)};
}

}  // namespace norma
