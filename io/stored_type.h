// The element types that files may have, wider than Norma's own. For Norma's own sources.
#pragma once
#include <functional>
#include <string_view>

#include "norma/core/tensor.h"

namespace norma {

/// An element type of a safetensors file or of one that torch.save wrote.
enum class StoredType : uint8_t { Bool, U8, I8, I16, U16, I32, U32, I64, F16, BF16, F32, F64 };

/// Bytes per element in the file.
int64_t stored_size(StoredType type);
/// The narrowest of Norma's types that holds all its values: F16 and BF16 arrive as kFloat32, I8
/// I16 U16 I32 U32 as kInt64.
DType loaded_dtype(StoredType type);
/// PyTorch's name, "float16".
const char* stored_name(StoredType type);

/// A new contiguous tensor with elements from `next(data, bytes)`, which is asked for consecutive
/// bytes. Memory is needed once only, besides a small piece.
Tensor read_elements(StoredType type, const Shape& sizes,
                     const std::function<void(void*, uint64_t)>& next);

}  // namespace norma
