// The methods of Tensor that only programs written for libtorch call: the third page of
// core/tensor.h.
#pragma once
#include <cstddef>
#include <cstdint>

#include "norma/core/dtype.h"

namespace norma {

class Tensor;
class Shape;

/// libtorch's own types, as far as methods of Tensor take or give them. Norma has no use for them:
/// the component `norma::torch` defines them, and with them these methods.
namespace libtorch {
class Device;
class GradFn;
class Number;
class TensorOptions;
template <class T, std::size_t N>
class Accessor;
}  // namespace libtorch

/// What libtorch's Tensor has besides what Norma's has. A class names all its methods in one place;
/// they are defined in components/torch and can be called where `<torch/torch.h>` is included.
class TensorSpellings {
 public:
  libtorch::Device device() const;
  bool is_cuda() const;
  libtorch::TensorOptions options() const;
  Tensor to(const libtorch::TensorOptions& options, bool non_blocking = false,
            bool copy = false) const;
  Tensor to(const libtorch::Device& device, DType dtype, bool non_blocking = false,
            bool copy = false) const;
  Tensor to(DType dtype, bool non_blocking, bool copy = false) const;
  Tensor to(const Tensor& like) const;
  Tensor cuda() const;
  /// Of one element: the number, without its type being named.
  libtorch::Number item() const;
  template <class T, std::size_t N>
  libtorch::Accessor<T, N> accessor() const;
  libtorch::GradFn grad_fn() const;
  void print() const;

 private:
  const Tensor& self() const;
  Tensor& self();
};

}  // namespace norma
