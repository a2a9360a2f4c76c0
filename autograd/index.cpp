// Picking elements by index tensors.
#include <algorithm>
#include <string>

#include "norma/autograd/places.h"
#include "norma/core/tensor_impl.h"

namespace norma {

using namespace autograd;

Tensor Tensor::index_select(int64_t dim, const Tensor& index) const {
  const Shape from = defined_impl(*this, "index_select")->sizes;
  const int64_t d = wrap_dim(dim, from.size(), "index_select");
  if (defined_impl(index, "index_select")->sizes.size() > 1) {
    fail("index_select", "expected a 1-d index, got one of shape ", index.sizes());
  }
  if (from.empty() && index.numel() != 1) {
    fail("index_select", "expected an index of one element for a 0-d tensor, got ", index.numel());
  }
  const Tensor picks = checked_index("index_select", widened_index("index_select", index),
                                     from.empty() ? 1 : from[d]);
  Shape to = from;
  if (!to.empty()) to[d] = picks.numel();
  return taken({"index_select", {{"dim", d}}}, *this, Places(picks, {from, d}, from, to));
}

Tensor Tensor::gather(int64_t dim, const Tensor& index) const {
  const Shape from = defined_impl(*this, "gather")->sizes;
  const Shape to = defined_impl(index, "gather")->sizes;
  const int64_t d = wrap_dim(dim, from.size(), "gather");
  // As in PyTorch, a tensor without dimensions is as good as one element in a row.
  bool fits = std::max<int64_t>(from.size(), 1) == std::max<int64_t>(to.size(), 1);
  for (int64_t i = 0; fits && i < to.size() && index.numel() > 0; ++i)
    fits = i == d || to[i] <= from[i];
  if (!fits) {
    fail("gather", "expected an index of as many dimensions, no larger than ", from,
         " except in dimension ", d, ", got ", to);
  }
  const Tensor picks =
      checked_index("gather", widened_index("gather", index), from.empty() ? 1 : from[d]);
  return taken({"gather", {{"dim", d}}}, *this, Places(picks, d, from));
}

}  // namespace norma
