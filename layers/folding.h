// A layer and the BatchNorm behind it made one.
#pragma once
#include <memory>
#include <string>

#include "norma/layers/batch_norm.h"

namespace norma::nn::folding {

/// Dimensions of the result of a Conv2d, Conv1d or Linear that the norm behind it takes as the layer
/// means them (a Linear's [N, L, C] has its channels elsewhere); 0 for all other classes, also those
/// derived from these, which may have a forward of their own.
int64_t rank(const Module& layer);
/// Whether it is a BatchNorm2d or BatchNorm1d itself, with running statistics.
bool is_norm(const Module& module);
/// Whether they are of the classes that go together.
bool is_pair(const Module& layer, const Module& norm);

/// Throws where it is in training mode.
void check_evaluates(const char* op, const Module& module);

/// `layer(x)` followed by `norm` as one layer with a bias. Layer: Conv2d, Conv1d or Linear.
template <class Layer>
Layer fused(const char* op, const Layer& layer, const BatchNorm& norm);

/// Puts the fused layer in the place of the layer, and one that passes its input on in that of the
/// norm, by their paths in the model.
void fold(Module& model, const std::string& layer, const std::string& norm);

}  // namespace norma::nn::folding
