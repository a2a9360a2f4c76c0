// Which layers of a model have a BatchNorm behind them that fuse_conv_bn folds into them: by their
// order in a Sequential, or by one run on an example.
#pragma once
#include <string>
#include <vector>

#include "norma/layers/module.h"

namespace norma::nn {

/// A Conv2d, Conv1d or Linear and the norm behind it, by their paths in the model.
struct ConvBnPair {
  std::string layer, norm;
};

/// The number of dimensions that the result of this layer has to have for a norm behind it to be
/// folded into it: 4 for a Conv2d, 3 for a Conv1d, 2 for a Linear, whose [N, L, C] has its channels
/// where BatchNorm1d does not look for them. 0 for all other classes, also for those derived from
/// these, which may have a forward of their own.
int64_t foldable_rank(const Module& layer);

/// Those that follow each other in a Sequential, or in the Sequentials within it.
std::vector<ConvBnPair> pairs_in_sequentials(const Module& model);

/// What one run shows.
struct ExampleRun {
  Tensor output;
  std::vector<ConvBnPair> pairs;
};

/// Runs `copy`, which is not to be used afterwards. Of a pair, each result of the layer goes to the
/// norm unchanged, and nowhere else; all that the norm takes comes from the layer.
ExampleRun find_pairs(Module& copy, const Tensor& example);

/// What a model gives for the example. Every run draws the same random numbers.
Tensor run_example(Module& model, const Tensor& example);

}  // namespace norma::nn
