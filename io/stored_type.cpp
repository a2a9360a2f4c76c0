#include "norma/io/stored_type.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "norma/core/tensor_impl.h"

namespace norma {

static_assert(std::endian::native == std::endian::little, "the formats are little-endian");

namespace {

float from_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1Fu;
  const uint32_t fraction = half & 0x3FFu;
  if (exponent == 0) {  // zero and subnormal numbers: fraction · 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

float from_bfloat16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

using Next = std::function<void(void*, uint64_t)>;

// Reads values of type From in pieces.
template <class From, class To, class Convert>
void read_converted(const Next& next, int64_t count, To* to, Convert convert) {
  constexpr int64_t kPiece = 16384;
  std::vector<From> piece(static_cast<std::size_t>(std::min(count, kPiece)));
  for (int64_t done = 0; done < count; done += kPiece) {
    const int64_t n = std::min(count - done, kPiece);
    next(piece.data(), static_cast<uint64_t>(n) * sizeof(From));
    for (int64_t i = 0; i < n; ++i) to[done + i] = convert(piece[static_cast<std::size_t>(i)]);
  }
}

template <class From>
void read_widened(const Next& next, const Tensor& to) {
  read_converted<From>(next, to.numel(), to.data_ptr<int64_t>(),
                       [](From value) { return static_cast<int64_t>(value); });
}

}  // namespace

int64_t stored_size(StoredType type) {
  switch (type) {
    case StoredType::Bool:
    case StoredType::U8:
    case StoredType::I8:
      return 1;
    case StoredType::I16:
    case StoredType::U16:
    case StoredType::F16:
    case StoredType::BF16:
      return 2;
    case StoredType::I32:
    case StoredType::U32:
    case StoredType::F32:
      return 4;
    case StoredType::I64:
    case StoredType::F64:
      break;
  }
  return 8;
}

DType loaded_dtype(StoredType type) {
  switch (type) {
    case StoredType::Bool:
      return kBool;
    case StoredType::U8:
      return kUInt8;
    case StoredType::F16:
    case StoredType::BF16:
    case StoredType::F32:
      return kFloat32;
    case StoredType::F64:
      return kFloat64;
    default:
      return kInt64;
  }
}

const char* stored_name(StoredType type) {
  constexpr const char* kNames[] = {"bool",   "uint8", "int8",    "int16",    "uint16",  "int32",
                                    "uint32", "int64", "float16", "bfloat16", "float32", "float64"};
  return kNames[static_cast<std::size_t>(type)];
}

Tensor read_elements(StoredType type, const Shape& sizes, const Next& next) {
  const Tensor tensor = new_tensor(sizes, loaded_dtype(type));
  const int64_t n = tensor.numel();
  switch (type) {
    case StoredType::Bool:  // any byte but 0 is true
      read_converted<uint8_t>(next, n, tensor.data_ptr<bool>(), [](uint8_t x) { return x != 0; });
      break;
    case StoredType::F16:
      read_converted<uint16_t>(next, n, tensor.data_ptr<float>(), from_half);
      break;
    case StoredType::BF16:
      read_converted<uint16_t>(next, n, tensor.data_ptr<float>(), from_bfloat16);
      break;
    case StoredType::I8:
      read_widened<int8_t>(next, tensor);
      break;
    case StoredType::I16:
      read_widened<int16_t>(next, tensor);
      break;
    case StoredType::U16:
      read_widened<uint16_t>(next, tensor);
      break;
    case StoredType::I32:
      read_widened<int32_t>(next, tensor);
      break;
    case StoredType::U32:
      read_widened<uint32_t>(next, tensor);
      break;
    case StoredType::U8:
    case StoredType::I64:
    case StoredType::F32:
    case StoredType::F64:
      next(tensor.raw_data(), static_cast<uint64_t>(n) * static_cast<uint64_t>(stored_size(type)));
      break;
  }
  return tensor;
}

}  // namespace norma
