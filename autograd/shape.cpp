// Views, copies and joins.
#include <algorithm>
#include <string>

#include "norma/autograd/in_place.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/elementwise.h"
#include "norma/core/memory.h"

namespace norma {

using namespace autograd;

namespace {

/// Resolves one -1 in `sizes` and checks the number of elements.
Shape resolve_sizes(const char* op, const Shape& sizes, int64_t numel, const Shape& from) {
  Shape result = sizes;
  int64_t known = 1, unknown = -1;
  bool overflow = false;
  for (int64_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1 && unknown < 0) {
      unknown = i;
    } else if (sizes[i] < 0) {
      fail(op, "expected sizes of 0 or more with at most one -1, got ", sizes);
    } else {
      overflow |= __builtin_mul_overflow(known, sizes[i], &known);
    }
  }
  if (unknown >= 0 && known > 0 && numel % known == 0) {
    result[unknown] = numel / known;
    known = numel;
  }
  if (overflow || known != numel || (unknown >= 0 && result[unknown] < 0)) {
    fail(op, "expected sizes with ", numel, " elements, as in ", from, ", got ", sizes);
  }
  return result;
}

/// Strides that show the same memory in shape `to`, if there are any.
bool view_strides(const TensorImpl* from, const Shape& to, Shape& strides) {
  if (from->contiguous || from->numel == 0) {
    strides = contiguous_strides(to);
    return true;
  }
  strides = Shape::filled(to.size(), 1);
  int64_t t = to.size() - 1;
  // Runs of dimensions without gaps, from the last: the new sizes must fit run by run.
  for (int64_t i = from->sizes.size() - 1; i >= 0;) {
    int64_t run = from->sizes[i];
    const int64_t step = from->strides[i];
    int64_t outer = step * run;
    for (--i; i >= 0 && (from->sizes[i] == 1 || from->strides[i] == outer); --i) {
      run *= from->sizes[i];
      if (from->sizes[i] != 1) outer = from->strides[i] * from->sizes[i];
    }
    int64_t covered = 1;
    while (t >= 0 && (covered < run || to[t] == 1)) {
      strides[t] = step * covered;
      covered *= to[t--];
    }
    if (covered != run) return false;
  }
  return t < 0;
}

Tensor seen_as(const char* op, const Tensor& self, const Shape& sizes, const Shape& strides) {
  Tensor out = make_view(self, sizes, strides, impl_of(self)->offset);
  return record({op, {{"size", sizes}}}, out, {&self},
                [from = self.sizes()](const Tensor& g, InputGrads& d) { d[0] = g.reshape(from); });
}

/// Records that `out` is what `part` shows of `self`: elsewhere the gradient is zero.
template <class Part>
Tensor record_part(const Operation& op, const Tensor& out, const Tensor& self, Part part) {
  return record(op, out, {&self}, [part, from = self.sizes()](const Tensor& g, InputGrads& d) {
    d[0] = zeros(from, {.dtype = g.dtype()});
    part(d[0]).copy_(g);
  });
}

}  // namespace

Tensor Tensor::clone() const {
  const TensorImpl* self = defined_impl(*this, "clone");
  Tensor out = new_tensor(self->sizes, self->dtype);
  kernels::copy(out, *this);
  return record("clone", out, {this}, [](const Tensor& g, InputGrads& d) { d[0] = g; });
}

Tensor Tensor::contiguous() const {
  return defined_impl(*this, "contiguous")->contiguous ? *this : clone();
}

Tensor Tensor::to(DType dtype) const {
  const TensorImpl* self = defined_impl(*this, "to");
  if (self->dtype == dtype) return *this;
  Tensor out = new_tensor(self->sizes, dtype);
  kernels::copy(out, *this);
  if (!is_floating(dtype)) return told("to", out, {this});
  // The engine casts the gradient to the input's dtype.
  return record("to", out, {this}, [](const Tensor& g, InputGrads& d) { d[0] = g; });
}

Tensor& Tensor::copy_(const Tensor& source) {
  const TensorImpl *self = defined_impl(*this, "copy_"), *from = defined_impl(source, "copy_");
  if (self == from) {
    if (requires_grad()) check_in_place("copy_", *this);
    return *this;
  }
  if (broadcast_shapes(self->sizes, from->sizes, "copy_") != self->sizes) {
    fail("copy_", "expected values that broadcast to ", self->sizes, ", got ", from->sizes);
  }
  const bool recorded = is_floating(self->dtype) && recording({this, &source});
  if (recorded || self->storage.get() == from->storage.get() || observer()) {
    Tensor values = new_tensor(self->sizes, self->dtype);
    kernels::copy(values, source);
    if (!recorded) return assign("copy_", *this, told("copy_", values, {this, &source}));
    const auto backward = [](const Tensor& g, InputGrads& d) {
      if (d.needs(0)) d[0] = zeros_like(g);
      d[1] = g;
    };
    return assign("copy_", *this, record("copy_", values, {this, &source}, backward));
  }
  check_in_place("copy_", *this);
  kernels::copy(*this, source);
  self->storage->bump_version();
  return *this;
}

Tensor& Tensor::fill_(Scalar value) {
  const TensorImpl* self = defined_impl(*this, "fill_");
  const Tensor values = full(Shape{}, value, {.dtype = self->dtype}).expand(self->sizes);
  const auto nothing = [](const Tensor& g, InputGrads& d) { d[0] = zeros_like(g); };
  return assign("fill_", *this, record({"fill_", {{"value", value}}}, values, {this}, nothing));
}

Tensor& Tensor::zero_() { return fill_(0); }

Tensor Tensor::view(const Shape& sizes) const {
  const TensorImpl* self = defined_impl(*this, "view");
  const Shape to = resolve_sizes("view", sizes, self->numel, self->sizes);
  Shape strides;
  if (!view_strides(self, to, strides)) {
    fail("view", "expected a shape that the strides ", self->strides, " of ", self->sizes,
         " allow without a copy, got ", to, "; use reshape()");
  }
  return seen_as("view", *this, to, strides);
}

Tensor Tensor::reshape(const Shape& sizes) const {
  const TensorImpl* self = defined_impl(*this, "reshape");
  const Shape to = resolve_sizes("reshape", sizes, self->numel, self->sizes);
  Shape strides;
  if (view_strides(self, to, strides)) return seen_as("reshape", *this, to, strides);
  return clone().view(to);
}

Tensor Tensor::flatten(int64_t start_dim, int64_t end_dim) const {
  const Shape& from = defined_impl(*this, "flatten")->sizes;
  const int64_t start = wrap_dim(start_dim, from.size(), "flatten");
  const int64_t end = wrap_dim(end_dim, from.size(), "flatten");
  if (start > end) {
    fail("flatten", "expected start_dim not after end_dim, got ", start_dim, " and ", end_dim);
  }
  if (from.empty()) return reshape({1});
  Shape to;
  for (int64_t i = 0; i < start; ++i) to.push_back(from[i]);
  int64_t merged = 1;
  for (int64_t i = start; i <= end; ++i) merged *= from[i];
  to.push_back(merged);
  for (int64_t i = end + 1; i < from.size(); ++i) to.push_back(from[i]);
  return to == from ? *this : reshape(to);
}

Tensor Tensor::transpose(int64_t dim0, int64_t dim1) const {
  const TensorImpl* self = defined_impl(*this, "transpose");
  const int64_t rank = self->sizes.size();
  const int64_t a = wrap_dim(dim0, rank, "transpose"), b = wrap_dim(dim1, rank, "transpose");
  Shape sizes = self->sizes, strides = self->strides;
  if (rank > 0) {
    std::swap(sizes[a], sizes[b]);
    std::swap(strides[a], strides[b]);
  }
  return record({"transpose", {{"dim0", a}, {"dim1", b}}},
                make_view(*this, sizes, strides, self->offset), {this},
                [a, b](const Tensor& g, InputGrads& d) { d[0] = g.transpose(a, b); });
}

Tensor Tensor::t() const {
  if (defined_impl(*this, "t")->sizes.size() > 2)
    fail("t", "expected a tensor of at most 2 dimensions, got ", sizes());
  return dim() < 2 ? *this : transpose(0, 1);
}

Tensor Tensor::permute(const Shape& dims) const {
  const TensorImpl* self = defined_impl(*this, "permute");
  const int64_t rank = self->sizes.size();
  Shape sizes, strides, back = Shape::filled(rank, -1);
  if (dims.size() != rank) {
    fail("permute", "expected one entry per dimension of ", self->sizes, ", got ", dims);
  }
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t from = wrap_dim(dims[i], rank, "permute");
    if (back[from] != -1) fail("permute", "expected every dimension once, got ", dims);
    back[from] = i;
    sizes.push_back(self->sizes[from]);
    strides.push_back(self->strides[from]);
  }
  return record({"permute", {{"dims", dims}}}, make_view(*this, sizes, strides, self->offset),
                {this}, [back](const Tensor& g, InputGrads& d) { d[0] = g.permute(back); });
}

Tensor Tensor::squeeze() const {
  const TensorImpl* self = defined_impl(*this, "squeeze");
  Shape sizes, strides;
  for (int64_t i = 0; i < self->sizes.size(); ++i) {
    if (self->sizes[i] == 1) continue;
    sizes.push_back(self->sizes[i]);
    strides.push_back(self->strides[i]);
  }
  return seen_as("squeeze", *this, sizes, strides);
}

Tensor Tensor::squeeze(int64_t dim) const {
  const TensorImpl* self = defined_impl(*this, "squeeze");
  const int64_t d = wrap_dim(dim, self->sizes.size(), "squeeze");
  Shape sizes = self->sizes, strides = self->strides;
  if (!sizes.empty() && sizes[d] == 1) {
    sizes.erase(d);
    strides.erase(d);
  }
  return seen_as("squeeze", *this, sizes, strides);
}

Tensor Tensor::unsqueeze(int64_t dim) const {
  const TensorImpl* self = defined_impl(*this, "unsqueeze");
  const int64_t d = wrap_dim(dim, self->sizes.size() + 1, "unsqueeze");
  Shape sizes = self->sizes, strides = self->strides;
  strides.insert(d, d < sizes.size() ? sizes[d] * strides[d] : 1);
  sizes.insert(d, 1);
  return seen_as("unsqueeze", *this, sizes, strides);
}

Tensor Tensor::narrow(int64_t dim, int64_t start, int64_t length) const {
  const TensorImpl* self = defined_impl(*this, "narrow");
  if (self->sizes.empty()) fail("narrow", "expected a tensor with dimensions, got a 0-d tensor");
  const int64_t d = wrap_dim(dim, self->sizes.size(), "narrow"), size = self->sizes[d];
  const int64_t first = start < 0 ? start + size : start;
  if (first < 0 || first > size || length < 0 || length > size - first) {
    fail("narrow", "expected a range within the ", size, " elements of dimension ", d,
         ", got start ", start, " and length ", length);
  }
  return slice(d, first, first + length);
}

Tensor Tensor::slice(int64_t dim, int64_t start, int64_t end, int64_t step) const {
  const TensorImpl* self = defined_impl(*this, "slice");
  if (self->sizes.empty()) fail("slice", "expected a tensor with dimensions, got a 0-d tensor");
  if (step < 1) fail("slice", "expected a step of 1 or more, got ", step);
  const int64_t d = wrap_dim(dim, self->sizes.size(), "slice"), size = self->sizes[d];
  const int64_t first = std::clamp<int64_t>(start < 0 ? start + size : start, 0, size);
  const int64_t last = std::clamp<int64_t>(end < 0 ? end + size : end, first, size);
  Shape sizes = self->sizes, strides = self->strides;
  sizes[d] = first < last ? (last - first - 1) / step + 1 : 0;
  if (sizes[d] > 1) strides[d] *= step;
  const Tensor out = make_view(*this, sizes, strides, self->offset + first * self->strides[d]);
  return record_part(
      {"slice", {{"dim", d}, {"start", first}, {"end", last}, {"step", step}}}, out, *this,
      [d, first, last, step](const Tensor& whole) { return whole.slice(d, first, last, step); });
}

Tensor Tensor::select(int64_t dim, int64_t index) const {
  const TensorImpl* self = defined_impl(*this, "select");
  if (self->sizes.empty()) fail("select", "expected a tensor with dimensions, got a 0-d tensor");
  const int64_t d = wrap_dim(dim, self->sizes.size(), "select"), size = self->sizes[d];
  if (index < -size || index >= size) {
    fail("select", "expected an index in [", -size, ", ", size - 1, "] for dimension ", d, " of ",
         self->sizes, ", got ", index);
  }
  const int64_t i = index < 0 ? index + size : index;
  Shape sizes = self->sizes, strides = self->strides;
  sizes.erase(d);
  strides.erase(d);
  const Tensor out = make_view(*this, sizes, strides, self->offset + i * self->strides[d]);
  return record_part({"select", {{"dim", d}, {"index", i}}}, out, *this,
                     [d, i](const Tensor& whole) { return whole.select(d, i); });
}

Tensor Tensor::expand(const Shape& sizes) const {
  const TensorImpl* self = defined_impl(*this, "expand");
  const int64_t extra = sizes.size() - self->sizes.size();
  Shape to = sizes, strides = Shape::filled(sizes.size(), 0);
  bool fits = extra >= 0;
  for (int64_t i = 0; fits && i < sizes.size(); ++i) {
    const int64_t from = i < extra ? 1 : self->sizes[i - extra];
    if (sizes[i] == -1 && i >= extra) to[i] = from;
    fits = to[i] >= 0 && (from == 1 || from == to[i]);
    if (i >= extra && from == to[i]) strides[i] = self->strides[i - extra];
  }
  if (!fits) {
    fail("expand", "expected sizes that ", self->sizes,
         " broadcasts to (only size 1 repeats), got ", sizes);
  }
  // The engine sums the gradient back to this shape.
  return record({"expand", {{"size", to}}}, make_view(*this, to, strides, self->offset), {this},
                [](const Tensor& g, InputGrads& d) { d[0] = g; });
}

namespace {

struct CatBackward {
  static constexpr bool kKeepsNoValues = true;
  int64_t dim;
  std::vector<int64_t> lengths;  // -1 for what is nothing

  void operator()(const Tensor& g, InputGrads& grads) const {
    int64_t at = 0;
    for (int i = 0; i < grads.count(); ++i) {
      const int64_t length = lengths[static_cast<std::size_t>(i)];
      if (length < 0) {
        grads[i] = zeros({0}, {.dtype = g.dtype()});
        continue;
      }
      if (grads.needs(i)) grads[i] = g.narrow(dim, at, length);
      at += length;
    }
  }
};

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, int64_t dim) {
  return with_memory(0, [&] {
    if (tensors.empty()) fail("cat", "expected at least one tensor, got none");
    // As in PyTorch, an empty 1-d tensor joins anything, so that a loop may start from one.
    const auto is_nothing = [](const Tensor& x) { return x.sizes() == Shape({0}); };
    const Tensor* first = &tensors[0];
    for (const Tensor& tensor : tensors) {
      defined_impl(tensor, "cat");
      if (is_nothing(*first)) first = &tensor;
    }
    Shape sizes = first->sizes();
    if (sizes.empty())
      fail("cat", "expected tensors with dimensions, got a 0-d tensor; use stack()");
    const int64_t d = wrap_dim(dim, sizes.size(), "cat");
    DType dtype = tensors[0].dtype();
    sizes[d] = 0;
    std::vector<int64_t> lengths;
    for (const Tensor& tensor : tensors) {
      dtype = std::max(dtype, tensor.dtype());
      if (is_nothing(tensor)) {
        lengths.push_back(-1);
        continue;
      }
      Shape other = tensor.sizes();
      const bool same_rank = other.size() == sizes.size();
      const int64_t length = same_rank ? other[d] : 0;
      if (same_rank) other[d] = sizes[d];
      if (other != sizes) {
        fail("cat", "expected sizes that agree except in dimension ", d, ", got ", first->sizes(),
             " and ", tensor.sizes());
      }
      lengths.push_back(length);
      sizes[d] = checked_cells("cat", "a joined dimension", Wide(sizes[d]) + length);
    }
    Tensor out = new_tensor(sizes, dtype);
    int64_t start = 0;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (lengths[i] < 1) continue;
      kernels::copy(out.narrow(d, start, lengths[i]), tensors[i]);
      start += lengths[i];
    }
    return record({"cat", {{"dim", d}}}, out, tensors, CatBackward{d, std::move(lengths)});
  });
}

Tensor stack(const std::vector<Tensor>& tensors, int64_t dim) {
  return with_memory(0, [&] {
    if (tensors.empty()) fail("stack", "expected at least one tensor, got none");
    std::vector<Tensor> rows;
    const int64_t d = wrap_dim(dim, defined_impl(tensors[0], "stack")->sizes.size() + 1, "stack");
    for (const Tensor& tensor : tensors) {
      defined_impl(tensor, "stack");
      if (tensor.sizes() != tensors[0].sizes()) {
        fail("stack", "expected tensors of one shape, got ", tensors[0].sizes(), " and ",
             tensor.sizes());
      }
      rows.push_back(tensor.unsqueeze(d));
    }
    return cat(rows, d);
  });
}

}  // namespace norma
