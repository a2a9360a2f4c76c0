// Layers that move cells from place to place: PixelShuffle, ChannelShuffle, Unfold, Fold,
// Unflatten.
//
// Errors of all: those of the function behind it (autograd/functional_shuffle.h), in forward:
// factors and options below their least, sizes and channels that they do not divide, another rank.
#pragma once
#include "norma/autograd/functional_shuffle.h"
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// [*, C r², H, W] to [*, C, H r, W r]: channels become pixels, r being `upscale_factor`.
///
/// Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
/// convolutional neural network", arXiv:1609.05158.
class PixelShuffle : public Cloneable<PixelShuffle> {
 public:
  explicit PixelShuffle(int64_t upscale_factor) : upscale_factor_(upscale_factor) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  PixelShuffle fresh() const { return PixelShuffle(upscale_factor_); }

 private:
  int64_t upscale_factor_;
};

/// The reverse: [*, C, H r, W r] to [*, C r², H, W].
class PixelUnshuffle : public Cloneable<PixelUnshuffle> {
 public:
  explicit PixelUnshuffle(int64_t downscale_factor) : downscale_factor_(downscale_factor) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  PixelUnshuffle fresh() const { return PixelUnshuffle(downscale_factor_); }

 private:
  int64_t downscale_factor_;
};

/// Mixes the channels of [N, C, …]: those of group g, i of them, go to i · groups + g.
class ChannelShuffle : public Cloneable<ChannelShuffle> {
 public:
  explicit ChannelShuffle(int64_t groups) : groups_(groups) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  ChannelShuffle fresh() const { return ChannelShuffle(groups_); }

 private:
  int64_t groups_;
};

using UnfoldOptions = functional::UnfoldOptions;

/// What every window of an image sees, as columns: [N, C, H, W] to [N, C kh kw, L].
class Unfold : public Cloneable<Unfold> {
 public:
  explicit Unfold(Pair kernel_size, const UnfoldOptions& options = {})
      : kernel_size_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  Unfold fresh() const { return Unfold(kernel_size_, options_); }

 private:
  Pair kernel_size_;
  UnfoldOptions options_;
};

/// Adds such columns up to images of `output_size`: [N, C kh kw, L] to [N, C, H, W].
class Fold : public Cloneable<Fold> {
 public:
  Fold(Pair output_size, Pair kernel_size, const UnfoldOptions& options = {})
      : output_size_(output_size), kernel_size_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  Fold fresh() const { return Fold(output_size_, kernel_size_, options_); }

 private:
  Pair output_size_, kernel_size_;
  UnfoldOptions options_;
};

/// Splits a dimension: `nn::Unflatten(1, {4, 7, 7})` makes [N, 4, 7, 7] of [N, 196]. One of the
/// sizes may be -1. Errors, in forward: sizes of another product, no such dimension.
class Unflatten : public Cloneable<Unflatten> {
 public:
  Unflatten(int64_t dim, const Shape& unflattened_size)
      : dim_(dim), unflattened_size_(unflattened_size) {}
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  Unflatten fresh() const { return Unflatten(dim_, unflattened_size_); }

 private:
  int64_t dim_;
  Shape unflattened_size_;
};

}  // namespace norma::nn
