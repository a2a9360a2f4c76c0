// Replaying PyTorch's cases: the operations that a case may name, and reading their options.
#pragma once
#include <norma/norma.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace parity {

using norma::Tensor;
using Json = nlohmann::json;
using Tensors = std::vector<Tensor>;
/// From the inputs of a case, already seen through their views, and its options to its outputs.
using Replay = std::function<Tensors(const Tensors& x, const Json& options)>;

/// Makes the operations of a family known: define one at namespace scope.
struct Family {
  Family(const std::string& name, const std::map<std::string, Replay>& operations);
};

/// The gradient that output `index` gets: the numbers of cotangent() in cases.py, in y's shape and
/// dtype.
Tensor cotangent(const Tensor& y, std::size_t index);

/// Sizes or dimensions: a list, or one number.
inline norma::Shape shape_of(const Json& value) {
  if (value.is_number()) return norma::Shape(value.get<int64_t>());
  return norma::Shape(value.get<std::vector<int64_t>>());
}
/// [height, width], or one number for both.
inline norma::Pair pair_of(const Json& value) {
  if (value.is_number()) return norma::Pair(value.get<int64_t>());
  return norma::Pair(value.at(0).get<int64_t>(), value.at(1).get<int64_t>());
}
inline norma::PaddingMode padding_mode_of(const Json& value) {
  const auto word = value.get<std::string>();
  return word == "reflect"     ? norma::PaddingMode::Reflect
         : word == "replicate" ? norma::PaddingMode::Replicate
         : word == "circular"  ? norma::PaddingMode::Circular
                               : norma::PaddingMode::Zeros;
}
inline norma::Reduction reduction_of(const Json& options) {
  const auto word = options.at("reduction").get<std::string>();
  return word == "none"        ? norma::Reduction::None
         : word == "sum"       ? norma::Reduction::Sum
         : word == "batchmean" ? norma::Reduction::BatchMean
                               : norma::Reduction::Mean;
}
/// The next input if the options say `"name": true`, else an undefined tensor.
inline Tensor optional_input(const Tensors& x, std::size_t& next, const Json& options,
                             const char* name) {
  return options.value(name, false) ? x.at(next++) : Tensor();
}

}  // namespace parity
