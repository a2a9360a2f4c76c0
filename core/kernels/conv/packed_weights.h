// The weights of a convolution in the order in which `multiply` reads them.
#pragma once
#include <algorithm>
#include <optional>

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
  const T* bias;     // of the rows; null: zeros
  Storage* storage;  // which keeps the packed weights of a contiguous view; null: nothing does
  int64_t group, row, channel, kernel_row, kernel_column;
};

/// `matrices` of group_out × depth for every group.
template <class T>
class PackedWeights {
 public:
  /// Calls pack(weights, rows, packed) for blocks of at most row_block() rows; those of the next
  /// matrix follow packed_size(group_out, depth) elements later. `order`: as of a PreparedKey.
  template <class Pack>
  PackedWeights(const Conv2dShape& s, const WeightView<T>& weights, const char* order,
                int64_t matrices, int64_t depth, Pack pack)
      : depth_(depth),
        group_size_(matrices * packed_size(s.group_out(), depth)),
        outputs_(round_up(s.group_out(), row_block())),
        bias_(weights.bias ? s.groups * outputs_ : 0),
        biased_(weights.bias != nullptr) {
    const int64_t outputs = s.group_out(), block = row_block(), blocks = ceil_div(outputs, block);
    const int64_t work = block * s.group_in() * s.kernel_size(), size = s.groups * group_size_;
    for (int64_t g = 0; biased_ && g < s.groups; ++g) {
      T* const to = std::copy_n(weights.bias + g * outputs, outputs, bias_.data() + g * outputs_);
      std::fill(to, bias_.data() + (g + 1) * outputs_, T(0));
    }
    const auto fill = [&](void* memory) {
      parallel_for(s.groups * blocks, 20'000 / (work + 1) + 1, [&](int64_t first, int64_t last) {
        for (int64_t item = first; item < last; ++item) {
          const int64_t g = item / blocks, row = item % blocks * block;
          WeightView<T> some = weights;
          some.data += g * some.group + row * some.row;
          pack(some, std::min(block, outputs - row), static_cast<T*>(memory) + at(g, row));
        }
      });
    };
    if (weights.storage) {
      // A block has fewer than 64 rows.
      const PreparedKey key{weights.data, order, {s.groups, outputs, depth * 64 + block}};
      kept_ = weights.storage->prepared(key, static_cast<std::size_t>(size) * sizeof(T), fill);
    }
    if (!kept_) fill(own_.emplace(size).data());
    packed_ = kept_ ? static_cast<const T*>(kept_->data()) : own_->data();
  }
  /// `row` is the first one of a block.
  const T* rows(int64_t group, int64_t row) const { return packed_ + at(group, row); }
  /// Those of the rows from `row` on, in whole blocks; null: zeros.
  const T* bias(int64_t group, int64_t row) const {
    return biased_ ? bias_.data() + group * outputs_ + row : nullptr;
  }

 private:
  int64_t at(int64_t group, int64_t row) const { return group * group_size_ + row * depth_; }

  int64_t depth_, group_size_, outputs_;
  Scratch<T> bias_;
  bool biased_;
  const T* packed_ = nullptr;
  Ref<Storage> kept_;
  std::optional<Scratch<T>> own_;
};

/// How many output channels of a panel an item has: all of them, or where there are too few panels
/// for all threads, whole blocks of them.
inline int64_t channel_share(const Conv2dShape& s, int64_t panels) {
  const int64_t block = row_block(), blocks = ceil_div(s.group_out(), block);
  const int64_t least = ceil_div(planned_threads(), std::max<int64_t>(panels, 1));
  return ceil_div(blocks, std::min(blocks, least)) * block;
}

}  // namespace norma::kernels
