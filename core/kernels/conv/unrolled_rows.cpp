// Fast unrolling of images; the plain twin of the convolution that it serves is plain/conv.h.
#include "norma/core/kernels/conv/unrolled_rows.h"

#include <algorithm>

#include "norma/core/integers.h"
#include "norma/core/kernels/tile.h"
#include "norma/core/kernels/vectors.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// What a kernel column sees: `count` rows, from image row y on, every `step` rows;
// `shift` is the image column of cell 0.
struct Run {
  Run(const Conv2dShape& s, int64_t top, int64_t row_step, int64_t length, int64_t left)
      : y(top),
        step(row_step),
        count(length),
        shift(left),
        rows(valid_positions(count, step, y, s.in_h)),
        cols(valid_positions(s.out_w, s.stride_w, shift, s.in_w)) {}
  int64_t y, step, count, shift;
  Span rows, cols;
};

template <class T, class Level>
NORMA_INLINE inline void fill_run(const Conv2dShape& s, const Run& run, const T* channel, T* out) {
  const int64_t width = s.out_w, first = run.cols.first, last = run.cols.last;
  std::fill(out, out + run.rows.first * width, T(0));
  std::fill(out + run.rows.last * width, out + run.count * width, T(0));
  if (run.rows.first == run.rows.last) return;
  if (run.step == 1 && s.stride_w == 1 && width == s.in_w) {
    // Neighbours in memory both here and there: one copy, then the edges.
    const int64_t from = (run.y + run.rows.first) * width + run.shift;
    const int64_t skip = std::max<int64_t>(-from, 0);
    const int64_t stop = std::min((run.rows.last - run.rows.first) * width, s.in_size() - from);
    if (skip < stop) {
      std::copy(channel + from + skip, channel + from + stop, out + run.rows.first * width + skip);
    }
    const auto clear = [=](int64_t begin, int64_t end) NORMA_INLINE {
      for (int64_t k = begin; k < end; ++k) {
        for (int64_t row = run.rows.first; row < run.rows.last; ++row) out[row * width + k] = T(0);
      }
    };
    clear(0, first);
    clear(last, width);
    return;
  }
  if (width == 1 && s.in_w == 1 && first == 0 && last == 1) {  // a signal
    const int64_t top = run.y + run.rows.first * run.step;
    copy_steps<T, Level>(channel + top, run.step, run.rows.last - run.rows.first,
                         out + run.rows.first);
    return;
  }
  const int64_t left = first < last ? run.shift + first * s.stride_w : 0;
  for (int64_t row = run.rows.first; row < run.rows.last; ++row) {
    const T* in = channel + (run.y + row * run.step) * s.in_w + left;
    T* line = out + row * width;
    for (int64_t k = 0; k < first; ++k) line[k] = T(0);
    copy_steps<T, Level>(in, s.stride_w, last - first, line + first);
    for (int64_t k = last; k < width; ++k) line[k] = T(0);
  }
}

// What all kernel columns see of an image row, each `distance` behind the one before: every cell's
// lie side by side in the image, so that blocks of both are transposed.
template <class T>
NORMA_INLINE inline void fill_columns(const Conv2dShape& s, const Run& run, const T* channel,
                                      T* out, int64_t distance) {
  const Span last = valid_positions(s.out_w, s.stride_w, run.shift + s.kernel_w - 1, s.in_w);
  for (int64_t row = 0; row < run.count; ++row, out += s.out_w) {
    const bool inside = row >= run.rows.first && row < run.rows.last;
    const int64_t first = run.cols.first, end = inside ? std::max(first, last.last) : first;
    const T* const line = channel + (inside ? (run.y + row * run.step) * s.in_w : 0);
    if (end > first) {
      transpose(end - first, s.kernel_w, line + run.shift + first * s.stride_w, s.stride_w,
                out + first, distance);
    }
    for (int64_t j = 0; j < s.kernel_w; ++j) {
      const auto edge = [=](int64_t k) NORMA_INLINE {
        const int64_t x = run.shift + j + k * s.stride_w;
        out[j * distance + k] = inside && x >= 0 && x < s.in_w ? line[x] : T(0);
      };
      for (int64_t k = 0; k < first; ++k) edge(k);
      for (int64_t k = end; k < s.out_w; ++k) edge(k);
    }
  }
}

// The output rows of an image divided into panels, of which `fit` rows fit the cache.
int64_t panel_count(const Conv2dShape& s, int64_t fit) {
  const int64_t count = ceil_div(s.out_h, std::min(fit, s.out_h));
  // With few images, every one is shared out.
  const int64_t threads = planned_threads();
  if (s.batch >= 4 * threads || s.batch % threads == 0) return count;
  return std::min(s.out_h, round_up(count, threads));
}

}  // namespace

UnrolledRows::UnrolledRows(const Conv2dShape& s, const Cut& cut, bool direct)
    : shape_(s),
      direct_(direct),
      channels_(cut.channels),
      panel_rows_(cut.images > 1 ? cut.images * s.out_h
                                 : ceil_div(s.out_h, panel_count(s, cut.rows))),
      panels_(ceil_div(s.out_h, panel_rows_)),
      height_(0),
      offsets_(round_up(cut.channels * s.kernel_size(), kTermBlock)) {
  // A set for each kernel row.
  if (cut.images > 1 || shift_step_ >= panel_rows_) row_step_ = s.kernel_h;
  height_ = start(sets());
  int64_t* next = offsets_.data();
  for (int64_t c = 0; c < channels_; ++c) {
    for (int64_t i = 0; i < s.kernel_h; ++i) {
      for (int64_t j = 0; j < s.kernel_w; ++j) *next++ = offset(c, i, j);
    }
  }
  std::fill(next, offsets_.data() + round_up(next - offsets_.data(), kTermBlock), int64_t{0});
}

template <class T>
const T* UnrolledRows::unroll(int64_t panel, int64_t channels, const T* image, T* memory,
                              int64_t index) const {
  const int64_t first = first_row(panel), count = rows(panel);
  if (direct_) return image + first * shape_.out_w;
  std::fill_n(memory + size() - kTileSlack, kTileSlack, T(0));
  for_level([=, this]<class Level>() NORMA_INLINE {
    const Conv2dShape s = shape_;
    // Larger steps than vectors take.
    const bool by_columns = s.stride_w > 2 && s.kernel_w > 2 && s.dilation_w == 1;
    // So few channels that what the first kernel column read is still near for the others.
    constexpr int64_t kNear = 4;
    for (int64_t i = 0; i < sets(); ++i) {
      const int64_t length = count + (rows_of_set(i) - 1) * shift_step_;
      for (int64_t near = 0; near < channels; near += kNear) {
        for (int64_t j = 0; j < (by_columns ? 1 : s.kernel_w); ++j) {
          const Run run(s, first * s.stride_h + i * s.dilation_h - s.pad_top, s.stride_h, length,
                        j * s.dilation_w - s.pad_left);
          for (int64_t c = near; c < std::min(near + kNear, channels); ++c) {
            const T* const channel = image + c * s.in_size();
            T* const out = memory + offset(c, i, j) + index * s.out_size();
            if (by_columns) {
              fill_columns(s, run, channel, out, height_ * s.out_w);
            } else {
              fill_run<T, Level>(s, run, channel, out);
            }
          }
        }
      }
    }
  });
  return memory;
}

template const float* UnrolledRows::unroll(int64_t, int64_t, const float*, float*, int64_t) const;
template const double* UnrolledRows::unroll(int64_t, int64_t, const double*, double*,
                                            int64_t) const;

}  // namespace norma::kernels
