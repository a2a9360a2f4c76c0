// Tensors, and the types that say where and as what they are made.
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "torch/numbers.h"

namespace norma::libtorch {

enum class DeviceType : int8_t { CPU, CUDA };
enum class Layout : int8_t { Strided };

/// Where a tensor lives: the processor. Errors: anything else.
class Device {
 public:
  Device(DeviceType type, int64_t /*index*/ = -1) {
    if (type != DeviceType::CPU) refuse("cuda");
  }
  Device(const std::string& name) {
    if (name != "cpu" && name != "cpu:0") refuse(name);
  }
  Device(const char* name) : Device(std::string(name)) {}
  DeviceType type() const { return DeviceType::CPU; }
  int64_t index() const { return -1; }
  bool has_index() const { return false; }
  bool is_cpu() const { return true; }
  bool is_cuda() const { return false; }
  std::string str() const { return "cpu"; }
  bool operator==(const Device&) const { return true; }
  friend std::ostream& operator<<(std::ostream& out, const Device&) { return out << "cpu"; }

  [[noreturn]] static void refuse(const std::string& name) {
    fail("Device", "expected the CPU, got ", name,
         "; Norma computes on the processor alone: torch::cuda::is_available() is false");
  }
};

/// `torch::TensorOptions().dtype(torch::kInt64).requires_grad(true)`.
class TensorOptions {
 public:
  TensorOptions() = default;
  TensorOptions(DType dtype) : dtype_(dtype) {}
  TensorOptions(const Device&) {}
  TensorOptions(DeviceType type) { (void)Device(type); }
  TensorOptions(const norma::TensorOptions& options)
      : dtype_(options.dtype), requires_grad_(options.requires_grad) {}

  TensorOptions dtype(DType dtype) const { return {dtype, requires_grad_}; }
  TensorOptions requires_grad(bool on) const { return {dtype_, on}; }
  TensorOptions device(const Device&) const { return *this; }
  TensorOptions device(DeviceType type, int64_t = -1) const { return device(Device(type)); }
  TensorOptions pinned_memory(bool) const { return *this; }
  TensorOptions layout(Layout) const { return *this; }

  DType dtype() const { return dtype_.value_or(kFloat32); }
  bool has_dtype() const { return dtype_.has_value(); }
  bool requires_grad() const { return requires_grad_; }
  operator norma::LikeOptions() const { return {.dtype = dtype_, .requires_grad = requires_grad_}; }
  Device device() const { return DeviceType::CPU; }
  /// For Norma; `otherwise`: the dtype where none was said.
  norma::TensorOptions own(DType otherwise = kFloat32) const {
    return {.dtype = dtype_.value_or(otherwise), .requires_grad = requires_grad_};
  }

 private:
  TensorOptions(std::optional<DType> dtype, bool grad) : dtype_(dtype), requires_grad_(grad) {}
  std::optional<DType> dtype_;
  bool requires_grad_ = false;
};

inline std::ostream& operator<<(std::ostream& out, DeviceType type) {
  return out << (type == DeviceType::CPU ? "cpu" : "cuda");
}
inline std::ostream& operator<<(std::ostream& out, const TensorOptions& options) {
  return out << "TensorOptions(dtype=" << options.dtype()
             << ", device=cpu, requires_grad=" << (options.requires_grad() ? "true" : "false")
             << ")";
}

/// libtorch's Scalar.
class Number : public norma::Scalar {
 public:
  using norma::Scalar::Scalar;
  Number(const norma::Scalar& value) : norma::Scalar(value) {}
  float toFloat() const { return to<float>(); }
  double toDouble() const { return to<double>(); }
  int toInt() const { return to<int>(); }
  int64_t toLong() const { return to<int64_t>(); }
  bool toBool() const { return to<bool>(); }
};
inline std::ostream& operator<<(std::ostream& out, const Number& number) {
  return is_floating(number.dtype()) ? out << number.toDouble() : out << number.toLong();
}

/// The operation that made a tensor, by name; false for leaves.
class GradFn {
 public:
  explicit GradFn(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }
  const GradFn* operator->() const { return this; }
  explicit operator bool() const { return !name_.empty(); }
  friend std::ostream& operator<<(std::ostream& out, const GradFn& f) { return out << f.name_; }

 private:
  std::string name_;
};

/// What `mutable_grad()` gives: the gradient, or where it is assigned to.
class Gradient : public Tensor {
 public:
  explicit Gradient(const Tensor& owner) : Tensor(owner.grad()), owner_(owner) {}
  Gradient(const Gradient&) = default;
  ~Gradient() = default;
  Gradient& operator=(const Tensor& value) {
    owner_.set_grad(value);
    Tensor::operator=(owner_.grad());
    return *this;
  }
  Gradient& operator=(const Gradient& value) { return *this = static_cast<const Tensor&>(value); }
  void reset() { *this = Tensor(); }

 private:
  Tensor owner_;
};

/// `a[i][j]`, an element of a tensor of N dimensions.
template <class T, std::size_t N>
class Accessor {
 public:
  Accessor(T* data, const int64_t* sizes, const int64_t* strides)
      : data_(data), sizes_(sizes), strides_(strides) {}
  int64_t size(int64_t dim) const { return sizes_[dim]; }
  int64_t stride(int64_t dim) const { return strides_[dim]; }
  T* data() const { return data_; }
  decltype(auto) operator[](int64_t i) const {
    if constexpr (N == 1) {
      return data_[i * strides_[0]];
    } else {
      return Accessor<T, N - 1>(data_ + i * strides_[0], sizes_ + 1, strides_ + 1);
    }
  }

 private:
  T* data_;
  const int64_t *sizes_, *strides_;
};

}  // namespace norma::libtorch

namespace norma {

// `(a > 0) & (b < 1)`: of bools, for Norma has no integers of bits.
inline Tensor bools(const Tensor& x, const char* op) {
  if (x.dtype() != kBool) fail(op, "expected kBool, got ", x.dtype(), "; compare with a number");
  return x;
}
inline Tensor operator&(const Tensor& a, const Tensor& b) {
  return bools(a, "bitwise_and").logical_and(bools(b, "bitwise_and"));
}
inline Tensor operator|(const Tensor& a, const Tensor& b) {
  return bools(a, "bitwise_or").logical_or(bools(b, "bitwise_or"));
}
inline Tensor operator<(Scalar a, const Tensor& b) { return b.gt(a); }
inline Tensor operator<=(Scalar a, const Tensor& b) { return b.ge(a); }
inline Tensor operator>(Scalar a, const Tensor& b) { return b.lt(a); }
inline Tensor operator>=(Scalar a, const Tensor& b) { return b.le(a); }
inline Tensor operator%(const Tensor& a, const Tensor& b) { return a.remainder(b); }
inline Tensor operator%(const Tensor& a, Scalar b) { return a.remainder(b); }
inline Tensor operator~(const Tensor& x) { return bools(x, "bitwise_not").logical_not(); }

inline std::ostream& operator<<(std::ostream& out, const std::vector<Tensor>& list) {
  for (const Tensor& x : list) out << x << "\n";
  return out;
}

inline libtorch::Device TensorSpellings::device() const { return libtorch::DeviceType::CPU; }
inline bool TensorSpellings::is_cuda() const { return false; }
inline libtorch::TensorOptions TensorSpellings::options() const { return self().dtype(); }
inline Tensor TensorSpellings::to(DType dtype, bool, bool copy) const {
  const Tensor result = self().to(dtype);
  return copy && result.is_same(self()) ? result.clone() : result;
}
inline Tensor TensorSpellings::to(const libtorch::TensorOptions& options, bool, bool copy) const {
  return to(options.own(self().dtype()).dtype, false, copy);
}
inline Tensor TensorSpellings::to(const libtorch::Device&, DType dtype, bool, bool copy) const {
  return to(dtype, false, copy);
}
inline Tensor TensorSpellings::to(const Tensor& like) const { return self().to(like.dtype()); }
inline Tensor TensorSpellings::cuda() const { libtorch::Device::refuse("cuda"); }
inline libtorch::Number TensorSpellings::item() const {
  if (is_floating(self().dtype())) return self().item<double>();
  if (self().dtype() == kBool) return self().item<bool>();
  return self().item<int64_t>();
}
template <class T, std::size_t N>
libtorch::Accessor<T, N> TensorSpellings::accessor() const {
  if (self().dim() != static_cast<int64_t>(N)) {
    fail("accessor", "expected a tensor of ", N, " dimensions, got ", self().sizes());
  }
  return {self().data_ptr<T>(), self().sizes().begin(), self().strides().begin()};
}
inline libtorch::GradFn TensorSpellings::grad_fn() const {
  return libtorch::GradFn(self().grad_fn_name());
}
inline void TensorSpellings::print() const {
  std::cout << "[" << self().dtype() << " " << self().sizes() << "]" << std::endl;
}

inline Tensor TensorSpellings::bitwise_and(const Tensor& other) const { return self() & other; }
inline Tensor TensorSpellings::bitwise_or(const Tensor& other) const { return self() | other; }
inline Tensor TensorSpellings::bitwise_not() const { return ~self(); }
inline void TensorSpellings::remove_hook(HookHandle hook) const { hook.remove(); }
inline libtorch::Gradient TensorSpellings::mutable_grad() const {
  return libtorch::Gradient(self());
}

}  // namespace norma

namespace torch {

using norma::Error, norma::Generator, norma::NoGradGuard, norma::Reduction, norma::Tensor;
using norma::manual_seed, norma::set_num_threads, norma::get_num_threads;
using norma::libtorch::Device, norma::libtorch::DeviceType, norma::libtorch::TensorOptions;
using Scalar = norma::libtorch::Number;
using ScalarType = norma::DType;
using Dtype = norma::DType;
using IntArrayRef = norma::Shape;
using TensorList = std::vector<Tensor>;
using norma::libtorch::Layout;
template <class T, std::size_t N>
using TensorAccessor = norma::libtorch::Accessor<T, N>;
struct GradMode {
  static bool is_enabled() { return norma::grad_enabled(); }
  static void set_enabled(bool on) { norma::set_grad_enabled(on); }
};
struct InferenceMode : norma::autograd::GradModeGuard {
  explicit InferenceMode(bool on = true) : GradModeGuard(!on) {}
};
using AutoGradMode = norma::autograd::GradModeGuard;
using std::nullopt, std::nullopt_t, std::optional;
/// Numbers or tensors in a row, or one.
template <class T>
struct Array : std::vector<T> {
  using std::vector<T>::vector;
  Array(const std::vector<T>& values) : std::vector<T>(values) {}
  Array(const T& one) : std::vector<T>{one} {}
  std::vector<T> vec() const { return *this; }
};
template <class T>
using ArrayRef = std::conditional_t<std::is_same_v<T, int64_t>, norma::Shape, Array<T>>;

inline constexpr norma::DType kBool = norma::kBool, kUInt8 = norma::kUInt8, kByte = kUInt8;
inline constexpr norma::DType kInt64 = norma::kInt64, kLong = kInt64;
inline constexpr norma::DType kInt32 = norma::kInt32, kInt = kInt32;
/// Norma has no integers of 16 bits: they have 64, `data_ptr<int64_t>()`.
inline constexpr norma::DType kInt16 = kInt64, kShort = kInt64;
inline constexpr norma::DType kFloat32 = norma::kFloat32, kFloat = kFloat32, kF32 = kFloat32;
inline constexpr norma::DType kFloat64 = norma::kFloat64, kDouble = kFloat64, kF64 = kFloat64;
inline constexpr Layout kStrided = Layout::Strided;
inline constexpr DeviceType kCPU = DeviceType::CPU, kCUDA = DeviceType::CUDA;

// Words that options take.
inline constexpr Reduction kNone = Reduction::None, kMean = Reduction::Mean, kSum = Reduction::Sum,
                           kBatchMean = Reduction::BatchMean;
inline constexpr auto kZeros = norma::PaddingMode::Zeros, kReflect = norma::PaddingMode::Reflect,
                      kReplicate = norma::PaddingMode::Replicate,
                      kCircular = norma::PaddingMode::Circular,
                      kConstant = norma::PaddingMode::Constant;
inline constexpr const char *kSame = "same", *kValid = "valid", *kFanIn = "fan_in",
                            *kFanOut = "fan_out", *kLinear = "linear", *kConv1D = "conv1d",
                            *kConv2D = "conv2d", *kSigmoid = "sigmoid", *kTanh = "tanh",
                            *kReLU = "relu", *kLeakyReLU = "leaky_relu", *kGELU = "gelu";
inline constexpr auto kNearest = norma::Interpolation::Nearest,
                      kBilinear = norma::Interpolation::Bilinear,
                      kBicubic = norma::Interpolation::Bicubic, kArea = norma::Interpolation::Area,
                      kNearestExact = norma::Interpolation::NearestExact;

inline TensorOptions dtype(norma::DType dtype) { return dtype; }
inline TensorOptions device(const Device& device) { return device; }
inline TensorOptions requires_grad(bool on = true) { return TensorOptions().requires_grad(on); }

/// Two numbers, or one for both.
struct ExpandedPair : norma::Pair {
  using norma::Pair::Pair;
  operator norma::Shape() const { return {h, w}; }
};
template <std::size_t D>
using ExpandingArray = std::conditional_t<D == 1, int64_t, ExpandedPair>;

/// Everything one after the other, as operator<< prints it.
template <class... Args>
std::string str(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

namespace indexing {
using namespace norma::indexing;
using norma::TensorIndex;
}  // namespace indexing
namespace linalg = norma::linalg;

inline int64_t getNumGPUs() { return 0; }
namespace cuda {
inline bool is_available() { return false; }
inline bool cudnn_is_available() { return false; }
inline int64_t device_count() { return 0; }
inline void manual_seed(uint64_t) {}
inline void manual_seed_all(uint64_t) {}
inline void synchronize(int64_t /*device*/ = -1) {}
}  // namespace cuda

namespace jit {
/// Not there: a program of TorchScript needs PyTorch's interpreter.
template <class... Args>
void load(Args&&...) {
  static_assert(sizeof...(Args) == 0 && sizeof...(Args) != 0,
                "norma::torch has no TorchScript: build the model in C++ and load the weights that "
                "torch.save(model.state_dict(), path) wrote with torch::load");
}
}  // namespace jit

}  // namespace torch

// Other homes of the same names.
namespace c10 {
using namespace torch;
/// `for (auto i : c10::irange(n))`
template <class T>
struct IntegerRange {
  struct Iterator {
    T operator*() const { return value; }
    Iterator& operator++() { return ++value, *this; }
    bool operator==(const Iterator&) const = default;
    T value;
  };
  Iterator begin() const { return {first}; }
  Iterator end() const { return {std::max(first, last)}; }
  T first, last;
};
template <class T>
IntegerRange<T> irange(T last) {
  return {T(0), last};
}
template <class From, class T>
IntegerRange<T> irange(From first, T last) {
  return {static_cast<T>(first), last};
}
}  // namespace c10
namespace at {
using namespace torch;
}

#define TORCH_CHECK(condition, ...)                                        \
  if (!(condition)) {                                                      \
    norma::fail("TORCH_CHECK", "expected ",                                \
                #condition __VA_OPT__(, "; ", ::torch::str(__VA_ARGS__))); \
  } else                                                                   \
    static_cast<void>(0)
#define TORCH_WARN(...) norma::warn("torch", ::torch::str(__VA_ARGS__))
#define TORCH_WARN_ONCE(...) TORCH_WARN(__VA_ARGS__)
#define TORCH_INTERNAL_ASSERT(...) TORCH_CHECK(__VA_ARGS__)
#define AT_ASSERT(...) TORCH_CHECK(__VA_ARGS__)
#define TORCH_API
