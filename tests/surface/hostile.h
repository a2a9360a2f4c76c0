// Calls of the public surface with absurd arguments: each works, or throws norma::Error, soon and
// in little memory.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "norma/norma.h"

namespace surface {

/// Draws arguments: by turns nearly all of them sane, so that calls get far, or few of them.
class Hostile {
 public:
  explicit Hostile(uint64_t seed);

  /// The sane number, or one at the ends of int64, of int32, around zero, ….
  int64_t whole(int64_t sane);
  /// The sane number, or NaN, an infinity, a negative, a subnormal one, ….
  double real(double sane);
  bool flag();
  norma::Scalar scalar(double sane);
  norma::Shape shape(const norma::Shape& sane);
  /// Of the sane shape and dtype, or undefined, empty, giant without memory, of another type, not
  /// finite, with gaps, of other rank, ….
  norma::Tensor tensor(const norma::Shape& sane, norma::DType dtype = norma::kFloat32);
  std::vector<norma::Tensor> tensors(const norma::Shape& sane);
  norma::DType dtype(norma::DType sane = norma::kFloat32);
  norma::Pair both(int64_t sane) { return {whole(sane), whole(sane)}; }
  norma::TensorOptions options() { return {.dtype = dtype(), .requires_grad = flag()}; }
  std::string word(const std::string& sane);
  norma::Reduction reduction() { return static_cast<norma::Reduction>(below(3)); }
  /// In [0, n).
  int64_t below(int64_t n);

  /// What was drawn, for the report.
  const std::string& log() const { return log_; }

 private:
  bool is_sane();
  template <class T>
  T note(const char* kind, T value);

  norma::Generator generator_;
  double rate_;  // of absurd arguments
  std::string log_;
};

/// What a program does with a result: reads a little of it, and goes backward through it.
void use(const norma::Tensor& result);
inline void use(const std::vector<norma::Tensor>& results) {
  for (const norma::Tensor& result : results) use(result);
}
inline void use(const std::pair<norma::Tensor, norma::Tensor>& results) {
  use(results.first);
  use(results.second);
}

/// A row of a table. `names`: the functions it calls as surface.py lists them, with * for anything.
struct Row {
  const char* names;
  void (*call)(Hostile&);
};

/// Runs each row with many draws; returns the complaints, a line each.
std::string complaints(const std::vector<Row>& table);

}  // namespace surface
