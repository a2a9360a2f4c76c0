#include "norma/core/kernels/conv/correlate.h"

#include <algorithm>

#include "norma/core/integers.h"
#include "norma/core/kernels/conv/panels.h"
#include "norma/core/kernels/conv/unrolled_rows.h"
#include "norma/core/kernels/conv/winograd.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// Output rows [row, row + rows) of channels [channel, channel + channels) of a group of an image.
struct Item {
  int64_t panel_id;  // of all panels of all groups and images
  int64_t image, group, channel, channels, row, rows;
};

// The items that threads share: panels, and where these are too few for all threads, the output
// channels of a panel in several shares of whole blocks.
class Items {
 public:
  Items(const Conv2dShape& s, const Panels& panels, int64_t block)
      : groups_(s.groups),
        channels_(s.group_out()),
        panel_count_(s.batch * s.groups * panels.count),
        panels_(panels) {
    const int64_t blocks = ceil_div(channels_, block);
    const int64_t least = ceil_div(get_num_threads(), std::max<int64_t>(panel_count_, 1));
    share_ = ceil_div(blocks, std::min(blocks, least)) * block;
    shares_ = ceil_div(channels_, share_);
  }
  int64_t size() const { return panel_count_ * shares_; }
  Item operator[](int64_t index) const {
    const int64_t id = index / shares_, channel = index % shares_ * share_;
    const int64_t panel = id % panels_.count, image_group = id / panels_.count;
    return {.panel_id = id,
            .image = image_group / groups_,
            .group = image_group % groups_,
            .channel = channel,
            .channels = std::min(share_, channels_ - channel),
            .row = panels_.begin(panel),
            .rows = panels_.size(panel)};
  }

 private:
  int64_t groups_, channels_, panel_count_, share_, shares_;
  Panels panels_;
};

// The weights and biases of all groups in the order of `multiply`.
template <class T>
class PackedWeights {
 public:
  PackedWeights(const Conv2dShape& s, const WeightView<T>& view, int64_t group_stride,
                const T* bias)
      : depth_(s.group_in() * s.taps()),
        group_size_(packed_size<T>(s.group_out(), depth_)),
        packed_(s.groups * group_size_) {
    const int64_t outputs = s.group_out(), block = row_block<T>(),
                  blocks = ceil_div(outputs, block);
    parallel_for(
        s.groups * blocks, 20'000 / (block * depth_ + 1) + 1, [&](int64_t first, int64_t last) {
          for (int64_t item = first; item < last; ++item) {
            const int64_t g = item / blocks, row = item % blocks * block;
            WeightView<T> weights = view;
            weights.data += g * group_stride + row * view.row;
            pack_weights(weights, std::min(block, outputs - row), s.group_in(), s.kernel_h,
                         s.kernel_w, bias ? bias + g * outputs + row : nullptr, at(g, row));
          }
        });
  }
  /// `channel` is the first one of a block.
  T* at(int64_t group, int64_t channel) const {
    return packed_.data() + group * group_size_ + channel * (depth_ + 1);
  }

 private:
  int64_t depth_, group_size_;
  Scratch<T> packed_;
};

// The same image in rows that leave no vector incomplete: any division will do where every output
// sees one cell.
Conv2dShape in_whole_vectors(Conv2dShape s) {
  s.in_h = s.out_h = s.out_size() / kTileSlack;
  s.in_w = s.out_w = kTileSlack;
  return s;
}

}  // namespace

template <class T>
void correlate(const Conv2dShape& shape, const WeightView<T>& view, int64_t group_stride,
               const T* bias, const T* x, T* y) {
  if (winograd_suits(shape) && winograd_correlate(shape, view, group_stride, bias, x, y)) return;
  const bool direct = is_pointwise(shape) && shape.out_size() % kTileSlack == 0;
  const Conv2dShape s = direct ? in_whole_vectors(shape) : shape;
  const int64_t depth = s.group_in() * s.taps();
  const int64_t row_cells = s.group_in() * s.kernel_w * s.out_w;
  const Panels panels(s, row_cells * static_cast<int64_t>(sizeof(T)));
  const UnrolledRows unrolled(s, panels.rows);
  const Scratch<int64_t> offsets(depth);
  fill_offsets(unrolled, direct, offsets.data());
  const PackedWeights<T> weights(s, view, group_stride, bias);

  const Items items(s, panels, row_block<T>());
  const int64_t grain = conv_grain(s, items.size());
  const int64_t part_size = direct ? 0 : unrolled.size() + kTileSlack;
  const Scratch<T> memory(parallel_parts(items.size(), grain) * part_size);
  parallel_parts_for(items.size(), grain, [&](int64_t first, int64_t last, int part) {
    T* filled = memory.data() + part * part_size;
    int64_t filled_panel = -1;
    if (!direct) std::fill_n(filled + unrolled.size(), kTileSlack, T(0));
    for (int64_t index = first; index < last; ++index) {
      const Item item = items[index];
      const T* image = x + (item.image * s.in_channels + item.group * s.group_in()) * s.in_size();
      if (!direct && item.panel_id != filled_panel) {
        unroll_rows(unrolled, item.row, item.rows, image, filled);
      }
      filled_panel = item.panel_id;
      const int64_t channel =
          item.image * s.out_channels + item.group * s.group_out() + item.channel;
      multiply(Product<T>{.rows = item.channels,
                          .depth = depth,
                          .count = item.rows * s.out_w,
                          .biased = bias != nullptr,
                          .packed = weights.at(item.group, item.channel),
                          .offsets = offsets.data(),
                          .b = direct ? image + item.row * s.out_w : filled,
                          .c = y + channel * s.out_size() + item.row * s.out_w,
                          .ldc = s.out_size()});
    }
  });
}

template void correlate(const Conv2dShape&, const WeightView<float>&, int64_t, const float*,
                        const float*, float*);
template void correlate(const Conv2dShape&, const WeightView<double>&, int64_t, const double*,
                        const double*, double*);

}  // namespace norma::kernels
