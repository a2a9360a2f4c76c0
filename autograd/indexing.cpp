// Indexing as Python writes it. Numbers, slices, None and Ellipsis become views; what is left are
// index tensors and masks for some dimensions of that view, which together name its elements.
#include <string>
#include <string_view>

#include "norma/autograd/in_place.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/places.h"
#include "norma/core/factory.h"

namespace norma {

using namespace autograd;

namespace {

using Kind = TensorIndex::Kind;

bool is_mask(const Tensor& tensor) { return tensor.dtype() <= kUInt8; }

/// An index tensor or mask, and the dimensions of the view that it goes through.
struct Pick {
  Tensor index;  // of positions in these dimensions, counted row by row
  int64_t first, count = 1, length = 0;
  Tensor mask = {};  // what it was made of
};

struct Picks {
  Tensor view;
  std::vector<Pick> picks;
};

/// The dimensions that an index takes one by one.
int64_t dims_of(const TensorIndex& index) {
  if (index.kind() == Kind::Values) {
    const Tensor& t = index.tensor();
    return is_mask(t) ? t.dim() : 1;
  }
  return index.kind() == Kind::Number || index.kind() == Kind::Range ? 1 : 0;
}

/// The dimensions that Ellipsis stands for.
int64_t check_count(const char* op, const Tensor& self, const std::vector<TensorIndex>& indices) {
  int64_t used = 0, dots = 0;
  for (const TensorIndex& index : indices) {
    if (index.kind() == Kind::Values) {
      const DType dtype = defined_impl(index.tensor(), op)->dtype;
      if (dtype > kInt64) {
        fail(op, "expected index tensors of dtype int64, int32, uint8 or bool, got ", dtype);
      }
    }
    used += dims_of(index);
    dots += index.kind() == Kind::Dots ? 1 : 0;
  }
  const int64_t rest = self.dim() - used;
  if (rest < 0) {
    fail(op, "too many indices: expected at most ", self.dim(), " for a tensor of shape ",
         self.sizes(), ", got ", used);
  }
  if (dots > 1) fail(op, "expected at most one Ellipsis, got ", dots);
  return rest;
}

Pick mask_pick(const char* op, const Tensor& view, const Tensor& mask, int64_t first) {
  Pick pick{flat_positions(mask), first, mask.dim(), mask.numel(), mask};
  for (int64_t i = 0; i < mask.dim(); ++i) {
    if (mask.sizes()[i] == view.sizes()[first + i]) continue;
    fail(op, "expected a mask of the sizes of the dimensions from ", first, " of ", view.sizes(),
         ", got ", mask.sizes());
  }
  return pick;
}

/// The view that plain indices make, and what is to be picked from it.
Picks picks_of(const char* op, const Tensor& self, const std::vector<TensorIndex>& indices) {
  const int64_t rest = check_count(op, self, indices);
  Picks out{self, {}};
  int64_t dim = 0;
  const auto add_dim = [&](bool kept) {  // a mask of no dimensions
    out.view = out.view.unsqueeze(dim);
    out.picks.push_back({zeros({kept ? 1 : 0}, {.dtype = kInt64}), dim++, 1, 1});
  };
  for (const TensorIndex& index : indices) {
    const Tensor& tensor = index.tensor();
    switch (index.kind()) {
      case Kind::NewDim:
        out.view = out.view.unsqueeze(dim++);
        break;
      case Kind::Dots:
        dim += rest;
        break;
      case Kind::Number:
        out.view = out.view.select(dim, index.number());
        break;
      case Kind::Flag:
        add_dim(index.number() != 0);
        break;
      case Kind::Range: {
        const indexing::Slice slice = index.slice();
        const bool whole = slice.start() == 0 && slice.stop() == INT64_MAX && slice.step() == 1;
        if (!whole) out.view = out.view.slice(dim, slice.start(), slice.stop(), slice.step());
        ++dim;
        break;
      }
      case Kind::Values:
        if (tensor.dim() > 0) {
          const int64_t first = dim;
          dim += dims_of(index);
          out.picks.push_back(is_mask(tensor) ? mask_pick(op, out.view, tensor, first)
                                              : Pick{wrapped_index(op, widened_index(op, tensor),
                                                                   out.view.size(first)),
                                                     first, 1, out.view.size(first)});
        } else if (is_mask(tensor)) {
          add_dim(tensor.item<bool>());
        } else {
          out.view = out.view.select(dim, tensor.item<int64_t>());
        }
        break;
    }
  }
  return out;
}

/// Puts the dimensions that are picked side by side, at the front unless they are so already, and
/// adds up the indices to positions in them.
Places find_places(const char* op, Picks& from) {
  std::vector<Pick>& picks = from.picks;
  bool adjacent = true;
  for (std::size_t i = 1; i < picks.size(); ++i) {
    adjacent &= picks[i - 1].first + picks[i - 1].count == picks[i].first;
  }
  if (!adjacent) {
    Shape order, kept;
    int64_t dim = 0;
    for (const Pick& pick : picks) {
      while (dim < pick.first) kept.push_back(dim++);
      for (; dim < pick.first + pick.count; ++dim) order.push_back(dim);
    }
    while (dim < from.view.dim()) kept.push_back(dim++);
    for (int64_t d : kept) order.push_back(d);
    from.view = from.view.permute(order);
    dim = 0;
    for (Pick& pick : picks) {
      pick.first = dim;
      dim += pick.count;
    }
  }
  Shape common = picks[0].index.sizes();
  for (const Pick& pick : picks) common = broadcast_shapes(common, pick.index.sizes(), op);
  Tensor flat = picks[0].index;
  for (std::size_t i = 1; i < picks.size(); ++i) {
    flat = flat * picks[i].length + picks[i].index;
  }
  const Shape sizes = from.view.sizes();
  const int64_t begin = picks.front().first, end = picks.back().first + picks.back().count;
  kernels::MiddleShape shape;
  Shape to;
  for (int64_t i = 0; i < begin; ++i) {
    shape.outer *= sizes[i];
    to.push_back(sizes[i]);
  }
  for (int64_t size : common) to.push_back(size);
  for (const Pick& pick : picks) shape.length *= pick.length;
  for (int64_t i = end; i < sizes.size(); ++i) {
    shape.inner *= sizes[i];
    to.push_back(sizes[i]);
  }
  return {flat.contiguous(), shape, sizes, to};
}

/// As in PyTorch, values that are assigned may have more dimensions, of size 1, in front.
Tensor without_leading_ones(const Tensor& values, int64_t dims) {
  Shape sizes = values.sizes();
  while (sizes.size() > dims && sizes[0] == 1) sizes.erase(0);
  return sizes == values.sizes() ? values : values.reshape(sizes);
}

/// `values` as they are written to `to`.
Tensor fitting(const char* op, const Tensor& values, const Shape& to) {
  defined_impl(values, op);
  Tensor fits = without_leading_ones(values, to.size());
  if (broadcast_shapes(to, fits.sizes(), op) != to) {
    fail(op, "expected values that broadcast to the indexed shape ", to, ", got ", values.sizes());
  }
  return fits;
}

/// One value where a mask is set, in a way that can be told to observers: how many places a mask
/// has depends on values.
void write_masked(Picks& to, const Tensor& values, bool accumulate) {
  const Pick& pick = to.picks[0];
  Shape sizes = Shape::filled(to.view.dim(), 1);
  for (int64_t i = 0; i < pick.count; ++i) sizes[pick.first + i] = pick.mask.size(i);
  const Tensor mask = (pick.mask.dtype() == kBool ? pick.mask : pick.mask.ne(0)).reshape(sizes);
  const Tensor value = fitting("index_put_", values, Shape{});
  const Tensor changed = accumulate ? to.view + value : value;
  check_same_dtype("index_put_", to.view, values);
  assign("index_put_", to.view, where(mask, changed, to.view));
}

/// What an assignment to an IndexedTensor writes to.
struct Source : RefCounted {
  Source(const Tensor& x, const std::vector<TensorIndex>& list) : target(x), indices(list) {}
  Tensor target;
  std::vector<TensorIndex> indices;
};

}  // namespace

TensorIndex::TensorIndex(const char* dots) : TensorIndex(indexing::Ellipsis) {
  if (std::string_view(dots) != "...") {
    fail("index", "expected \"...\" as the only text among indices, got \"", dots, "\"");
  }
}
TensorIndex::TensorIndex(const std::vector<int64_t>& list) : TensorIndex(norma::tensor(list)) {}
TensorIndex::TensorIndex(const std::vector<bool>& list) : TensorIndex(norma::tensor(list)) {}

IndexedTensor TensorMethods::index(const std::vector<TensorIndex>& indices) const {
  return with_memory(0, [&] {
    defined_impl(self(), "index");
    Picks from = picks_of("index", self(), indices);
    if (from.picks.empty()) {
      // Never the same object: a change in place of the result gives it a history of its own.
      return IndexedTensor(from.view.is_same(self()) ? self().expand(self().sizes()) : from.view);
    }
    const Places places = find_places("index", from);
    const int64_t first = from.picks.front().first;
    const int64_t end = from.picks.back().first + from.picks.back().count;
    return IndexedTensor(
        taken({"index", {{"first_dim", first}, {"end_dim", end}}}, from.view, places),
        Ref<Source>::make(self(), indices));
  });
}

IndexedTensor Tensor::operator[](const Tensor& index) const {
  return TensorMethods::index({TensorIndex(index)});
}

Tensor& TensorMethods::index_put_(const std::vector<TensorIndex>& indices, const Tensor& values,
                                  bool accumulate) {
  return with_memory(0, [&]() -> Tensor& {
    defined_impl(self(), "index_put_");
    Picks to = picks_of("index_put_", self(), indices);
    if (to.picks.empty()) {
      const Tensor fits = fitting("index_put_", values, to.view.sizes());
      accumulate ? to.view.add_(fits) : to.view.copy_(fits);
      return self();
    }
    if (observer() && to.picks.size() == 1 && to.picks[0].mask.defined() && values.numel() == 1)
      return write_masked(to, values, accumulate), self();
    const Places places = find_places("index_put_", to);
    write_in_place("index_put_", to.view, places, fitting("index_put_", values, places.to),
                   accumulate ? Write::Add : Write::Put);
    return self();
  });
}

Tensor& TensorMethods::index_put_(const std::vector<TensorIndex>& indices, Scalar value,
                                  bool accumulate) {
  defined_impl(self(), "index_put_");
  return index_put_(indices, number_like(self(), value), accumulate);
}

Tensor TensorMethods::index_put(const std::vector<TensorIndex>& indices, const Tensor& values,
                                bool accumulate) const {
  defined_impl(self(), "index_put");
  Tensor out = self().clone();
  return out.index_put_(indices, values, accumulate);
}

IndexedTensor& IndexedTensor::write(const Tensor& values) {
  if (auto* to = static_cast<Source*>(source_.get())) {
    to->target.index_put_(to->indices, values);
  } else {
    copy_(fitting("copy_", values, sizes()));
  }
  return *this;
}

IndexedTensor& IndexedTensor::write(Scalar value) {
  if (auto* to = static_cast<Source*>(source_.get())) {
    to->target.index_put_(to->indices, value);
  } else {
    fill_(value);
  }
  return *this;
}

IndexedTensor& IndexedTensor::write_back(const Tensor& values) {
  return source_ ? write(values) : *this;
}

}  // namespace norma
