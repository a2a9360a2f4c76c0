#include "norma/io/stored_type.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "norma/core/byte_order.h"
#include "norma/core/tensor_impl.h"

namespace norma {

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

// Eight bits: a sign, an exponent, and a fraction of so many bits. Which of them are no numbers
// differs: as in IEEE 754, all bits set, or the sign alone, where zero has none.
enum class NoNumbers { Ieee, AllBits, SignAlone };

template <int kFractionBits, int kBias, NoNumbers kNoNumbers>
float from_float8(uint8_t bits) {
  constexpr int kOne = 1 << kFractionBits, kLargest = 0x7F >> kFractionBits;
  const int exponent = (bits & 0x7F) >> kFractionBits, fraction = bits & (kOne - 1);
  float value = exponent == 0 ? std::ldexp(static_cast<float>(fraction), 1 - kBias - kFractionBits)
                              : std::ldexp(static_cast<float>(kOne + fraction),
                                           exponent - kBias - kFractionBits);
  if (kNoNumbers == NoNumbers::Ieee && exponent == kLargest) value = fraction == 0 ? INFINITY : NAN;
  if ((kNoNumbers == NoNumbers::AllBits && (bits & 0x7F) == 0x7F) ||
      (kNoNumbers == NoNumbers::SignAlone && bits == 0x80))
    value = NAN;
  return bits & 0x80 ? -value : value;
}

// A power of two.
float from_exponent8(uint8_t bits) { return bits == 0xFF ? NAN : std::ldexp(1.0f, bits - 127); }

template <class From, class To>
To converted(From value) {
  return static_cast<To>(value);
}

// Reads values of type From in pieces.
template <class From, class To, To (*kConvert)(From) = converted<From, To>>
void read_as(const NextBytes& next, const Tensor& to) {
  constexpr int64_t kPiece = 16384;
  const int64_t count = to.numel();
  To* out = values_of<To>(to);
  std::vector<From> piece(static_cast<std::size_t>(std::min(count, kPiece)));
  for (int64_t done = 0; done < count; done += kPiece) {
    const int64_t n = std::min(count - done, kPiece);
    next(piece.data(), static_cast<uint64_t>(n) * sizeof(From));
    for (int64_t i = 0; i < n; ++i)
      out[done + i] = kConvert(load_number<From>(&piece[static_cast<std::size_t>(i)]));
  }
}

void read_plain(const NextBytes& next, const Tensor& to) {
  const int64_t count = to.numel(), size = item_size(to.dtype());
  next(impl_of(to)->data(), static_cast<uint64_t>(count * size));
  swap_little_endian(impl_of(to)->data(), count, size);
}

// Of a bool, any byte but 0 is true.
constexpr StoredType kTypes[] = {
    {"torch.bool", "torch.BoolStorage", "BOOL", 1, kBool, read_as<uint8_t, bool>},
    {"torch.uint8", "torch.ByteStorage", "U8", 1, kUInt8, read_plain},
    {"torch.int8", "torch.CharStorage", "I8", 1, kInt64, read_as<int8_t, int64_t>},
    {"torch.int16", "torch.ShortStorage", "I16", 2, kInt64, read_as<int16_t, int64_t>},
    {"torch.uint16", "", "U16", 2, kInt64, read_as<uint16_t, int64_t>},
    {"torch.int32", "torch.IntStorage", "I32", 4, kInt32, read_plain},
    {"torch.uint32", "", "U32", 4, kInt64, read_as<uint32_t, int64_t>},
    {"torch.int64", "torch.LongStorage", "I64", 8, kInt64, read_plain},
    {"torch.float16", "torch.HalfStorage", "F16", 2, kFloat32, read_as<uint16_t, float, from_half>},
    {"torch.bfloat16", "torch.BFloat16Storage", "BF16", 2, kFloat32,
     read_as<uint16_t, float, from_bfloat16>},
    {"torch.float8_e4m3fn", "", "F8_E4M3", 1, kFloat32,
     read_as<uint8_t, float, from_float8<3, 7, NoNumbers::AllBits>>},
    {"torch.float8_e5m2", "", "F8_E5M2", 1, kFloat32,
     read_as<uint8_t, float, from_float8<2, 15, NoNumbers::Ieee>>},
    {"torch.float8_e4m3fnuz", "", "F8_E4M3FNUZ", 1, kFloat32,
     read_as<uint8_t, float, from_float8<3, 8, NoNumbers::SignAlone>>},
    {"torch.float8_e5m2fnuz", "", "F8_E5M2FNUZ", 1, kFloat32,
     read_as<uint8_t, float, from_float8<2, 16, NoNumbers::SignAlone>>},
    {"torch.float8_e8m0fnu", "", "F8_E8M0", 1, kFloat32, read_as<uint8_t, float, from_exponent8>},
    {"torch.float32", "torch.FloatStorage", "F32", 4, kFloat32, read_plain},
    {"torch.float64", "torch.DoubleStorage", "F64", 8, kFloat64, read_plain}};

}  // namespace

std::span<const StoredType> stored_types() { return kTypes; }

Tensor read_elements(const StoredType& type, const Shape& sizes, const NextBytes& next) {
  Tensor tensor = new_tensor(sizes, type.dtype);
  type.read(next, tensor);
  return tensor;
}

Tensor as_stored(const Tensor& tensor) {
  if constexpr (std::endian::native == std::endian::little) return tensor.contiguous();
  Tensor copy = tensor.contiguous().clone();
  swap_little_endian(impl_of(copy)->data(), copy.numel(), item_size(copy.dtype()));
  return copy;
}

}  // namespace norma
