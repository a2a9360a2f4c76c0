#include "norma/autograd/in_place.h"

#include <utility>

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

/// A region of a base: where its elements lie in the base's layout.
struct Region {
  Shape base_sizes, layout, sizes, strides;
  int64_t shift;

  Region(const Tensor& base, const Shape& region, const Shape& steps, int64_t offset)
      : base_sizes(base.sizes()),
        layout(base.strides()),
        sizes(region),
        strides(steps),
        shift(offset - base.storage_offset()) {}

  /// A base of such values in the same layout: there the region has its strides.
  Tensor laid_out(const Tensor& values) const {
    const Tensor memory = new_tensor({extent(base_sizes, layout)}, values.dtype());
    Tensor out = alias(memory, base_sizes, layout, 0);
    kernels::copy(out, values);
    return out;
  }
  Tensor zeros_of(DType dtype) const {
    return alias(zeros({extent(base_sizes, layout)}, {.dtype = dtype}), base_sizes, layout, 0);
  }
  Tensor in(const Tensor& base) const {
    return alias(base, sizes, strides, base.storage_offset() + shift);
  }

  /// The region's values, and their adjoint: zeros around them.
  Tensor take(const Tensor& values) const {
    return in(values.strides() == layout ? values : laid_out(values)).clone();
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
    kernels::copy(alias(out, once, strides, shift), repeated.empty() ? g : g.sum(repeated, true));
    return out;
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
  return record("replace_region", result, {&base, &part}, [region](const Tensor& g, InputGrads& d) {
    const auto clear = [region](const Tensor& v) { return region.clear(v); };
    const auto take = [region](const Tensor& v) { return region.take(v); };
    const auto put = [region](const Tensor& v) { return region.put(v); };
    if (d.needs(0)) d[0] = linear_map("replace_region", g, clear, clear);
    if (d.needs(1)) d[1] = linear_map("replace_region", g, take, put);
  });
}

/// `base` seen through a geometry: the history of a view after its base was changed in place.
Tensor region_of(const Tensor& base, const Shape& sizes, const Shape& strides, int64_t offset) {
  const Tensor result = alias(base, sizes, strides, offset);
  const Region region(base, sizes, strides, offset);
  return record("region_of", result, {&base}, [region](const Tensor& g, InputGrads& d) {
    const auto put = [region](const Tensor& v) { return region.put(v); };
    const auto take = [region](const Tensor& v) { return region.take(v); };
    d[0] = linear_map("region_of", g, put, take);
  });
}

/// A leaf's accumulator must not write to a tensor that has another history now.
void set_node(TensorImpl* impl, Ref<History> node) {
  if (impl->node) {
    if (node && static_cast<Node*>(impl->node.get())->retainer == impl)
      static_cast<Node*>(node.get())->retainer = impl;
    impl->node->forget(impl);
  }
  impl->node = std::move(node);
}

bool shares_elements(const TensorImpl* impl) {
  for (int64_t i = 0; i < impl->sizes.size(); ++i) {
    if (impl->sizes[i] > 1 && impl->strides[i] == 0) return true;
  }
  return false;
}

}  // namespace

/// The history of a view is that of its base as soon as their memory was changed in place.
void refresh_view(TensorImpl* impl) {
  if (!impl->base || impl->base_version == impl->storage->version()) return;
  impl->base_version = impl->storage->version();
  // After set_data() the base lives elsewhere.
  if (impl->base->storage.get() != impl->storage.get()) return impl->base.reset();
  if (!impl->base->requires_grad) return;
  const Tensor base{Ref<RefCounted>(impl->base)};
  const EnableGradGuard recording;
  const Tensor fresh = region_of(base, impl->sizes, impl->strides, impl->offset);
  set_node(impl, impl_of(fresh)->node);
  impl->has_history = impl->requires_grad = true;
}

Tensor make_view(const Tensor& self, const Shape& sizes, const Shape& strides, int64_t offset) {
  Tensor view = alias(self, sizes, strides, offset);
  // A view made under NoGradGuard stays outside the graph, like detach()'s.
  if (!grad_enabled() && self.requires_grad()) return view;
  TensorImpl *impl = impl_of(view), *from = impl_of(self);
  impl->base = from->base ? from->base : Ref<TensorImpl>(from);
  impl->base_version = impl->storage->version();
  return view;
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
    fail(op,
         "expected a tensor whose elements have memory of their own, got an expanded one of shape ",
         impl->sizes, "; clone() it first");
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
