// Implicit im2col: images written out so that what a kernel position sees is a shift in memory.
#pragma once
#include <numeric>

#include "norma/core/kernels/conv_shape.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/tile.h"

namespace norma::kernels {

/// How images are cut: at most so many output rows to a panel, so many input channels unrolled at a
/// time, and so many small images to one panel, whose tiles are full then.
struct Cut {
  int64_t rows, channels, images = 1;
};

/// Where im2col copies what every kernel position (i, j) sees of a channel c, this copies what each
/// kernel column sees, shared by its positions. An unrolled row holds what column j sees while the
/// kernel slides along an image row: `out_w` cells, zeros outside the image. Those of consecutive
/// output rows at kernel row i follow each other, so that
///
///     unrolled[offset(c, i, j) + position]
///
/// is the cell that (c, i, j) sees at `position` of a panel of output rows. Kernel rows share what
/// they see of the same image rows: all of them at stride 1, every second at stride 2; none where a
/// dilation keeps them a panel apart, or a panel has several images, one behind the other.
class UnrolledRows {
 public:
  /// `direct`: a pointwise convolution reads the image itself.
  UnrolledRows(const Conv2dShape& s, const Cut& cut, bool direct);

  int64_t panels() const { return panels_; }  // of an image
  int64_t first_row(int64_t panel) const { return panel * panel_rows_; }
  int64_t rows(int64_t panel) const {
    return std::min(panel_rows_, shape_.out_h - first_row(panel));
  }
  int64_t most_rows() const { return panel_rows_; }

  /// Elements of memory that a panel takes.
  int64_t size() const { return direct_ ? 0 : unrolled_size() + kTileSlack; }
  /// For every weight in the order of memory (c, i, j), then zeros up to a multiple of
  /// kTermBlock.
  const int64_t* offsets() const { return offsets_.data(); }
  /// What the panel sees of `channels` channels from `image` on, in `memory` or in the image.
  /// kTileSlack elements behind them may be read, but in the image. `index`: of the panel's images.
  template <class T>
  const T* unroll(int64_t panel, int64_t channels, const T* image, T* memory,
                  int64_t index = 0) const;

 private:
  // Several small images: cell by cell, as listed.
  template <class T>
  void gather(int64_t channels, const T* image, T* memory, int64_t index) const;
  int64_t unrolled_size() const { return channels_ * shape_.kernel_w * height_ * shape_.out_w; }
  // Kernel rows i, i + row_step, i + 2 row_step, … share a set, in which each begins shift_step
  // unrolled rows after the one before.
  int64_t sets() const { return std::min(row_step_, shape_.kernel_h); }
  int64_t rows_of_set(int64_t i) const { return (shape_.kernel_h - 1 - i) / row_step_ + 1; }
  // Where a set begins: the first `longer` of them serve a kernel row more than the others.
  int64_t start(int64_t set) const {
    const int64_t least = shape_.kernel_h / row_step_, longer = shape_.kernel_h % row_step_;
    return set * panel_rows_ + (set * (least - 1) + std::min(set, longer)) * shift_step_;
  }
  int64_t offset(int64_t c, int64_t i, int64_t j) const {
    if (direct_) return c * shape_.in_size();
    const int64_t own = start(i % row_step_) + i / row_step_ * shift_step_;
    return ((c * shape_.kernel_w + j) * height_ + own) * shape_.out_w;
  }

  Conv2dShape shape_;
  bool direct_;
  int64_t channels_, panel_rows_, panels_;
  int64_t row_step_ = shape_.stride_h / std::gcd(shape_.stride_h, shape_.dilation_h);
  int64_t shift_step_ = shape_.dilation_h / std::gcd(shape_.stride_h, shape_.dilation_h);
  int64_t height_;  // of the unrolled rows of a channel and kernel column
  Scratch<int64_t> offsets_;
  int64_t listed_;          // with several images, for every kernel position and output,
  Scratch<int64_t> cells_;  // the cell that it sees; negative: none
};

}  // namespace norma::kernels
