// The pairs of a layer and a norm that one run of a model shows.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "norma/layers/module.h"

namespace norma::nn {

/// By the paths of both: each result of the layer goes to the norm as it is, and nowhere else; all
/// that the norm takes comes from the layer.
class SeenPairs {
 public:
  /// Runs a copy of the model, which is used up.
  SeenPairs(Module& copy, const Tensor& example_input);
  /// Folds them in another copy.
  void fold(Module& copy) const;
  /// Throws where a copy gives something else once they are folded.
  void check(Module& copy) const;

 private:
  Tensor example_, output_;
  std::vector<std::pair<std::string, std::string>> pairs_;
};

}  // namespace norma::nn
