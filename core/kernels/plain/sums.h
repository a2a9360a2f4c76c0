// What the plain kernels sum into. They are the definitions of Norma's operations: loops in double,
// for reading and for tests, which hold the fast kernels to them. NORMA_SIMD=plain runs on them.
#pragma once
#include <cstdint>
#include <vector>

namespace norma::kernels::plain {

/// Numbers in double, 0 at first.
class Sums {
 public:
  explicit Sums(int64_t count) : values_(static_cast<std::size_t>(count)) {}
  double& operator[](int64_t i) { return values_[static_cast<std::size_t>(i)]; }

  /// Rounds them to T. `out` may be null: nobody wants them.
  template <class T>
  void store(T* out) const {
    for (std::size_t i = 0; out && i < values_.size(); ++i) out[i] = static_cast<T>(values_[i]);
  }

 private:
  std::vector<double> values_;
};

}  // namespace norma::kernels::plain
