// Tensor: a cheap shared handle on an n-dimensional array with reverse-mode differentiation.
#pragma once
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "norma/core/dtype.h"
#include "norma/core/error.h"
#include "norma/core/ref.h"
#include "norma/core/scalar.h"
#include "norma/core/shape.h"
#include "norma/core/tensor_methods.h"

namespace norma {

struct TensorImpl;
class Tensor;
inline TensorImpl* impl_of(const Tensor& tensor);  ///< for the library: tensor_impl.h

/// What core sees of a graph node: it is told when the leaf it writes to is gone.
struct GraphNode : RefCounted {
  virtual void forget(const TensorImpl*) {}  ///< the leaf is gone
};

/// How a creation function makes its tensor: `randn({2, 3}, {.dtype = kFloat64, .requires_grad =
/// true})`.
struct TensorOptions {
  DType dtype = kFloat32;      ///< of the elements
  bool requires_grad = false;  ///< a leaf that gets a gradient
};

/// An n-dimensional array. Copying a `Tensor` copies the handle: both name the same values.
/// Operations return new tensors, those ending in `_` change their own values, and views
/// (`view transpose permute narrow select slice expand squeeze unsqueeze`) share memory.
/// The class is declared in core; autograd defines its operations, in the file each section names.
/// Every operation on floating tensors is differentiable unless its comment says otherwise.
/// The formulas, broadcasting, dtype promotion and names are PyTorch's. More methods, which fewer
/// programs call: core/tensor_methods.h.
///
/// Errors of all: an undefined tensor, a dimension out of range, sizes that do not go together, a
/// dtype that the operation is not for; in place, a leaf that requires a gradient, while recording.
/// What else is one, the method's comment says.
class Tensor : public TensorMethods {
 public:
  /// The undefined tensor: `defined()` is false, everything else throws.
  Tensor() = default;
  explicit Tensor(Ref<RefCounted> impl) : impl_(std::move(impl)) {}
  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) = default;
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & = default;
  /// `x[0] = y` and `x.narrow(1, 0, 2) = 3` write into x, as `copy_` and `fill_` do: what is
  /// assigned to is a temporary handle, so its values are meant. `name = y` makes a name mean y.
  Tensor& operator=(const Tensor& source) && { return copy_(source); }
  Tensor& operator=(Scalar value) && { return fill_(value); }
  bool defined() const { return static_cast<bool>(impl_); }  ///< false: it has no values

  // --- Properties (core/tensor.cpp) ---
  const Shape& sizes() const;    ///< the shape
  const Shape& strides() const;  ///< elements between neighbours along each dimension
  /// Of one dimension; negative: from the end. Errors: no such dimension.
  int64_t size(int64_t dim) const;
  int64_t dim() const;         ///< how many dimensions
  int64_t numel() const;       ///< how many elements
  DType dtype() const;         ///< of the elements
  bool is_contiguous() const;  ///< whether elements lie row by row without gaps
  /// Offset of the first element in the storage, in elements.
  int64_t storage_offset() const;
  /// How often the values were changed in place; views share the count.
  uint64_t version() const;
  /// Same object, not same values.
  bool is_same(const Tensor& other) const { return impl_.get() == other.impl_.get(); }

  /// The first element's address. Elements follow `strides()`. Throws when `T` is not the dtype.
  /// Values may be written there at any time: kernels keep no packed copy of such a weight.
  using TensorMethods::data_ptr;
  template <class T>
  T* data_ptr() const {
    static_assert(Element<T>,
                  "data_ptr<T>(): T is bool, uint8_t, int32_t, int64_t, float or double");
    using Own = std::conditional_t<dtype_of<T> == DType::Int64, int64_t, std::remove_const_t<T>>;
    return reinterpret_cast<T*>(data_of<Own>());
  }
  void* raw_data() const;  ///< the first element's address, whatever its type
  /// The value of a one-element tensor, converted to `T`. Integers refuse what they cannot hold.
  /// Errors: another number of elements.
  using TensorMethods::item;
  template <class T>
  T item() const {
    static_assert(std::is_arithmetic_v<T>, "item<T>(): T is a number or bool");
    if constexpr (std::same_as<T, bool>) {
      return item_number() != 0;
    } else if constexpr (std::floating_point<T>) {
      return static_cast<T>(item_number());
    } else {
      constexpr auto most = static_cast<uint64_t>(std::numeric_limits<T>::max());
      return static_cast<T>(
          item_integer(static_cast<int64_t>(std::numeric_limits<T>::min()),
                       static_cast<int64_t>(most < INT64_MAX ? most : INT64_MAX)));
    }
  }

  // --- Automatic differentiation (autograd/node.cpp, backward in autograd/engine.cpp) ---
  bool requires_grad() const;  ///< whether it takes part in differentiation
  /// Marks a leaf; only floating tensors can require a gradient.
  Tensor& requires_grad_(bool on = true);
  bool is_leaf() const;  ///< made by no recorded operation
  /// Name of the operation that made this tensor, "" for leaves.
  std::string grad_fn_name() const;
  /// The accumulated gradient; undefined until `backward()` reached this leaf.
  Tensor grad() const;
  /// Lets `backward()` leave the gradient of this result of an operation in `grad()`, too. Errors:
  /// a tensor that requires no gradient.
  void retain_grad() const;
  bool retains_grad() const;          ///< whether it was told to
  void set_grad(const Tensor& grad);  ///< of its sizes and dtype; undefined: none
  /// Adds d(this)/d(leaf) to the gradient of every leaf that requires one. Without `gradient` the
  /// tensor must have one element. The graph is freed unless `retain_graph`. With `create_graph`
  /// the gradients are recorded, too, so that they have derivatives (see autograd::grad). Errors:
  /// nothing that requires a gradient, a graph that was freed, values changed since.
  void backward(const Tensor& gradient = Tensor(), bool retain_graph = false,
                bool create_graph = false) const;
  /// The same values outside the graph.
  Tensor detach() const;
  /// Every handle on this leaf takes over the memory, shape and dtype of `other`; the gradient is
  /// dropped. PyTorch's `tensor.data = other`. Errors: no leaf; integers for one that requires a
  /// gradient.
  void set_data(const Tensor& other);

  // --- Copies and conversions (autograd/shape.cpp) ---
  Tensor clone() const;  ///< a copy of its own, row by row; part of the graph
  /// This tensor if its elements lie in row-major order without gaps, a copy otherwise.
  Tensor contiguous() const;
  Tensor to(DType dtype) const;  ///< this tensor, or a converted copy
  using TensorMethods::to;
  /// Takes the values of `source`, broadcast and converted. Errors: values that do not broadcast to
  /// this; a leaf that requires a gradient, while recording.
  Tensor& copy_(const Tensor& source);
  Tensor& fill_(Scalar value);  ///< all elements become `value`
  Tensor& zero_();              ///< all elements become 0

  // --- Views (autograd/shape.cpp) ---
  /// A view where strides allow it, a copy otherwise; one size may be -1. Errors: another number of
  /// elements.
  Tensor reshape(const Shape& sizes) const;
  /// As `reshape`, but throws where a copy would be needed.
  Tensor view(const Shape& sizes) const;
  /// Those dimensions as one. Errors: start_dim behind end_dim.
  Tensor flatten(int64_t start_dim = 0, int64_t end_dim = -1) const;
  Tensor transpose(int64_t dim0, int64_t dim1) const;  ///< two dimensions swapped
  /// Transpose of a matrix; 0-d and 1-d tensors are returned as they are.
  Tensor t() const;
  /// Dimension i is this one's `dims[i]`. Errors: not every dimension once.
  Tensor permute(const Shape& dims) const;
  Tensor squeeze() const;  ///< without dimensions of 1; or without `dim`, if of 1
  Tensor squeeze(int64_t dim) const;
  Tensor unsqueeze(int64_t dim) const;  ///< a size 1 at `dim`
  /// `length` slices from `start` on. Errors: a range beyond the dimension.
  Tensor narrow(int64_t dim, int64_t start, int64_t length) const;
  /// One slice, without `dim`. Errors: an index out of range, a 0-d tensor.
  Tensor select(int64_t dim, int64_t index) const;
  /// Elements start, start+step, … before end, as Python's `x[start:end:step]`; both ends are
  /// clamped. Errors: a step below 1.
  Tensor slice(int64_t dim, int64_t start = 0, int64_t end = INT64_MAX, int64_t step = 1) const;
  /// Repeats size-1 dimensions without copying; -1 keeps a size. Errors: another size than 1 to
  /// repeat.
  Tensor expand(const Shape& sizes) const;
  /// `select(0, index)`.
  Tensor operator[](int64_t index) const { return select(0, index); }
  /// `index({index})`: what a mask or index tensor picks, and `x[mask] = 0` writes (core/index.h).
  IndexedTensor operator[](const Tensor& index) const;

  // --- Picking (autograd/index.cpp); indices are kInt64 or kInt32 ---
  /// Slices along `dim`, `index` [n] of them, copied. Errors: an index out of range, or of another
  /// number of dimensions.
  Tensor index_select(int64_t dim, const Tensor& index) const;
  /// out[i][j] = this[i][index[i][j]] for `dim` 1, and so on; of the index's shape. Errors: an
  /// index out of range, or one larger than this in another dimension.
  Tensor gather(int64_t dim, const Tensor& index) const;

  // --- Arithmetic with broadcasting (autograd/arithmetic.cpp) ---
  Tensor add(const Tensor& other) const;  ///< this + other
  Tensor sub(const Tensor& other) const;  ///< this - other
  Tensor mul(const Tensor& other) const;  ///< this · other
  Tensor div(const Tensor& other) const;  ///< this / other; floating
  /// This to that power. Errors: a negative integer to an integer.
  Tensor pow(const Tensor& exponent) const;
  Tensor add(Scalar other) const;     ///< this + other
  Tensor sub(Scalar other) const;     ///< this - other
  Tensor mul(Scalar other) const;     ///< this · other
  Tensor div(Scalar other) const;     ///< this / other; floating
  Tensor pow(Scalar exponent) const;  ///< this to that power
  Tensor neg() const;                 ///< -this
  Tensor operator-() const { return neg(); }

  Tensor& add_(const Tensor& other);
  Tensor& sub_(const Tensor& other);
  Tensor& mul_(const Tensor& other);
  Tensor& div_(const Tensor& other);
  Tensor& add_(Scalar other);
  Tensor& sub_(Scalar other);
  Tensor& mul_(Scalar other);
  Tensor& div_(Scalar other);
  Tensor& pow_(Scalar exponent);
  Tensor& neg_();
  Tensor& exp_();
  Tensor& sqrt_();
  Tensor& relu_();
  Tensor& sigmoid_();
  Tensor& tanh_();
  /// `add_`.
  template <class T>
  Tensor& operator+=(const T& other) {
    return add_(other);
  }
  /// `sub_`.
  template <class T>
  Tensor& operator-=(const T& other) {
    return sub_(other);
  }
  /// `mul_`.
  template <class T>
  Tensor& operator*=(const T& other) {
    return mul_(other);
  }
  /// `div_`.
  template <class T>
  Tensor& operator/=(const T& other) {
    return div_(other);
  }

  // --- Comparisons: kBool results, not differentiable (autograd/comparison.cpp) ---
  Tensor eq(const Tensor& other) const;  ///< where this == other
  Tensor ne(const Tensor& other) const;  ///< where this != other
  Tensor lt(const Tensor& other) const;  ///< where this < other
  Tensor le(const Tensor& other) const;  ///< where this <= other
  Tensor gt(const Tensor& other) const;  ///< where this > other
  Tensor ge(const Tensor& other) const;  ///< where this >= other
  Tensor eq(Scalar other) const;         ///< where this == other
  Tensor ne(Scalar other) const;         ///< where this != other
  Tensor lt(Scalar other) const;         ///< where this < other
  Tensor le(Scalar other) const;         ///< where this <= other
  Tensor gt(Scalar other) const;         ///< where this > other
  Tensor ge(Scalar other) const;         ///< where this >= other
  Tensor logical_not() const;            ///< where it is 0
  Tensor isnan() const;                  ///< where it is NaN
  Tensor isfinite() const;               ///< neither NaN nor infinite

  // --- Element by element (autograd/elementwise.cpp) ---
  Tensor abs() const;      ///< |x|
  Tensor exp() const;      ///< eˣ
  Tensor log() const;      ///< natural logarithm; -∞ at 0, NaN below
  Tensor sqrt() const;     ///< √x; NaN below 0
  Tensor square() const;   ///< x²
  Tensor sigmoid() const;  ///< 1 / (1 + e⁻ˣ)
  Tensor tanh() const;     ///< hyperbolic tangent
  Tensor relu() const&;    ///< max(x, 0)
  /// For `relu(std::move(x))` and temporaries, in the memory of x where nobody else sees it.
  Tensor relu() &&;
  Tensor leaky_relu(double negative_slope = 0.01) const;  ///< x > 0 ? x : slope x
  /// x Φ(x); `approximate_tanh` uses the tanh formula.
  Tensor gelu(bool approximate_tanh = false) const;
  /// `value` where `mask` is true, this elsewhere. Errors: another dtype of the mask.
  Tensor masked_fill(const Tensor& mask, Scalar value) const;

  // --- Bounds (autograd/clamp.cpp) ---
  /// `min` where this is below it, `max` where it is above it, and `max` where min > max. Either
  /// may be left out: `clamp(0)`, `clamp(std::nullopt, 1)`; an undefined tensor is no bound. As in
  /// PyTorch, no gradient passes where this is at a bound that is a number. Errors: no bound at
  /// all.
  Tensor clamp(std::optional<Scalar> min, std::optional<Scalar> max = std::nullopt) const;
  Tensor clamp(const Tensor& min, const Tensor& max = Tensor()) const;
  Tensor clamp_min(Scalar min) const;  ///< at least `min`
  Tensor clamp_min(const Tensor& min) const { return maximum(min); }
  Tensor clamp_max(Scalar max) const;  ///< at most `max`
  Tensor clamp_max(const Tensor& max) const { return minimum(max); }
  Tensor& clamp_(std::optional<Scalar> min, std::optional<Scalar> max = std::nullopt);
  Tensor& clamp_(const Tensor& min, const Tensor& max = Tensor());
  /// Equal elements share the gradient in halves.
  Tensor maximum(const Tensor& other) const;
  Tensor minimum(const Tensor& other) const;  ///< the smaller one, likewise

  // --- Reductions: over everything or some dimensions (autograd/reduce.cpp, softmax.cpp) ---
  Tensor sum() const;  ///< kInt64 for integers and bools
  Tensor sum(const Shape& dims, bool keepdim = false) const;
  /// Converted to `dtype` first, which the result has, too.
  Tensor sum(DType dtype) const { return to(dtype).sum().to(dtype); }
  Tensor sum(const Shape& dims, bool keepdim, DType dtype) const {
    return to(dtype).sum(dims, keepdim).to(dtype);
  }
  Tensor mean() const;  ///< of floating tensors
  Tensor mean(const Shape& dims, bool keepdim = false) const;
  Tensor mean(DType dtype) const { return to(dtype).mean(); }
  Tensor mean(const Shape& dims, bool keepdim, DType dtype) const {
    return to(dtype).mean(dims, keepdim);
  }
  /// Divides by n-1 when `unbiased`, by n otherwise.
  Tensor var() const { return var(all_dims()); }
  Tensor var(std::same_as<bool> auto unbiased) const { return var(all_dims(), unbiased); }
  Tensor var(const Shape& dims, bool unbiased = true, bool keepdim = false) const;
  Tensor std() const { return std(all_dims()); }
  Tensor std(std::same_as<bool> auto unbiased) const { return std(all_dims(), unbiased); }
  Tensor std(const Shape& dims, bool unbiased = true, bool keepdim = false) const;
  /// Σ|x|^p to the power 1/p; the largest (smallest) |x| for p = ∞ (-∞), for 0 how many are not 0.
  Tensor norm(double p = 2.0) const;
  Tensor norm(double p, const Shape& dims, bool keepdim = false) const;
  /// The largest element. Errors: no element.
  Tensor max() const;
  Tensor min() const;  ///< the smallest element
  /// Values and kInt64 indices along `dim`; the first of equals wins.
  std::pair<Tensor, Tensor> max(int64_t dim, bool keepdim = false) const;
  std::pair<Tensor, Tensor> min(int64_t dim, bool keepdim = false) const;  ///< likewise
  /// kInt64, not differentiable; without `dim` over the flattened tensor.
  Tensor argmax() const;
  Tensor argmax(int64_t dim, bool keepdim = false) const;
  Tensor argmin() const;  ///< as `argmax`
  Tensor argmin(int64_t dim, bool keepdim = false) const;
  /// kBool, of kUInt8 kUInt8; not differentiable.
  Tensor any() const;
  Tensor any(int64_t dim, bool keepdim = false) const;
  Tensor all() const;  ///< as `any`
  Tensor all(int64_t dim, bool keepdim = false) const;
  Tensor softmax(int64_t dim) const;  ///< exp(x) / Σ exp(x) along `dim`
  Tensor softmax(int64_t dim, DType dtype) const { return to(dtype).softmax(dim); }
  Tensor log_softmax(int64_t dim) const;  ///< its logarithm, without overflow
  Tensor log_softmax(int64_t dim, DType dtype) const { return to(dtype).log_softmax(dim); }

  // --- Matrices (autograd/matmul.cpp) ---
  /// 1-d, 2-d and batched products, as PyTorch's `matmul`. Errors: a 0-d operand, sizes that do not
  /// go together.
  Tensor matmul(const Tensor& other) const;

  /// Python's repr: `tensor([[1., 2.],\n        [3., 4.]])`.
  std::string str() const;

 private:
  friend TensorImpl* impl_of(const Tensor& tensor);
  Shape all_dims() const;
  template <class T>
  T* data_of() const;
  double item_number() const;
  int64_t item_integer(int64_t least, int64_t most) const;
  Ref<RefCounted> impl_;  // always a TensorImpl, whose definition users need not see
};

inline const Tensor& TensorMethods::self() const { return static_cast<const Tensor&>(*this); }
inline Tensor& TensorMethods::self() { return static_cast<Tensor&>(*this); }

/// Prints `tensor.str()`.
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

}  // namespace norma
