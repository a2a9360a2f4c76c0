// Steps that prepare a batch of images for a model.
//
// Errors of all classes: a batch that is not floating, or of another rank.
#pragma once
#include <functional>
#include <vector>

#include "norma/autograd/functional.h"
#include "norma/core/random.h"
#include "norma/core/tensor.h"

namespace norma::data {

/// A step from batch to batch, of which `DataLoader` takes a list. Any function will do that keeps
/// the number of samples and takes its random numbers from `generator`.
using Transform = std::function<Tensor(const Tensor& batch, Generator& generator)>;

/// kUInt8 in 0..255 to floating numbers in 0..1 (divided by 255), as torchvision's `ToTensor` and
/// `convert_image_dtype`. Floating images are converted without scaling; others are refused,
/// and so are other dtypes than kFloat32 and kFloat64.
Tensor convert_image_dtype(const Tensor& images, DType dtype = kFloat32);

/// (x - mean[c]) / std[c] for channel c of a floating batch [N, C, …]. One value serves every
/// channel. Errors: not one mean and one std for each channel, a std that is not above 0, integers.
class Normalize {
 public:
  Normalize(std::vector<double> mean, std::vector<double> std);
  Tensor operator()(const Tensor& batch, Generator& generator = default_generator()) const;

 private:
  std::vector<double> mean_, std_;
};

struct RandomCropOptions {
  /// Added around each image first: one number for all sides, {left and right, top and bottom}, or
  /// {left, top, right, bottom}.
  Shape padding = 0;
  double fill = 0;  ///< the value of what is added
  /// Or, with Reflect, the image mirrored at its edge (less padding than it has pixels); with
  /// Replicate, the edge repeated (torchvision: "edge"). Circular is refused.
  PaddingMode padding_mode = PaddingMode::Constant;
};

/// Cuts a window of `size` (a number, or {height, width}) out of every image of a floating batch
/// [N, C, H, W], at a place drawn anew for each. Errors: sizes below 1, padding below 0, images
/// smaller than the window, or for Reflect not larger than the padding.
class RandomCrop {
 public:
  explicit RandomCrop(const Shape& size, const RandomCropOptions& options = {});
  Tensor operator()(const Tensor& batch, Generator& generator = default_generator()) const;

 private:
  int64_t height_, width_;
  int64_t left_, top_, right_, bottom_;
  double fill_;
  PaddingMode mode_;
};

/// Mirrors each image of a floating batch [N, C, H, W], left to right, with probability p.
/// Errors: a p outside of [0, 1].
class RandomHorizontalFlip {
 public:
  explicit RandomHorizontalFlip(double p = 0.5);
  Tensor operator()(const Tensor& batch, Generator& generator = default_generator()) const;

 private:
  double p_;
};

/// The same, upside down. Errors likewise.
class RandomVerticalFlip {
 public:
  explicit RandomVerticalFlip(double p = 0.5);
  Tensor operator()(const Tensor& batch, Generator& generator = default_generator()) const;

 private:
  double p_;
};

}  // namespace norma::data
