// Changes of colour, place and parts of images, at random, as torchvision's transforms of tensors
// make them. The functions do what they are told to every image of a floating batch [N, C, H, W];
// the classes, each a `Transform`, draw anew for each image what to do to it.
//
// Colours are numbers in 0..1, changed before `Normalize`, of images of 1 or 3 channels. Of a
// factor, 1 leaves the image as it is, and results are limited to 0..1. Errors of all: another rank
// or dtype; of functions of colour another number of channels, a factor that is negative or not
// finite; `fill` or `value` of another length than 1 and the channels; p outside of [0, 1].
#pragma once
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "norma/autograd/functional_interpolate.h"
#include "norma/core/random.h"
#include "norma/core/tensor.h"

namespace norma::data {

/// From where to draw: a number, of which the transform makes a range around its centre, or the
/// range itself, `{low, high}`.
struct Spread {
  Spread(double number) : low(number), high(number), is_range(false) {}
  Spread(double from, double to) : low(from), high(to), is_range(true) {}
  double low, high;  ///< see above; a number: both
  bool is_range;     ///< false: a number
};

/// 0.2989 red + 0.587 green + 0.114 blue, in 1 channel or repeated in 3. Errors: another number.
Tensor rgb_to_grayscale(const Tensor& images, int64_t num_output_channels = 1);
/// factor x
Tensor adjust_brightness(const Tensor& images, double factor);
/// factor x + (1 - factor) m, m being the mean of the grey image.
Tensor adjust_contrast(const Tensor& images, double factor);
/// factor x + (1 - factor) grey
Tensor adjust_saturation(const Tensor& images, double factor);
/// Turns the hue by `shift`, from -0.5 to 0.5, where 1 is the full circle. Errors: a shift outside
/// [-0.5, 0.5].
Tensor adjust_hue(const Tensor& images, double shift);

struct RotateOptions {
  Interpolation interpolation = Interpolation::Nearest;  ///< or Bilinear
  std::vector<double> center = {};  ///< {x, y} from the upper left corner; empty: the middle
  std::vector<double> fill = {0};   ///< what comes from outside: one number, or one per channel
};
/// Turns counter-clockwise by `angle` degrees; sizes stay. Bilinear mixes the four pixels around a
/// place, those outside being 0, to y with weights that add up to m within the image, and gives
/// m y + (1 - m) fill: that of torchvision's RandomRotation, a little darker at the border than a
/// true mixture.
/// Multiples of 90 degrees move pixels exactly where both sides are even, or both odd. Errors: an
/// angle or center that is not finite, a center of another length than 2, another interpolation.
Tensor rotate(const Tensor& images, double angle, const RotateOptions& options = {});

/// Fills rows i, …, i + h - 1 of columns j, …, j + w - 1 with one value, or one per channel.
/// Errors: a rectangle that is not within the images.
Tensor erase(const Tensor& images, int64_t i, int64_t j, int64_t h, int64_t w,
             const std::vector<double>& value = {0});

/// `rotate` by an angle from `degrees`; a number d stands for {-d, d}. Errors: a negative number, a
/// range whose first number is larger or that is not finite, and those of the options.
class RandomRotation {
 public:
  explicit RandomRotation(Spread degrees, RotateOptions options = {});
  Tensor operator()(const Tensor& batch, Generator& generator = default_generator()) const;

 private:
  Spread degrees_;
  RotateOptions options_;
};

/// A number b stands for {max(0, 1 - b), 1 + b}; of `hue`, which is within -0.5..0.5, for {-b, b}.
struct ColorJitterOptions {
  Spread brightness = 0, contrast = 0, saturation = 0, hue = 0;  ///< see above
};
/// The four adjustments in a random order, each with a number from its range. Errors: negative
/// numbers, ranges out of bounds.
class ColorJitter {
 public:
  explicit ColorJitter(const ColorJitterOptions& options = {});
  Tensor operator()(const Tensor& batch, Generator& generator = default_generator()) const;

 private:
  std::array<Spread, 4> ranges_;
};

/// `rgb_to_grayscale` of every image. Errors: another number of channels than 1 and 3.
class Grayscale {
 public:
  explicit Grayscale(int64_t num_output_channels = 1);
  Tensor operator()(const Tensor& batch, Generator& generator = default_generator()) const;

 private:
  int64_t channels_;
};

/// `rgb_to_grayscale` with probability p, the number of channels staying.
class RandomGrayscale {
 public:
  explicit RandomGrayscale(double p = 0.1);
  Tensor operator()(const Tensor& batch, Generator& generator = default_generator()) const;

 private:
  double p_;
};

struct RandomErasingOptions {
  double p = 0.5;                                  ///< of an image being changed
  std::pair<double, double> scale = {0.02, 0.33};  ///< of the rectangle's part of the image's area
  std::pair<double, double> ratio = {0.3, 3.3};    ///< of its height to its width
  std::vector<double> value = {0};                 ///< one number, or one per channel
  bool noise = false;  ///< standard normal numbers instead; torchvision: value="random"
};
/// Erases a rectangle with probability p: sqrt(a r) high and sqrt(a / r) wide, rounded, where a is
/// uniform and r uniform in its logarithm. What is not smaller than the image is drawn again, up to
/// ten times. May stand behind `Normalize`, of whose result 0 is the mean. Errors: a scale not in
/// order within [0, 1], a ratio not in order above 0, no value.
class RandomErasing {
 public:
  explicit RandomErasing(RandomErasingOptions options = {});
  Tensor operator()(const Tensor& batch, Generator& generator = default_generator()) const;

 private:
  RandomErasingOptions options_;
};

struct CutoutOptions {
  int64_t holes = 1;                ///< squares for each image
  std::vector<double> value = {0};  ///< one number, or one per channel
};
/// Erases squares of this side, whose centres are any pixels: at the border a part of the square
/// (DeVries and Taylor 2017; 16 for CIFAR-10). Errors: a side below 1, fewer than 1 hole or more
/// than 1000, no value.
class Cutout {
 public:
  explicit Cutout(int64_t length, CutoutOptions options = {});
  Tensor operator()(const Tensor& batch, Generator& generator = default_generator()) const;

 private:
  int64_t length_;
  CutoutOptions options_;
};

}  // namespace norma::data
