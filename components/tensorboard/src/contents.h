// What events hold: histograms, and pictures as PNG.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "event.pb.h"
#include "norma/core/tensor.h"

namespace norma::tensorboard {

/// As torch.utils.tensorboard counts with its bins "tensorflow".
Histogram histogram_of(const char* op, const Tensor& values);

/// Of "CHW", "HWC", "NCHW", …, as torch.utils.tensorboard converts it; several pictures in a grid.
Summary::Image image_of(const char* op, const Tensor& image, const std::string& dataformats);

}  // namespace norma::tensorboard
