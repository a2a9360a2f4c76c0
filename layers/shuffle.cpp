#include "norma/layers/shuffle.h"

#include "norma/core/integers.h"
#include "norma/layers/check.h"

namespace norma::nn {

namespace {

std::string window_repr(Pair kernel_size, const UnfoldOptions& o) {
  return text("kernel_size=", short_repr(kernel_size), ", dilation=", short_repr(o.dilation),
              ", padding=", short_repr(o.padding), ", stride=", short_repr(o.stride));
}

}  // namespace

Tensor PixelShuffle::forward(const Tensor& input) {
  return functional::pixel_shuffle(input, upscale_factor_);
}

std::string PixelShuffle::extra_repr() const { return text("upscale_factor=", upscale_factor_); }

Tensor PixelUnshuffle::forward(const Tensor& input) {
  return functional::pixel_unshuffle(input, downscale_factor_);
}

std::string PixelUnshuffle::extra_repr() const {
  return text("downscale_factor=", downscale_factor_);
}

Tensor ChannelShuffle::forward(const Tensor& input) {
  return functional::channel_shuffle(input, groups_);
}

std::string ChannelShuffle::extra_repr() const { return text("groups=", groups_); }

Tensor Unfold::forward(const Tensor& input) {
  return functional::unfold(input, kernel_size_, options_);
}

std::string Unfold::extra_repr() const { return window_repr(kernel_size_, options_); }

Tensor Fold::forward(const Tensor& input) {
  return functional::fold(input, output_size_, kernel_size_, options_);
}

std::string Fold::extra_repr() const {
  return text("output_size=", short_repr(output_size_), ", ", window_repr(kernel_size_, options_));
}

Tensor Unflatten::forward(const Tensor& input) {
  if (!input.defined()) fail("Unflatten", "expected a tensor, got an undefined one");
  const int64_t rank = input.dim(), axis = dim_ < 0 ? dim_ + rank : dim_;
  if (axis < 0 || axis >= rank) {
    fail("Unflatten", "expected dim in [", -rank, ", ", rank - 1, "], got ", dim_);
  }
  int64_t known = 1, unknown = 0;
  for (const int64_t size : unflattened_size_) {
    if (size < 0) ++unknown;
    known = size < 0 ? known : limited_product(known, size);
  }
  const int64_t whole = input.size(axis);
  const bool fits = unknown == 0 ? known == whole : known > 0 && whole % known == 0;
  if (unflattened_size_.empty() || unknown > 1 || !fits) {
    fail("Unflatten", "Provided sizes ", unflattened_size_,
         " don't multiply up to the size of dim ", dim_, " (", whole, ") in the input tensor");
  }
  Shape sizes;
  for (int64_t i = 0; i < axis; ++i) sizes.push_back(input.size(i));
  for (const int64_t size : unflattened_size_) sizes.push_back(size < 0 ? whole / known : size);
  for (int64_t i = axis + 1; i < rank; ++i) sizes.push_back(input.size(i));
  return input.reshape(sizes);
}

std::string Unflatten::extra_repr() const {
  return text("dim=", dim_, ", unflattened_size=", tuple(unflattened_size_));
}

}  // namespace norma::nn
