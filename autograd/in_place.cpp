#include "norma/autograd/in_place.h"

#include <algorithm>
#include <utility>

#include "norma/autograd/hooks.h"
#include "norma/autograd/operands.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/elementwise.h"
#include "norma/core/tensor_impl.h"

namespace norma::autograd {

namespace {

/// Elements from the first to the last that a geometry reaches, gaps included.
int64_t extent(const Shape& sizes, const Shape& strides) {
  int64_t last = 0;
  for (int64_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    last += (sizes[i] - 1) * strides[i];
  }
  return last + 1;
}

/// Whether no two elements of a geometry share memory: each step reaches beyond all smaller ones.
bool is_apart(const Shape& sizes, const Shape& strides) {
  Shape rest = strides;
  int64_t reach = 1;
  for (int64_t n = 0; n < sizes.size(); ++n) {
    int64_t least = -1;
    for (int64_t i = 0; i < sizes.size(); ++i) {
      if (rest[i] >= 0 && sizes[i] != 1 && (least < 0 || rest[i] < rest[least])) least = i;
    }
    if (least < 0) break;
    if (rest[least] < reach) return false;
    reach += (sizes[least] - 1) * rest[least];
    rest[least] = -1;
  }
  return true;
}

/// Adds every value to the element of `target` in its place; elements may share memory.
void add_each(const Tensor& target, const Tensor& values) {
  const Tensor v = values.contiguous();
  const Shape &sizes = target.sizes(), &strides = target.strides();
  dispatch_floating(v.dtype(), [&]<class T>() {
    const T* const from = values_of<T>(v);
    T* const to = values_of<T>(target);
    Shape at = Shape::filled(sizes.size(), 0);
    for (int64_t n = 0, place = 0; n < v.numel(); ++n) {
      to[place] += from[n];
      for (int64_t i = sizes.size() - 1; i >= 0; --i) {
        place += strides[i];
        if (++at[i] < sizes[i]) break;
        place -= at[i] * strides[i];
        at[i] = 0;
      }
    }
  });
}

/// A region of the memory around a base: where its elements lie in the base's layout.
struct Region {
  Shape base_sizes, layout, sizes, strides;
  int64_t shift;
  int64_t before = 0, length = 0;  // how much memory both need, and what lies before the base
  double repeats = 1;              // how often the base shows each of its elements

  Region(const Tensor& base, const Shape& region, const Shape& steps, int64_t offset)
      : base_sizes(base.sizes()),
        layout(base.strides()),
        sizes(region),
        strides(steps),
        shift(offset - base.storage_offset()),
        before(std::max<int64_t>(0, -shift)),
        length(before + std::max(extent(base_sizes, layout), shift + extent(sizes, strides))) {
    for (int64_t i = 0; i < base_sizes.size(); ++i) {
      if (layout[i] == 0) repeats *= static_cast<double>(base_sizes[i]);
    }
  }

  /// `use(operation)`, which is told to observers with the region.
  template <class Use>
  Tensor told_as(const Operation& op, Use use) const {
    if (!observer() || op.options.size() > 0) return use(op);
    return use(
        {op.name, {{"layout", layout}, {"size", sizes}, {"stride", strides}, {"offset", shift}}});
  }

  /// Whether the region lies between the first and the last element of the base.
  bool is_within() const { return before == 0 && length == extent(base_sizes, layout); }
  /// A base of such values in the same layout: there the region has its strides.
  Tensor laid_out(const Tensor& values) const {
    Tensor out = is_within()
                     ? alias(new_tensor({length}, values.dtype()), base_sizes, layout, before)
                     : zeros_of(values.dtype());
    kernels::copy(out, values);
    return out;
  }
  Tensor zeros_of(DType dtype) const {
    return alias(zeros({length}, {.dtype = dtype}), base_sizes, layout, before);
  }
  Tensor in(const Tensor& base) const {
    return alias(base, sizes, strides, base.storage_offset() + shift);
  }

  /// The region's values, and their adjoint: zeros around them.
  Tensor take(const Tensor& values) const {
    return in(is_within() && values.strides() == layout ? values : laid_out(values)).clone();
  }
  Tensor put(const Tensor& g) const {
    Tensor out = zeros_of(g.dtype());
    // Where expand() repeats an element, its gradients add up.
    Shape once = sizes, repeated;
    for (int64_t i = 0; i < sizes.size(); ++i) {
      if (strides[i] != 0 || sizes[i] == 1) continue;
      once[i] = 1;
      repeated.push_back(i);
    }
    const Tensor to = alias(out, once, strides, before + shift);
    const Tensor sum = repeated.empty() ? g : g.sum(repeated, true);
    is_apart(once, strides) ? kernels::copy(to, sum) : add_each(to, sum);
    return repeats == 1 ? out : out.div(repeats);
  }
  /// The values with zeros in the region.
  Tensor clear(const Tensor& values) const {
    Tensor out = laid_out(values);
    kernels::copy(in(out), zeros(Shape{}, {.dtype = out.dtype()}));
    return out;
  }
};

/// The base's new history after an in-place change of a view: the values of `part` in a region of
/// `base`. The gradient of the region goes to the view's history, the rest to the base's old one.
Tensor replace_region(const Tensor& base, const Tensor& part, const Shape& sizes,
                      const Shape& strides, int64_t offset) {
  const Tensor result = alias(base, base.sizes(), base.strides(), base.storage_offset());
  const Region region(base, sizes, strides, offset);
  const auto backward = [region](const Tensor& g, InputGrads& d) {
    const auto clear = [region](const Tensor& v) { return region.clear(v); };
    const auto take = [region](const Tensor& v) { return region.take(v); };
    const auto put = [region](const Tensor& v) { return region.put(v); };
    if (d.needs(0)) d[0] = linear_map("replace_region", g, clear, clear);
    if (d.needs(1)) d[1] = linear_map("replace_region", g, take, put);
  };
  return region.told_as("replace_region", [&](const Operation& op) {
    return record(op, result, {&base, &part}, backward);
  });
}

/// A leaf's accumulator must not write to a tensor that has another history now.
void set_node(TensorImpl* impl, Ref<GraphNode> node) {
  if (impl->node) {
    if (node && retainer_of(static_cast<Node&>(*impl->node)) == impl)
      set_retainer(static_cast<Node&>(*node), impl);
    impl->node->forget(impl);
  }
  impl->node = std::move(node);
}

/// For observers: what was written where no history says so.
void tell_assigned(const Tensor& target, const Tensor& values) {
  told("assign", target, {&target, &values});
  const TensorImpl* const impl = impl_of(target);
  if (!impl->base || impl->base->storage.get() != impl->storage.get()) return;
  const Tensor base = alias(target, impl->base->sizes, impl->base->strides, impl->base->offset);
  Region(base, impl->sizes, impl->strides, impl->offset)
      .told_as("replace_region", [&](const Operation& op) {
        return told(op, base, {&base, &target});
      });
}

bool is_expanded(const TensorImpl* impl) {
  for (int64_t i = 0; i < impl->sizes.size(); ++i) {
    if (impl->sizes[i] > 1 && impl->strides[i] == 0) return true;
  }
  return false;
}

bool shares_elements(const TensorImpl* impl) {
  return !impl->contiguous && impl->numel > 0 && !is_apart(impl->sizes, impl->strides);
}

}  // namespace

Tensor record_region(const Operation& op, const Tensor& view, const Tensor& base) {
  const Region region(base, view.sizes(), view.strides(), view.storage_offset());
  const auto backward = [op = op.name, region](const Tensor& g, InputGrads& d) {
    const auto put = [region](const Tensor& v) { return region.put(v); };
    const auto take = [region](const Tensor& v) { return region.take(v); };
    d[0] = linear_map(op, g, put, take);
  };
  return region.told_as(
      op, [&](const Operation& told) { return record(told, view, {&base}, backward); });
}

/// The history of a view is that of its base as soon as their memory was changed in place.
void refresh_view(TensorImpl* impl) {
  if (!impl->base || impl->base_version == impl->storage->version()) return;
  impl->base_version = impl->storage->version();
  // After set_data() the base lives elsewhere.
  if (impl->base->storage.get() != impl->storage.get()) return impl->base.reset();
  if (!impl->base->requires_grad) return;
  const Tensor base{Ref<RefCounted>(impl->base)};
  const EnableGradGuard recording;
  const Tensor fresh =
      record_region("region_of", alias(base, impl->sizes, impl->strides, impl->offset), base);
  set_node(impl, impl_of(fresh)->node);
  impl->has_history = impl->requires_grad = true;
}

Tensor make_view(const Tensor& self, const Shape& sizes, const Shape& strides, int64_t offset) {
  Tensor view = alias(self, sizes, strides, offset);
  TensorImpl *impl = impl_of(view), *from = impl_of(self);
  // A view made under NoGradGuard stays outside the graph, and requires a gradient nevertheless.
  if (!grad_enabled() && self.requires_grad()) {
    impl->requires_grad = true;
    return view;
  }
  impl->base = from->base ? from->base : Ref<TensorImpl>(from);
  impl->base_version = impl->storage->version();
  return view;
}

Tensor original(const Tensor& self, const Tensor& needed_for) {
  return recording({&needed_for}) ? self.clone() : self;
}

void check_in_place(const char* op, const Tensor& target) {
  TensorImpl* impl = defined_impl(target, op);
  if (grad_enabled()) {
    const bool is_leaf = impl->requires_grad && !impl->has_history;
    const bool of_leaf = impl->base && impl->base->requires_grad && !impl->base->has_history;
    if (is_leaf || of_leaf) {
      fail(op, "expected a tensor that may change in place, got ", is_leaf ? "a" : "a view of a",
           " leaf that requires_grad, of shape ", impl->sizes,
           "; change it under NoGradGuard, or use the out-of-place operation");
    }
  }
  if (shares_elements(impl) ||
      (grad_enabled() && impl->base && shares_elements(impl->base.get()))) {
    const TensorImpl* const shared = shares_elements(impl) ? impl : impl->base.get();
    const bool expanded = is_expanded(shared);
    fail(op, "expected a tensor whose elements have memory of their own, got ",
         expanded ? "an expanded one of shape " : "one of shape ", impl->sizes,
         expanded ? "" : " whose elements overlap", "; clone() it first");
  }
}

Tensor& assign(const char* op, Tensor& target, const Tensor& result) {
  check_in_place(op, target);
  TensorImpl* impl = impl_of(target);
  if (broadcast_shapes(impl->sizes, result.sizes(), op) != impl->sizes) {
    fail(op, "expected an operand that broadcasts to the shape ", impl->sizes,
         " that changes in place, got a result of shape ", result.sizes());
  }
  if ((is_floating(result.dtype()) && !is_floating(impl->dtype)) ||
      (impl->dtype == kBool && result.dtype() != kBool)) {
    fail(op, "expected a result that fits the dtype ", impl->dtype, " that changes in place, got ",
         result.dtype());
  }
  const Tensor expanded = result.sizes() == impl->sizes ? result : result.expand(impl->sizes);
  kernels::copy(target, expanded);
  impl->storage->bump_version();
  if (!grad_enabled() || !expanded.requires_grad()) {
    impl->base_version = impl->storage->version();
    if (observer()) tell_assigned(target, expanded);
    return target;
  }
  set_node(impl, gradient_edge(expanded));
  impl->has_history = impl->requires_grad = true;
  impl->base_version = impl->storage->version();
  if (impl->base) {
    const Tensor base{Ref<RefCounted>(impl->base)};
    const Tensor changed = replace_region(base, target, impl->sizes, impl->strides, impl->offset);
    set_node(impl->base.get(), impl_of(changed)->node);
    impl->base->has_history = impl->base->requires_grad = true;
  }
  return target;
}

}  // namespace norma::autograd
