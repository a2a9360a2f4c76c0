// Fast sums; their plain twin is plain/reduce.h. Which way they are taken:
//
//     integers                         element by element
//     the last dimension: short lines  four side by side, each in order
//         others                       sum_run; long ones in runs of fixed length, and where
//                                      there is but one line a task each
//     any other: narrow                one strip in registers, down all rows
//         wide                         whole rows, several at a time, onto a row of totals
//
// The order depends on the line's length alone: not on how many lines there are, or which.
#include "norma/core/kernels/reduce.h"

#include <algorithm>
#include <type_traits>

#include "norma/core/integers.h"
#include "norma/core/kernels/plain/reduce.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/sum_run.h"
#include "norma/core/simd.h"

namespace norma::kernels {

namespace {

constexpr int64_t kShort = 16;     // lines side by side below
constexpr int64_t kRun = 16384;    // one task of a long sum
constexpr int64_t kNarrow = 16;    // columns in registers up to
constexpr int64_t kTotals = 1024;  // columns of a row of totals

template <class Term, class T>
double sum_long(const T* x, int64_t n) {
  const int64_t runs = ceil_div(n, kRun);
  Scratch<double> parts(runs);
  parallel_for(
      runs, rows_grain(kElementGrain, kRun), [=, out = parts.data()](int64_t begin, int64_t end) {
        for_level<Level256>([=]<class Level>() NORMA_INLINE {
          for (int64_t r = begin; r < end; ++r)
            out[r] = sum_run<Term, Level::kBytes>(x + r * kRun, std::min(kRun, n - r * kRun));
        });
      });
  double total = 0;
  for (int64_t r = 0; r < runs; ++r) total += parts.data()[r];
  return total;
}

/// Lines [begin, end), each of `n` neighbours.
template <class Term, class Out, class T>
void sum_lines(Out* out, const T* x, int64_t n, int64_t begin, int64_t end, double divisor) {
  for_level<Level256>([=]<class Level>() NORMA_INLINE {
    int64_t r = begin;
    for (; n < kShort && r + 4 <= end; r += 4) {
      double total[4] = {};
      for (int64_t i = 0; i < n; ++i) {
        for (int64_t k = 0; k < 4; ++k) total[k] += term_of<Term>(x[(r + k) * n + i]);
      }
      for (int64_t k = 0; k < 4; ++k) out[r + k] = static_cast<Out>(total[k] / divisor);
    }
    for (; r < end; ++r) {
      const T* const line = x + r * n;
      double total = 0;
      if (n < kShort) {
        for (int64_t i = 0; i < n; ++i) total += term_of<Term>(line[i]);
      } else {
        for (int64_t i = 0; i < n; i += kRun)
          total += sum_run<Term, Level::kBytes>(line + i, std::min(kRun, n - i));
      }
      out[r] = static_cast<Out>(total / divisor);
    }
  });
}

/// `width` <= Width columns of `length` rows, `inner` apart. All rows but the last are read as if
/// they were Width wide, which is less than two of them.
template <class Term, int64_t Width, class Out, class T>
NORMA_INLINE inline void sum_narrow(Out* out, const T* x, int64_t length, int64_t inner,
                                    int64_t width, double divisor) {
  double total[Width] = {};
  for (int64_t i = 0; i + 1 < length; ++i) {
    for (int64_t j = 0; j < Width; ++j) total[j] += term_of<Term>(x[i * inner + j]);
  }
  for (int64_t j = 0; j < width; ++j) {
    if (length > 0) total[j] += term_of<Term>(x[(length - 1) * inner + j]);
    out[j] = static_cast<Out>(total[j] / divisor);
  }
}

/// Sums columns [begin, end) of `length` rows of `inner` values each.
template <class Term, class Out, class T>
void sum_columns(Out* out, const T* x, int64_t length, int64_t inner, int64_t begin, int64_t end,
                 double divisor) {
  for_level<Level256>([=]<class Level>() NORMA_INLINE {
    const Plus<T, Level::kBytes> plus;
    const auto narrow = [=](auto most, int64_t c, int64_t width) NORMA_INLINE {
      sum_narrow<Term, most>(out + c, x + c, length, inner, width, divisor);
    };
    double total[kTotals];
    for (int64_t c = begin; c < end;) {
      const int64_t left = end - c, width = std::min(kTotals, left);
      if (left <= 4) {
        narrow(std::integral_constant<int64_t, 4>(), c, left);
      } else if (left <= 8) {
        narrow(std::integral_constant<int64_t, 8>(), c, left);
      } else if (left <= kNarrow) {
        narrow(std::integral_constant<int64_t, kNarrow>(), c, left);
      } else {
        std::fill_n(total, width, 0.0);
        int64_t i = 0;
        const auto add = [&]<int Rows>() NORMA_INLINE {
          for (; i + Rows <= length; i += Rows)
            add_rows<Term, Rows>(total, x + i * inner + c, inner, width, plus);
        };
        add.template operator()<8>();
        add.template operator()<4>();
        add.template operator()<2>();
        add.template operator()<1>();
        for (int64_t j = 0; divisor != 1 && j < width; ++j) total[j] /= divisor;
        for (int64_t j = 0; j < width; ++j) out[c + j] = static_cast<Out>(total[j]);
      }
      c += width;
    }
  });
}

template <class Term, class Out, class T>
void sum_terms(Out* out, const T* x, MiddleShape s, double divisor) {
  if (s.length == 0) {  // x may be null
    std::fill_n(out, s.lines(), static_cast<Out>(0 / divisor));
  } else if (s.lines() == 1 && s.length > kRun) {
    *out = static_cast<Out>(sum_long<Term>(x, s.length) / divisor);
  } else if (s.inner == 1) {
    parallel_for(s.outer, rows_grain(kElementGrain, s.length), [=](int64_t begin, int64_t end) {
      sum_lines<Term>(out, x, s.length, begin, end, divisor);
    });
  } else if (s.outer == 1) {
    parallel_for(s.inner, std::max<int64_t>(16, rows_grain(kElementGrain, s.length)),
                 [=](int64_t begin, int64_t end) {
                   sum_columns<Term>(out, x, s.length, s.inner, begin, end, divisor);
                 });
  } else {
    const int64_t size = s.length * s.inner;
    parallel_for(s.outer, rows_grain(kElementGrain, size), [=](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        sum_columns<Term>(out + o * s.inner, x + o * size, s.length, s.inner, 0, s.inner, divisor);
      }
    });
  }
}

}  // namespace

template <class Out, class T>
void sum_middle(Out* out, const T* x, MiddleShape s, double divisor) {
  if (plain_kernels()) return plain::sum_middle(out, x, s.outer, s.length, s.inner, divisor);
  if constexpr (!std::is_floating_point_v<T>) {
    for_each_line(x, s, [=](Line<T> line, int64_t at) {
      uint64_t total = 0;  // wraps around
      for (int64_t i = 0; i < line.length; ++i) total += static_cast<uint64_t>(line[i]);
      out[at] = static_cast<Out>(total);
    });
  } else {
    sum_terms<Itself>(out, x, s, divisor);
  }
}

template <class T>
void sum_squares(double* out, const T* x, MiddleShape s) {
  if (plain_kernels()) return plain::sum_squares(out, x, s.outer, s.length, s.inner);
  sum_terms<Square>(out, x, s, 1);
}

template void sum_middle(float*, const float*, MiddleShape, double);
template void sum_middle(double*, const float*, MiddleShape, double);
template void sum_middle(float*, const double*, MiddleShape, double);
template void sum_middle(double*, const double*, MiddleShape, double);
template void sum_middle(int64_t*, const int64_t*, MiddleShape, double);
template void sum_squares(double*, const float*, MiddleShape);
template void sum_squares(double*, const double*, MiddleShape);

}  // namespace norma::kernels
