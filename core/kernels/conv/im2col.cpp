// Fast convolution by implicit im2col; its plain twin is plain/conv.h.
//
//     images of few outputs | unrolled, several side by side in a panel
//     pointwise             | read as they are
//     anything else         | unrolled, some rows and channels at a time
#include "norma/core/kernels/conv/im2col.h"

#include <numeric>

#include "norma/core/kernels/conv/unrolled_rows.h"
#include "norma/core/kernels/sums.h"
#include "norma/core/kernels/vectors.h"

namespace norma::kernels {
namespace {

template <class T>
void pack_rows(const Conv2dShape& s, const WeightView<T>& w, int64_t rows, T* packed) {
  const int64_t block = row_block(), depth = s.group_in() * s.kernel_size();
  if (w.kernel_column == 1) {  // contiguous
    return simd([=]()
                    NORMA_INLINE { transpose_padded(rows, depth, w.data, w.row, block, packed); });
  }
  for (int64_t c = 0; c < s.group_in(); ++c) {
    for (int64_t i = 0; i < s.kernel_h; ++i) {
      for (int64_t j = 0; j < s.kernel_w; ++j) {
        const T* from = w.data + c * w.channel + i * w.kernel_row + j * w.kernel_column;
        for (int64_t r = 0; r < rows; ++r) *packed++ = from[r * w.row];
        for (int64_t r = rows; r < block; ++r) *packed++ = T(0);
      }
    }
  }
}

// So that what is unrolled of a panel stays near. Neither the batch nor the threads change it.
Cut cut_for(const Conv2dShape& s, int64_t value_bytes) {
  constexpr int64_t kBytes = 208 * 1024, kTerms = 128, kSmall = 12, kPositions = 192;
  // The bits of the baseline are those of one sum over all channels.
  const bool cuts = simd_level() > SimdLevel::Baseline;
  Cut cut{s.out_h, std::max<int64_t>(s.group_in(), 1)};
  if (cuts && s.out_size() <= kSmall) cut.images = kPositions / s.out_size();
  const int64_t divisor = std::gcd(s.stride_h, s.dilation_h);
  const int64_t sets = cut.images > 1 ? s.kernel_h : std::min(s.stride_h / divisor, s.kernel_h);
  const int64_t height = sets * s.out_h + (s.kernel_h - sets) * s.dilation_h / divisor;
  const int64_t bytes = s.kernel_w * s.out_w * cut.images * value_bytes *
                        std::min(height, s.kernel_h * s.out_h);  // of a channel
  // Of a whole image, but enough for a chunk of terms.
  const int64_t fit = std::max(kBytes / bytes, ceil_div(kTerms, s.kernel_size()));
  if (cuts) cut.channels = ceil_div(cut.channels, ceil_div(cut.channels, fit));
  cut.rows = std::max<int64_t>(s.out_h * kBytes / (cut.channels * bytes), 1);
  return cut;
}

template <class T>
double sum(const T* values, int64_t count) {
  double total = 0;
  simd([=, &total]() NORMA_INLINE {
    T lanes[16] = {};
    double rest = 0;
    int64_t i = add_to_lanes(lanes, count, [=](int64_t k) NORMA_INLINE { return values[k]; });
    for (; i < count; ++i) rest += static_cast<double>(values[i]);
    for (const T lane : lanes) rest += static_cast<double>(lane);
    total = rest;
  });
  return total;
}

// A strip of positions at a time, which stays in the first-level cache.
template <class T>
void transpose_strips(int64_t rows, int64_t count, const T* in, int64_t ld, int64_t columns,
                      T* out) {
  constexpr int64_t kStrip = 16;
  simd([=]() NORMA_INLINE {
    for (int64_t p = 0; p < count; p += kStrip) {
      const int64_t some = count - p < kStrip ? count - p : kStrip;
      transpose_padded(rows, some, in + p, ld, columns, out + p * columns);
    }
  });
}

// The working memory of a part of the images, and its sums for dw.
struct GradLayout {
  GradLayout(const Conv2dShape& shape, int64_t value_bytes)
      : s(shape), unrolled(s, {fit_rows(value_bytes), s.group_in()}, s.is_pointwise()) {}
  int64_t fit_rows(int64_t value_bytes) const {
    const int64_t row = (s.group_in() * s.kernel_w + columns) * s.out_w * value_bytes;
    return std::max<int64_t>(384 * 1024 / std::max<int64_t>(row, 1), 1);
  }
  Conv2dShape s;
  int64_t depth = s.group_in() * s.kernel_size();
  int64_t columns = round_up(s.group_out(), kColumnBlock);
  int64_t group_size = round_up(depth, kTermBlock) * columns, size = s.groups * group_size;
  UnrolledRows unrolled;
  int64_t memory_size = unrolled.size() + unrolled.most_rows() * s.out_w * columns;
};

// sums += what every kernel position sees of a panel, times dy there; `x` and `dy` of the image.
template <class T>
void add_panel(const GradLayout& layout, int64_t panel, const T* x, const T* dy, T* memory,
               T* sums) {
  const Conv2dShape& s = layout.s;
  const int64_t outputs = s.group_out(), count = layout.unrolled.rows(panel) * s.out_w;
  for (int64_t g = 0; g < s.groups; ++g) {
    const T* rows =
        layout.unrolled.unroll(panel, s.group_in(), x + g * s.group_in() * s.in_size(), memory);
    const T* grad = dy + g * outputs * s.out_size() + layout.unrolled.first_row(panel) * s.out_w;
    T* const transposed = memory + layout.unrolled.size();
    transpose_strips(outputs, count, grad, s.out_size(), layout.columns, transposed);
    add_outer(OuterSum<T>{.terms = layout.depth,
                          .count = count,
                          .columns = outputs,
                          .b = rows,
                          .offsets = layout.unrolled.offsets(),
                          .ldb = 0,
                          .d = transposed,
                          .sums = sums + g * layout.group_size});
  }
}

// Adds the sums of all parts to the first, which become dw.
template <class T>
void join_parts(const GradLayout& layout, int64_t parts, T* sums, T* dw) {
  for (int64_t part = 1; part < parts; ++part) {
    simd([sums, size = layout.size, more = sums + part * layout.size]() NORMA_INLINE {
      for (int64_t i = 0; i < size; ++i) sums[i] += more[i];
    });
  }
  const int64_t outputs = layout.s.group_out(), depth = layout.depth;
  for (int64_t g = 0; g < layout.s.groups; ++g) {
    transpose_strips(depth, outputs, sums + g * layout.group_size, layout.columns, depth,
                     dw + g * outputs * depth);
  }
}

}  // namespace

template <class T>
void im2col_correlate(const Conv2dShape& s, const WeightView<T>& weights, const T* x, T* y) {
  const int64_t inputs = s.group_in(), outputs = s.group_out(), depth = inputs * s.kernel_size();
  Cut cut = cut_for(s, sizeof(T));
  const bool direct = s.is_pointwise() && cut.images == 1;
  cut.images = std::clamp<int64_t>(s.batch, 1, cut.images);
  const UnrolledRows unrolled(s, cut, direct);
  const auto pack = [&s](const WeightView<T>& some, int64_t rows, T* packed) {
    pack_rows(s, some, rows, packed);
  };
  const PackedWeights<T> packed(s, weights, "im2col", 1, depth, pack);

  const int64_t panels = ceil_div(s.batch, cut.images) * s.groups * unrolled.panels();
  const int64_t share = channel_share(s, panels), shares = ceil_div(outputs, share);
  const int64_t items = panels * shares, grain = conv_grain(items, s.multiplications());
  const int parts = parallel_parts(items, grain);
  // Results of several images, which are then copied to each.
  const int64_t width = cut.images > 1 ? cut.images * s.out_size() : 0;
  const int64_t part_size = unrolled.size() + share * width;
  Scratch<T> memory(parts * part_size);
  parallel_parts_for(parts, items, [&](int64_t first, int64_t last, int part) {
    T* const rows = memory.data() + part * part_size;
    T* const results = rows + unrolled.size();
    for (int64_t item = first; item < last; ++item) {
      const int64_t channel = item % shares * share, panel = item / shares % unrolled.panels();
      const int64_t plane = item / shares / unrolled.panels(), g = plane % s.groups;
      const int64_t n = plane / s.groups * cut.images, images = std::min(cut.images, s.batch - n);
      const int64_t some = std::min(share, outputs - channel);
      const T* const image = x + (n * s.in_channels + g * inputs) * s.in_size();
      T* const out = y + (n * s.out_channels + g * outputs + channel) * s.out_size();
      for (int64_t c = 0; c == 0 || c < inputs; c += cut.channels) {
        const int64_t channels = std::min(cut.channels, inputs - c);
        const T* b = nullptr;
        for (int64_t i = 0; i < images; ++i) {
          const T* const from = image + (i * s.in_channels + c) * s.in_size();
          b = unrolled.unroll(panel, channels, from, rows, i);
        }
        multiply(Product<T>{.rows = some,
                            .depth = depth,
                            .count = images * unrolled.rows(panel) * s.out_w,
                            .bias = packed.bias(g, channel),
                            .packed = packed.rows(g, channel),
                            .offsets = unrolled.offsets(),
                            .b = b,
                            .c = width > 0 ? results : out + unrolled.first_row(panel) * s.out_w,
                            .ldc = width > 0 ? width : s.out_size(),
                            .begin = c * s.kernel_size(),
                            .end = (c + channels) * s.kernel_size(),
                            .exact = direct});
      }
      for (int64_t i = 0; width > 0 && i < images; ++i) {
        T* const to = out + i * s.out_channels * s.out_size();
        for (int64_t o = 0; o < some; ++o) {
          std::copy_n(results + o * width + i * s.out_size(), s.out_size(), to + o * s.out_size());
        }
      }
    }
  });
}

// Every part of the images has sums of its own, which are added in order at the end.
template <class T>
void im2col_weight_grad(const Conv2dShape& s, const T* x, const T* dy, T* dw, T* db) {
  const GradLayout layout(s, sizeof(T));
  const UnrolledRows& unrolled = layout.unrolled;
  const int64_t items = s.batch * unrolled.panels();
  const int64_t grain = conv_grain(items, s.multiplications());
  const int parts = parallel_parts(items, grain);
  Scratch<T> memory(dw ? parts * layout.memory_size : 0), sums(dw ? parts * layout.size : 0);
  Scratch<double> bias_sums(db ? parts * s.out_channels : 0);
  parallel_parts_for(parts, items, [&](int64_t first, int64_t last, int part) {
    T* const part_sums = sums.data() + part * layout.size;
    double* const part_db = bias_sums.data() + part * s.out_channels;
    if (dw) std::fill_n(part_sums, layout.size, T(0));
    if (db) std::fill_n(part_db, s.out_channels, 0.0);
    for (int64_t item = first; item < last; ++item) {
      const int64_t image = item / unrolled.panels(), panel = item % unrolled.panels();
      const T* grad = dy + image * s.out_channels * s.out_size();
      for (int64_t o = 0; db && o < s.out_channels; ++o) {
        const int64_t begin = o * s.out_size() + unrolled.first_row(panel) * s.out_w;
        part_db[o] += sum(grad + begin, unrolled.rows(panel) * s.out_w);
      }
      if (!dw) continue;
      add_panel(layout, panel, x + image * s.in_channels * s.in_size(), grad,
                memory.data() + part * layout.memory_size, part_sums);
    }
  });
  if (dw) join_parts(layout, parts, sums.data(), dw);
  for (int64_t o = 0; db && o < s.out_channels; ++o) {
    double total = 0;
    for (int64_t p = 0; p < parts; ++p) total += bias_sums.data()[p * s.out_channels + o];
    db[o] = static_cast<T>(total);
  }
}

#define NORMA_IM2COL(T)                                                                   \
  template void im2col_correlate(const Conv2dShape&, const WeightView<T>&, const T*, T*); \
  template void im2col_weight_grad(const Conv2dShape&, const T*, const T*, T*, T*);
NORMA_IM2COL(float)
NORMA_IM2COL(double)
#undef NORMA_IM2COL

}  // namespace norma::kernels
