// The methods of Tensor that have another name, and those of libtorch's own types: the third page
// of core/tensor.h.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "norma/core/dtype.h"
#include "norma/core/scalar.h"

namespace norma {

class HookHandle;
class Shape;
class Tensor;

/// libtorch's own types, as far as methods of Tensor take or give them. Norma has no use for them:
/// the component `norma::torch` defines them, and with them these methods.
namespace libtorch {
class Device;
class Gradient;
class GradFn;
class Number;
class TensorOptions;
template <class T, std::size_t N>
class Accessor;
}  // namespace libtorch

/// What libtorch's Tensor has besides what Norma's has. What is about devices or has types of
/// libtorch's can be called where `<torch/torch.h>` of the component is included. Errors of all are
/// those of Tensor.
class TensorSpellings {
 public:
  libtorch::Device device() const;          ///< the processor
  bool is_cuda() const;                     ///< false
  libtorch::TensorOptions options() const;  ///< dtype and requires_grad
  /// `to(dtype)`, of what the argument says.
  Tensor to(const libtorch::TensorOptions& options, bool non_blocking = false,
            bool copy = false) const;
  Tensor to(const libtorch::Device& device, DType dtype, bool non_blocking = false,
            bool copy = false) const;
  Tensor to(DType dtype, bool non_blocking, bool copy = false) const;
  Tensor to(const Tensor& like) const;
  Tensor cuda() const;  ///< throws: there is no other device
  /// Of one element: the number, without its type being named.
  libtorch::Number item() const;
  /// Elements by `a[i][j]`, of a T and N dimensions.
  template <class T, std::size_t N>
  libtorch::Accessor<T, N> accessor() const;
  libtorch::GradFn grad_fn() const;  ///< true where there is one
  void print() const;                ///< to stdout

  // Other names of what Norma has, and short forms.
  /// As the function.
  bool allclose(const Tensor& other, double rtol = 1e-5, double atol = 1e-8) const;
  bool equal(const Tensor& other) const;         ///< as the function
  bool is_same_size(const Tensor& other) const;  ///< the same shape
  bool is_nonzero() const;                       ///< of one element; others throw
  std::string name() const;                      ///< "": there are none
  /// As the function, of this and `other`.
  Tensor where(const Tensor& condition, const Tensor& other) const;
  Tensor where(const Tensor& condition, Scalar other) const;
  /// For each element. Errors: different dtypes, a negative tolerance.
  Tensor isclose(const Tensor& other, double rtol = 1e-5, double atol = 1e-8) const;
  Tensor absolute() const;                     ///< `abs()`
  Tensor multiply(const Tensor& other) const;  ///< `mul`
  Tensor multiply(Scalar other) const;
  Tensor divide(const Tensor& other) const;  ///< `div`
  Tensor divide(Scalar other) const;
  Tensor subtract(const Tensor& other) const;  ///< `sub`
  Tensor subtract(Scalar other) const;
  Tensor floor_divide(const Tensor& other) const;  ///< rounded down; an integer by 0 throws
  Tensor floor_divide(Scalar other) const;
  Tensor clip(Scalar min, Scalar max) const;  ///< `clamp`
  Tensor greater(const Tensor& other) const;  ///< `gt`
  Tensor greater(Scalar other) const;
  Tensor less(const Tensor& other) const;  ///< `lt`
  Tensor less(Scalar other) const;
  Tensor bitwise_and(const Tensor& other) const;  ///< of bools
  Tensor bitwise_or(const Tensor& other) const;   ///< of bools
  Tensor bitwise_not() const;                     ///< of bools
  /// Along the last dimensions. Errors: other sizes.
  Tensor inner(const Tensor& other) const;
  Tensor dist(const Tensor& other, double p = 2) const;  ///< norm of the difference
  Tensor variable_data() const;                          ///< `detach()`
  // These give the variable they are called on a new shape or new values: other handles on the
  // tensor keep the old one.
  Tensor& unsqueeze_(int64_t dim);
  Tensor& squeeze_();
  Tensor& squeeze_(int64_t dim);
  Tensor& transpose_(int64_t dim0, int64_t dim1);
  Tensor& t_();
  /// Elements that are new are 0. Errors: a negative size, a tensor that requires a gradient.
  Tensor& resize_(const Shape& sizes);
  Tensor& tril_(int64_t diagonal = 0);
  Tensor& triu_(int64_t diagonal = 0);
  Tensor& fill_diagonal_(Scalar value);  ///< of a matrix, or equal sizes; else throws
  Tensor& eq_(const Tensor& other);
  /// The gradient, which may be assigned to: `w.mutable_grad() = torch::ones(3)`.
  libtorch::Gradient mutable_grad() const;
  void remove_hook(HookHandle hook) const;  ///< `hook.remove()`

 private:
  const Tensor& self() const;
  Tensor& self();
};

}  // namespace norma
