// Element types, chosen at run time.
#pragma once
#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <type_traits>

namespace norma {

/// Element type of a tensor. The order is the order of promotion.
enum class DType : uint8_t { Bool, UInt8, Int32, Int64, Float32, Float64 };

inline constexpr DType kBool = DType::Bool;        ///< torch.bool
inline constexpr DType kUInt8 = DType::UInt8;      ///< torch.uint8
inline constexpr DType kInt32 = DType::Int32;      ///< torch.int32
inline constexpr DType kInt64 = DType::Int64;      ///< torch.int64
inline constexpr DType kFloat32 = DType::Float32;  ///< torch.float32
inline constexpr DType kFloat64 = DType::Float64;  ///< torch.float64

constexpr bool is_floating(DType dtype) { return dtype >= DType::Float32; }

/// Bytes per element.
constexpr int64_t item_size(DType dtype) {
  return dtype <= DType::UInt8 ? 1 : dtype == DType::Int32 || dtype == DType::Float32 ? 4 : 8;
}

/// PyTorch's short name: "float32", "int64", "bool", …
const char* dtype_name(DType dtype);
std::ostream& operator<<(std::ostream& out, DType dtype);  ///< its `dtype_name`

/// The types whose memory a tensor can be: bool, unsigned char, int, every signed integer of 64
/// bits, float, double; const or not.
template <class T, class U = std::remove_const_t<T>>
concept Element = std::same_as<U, bool> || std::same_as<U, uint8_t> || std::same_as<U, int32_t> ||
    std::same_as<U, float> || std::same_as<U, double> ||
    (std::signed_integral<U> && sizeof(U) == sizeof(int64_t));

/// The run-time tag of a C++ element type.
template <Element T, class U = std::remove_const_t<T>>
inline constexpr DType dtype_of = std::same_as<U, bool>      ? DType::Bool
                                  : std::same_as<U, uint8_t> ? DType::UInt8
                                  : std::same_as<U, int32_t> ? DType::Int32
                                  : std::same_as<U, float>   ? DType::Float32
                                  : std::same_as<U, double>  ? DType::Float64
                                                             : DType::Int64;

/// An element as another type. On the way to integers the fraction goes; NaN and what int64 does
/// not hold become -2^63, as in PyTorch on x86, and uint8 takes the last eight bits of that. What
/// int32 does not hold becomes -2^31.
template <class To, class From>
constexpr To convert(From x) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> &&
                !std::is_same_v<To, bool>) {
    using Whole = std::conditional_t<std::is_same_v<To, int32_t>, int32_t, int64_t>;
    constexpr double kLimit = std::is_same_v<To, int32_t> ? 0x1p31 : 0x1p63;
    const bool fits = x > static_cast<From>(-kLimit) && x < static_cast<From>(kLimit);
    return static_cast<To>(fits ? static_cast<Whole>(x) : std::numeric_limits<Whole>::min());
  } else {
    return static_cast<To>(x);
  }
}

/// Calls `f.template operator()<T>()` with the C++ type of `dtype`.
template <class F>
decltype(auto) dispatch(DType dtype, F&& f) {
  switch (dtype) {
    case DType::Bool:
      return f.template operator()<bool>();
    case DType::UInt8:
      return f.template operator()<uint8_t>();
    case DType::Int32:
      return f.template operator()<int32_t>();
    case DType::Int64:
      return f.template operator()<int64_t>();
    case DType::Float32:
      return f.template operator()<float>();
    case DType::Float64:
      break;
  }
  return f.template operator()<double>();
}

/// `dispatch` for the two floating types only; the caller has checked `is_floating(dtype)`.
template <class F>
decltype(auto) dispatch_floating(DType dtype, F&& f) {
  return dtype == DType::Float32 ? f.template operator()<float>() : f.template operator()<double>();
}

}  // namespace norma
