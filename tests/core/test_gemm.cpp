// The matrix product against its plain twin in float64: every layout, edges of tiles, strips,
// panels and blocks.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "norma/core/kernels/gemm.h"
#include "norma/core/kernels/matmul.h"
#include "norma/core/kernels/plain/matmul.h"
#include "norma/core/random.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;
using kernels::matmul, kernels::parallel_matmul;

namespace {

struct Case {
  bool trans_a, trans_b;
  int64_t m, n, k;
  bool start = false, gaps = false;
};

std::string describe(const Case& c) {
  return std::to_string(c.m) + " x " + std::to_string(c.n) + " x " + std::to_string(c.k) +
         (c.trans_a ? " A transposed" : "") + (c.trans_b ? " B transposed" : "") +
         (c.start ? " start" : "") + (c.gaps ? " gaps" : "");
}

constexpr double kUntouched = 77;

template <class T>
struct Operands {
  int64_t lda, ldb, ldc;
  std::vector<T> a, b, start, c;

  Operands(const Case& s, Generator& random)
      : lda((s.trans_a ? s.m : s.k) + (s.gaps ? 3 : 0)),
        ldb((s.trans_b ? s.k : s.n) + (s.gaps ? 5 : 0)),
        ldc(s.n + (s.gaps ? 7 : 0)) {
    const auto fill = [&](std::vector<T>& x, int64_t size) {
      x.resize(static_cast<std::size_t>(size));
      for (T& value : x) value = static_cast<T>(random.uniform() - 0.5);
    };
    // Not an element more than the matrices have: a sanitizer sees what is read behind them.
    fill(a, lda * ((s.trans_a ? s.k : s.m) - 1) + (s.trans_a ? s.m : s.k));
    fill(b, ldb * ((s.trans_b ? s.n : s.k) - 1) + (s.trans_b ? s.k : s.n));
    fill(start, s.n);
    c.assign(static_cast<std::size_t>(ldc * (s.m - 1) + s.n), static_cast<T>(kUntouched));
  }
};

/// A product of the operands' values, or of their magnitudes, by the plain kernel in double.
template <class T>
std::vector<double> plain_product(const Case& s, const Operands<T>& o, bool magnitudes) {
  const auto doubles = [&](const std::vector<T>& values) {
    std::vector<double> out(values.begin(), values.end());
    for (double& value : out) value = magnitudes ? std::fabs(value) : value;
    return out;
  };
  const std::vector<double> a = doubles(o.a), b = doubles(o.b), start = doubles(o.start);
  std::vector<double> c(o.c.size());
  kernels::plain::multiply<double>({s.trans_a, s.trans_b, s.m, s.n, s.k, a.data(), o.lda, b.data(),
                                    o.ldb, s.start ? start.data() : nullptr, c.data(), o.ldc});
  return c;
}

/// "" when C is right, else the first wrong element. Every sum's bound is its length times the unit
/// roundoff times the sum of magnitudes.
template <class T>
std::string wrong_element(const Case& s, const Operands<T>& o) {
  const double unit = std::is_same_v<T, float> ? 0x1p-24 : 0x1p-53;
  const auto want = plain_product(s, o, false), magnitude = plain_product(s, o, true);
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      const auto at = static_cast<std::size_t>(i * o.ldc + j);
      const auto got = static_cast<double>(o.c[at]);
      const double bound = static_cast<double>(s.k + 2) * unit * magnitude[at];
      if (!(std::fabs(got - want[at]) <= bound)) {
        return "(" + std::to_string(i) + ", " + std::to_string(j) + "): got " +
               std::to_string(got) + ", want " + std::to_string(want[at]);
      }
    }
    for (int64_t j = s.n; i + 1 < s.m && j < o.ldc; ++j) {
      if (static_cast<double>(o.c[static_cast<std::size_t>(i * o.ldc + j)]) != kUntouched) {
        return "written behind row " + std::to_string(i);
      }
    }
  }
  return "";
}

template <class T>
void run(const Case& s, Operands<T>& o, bool parallel) {
  const auto product = parallel ? parallel_matmul<T> : matmul<T>;
  product({s.trans_a, s.trans_b, s.m, s.n, s.k, o.a.data(), o.lda, o.b.data(), o.ldb,
           s.start ? o.start.data() : nullptr, o.c.data(), o.ldc});
}

template <class T>
void check(const Case& s, Generator& random) {
  INFO(describe(s));
  Operands<T> o(s, random);
  run(s, o, false);
  CHECK(wrong_element(s, o) == "");
}

}  // namespace

TEST_CASE("products of every layout around the borders of tiles and blocks") {
  Generator random(1);
  // Large enough for the register tiles of every processor, then too small for any.
  const Case shapes[] = {
      {false, false, 64, 128, 128}, {false, false, 65, 129, 209}, {false, false, 9, 1037, 130},
      {false, false, 257, 47, 100}, {false, false, 271, 64, 61},  {false, false, 10, 1030, 417},
      {false, false, 300, 17, 208}, {false, false, 1, 40, 30},    {false, false, 7, 5, 1},
      {false, false, 13, 16, 2},    {false, false, 8, 48, 9},     {false, false, 40, 50, 1}};
  for (Case s : shapes) {
    for (const int layout : {0, 1, 2, 3}) {
      s.trans_a = layout % 2 == 1;
      s.trans_b = layout / 2 == 1;
      for (const int extra : {0, 1, 2, 3}) {
        s.start = extra % 2 == 1;
        s.gaps = extra / 2 == 1;
        check<float>(s, random);
      }
      check<double>(s, random);
    }
  }
}

TEST_CASE("products whose rows lie whole pages apart") {
  Generator random(2);
  for (const int layout : {0, 1, 2, 3}) {
    const bool trans_a = layout % 2 == 1, trans_b = layout / 2 == 1;
    check<float>({trans_a, trans_b, 32, 1024, 64, true}, random);
    check<float>({trans_a, trans_b, 1024, 32, 64}, random);
    check<float>({trans_a, trans_b, 40, 48, 1024}, random);
  }
}

TEST_CASE("thin products: every number of rows or columns, terms around whole vectors and chains") {
  Generator random(4);
  for (const int64_t few : {1, 2, 3, 4, 5, 7, 8}) {
    for (const int64_t many : {1, 3, 8, 15, 33, 600}) {
      for (const int64_t terms : {1, 5, 16, 19, 259, 4099}) {
        if (few * many * terms > 2'000'000) continue;
        for (const int layout : {0, 1, 2, 3}) {
          Case s{layout % 2 == 1, layout / 2 == 1, few, many, terms};
          s.start = (few + terms) % 2 == 0;
          s.gaps = (many + layout) % 2 == 0;
          check<float>(s, random);
          check<double>(s, random);
          std::swap(s.m, s.n);
          check<float>(s, random);
          check<double>(s, random);
        }
      }
    }
  }
}

TEST_CASE("an infinity stays in its row or column of a thin product") {
  // 8 + 3 terms: the last vector overlaps the one before it.
  const std::vector<float> ones(11, 1.0F);
  for (const bool trans_b : {false, true}) {
    std::vector<float> b(11 * 20, 1.0F), c(20);
    const std::size_t row = trans_b ? 11 : 1, column = trans_b ? 1 : 20;
    b[5 * row + 9 * column] = std::numeric_limits<float>::infinity();
    matmul<float>({false, trans_b, 1, 20, 11, ones.data(), 11, b.data(), trans_b ? 11 : 20, nullptr,
                   c.data(), 20});
    for (std::size_t j = 0; j < 20; ++j)
      CHECK(c[j] == (j == 5 ? std::numeric_limits<float>::infinity() : 11.0F));
  }
}

/// The weight unpacked, at its second use, and kept: all of them right, and of the same bits.
template <class T>
void check_layer(const Case& s, Generator& random) {
  INFO(describe(s));
  Operands<T> o(s, random);
  const auto weight = Ref<Storage>::make(o.b.size() * sizeof(T));
  T* const b = static_cast<T*>(weight->data());
  std::copy(o.b.begin(), o.b.end(), b);
  std::vector<T> first;
  for (const int threads : {1, 2, 4}) {
    const ThreadCount guard(threads);
    for (int use = 0; use < 3; ++use) {
      std::fill(o.c.begin(), o.c.end(), static_cast<T>(kUntouched));
      kernels::layer_product<T>({s.trans_a, s.trans_b, s.m, s.n, s.k, o.a.data(), o.lda, b, o.ldb,
                                 s.start ? o.start.data() : nullptr, o.c.data(), o.ldc},
                                weight.get());
      CHECK(wrong_element(s, o) == "");
      if (first.empty()) first = o.c;
      if (kernels::own_products() || simd_level() != SimdLevel::Baseline) CHECK(o.c == first);
    }
  }
}

TEST_CASE("products of a layer, its weight packed or not") {
  Generator random(5);
#ifdef NORMA_SANITIZE
  const std::vector<int64_t> heights{1, 2, 3, 5, 9}, widths{1, 16, 33, 56, 97, 130};
#else
  const std::vector<int64_t> heights{1, 2, 3, 4, 5, 6, 7, 8, 9, 37, 70};
  const std::vector<int64_t> widths{1, 7, 8, 16, 24, 32, 33, 48, 56, 96, 97, 130, 200, 400};
#endif
  for (const int64_t rows : heights) {
    for (const int64_t columns : widths) {
      for (const int64_t terms : {1, 30, 209}) {
        Case s{false, true, rows, columns, terms};
        s.start = (rows + columns) % 2 == 0;
        s.gaps = (columns + terms) % 3 == 0;
        check_layer<float>(s, random);
        if (rows % 4 == 1) check_layer<double>(s, random);
      }
    }
  }
  // Cut for threads, or for the caches, within the last few vectors.
  for (const int64_t columns : {52, 100, 148}) {
    for (const int64_t rows : {2, 16}) {
      check_layer<float>({false, true, rows, columns, 2048}, random);
      check_layer<double>({false, true, rows, columns, 2048}, random);
    }
  }
  check_layer<float>({false, true, 40, 22'180, 3}, random);
  check_layer<float>({false, true, 300, 1100, 450, true}, random);
  check_layer<float>({false, true, 2, 2100, 450, true}, random);
  check_layer<double>({false, true, 40, 1100, 300, true}, random);
}

TEST_CASE("a product of no terms is its start") {
  std::vector<float> start{1, 2, 3, 4}, c(12, 9), nothing(1);
  for (const bool parallel : {false, true}) {
    (parallel ? parallel_matmul<float> : matmul<float>)({false, false, 3, 4, 0, nothing.data(), 1,
                                                         nothing.data(), 4, start.data(), c.data(),
                                                         4});
    CHECK(c == std::vector<float>{1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4});
  }
  matmul<float>(
      {false, false, 3, 4, 0, nothing.data(), 1, nothing.data(), 4, nullptr, c.data(), 4});
  CHECK(c == std::vector<float>(12, 0.0F));
}

TEST_CASE("a large product is the same to the last digit on any number of threads") {
  if (plain_kernels() || (simd_level() == SimdLevel::Baseline && !kernels::own_products())) {
    WARN("skipped: OpenBLAS's sums depend on how the product is split");
    return;
  }
  Generator random(3);
  for (const Case& s : {Case{false, true, 64, 128, 784, true}, Case{true, false, 128, 784, 64},
                        Case{false, false, 250, 100, 300}, Case{false, true, 272, 40, 300, true},
                        Case{true, true, 1000, 33, 129}, Case{false, true, 3, 3001, 400, true},
                        Case{false, false, 1, 2999, 700}, Case{true, true, 7001, 2, 300, true},
                        Case{false, true, 8, 1001, 300}}) {
    INFO(describe(s));
    Operands<float> o(s, random);
    run(s, o, false);
    const std::vector<float> alone = o.c;
    CHECK(wrong_element(s, o) == "");
    for (const int threads : {1, 2, 3, 5}) {
      const ThreadCount guard(threads);
      INFO(threads << " threads");
      std::fill(o.c.begin(), o.c.end(), static_cast<float>(kUntouched));
      run(s, o, true);
      CHECK(std::memcmp(o.c.data(), alone.data(), alone.size() * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("products of one term are sums that begin with 0, however many rows there are") {
  const std::vector<float> a(300, -1.0F), b(64, 0.0F);
  for (const int64_t rows : {1, 3, 300}) {
    INFO(rows);
    std::vector<float> c(static_cast<std::size_t>(rows) * b.size(), 7.0F);
    matmul<float>({false, false, rows, 64, 1, a.data(), 1, b.data(), 64, nullptr, c.data(), 64});
    const auto is_plus_zero = [](float value) { return value == 0 && !std::signbit(value); };
    CHECK(std::all_of(c.begin(), c.end(), is_plus_zero));
  }
}
