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

// Whether neighbours in the image are far apart in what kernel columns see, and none is missing:
// then blocks of cells and columns are transposed.
bool suits_blocks(const Conv2dShape& s) {
  return s.stride_w > 2 && s.kernel_w > 2 && s.dilation_w == 1 && s.pad_top == 0 &&
         s.pad_left == 0 && (s.out_w - 1) * s.stride_w + s.kernel_w <= s.in_w &&
         (s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h < s.in_h;
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
      offsets_(round_up(cut.channels * s.kernel_size(), kTermBlock)),
      listed_(cut.images > 1 ? s.kernel_size() * s.out_size() : 0),
      cells_(listed_) {
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
  for (int64_t k = 0; k < listed_; ++k) {
    const int64_t tap = k / s.out_size(), at = k % s.out_size();
    const int64_t y = at / s.out_w * s.stride_h + tap / s.kernel_w * s.dilation_h - s.pad_top;
    const int64_t x = at % s.out_w * s.stride_w + tap % s.kernel_w * s.dilation_w - s.pad_left;
    const bool inside = y >= 0 && y < s.in_h && x >= 0 && x < s.in_w;
    cells_.data()[k] = inside ? y * s.in_w + x : -1;
  }
}

template <class T>
void UnrolledRows::gather(int64_t channels, const T* image, T* memory, int64_t index) const {
  const int64_t taps = shape_.kernel_size(), size = shape_.out_size();
  for (int64_t row = 0; row < channels * taps; ++row) {
    const T* const channel = image + row / taps * shape_.in_size();
    const int64_t* const cells = cells_.data() + row % taps * size;
    T* const out = memory + offsets_.data()[row] + index * size;
    for (int64_t k = 0; k < size; ++k) {
      const T value = channel[std::max<int64_t>(cells[k], 0)];
      out[k] = cells[k] < 0 ? T(0) : value;
    }
  }
}

template <class T>
const T* UnrolledRows::unroll(int64_t panel, int64_t channels, const T* image, T* memory,
                              int64_t index) const {
  const int64_t first = first_row(panel), count = rows(panel);
  if (direct_) return image + first * shape_.out_w;
  if (listed_ > 0) {
    gather(channels, image, memory, index);
    return memory;
  }
  std::fill_n(memory + size() - kTileSlack, kTileSlack, T(0));
  for_level([=, this]<class Level>() NORMA_INLINE {
    const Conv2dShape s = shape_;
    const bool blocks = suits_blocks(s);
    // So few channels that what the first kernel column read is still near for the others.
    constexpr int64_t kNear = 4;
    for (int64_t i = 0; i < sets(); ++i) {
      const int64_t length = count + (rows_of_set(i) - 1) * shift_step_;
      for (int64_t near = 0; near < channels; near += kNear) {
        for (int64_t j = 0; j < (blocks ? 1 : s.kernel_w); ++j) {
          const Run run(s, first * s.stride_h + i * s.dilation_h - s.pad_top, s.stride_h, length,
                        j * s.dilation_w - s.pad_left);
          for (int64_t c = near; c < std::min(near + kNear, channels); ++c) {
            const T* const channel = image + c * s.in_size();
            T* const out = memory + offset(c, i, j);
            if (!blocks) fill_run<T, Level>(s, run, channel, out);
            for (int64_t row = 0; blocks && row < length; ++row) {
              transpose(s.out_w, s.kernel_w, channel + (run.y + row * run.step) * s.in_w,
                        s.stride_w, out + row * s.out_w, height_ * s.out_w);
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
