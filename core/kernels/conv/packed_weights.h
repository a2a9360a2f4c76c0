// The weights of a convolution in the order in which `multiply` reads them.
#pragma once
#include <algorithm>

#include "norma/core/integers.h"
#include "norma/core/kernels/conv_shape.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/tile.h"
#include "norma/core/threads.h"

namespace norma::kernels {

/// Where weights lie: a group's, those of an output row, an input channel and a kernel position
/// (i, j); strides in elements. In a gradient they are transposed and reversed.
template <class T>
struct WeightView {
  const T* data;
  const T* bias;  // of the rows; null: zeros
  int64_t group, row, channel, kernel_row, kernel_column;
};

/// `matrices` of group_out × depth for every group.
template <class T>
class PackedWeights {
 public:
  /// Calls pack(weights, rows, packed) for blocks of at most row_block() rows; those of the next
  /// matrix follow packed_size(group_out, depth) elements later.
  template <class Pack>
  PackedWeights(const Conv2dShape& s, const WeightView<T>& weights, int64_t matrices, int64_t depth,
                Pack pack)
      : depth_(depth),
        group_size_(matrices * packed_size(s.group_out(), depth)),
        packed_(s.groups * group_size_) {
    const int64_t outputs = s.group_out(), block = row_block(), blocks = ceil_div(outputs, block);
    const int64_t work = block * s.group_in() * s.kernel_size();
    parallel_for(s.groups * blocks, 20'000 / (work + 1) + 1, [&](int64_t first, int64_t last) {
      for (int64_t item = first; item < last; ++item) {
        const int64_t g = item / blocks, row = item % blocks * block;
        WeightView<T> some = weights;
        some.data += g * some.group + row * some.row;
        if (some.bias) some.bias += g * outputs + row;
        pack(some, std::min(block, outputs - row), packed_.data() + at(g, row));
      }
    });
  }
  /// `row` is the first one of a block.
  const T* rows(int64_t group, int64_t row) const { return packed_.data() + at(group, row); }

 private:
  int64_t at(int64_t group, int64_t row) const { return group * group_size_ + row * (depth_ + 1); }

  int64_t depth_, group_size_;
  Scratch<T> packed_;
};

}  // namespace norma::kernels
