// Where elements are, and elements by their positions.
#include <string>

#include "norma/autograd/in_place.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/places.h"

namespace norma {

using namespace autograd;

namespace {

void check_mask(const char* op, const Tensor& mask) {
  if (defined_impl(mask, op)->dtype == kBool) return;
  fail(op, "expected a mask of dtype bool, got ", mask.dtype(), "; compare it, as in mask != 0");
}

/// Places by their positions in the flattened tensor.
Places flat_places(const Tensor& positions, const Shape& from, const Shape& to) {
  return {positions, {1, from.numel(), 1}, from, to};
}

/// The places where a mask of these sizes is true, of which there are no more than values.
Places masked_places(const char* op, const Tensor& mask, const Shape& sizes, const Tensor& source) {
  const Tensor positions = flat_positions(mask.expand(sizes));
  if (source.numel() < positions.numel()) {
    fail(op, "expected a source of at least ", positions.numel(),
         " elements, as many as the mask has true, got ", source.numel());
  }
  return flat_places(positions, sizes, positions.sizes());
}

/// The first values of a source, in a row.
Tensor first_values(const Tensor& source, int64_t count) {
  return source.reshape({source.numel()}).narrow(0, 0, count);
}

/// The index of take and put: of the flattened tensor.
Tensor flat_index(const char* op, const Tensor& x, const Tensor& index) {
  defined_impl(x, op);
  defined_impl(index, op);
  if (x.numel() == 0 && index.numel() > 0) {
    fail(op, "expected a tensor with elements, got one of shape ", x.sizes());
  }
  return wrapped_index(op, index, x.numel());
}

void check_source(const char* op, const Tensor& index, const Tensor& source) {
  if (defined_impl(source, op)->numel == index.numel()) return;
  fail(op, "expected as many values as indices, got ", source.numel(), " and ", index.numel());
}

}  // namespace

Tensor TensorMethods::nonzero() const {
  const Shape sizes = defined_impl(self(), "nonzero")->sizes;
  const Tensor positions = flat_positions(self());
  const int64_t count = positions.numel(), dims = sizes.size();
  Tensor out = new_tensor({count, dims}, kInt64);
  const int64_t* from = values_of<int64_t>(positions);
  int64_t* to = values_of<int64_t>(out);
  for (int64_t n = 0; n < count; ++n) {
    int64_t rest = from[n];
    for (int64_t d = dims - 1; d >= 0; --d) {
      to[n * dims + d] = rest % sizes[d];
      rest /= sizes[d];
    }
  }
  return told("nonzero", out, {&self()});
}

Tensor TensorMethods::argwhere() const { return nonzero(); }

std::vector<Tensor> where(const Tensor& condition) {
  const Tensor x =
      defined_impl(condition, "where")->sizes.empty() ? condition.unsqueeze(0) : condition;
  const Tensor positions = x.nonzero();
  return with_memory(0, [&] {
    std::vector<Tensor> out;
    for (int64_t d = 0; d < x.dim(); ++d) out.push_back(positions.select(1, d));
    return out;
  });
}

Tensor TensorMethods::masked_select(const Tensor& mask) const {
  const Shape& own = defined_impl(self(), "masked_select")->sizes;
  check_mask("masked_select", mask);
  const Shape sizes = broadcast_shapes(own, mask.sizes(), "masked_select");
  const Tensor positions = flat_positions(mask.expand(sizes));
  const Tensor x = own == sizes ? self() : self().expand(sizes);
  return taken("masked_select", x, flat_places(positions, sizes, positions.sizes()));
}

Tensor TensorMethods::masked_scatter(const Tensor& mask, const Tensor& source) const {
  const char* const op = "masked_scatter";
  const Shape& own = defined_impl(self(), op)->sizes;
  check_mask(op, mask);
  check_same_dtype(op, self(), source);
  const Shape sizes = broadcast_shapes(own, mask.sizes(), op);
  const Places places = masked_places(op, mask, sizes, source);
  const Tensor x = own == sizes ? self() : self().expand(sizes);
  const Tensor out = written(op, x, places, first_values(source, places.to[0]), Write::Put);
  return told(op, out, {&x, &mask, &source});
}

Tensor& TensorMethods::masked_scatter_(const Tensor& mask, const Tensor& source) {
  const char* const op = "masked_scatter_";
  const Shape sizes = defined_impl(self(), op)->sizes;
  check_mask(op, mask);
  check_same_dtype(op, self(), source);
  if (broadcast_shapes(sizes, mask.sizes(), op) != sizes) {
    fail(op, "expected a mask that broadcasts to ", sizes, ", got ", mask.sizes());
  }
  if (observer()) return assign(op, self(), masked_scatter(mask, source));
  const Places places = masked_places(op, mask, sizes, source);
  return write_in_place(op, self(), places, first_values(source, places.to[0]), Write::Put);
}

Tensor TensorMethods::take(const Tensor& index) const {
  const Tensor picks = flat_index("take", self(), index);
  return taken("take", self(), flat_places(picks, self().sizes(), picks.sizes()));
}

Tensor TensorMethods::put(const Tensor& index, const Tensor& source, bool accumulate) const {
  const Tensor picks = flat_index("put", self(), index);
  check_source("put", picks, source);
  return written("put", self(), flat_places(picks, self().sizes(), picks.sizes()),
                 source.reshape(picks.sizes()), accumulate ? Write::Add : Write::Put);
}

Tensor& TensorMethods::put_(const Tensor& index, const Tensor& source, bool accumulate) {
  const Tensor picks = flat_index("put_", self(), index);
  check_source("put_", picks, source);
  return write_in_place("put_", self(), flat_places(picks, self().sizes(), picks.sizes()),
                        source.reshape(picks.sizes()), accumulate ? Write::Add : Write::Put);
}

Tensor TensorMethods::take_along_dim(const Tensor& indices, std::optional<int64_t> dim) const {
  const char* const op = "take_along_dim";
  const Shape& own = defined_impl(self(), op)->sizes;
  const Shape& theirs = defined_impl(indices, op)->sizes;
  if (!dim) {
    const Tensor x = self().reshape({self().numel()});
    const Tensor picks = wrapped_index(op, indices.reshape({indices.numel()}), x.numel());
    return taken({op, {{"dim", int64_t{0}}}}, x, Places(picks, 0, x.sizes()));
  }
  if (own.size() != theirs.size()) {
    fail(op, "expected indices of as many dimensions as ", own, ", got ", theirs);
  }
  const int64_t d = wrap_dim(*dim, own.size(), op);
  if (own.empty()) return self().gather(0, checked_index(op, indices, 1));
  Shape from = own, to = theirs;
  from[d] = to[d] = 1;
  from = to = broadcast_shapes(from, to, op);
  from[d] = own[d];
  to[d] = theirs[d];
  const Tensor picks = wrapped_index(op, indices.expand(to), own[d]);
  return taken({op, {{"dim", d}}}, from == own ? self() : self().expand(from),
               Places(picks, d, from));
}

}  // namespace norma
