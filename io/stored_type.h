// The element types that files may have, wider than Norma's own. For Norma's own sources.
#pragma once
#include <functional>
#include <span>
#include <string_view>

#include "norma/core/tensor.h"

namespace norma {

/// Fills `data` with the next `count` bytes of a file.
using NextBytes = std::function<void(void* data, uint64_t count)>;

/// An element type of a safetensors file or of one that torch.save wrote.
struct StoredType {
  std::string_view torch;        ///< PyTorch's name, "torch.float16"
  std::string_view storage;      ///< its typed storage there, "torch.HalfStorage"; "" for none
  std::string_view safetensors;  ///< its name in safetensors files, "F16"
  int64_t bytes;                 ///< per element in the file
  DType dtype;                   ///< one of Norma's types that holds all its values
  void (*read)(const NextBytes& next, const Tensor& to);

  std::string_view name() const {
    return torch.substr(std::string_view("torch.").size());
  }  ///< "float16"
};

/// All that can be read.
std::span<const StoredType> stored_types();

/// A new contiguous tensor with elements from `next`, which is asked for consecutive bytes. Memory
/// is needed once only, besides a small piece.
Tensor read_elements(const StoredType& type, const Shape& sizes, const NextBytes& next);

/// The tensor contiguous, its elements in the order of bytes that files have: itself where that is
/// the machine's.
Tensor as_stored(const Tensor& tensor);

}  // namespace norma
