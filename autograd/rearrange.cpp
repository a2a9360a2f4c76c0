// Moving elements: repeated, mirrored, shifted, or only some of them.
#include <algorithm>

#include "norma/autograd/in_place.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/places.h"
#include "norma/core/factory.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/elementwise.h"
#include "norma/core/kernels/middle_shape.h"
#include "norma/core/memory.h"

namespace norma {

using namespace autograd;

namespace {

/// `dims` made non-negative, each at most once.
Shape own_dims(const char* op, const Shape& dims, int64_t rank) {
  Shape result;
  for (const int64_t dim : dims) {
    const int64_t d = wrap_dim(dim, rank, op);
    if (result.contains(d)) fail(op, "expected every dimension at most once, got ", dims);
    result.push_back(d);
  }
  return result;
}

/// Every element of dimension `dim` `times` times: each in place, or (`whole`) all, and all again.
Tensor repeated(const Tensor& x, int64_t dim, int64_t times, bool whole) {
  if (times == 1) return x;
  Shape sizes = x.sizes();
  sizes.insert(whole ? dim : dim + 1, times);
  Shape to = x.sizes();
  to[dim] = checked_product("repeat", "a repeated dimension", to[dim], times);
  return x.unsqueeze(whole ? dim : dim + 1).expand(sizes).reshape(to);
}

Tensor repeat_all(const char* op, const Tensor& x, const Shape& times) {
  for (const int64_t n : times)
    if (n < 0) fail(op, "expected to repeat 0 times or more, got ", times);
  Tensor result = x;
  while (result.dim() < times.size()) result = result.unsqueeze(0);
  for (int64_t i = times.size() - 1; i >= 0; --i) result = repeated(result, i, times[i], true);
  return result.is_same(x) || impl_of(result)->storage.get() == impl_of(x)->storage.get()
             ? result.clone()
             : result;
}

Tensor flipped(const Tensor& x, const Shape& dims) {
  Shape strides = x.strides();
  int64_t offset = x.storage_offset();
  for (const int64_t d : dims) {
    offset += std::max<int64_t>(0, x.sizes()[d] - 1) * strides[d];
    strides[d] = -strides[d];
  }
  Tensor out = new_tensor(x.sizes(), x.dtype());
  if (out.numel() > 0) kernels::copy(out, alias(x, x.sizes(), strides, offset));
  return out;
}

/// The elements on and below (above) a diagonal of every matrix, zeros elsewhere.
Tensor triangle(const char* op, const Tensor& self, int64_t diagonal, bool lower) {
  if (defined_impl(self, op)->sizes.size() < 2)
    fail(op, "expected a tensor of 2 dimensions or more, got ", self.sizes());
  const auto cut = [=](const Tensor& v) {
    const Tensor x = packed(v);
    Tensor out = new_tensor(x.sizes(), x.dtype());
    const int64_t rows = x.size(-2), columns = x.size(-1);
    const int64_t count = out.numel() == 0 ? 0 : out.numel() / columns;
    dispatch(x.dtype(), [&]<class T>() {
      const T* from = values_of<T>(x);
      T* to = values_of<T>(out);
      for (int64_t r = 0; r < count; ++r, from += columns, to += columns) {
        const Wide edge = Wide(r % rows) + diagonal + (lower ? 1 : 0);
        const auto split = static_cast<int64_t>(std::clamp<Wide>(edge, 0, columns));
        std::copy_n(from + (lower ? 0 : split), lower ? split : columns - split,
                    to + (lower ? 0 : split));
        std::fill_n(to + (lower ? split : 0), lower ? columns - split : split, T(0));
      }
    });
    return out;
  };
  return linear_map({op, {{"diagonal", diagonal}}}, self, cut, cut);
}

Tensor shifted(const Tensor& x, int64_t dim, int64_t shift) {
  const int64_t length = x.size(dim);
  if (length == 0) return x.clone();
  const int64_t by = (shift % length + length) % length;
  return cat({x.narrow(dim, length - by, by), x.narrow(dim, 0, length - by)}, dim);
}

Tensor at_least(int64_t rank, const Tensor& x) {
  Tensor result = x;
  if (result.dim() == 0 && rank > 0) result = result.unsqueeze(0);
  if (result.dim() == 1 && rank > 1) result = result.unsqueeze(0);
  if (result.dim() == 2 && rank > 2) result = result.unsqueeze(2);
  return result;
}

std::vector<Tensor> at_least(const char* op, int64_t rank, const std::vector<Tensor>& tensors) {
  if (tensors.empty()) fail(op, "expected at least one tensor, got none");
  std::vector<Tensor> result;
  for (const Tensor& tensor : tensors) {
    defined_impl(tensor, op);
    result.push_back(at_least(rank, tensor));
  }
  return result;
}

}  // namespace

Tensor TensorMethods::movedim(const Shape& source, const Shape& destination) const {
  const int64_t rank = defined_impl(self(), "movedim")->sizes.size();
  if (source.size() != destination.size()) {
    fail("movedim", "expected as many destinations as sources, got ", source, " and ", destination);
  }
  const Shape from = own_dims("movedim", source, rank), to = own_dims("movedim", destination, rank);
  if (rank == 0) return self();
  Shape order = Shape::filled(rank, -1);
  for (int64_t i = 0; i < from.size(); ++i) order[to[i]] = from[i];
  for (int64_t next = 0, i = 0; i < rank; ++i) {
    if (order[i] >= 0) continue;
    while (from.contains(next)) ++next;
    order[i] = next++;
  }
  return self().permute(order);
}

Tensor TensorMethods::swapaxes(int64_t dim0, int64_t dim1) const {
  return self().transpose(dim0, dim1);
}
Tensor TensorMethods::swapdims(int64_t dim0, int64_t dim1) const {
  return self().transpose(dim0, dim1);
}

Tensor TensorMethods::T() const {
  Shape order;
  for (int64_t i = defined_impl(self(), "T")->sizes.size(); i > 0; --i) order.push_back(i - 1);
  return self().permute(order);
}

Tensor TensorMethods::mT() const {
  if (defined_impl(self(), "mT")->sizes.size() < 2)
    fail("mT", "expected a tensor of 2 dimensions or more, got ", self().sizes());
  return self().transpose(-2, -1);
}

Tensor TensorMethods::view_as(const Tensor& other) const { return self().view(other.sizes()); }
Tensor TensorMethods::reshape_as(const Tensor& other) const {
  return self().reshape(other.sizes());
}
Tensor TensorMethods::expand_as(const Tensor& other) const { return self().expand(other.sizes()); }
Tensor TensorMethods::broadcast_to(const Shape& sizes) const { return self().expand(sizes); }

Tensor TensorMethods::unflatten(int64_t dim, const Shape& sizes) const {
  const Shape& from = defined_impl(self(), "unflatten")->sizes;
  if (from.empty()) fail("unflatten", "expected a tensor with dimensions, got a 0-d tensor");
  if (sizes.empty()) fail("unflatten", "expected sizes for the dimension, got none");
  const int64_t d = wrap_dim(dim, from.size(), "unflatten");
  Shape parts = sizes, to;
  int64_t unknown = -1;
  Wide known = 1;
  for (int64_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1 && unknown < 0) {
      unknown = i;
    } else if (sizes[i] < 0) {
      fail("unflatten", "expected sizes of 0 or more with at most one -1, got ", sizes);
    } else {
      known = std::min<Wide>(known * sizes[i], INT64_MAX);
    }
  }
  if (unknown >= 0 && known > 0 && from[d] % known == 0) {
    parts[unknown] = static_cast<int64_t>(from[d] / known);
    known = from[d];
  }
  if (known != from[d] || parts.contains(-1)) {
    fail("unflatten", "expected sizes with the ", from[d], " elements of dimension ", d, ", got ",
         sizes);
  }
  for (int64_t i = 0; i < from.size(); ++i) {
    if (i != d) to.push_back(from[i]);
    for (int64_t k = 0; i == d && k < parts.size(); ++k) to.push_back(parts[k]);
  }
  return self().view(to);
}

Tensor TensorMethods::ravel() const { return self().contiguous().reshape({-1}); }

Tensor TensorMethods::repeat(const Shape& times) const {
  const Shape& sizes = defined_impl(self(), "repeat")->sizes;
  if (times.size() < sizes.size()) {
    fail("repeat", "expected a number for each dimension of ", sizes, ", got ", times);
  }
  return repeat_all("repeat", self(), times);
}

Tensor TensorMethods::tile(const Shape& times) const {
  const int64_t rank = defined_impl(self(), "tile")->sizes.size();
  Shape all = times;
  while (all.size() < rank) all.insert(0, 1);
  return repeat_all("tile", self(), all);
}

Tensor TensorMethods::repeat_interleave(int64_t repeats, std::optional<int64_t> dim) const {
  defined_impl(self(), "repeat_interleave");
  if (repeats < 0) fail("repeat_interleave", "expected to repeat 0 times or more, got ", repeats);
  const Tensor x = !dim ? self().flatten() : self().dim() == 0 ? self().unsqueeze(0) : self();
  const Tensor out =
      repeated(x, wrap_dim(dim.value_or(0), x.dim(), "repeat_interleave"), repeats, false);
  return repeats == 1 ? out.clone() : out;
}

Tensor TensorMethods::repeat_interleave(const Tensor& repeats, std::optional<int64_t> dim) const {
  const char* op = "repeat_interleave";
  defined_impl(self(), op);
  const Tensor wide = widened_index(op, repeats);
  if (wide.dtype() != kInt64 || wide.dim() > 1) {
    fail(op, "expected repeats of dtype int64 or int32 and at most one dimension, got ",
         repeats.dtype(), " ", repeats.sizes());
  }
  const Tensor x = !dim ? self().flatten() : self().dim() == 0 ? self().unsqueeze(0) : self();
  const int64_t d = wrap_dim(dim.value_or(0), x.dim(), op), length = x.size(d);
  if (repeats.numel() != 1 && repeats.numel() != length) {
    fail(op, "expected a number for each of the ", length, " elements, got ", repeats.numel());
  }
  const Tensor counts = wide.reshape({-1}).expand({length}).contiguous();
  const int64_t* const count = values_of<int64_t>(counts);
  Wide total = 0;
  for (int64_t i = 0; i < length; ++i) {
    if (count[i] < 0) fail(op, "expected to repeat 0 times or more, got ", count[i]);
    total += count[i];
  }
  const Tensor index = new_tensor({checked_cells(op, "the result", total)}, kInt64);
  int64_t* to = values_of<int64_t>(index);
  for (int64_t i = 0; i < length; ++i) to = std::fill_n(to, count[i], i);
  return x.index_select(d, index);
}

Tensor TensorMethods::flip(const Shape& dims) const {
  const Shape at = own_dims("flip", dims, defined_impl(self(), "flip")->sizes.size());
  if (self().dim() == 0) return self().clone();
  const auto turn = [at](const Tensor& v) { return flipped(v, at); };
  return linear_map({"flip", {{"dims", at}}}, self(), turn, turn);
}

Tensor TensorMethods::fliplr() const {
  if (defined_impl(self(), "fliplr")->sizes.size() < 2)
    fail("fliplr", "expected a tensor of 2 dimensions or more, got ", self().sizes());
  return flip(1);
}

Tensor TensorMethods::flipud() const {
  if (defined_impl(self(), "flipud")->sizes.empty())
    fail("flipud", "expected a tensor of 1 dimension or more, got ", self().sizes());
  return flip(0);
}

Tensor TensorMethods::roll(const Shape& shifts, const Shape& dims) const {
  const Shape& sizes = defined_impl(self(), "roll")->sizes;
  if (dims.empty() && shifts.size() == 1)
    return shifted(self().flatten(), 0, shifts[0]).reshape(sizes);
  if (shifts.empty() || shifts.size() != dims.size()) {
    fail("roll", "expected a shift for each dimension, got ", shifts, " and ", dims);
  }
  if (sizes.empty()) fail("roll", "expected a tensor with dimensions, got a 0-d tensor");
  Tensor result = self();
  for (int64_t i = 0; i < dims.size(); ++i)
    result = shifted(result, wrap_dim(dims[i], sizes.size(), "roll"), shifts[i]);
  return result;
}

Tensor TensorMethods::rot90(int64_t k, const Shape& dims) const {
  const int64_t rank = defined_impl(self(), "rot90")->sizes.size();
  if (rank < 2) fail("rot90", "expected a tensor of 2 dimensions or more, got ", self().sizes());
  if (dims.size() != 2) fail("rot90", "expected two dimensions, got ", dims);
  const Shape d = own_dims("rot90", dims, rank);
  switch ((k % 4 + 4) % 4) {
    case 1:
      return flip(d[1]).transpose(d[0], d[1]);
    case 2:
      return flip(d);
    case 3:
      return flip(d[0]).transpose(d[0], d[1]);
    default:
      return self().clone();
  }
}

Tensor TensorMethods::tril(int64_t diagonal) const {
  return triangle("tril", self(), diagonal, true);
}
Tensor TensorMethods::triu(int64_t diagonal) const {
  return triangle("triu", self(), diagonal, false);
}

Tensor TensorMethods::diag(int64_t diagonal) const {
  const Shape& sizes = defined_impl(self(), "diag")->sizes;
  if (sizes.size() == 1) return diag_embed(diagonal);
  if (sizes.size() != 2) fail("diag", "expected a vector or a matrix, got ", sizes);
  return this->diagonal(diagonal).clone();
}

Tensor TensorMethods::diag_embed(int64_t offset, int64_t dim0, int64_t dim1) const {
  const Shape& from = defined_impl(self(), "diag_embed")->sizes;
  if (from.empty()) fail("diag_embed", "expected a tensor with dimensions, got a 0-d tensor");
  const int64_t rank = from.size() + 1;
  const int64_t a = wrap_dim(dim0, rank, "diag_embed"), b = wrap_dim(dim1, rank, "diag_embed");
  if (a == b) fail("diag_embed", "expected two different dimensions, got ", dim0, " and ", dim1);
  const Wide side = Wide(from.back()) + (offset < 0 ? -Wide(offset) : Wide(offset));
  Shape to = from;
  to.erase(rank - 2);
  for (const int64_t dim : {std::min(a, b), std::max(a, b)})
    to.insert(dim, checked_cells("diag_embed", "the matrix", side));
  const auto embed = [=](const Tensor& v) {
    const NoGradGuard no_grad;
    Tensor out = zeros(to, {.dtype = v.dtype()});
    out.diagonal(offset, a, b).copy_(v.detach());
    return out;
  };
  const auto take = [=](const Tensor& v) {
    return v.detach().diagonal(offset, a, b).detach().clone();
  };
  return linear_map({"diag_embed", {{"offset", offset}, {"dim1", a}, {"dim2", b}}}, self(), embed,
                    take);
}

std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors, const std::string& indexing) {
  const bool swap = indexing == "xy" && tensors.size() > 1;
  if (indexing != "ij" && indexing != "xy")
    fail("meshgrid", "expected \"ij\" or \"xy\", got \"", indexing, "\"");
  return with_memory(0, [&] {
    if (tensors.empty()) fail("meshgrid", "expected at least one tensor, got none");
    Shape sizes;
    for (const Tensor& tensor : tensors) {
      if (defined_impl(tensor, "meshgrid")->sizes.size() > 1)
        fail("meshgrid", "expected tensors of at most one dimension, got ", tensor.sizes());
      if (tensor.dtype() != tensors[0].dtype()) {
        fail("meshgrid", "expected tensors of one dtype, got ", tensors[0].dtype(), " and ",
             tensor.dtype());
      }
      sizes.push_back(tensor.numel());
    }
    std::vector<Tensor> grids;
    for (int64_t i = 0; i < sizes.size(); ++i) {
      Shape own = Shape::filled(sizes.size(), 1);
      own[i] = sizes[i];
      const Tensor grid = tensors[static_cast<std::size_t>(i)].reshape(own).expand(sizes);
      grids.push_back(swap ? grid.transpose(0, 1) : grid);
    }
    return grids;
  });
}

Tensor atleast_1d(const Tensor& tensor) {
  defined_impl(tensor, "atleast_1d");
  return at_least(1, tensor);
}
Tensor atleast_2d(const Tensor& tensor) {
  defined_impl(tensor, "atleast_2d");
  return at_least(2, tensor);
}
Tensor atleast_3d(const Tensor& tensor) {
  defined_impl(tensor, "atleast_3d");
  return at_least(3, tensor);
}

Tensor hstack(const std::vector<Tensor>& tensors) {
  return with_memory(0, [&] {
    const std::vector<Tensor> all = at_least("hstack", 1, tensors);
    return cat(all, all[0].dim() == 1 ? 0 : 1);
  });
}
Tensor vstack(const std::vector<Tensor>& tensors) {
  return with_memory(0, [&] { return cat(at_least("vstack", 2, tensors), 0); });
}
Tensor dstack(const std::vector<Tensor>& tensors) {
  return with_memory(0, [&] { return cat(at_least("dstack", 3, tensors), 2); });
}
Tensor column_stack(const std::vector<Tensor>& tensors) {
  return with_memory(0, [&] {
    std::vector<Tensor> all = at_least("column_stack", 0, tensors);
    for (Tensor& tensor : all)
      if (tensor.dim() < 2) tensor = tensor.reshape({tensor.numel(), 1});
    return cat(all, 1);
  });
}

}  // namespace norma
