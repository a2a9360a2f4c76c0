// Fast kernels of pooling, padding, losses, softmax, sums, embedding, dropout and of functions of
// single elements beside their plain twins. Index rules that both share, and functions that are the
// same in double, are held to PyTorch's numbers (tests/parity).
#include <norma/norma.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "norma/core/kernels/dropout.h"
#include "norma/core/kernels/embedding.h"
#include "norma/core/kernels/extremum.h"
#include "norma/core/kernels/loss/class_loss.h"
#include "norma/core/kernels/loss/pointwise_loss.h"
#include "norma/core/kernels/pad.h"
#include "norma/core/kernels/plain/dropout.h"
#include "norma/core/kernels/plain/elementwise.h"
#include "norma/core/kernels/plain/embedding.h"
#include "norma/core/kernels/plain/loss.h"
#include "norma/core/kernels/plain/pad.h"
#include "norma/core/kernels/plain/pointwise_loss.h"
#include "norma/core/kernels/plain/pool.h"
#include "norma/core/kernels/plain/reduce.h"
#include "norma/core/kernels/plain/softmax.h"
#include "norma/core/kernels/pool/avg_pool.h"
#include "norma/core/kernels/pool/max_pool.h"
#include "norma/core/kernels/reduce.h"
#include "norma/core/kernels/softmax.h"
#include "norma/tests/support/catch.h"

using namespace norma;
using namespace norma::kernels;

namespace {

template <class T>
using Values = std::vector<T>;

template <class T>
Values<T> room(int64_t count) {
  return Values<T>(static_cast<std::size_t>(count), T(-77));
}

/// Numbers in (-3, 3), some of them equal.
template <class T>
Values<T> numbers(int64_t count, double next = 1) {
  Values<T> values = room<T>(count);
  for (T& value : values) {
    next = std::fmod(next * 1.37 + 0.7123, 6.0);
    const double number = std::round((next - 3) * 64) / 64;
    value = static_cast<T>(std::is_integral_v<T> ? std::fabs(number) : number);
  }
  return values;
}

/// The largest difference, in units of the last place of the largest number.
template <class T>
double difference(const Values<T>& got, const Values<T>& want) {
  REQUIRE(got.size() == want.size());
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    largest = std::fmax(largest, std::fabs(double(want[i])));
    const double error = std::fabs(double(got[i]) - double(want[i]));
    worst = std::isnan(error) ? error : std::fmax(worst, error);
  }
  if (largest == 0) return worst == 0 ? 0 : std::numeric_limits<double>::infinity();
  return worst / (largest * double(std::numeric_limits<T>::epsilon()));
}
constexpr double kFew = 8;  // sums in another order

Pool2dShape pool_shape(int64_t in_h, int64_t in_w, int64_t kernel, int64_t stride, int64_t pad,
                       int64_t dilation) {
  const auto count = [=](int64_t in) {
    return (in + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
  };
  return {.planes = 3,
          .in_h = in_h,
          .in_w = in_w,
          .out_h = count(in_h),
          .out_w = count(in_w),
          .kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .pad_h = pad,
          .pad_w = pad,
          .dilation_h = dilation,
          .dilation_w = dilation};
}
const std::vector<Pool2dShape> kPools{
    pool_shape(8, 10, 2, 2, 0, 1),  pool_shape(7, 141, 2, 2, 0, 1), pool_shape(9, 11, 3, 1, 1, 1),
    pool_shape(12, 13, 3, 2, 1, 1), pool_shape(12, 21, 3, 2, 1, 1), pool_shape(14, 15, 3, 3, 1, 2)};
const Pool2dShape kLines{12, 1, 24, 1, 12, 1, 2, 1, 2, 0, 0, 1, 1};  // filled by their windows

int64_t in_size(const Pool2dShape& s) { return s.planes * s.in_h * s.in_w; }
int64_t out_size(const Pool2dShape& s) { return s.planes * s.out_h * s.out_w; }

template <class T, class Index>
void check_max_pool(const Pool2dShape& s) {
  const Values<T> x = numbers<T>(in_size(s)), dy = numbers<T>(out_size(s), 2);
  Values<T> y = room<T>(out_size(s)), values = y, want = y;
  Values<Index> cells = room<Index>(out_size(s)), want_cells = cells;
  max_pool_forward(s, x.data(), y.data(), cells.data());
  max_pool_forward<T, Index>(s, x.data(), values.data(), nullptr);
  plain::max_pool_forward(s, x.data(), want.data(), want_cells.data());
  CHECK(y == want);
  CHECK(values == want);
  CHECK(cells == want_cells);
  Values<T> dx = room<T>(in_size(s)), want_dx = dx;
  max_pool_backward(s, dy.data(), cells.data(), dx.data());
  plain::max_pool_backward(s, dy.data(), cells.data(), want_dx.data());
  CHECK(difference(dx, want_dx) < kFew);
}

const std::vector<ClassShape> kClasses{{5, 4, 1},    {3, 70, 1},   {2, 5, 6},   {2, 21, 37},
                                       {1, 140, 20}, {2, 5000, 1}, {2, 2, 40},  {1, 3, 33},
                                       {40, 12, 1},  {19, 41, 1},  {1, 170, 20}};

template <class T>
struct Softmaxed {
  Values<T> memory;
  SoftmaxRows<T> rows;
  explicit Softmaxed(ClassShape s)
      : memory(room<T>(SoftmaxRows<T>::size(s))), rows(memory.data(), s) {}
};

}  // namespace

TEMPLATE_TEST_CASE("max pooling and its plain twin", "", float, double) {
  check_max_pool<TestType, uint8_t>(kLines);
  for (const Pool2dShape& s : kPools) check_max_pool<TestType, uint8_t>(s);
  for (const Pool2dShape& s : kPools) check_max_pool<TestType, int32_t>(s);
}

TEMPLATE_TEST_CASE("average pooling and its plain twin", "", float, double) {
  using T = TestType;
  for (const Pool2dShape& s : kPools) {
    if (s.dilation_h > 1) continue;
    const Values<T> x = numbers<T>(in_size(s)), dy = numbers<T>(out_size(s), 2);
    Values<T> y = room<T>(out_size(s)), want = y, dx = room<T>(in_size(s)), want_dx = dx;
    for (const AvgPoolRule& rule : {AvgPoolRule{true, 0}, {false, 0}, {true, 7}}) {
      avg_pool_forward(s, rule, x.data(), y.data());
      plain::avg_pool_forward(s, rule, x.data(), want.data());
      CHECK(difference(y, want) < kFew);
      avg_pool_backward(s, rule, dy.data(), dx.data());
      plain::avg_pool_backward(s, rule, dy.data(), want_dx.data());
      CHECK(difference(dx, want_dx) < kFew);
    }
    adaptive_avg_pool_forward(s, x.data(), y.data());
    plain::adaptive_avg_pool_forward(s, x.data(), want.data());
    CHECK(difference(y, want) < kFew);
    adaptive_avg_pool_backward(s, dy.data(), dx.data());
    plain::adaptive_avg_pool_backward(s, dy.data(), want_dx.data());
    CHECK(difference(dx, want_dx) < kFew);
  }
  for (const int64_t side : {1, 3, 7, 40}) {  // one value for the whole image
    const Pool2dShape s{3, side, side + 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1};
    const Values<T> x = numbers<T>(in_size(s)), dy = numbers<T>(3, 2);
    Values<T> y = room<T>(3), want = y, dx = room<T>(in_size(s)), want_dx = dx;
    adaptive_avg_pool_forward(s, x.data(), y.data());
    plain::adaptive_avg_pool_forward(s, x.data(), want.data());
    CHECK(difference(y, want) < (side == 40 ? 64 : kFew));  // a long sum, reordered
    adaptive_avg_pool_backward(s, dy.data(), dx.data());
    plain::adaptive_avg_pool_backward(s, dy.data(), want_dx.data());
    CHECK(difference(dx, want_dx) < kFew);
  }
}

TEMPLATE_TEST_CASE("copies whose elements lie side by side along another dimension", "", float,
                   double, int64_t, uint8_t) {
  using T = TestType;
  for (const Shape& sizes : {Shape{3, 37, 18, 2}, {5, 4, 70}, {16, 16}, {300, 65}, {4, 1, 33}}) {
    const Tensor x = arange(sizes.numel()).to(dtype_of<T>).reshape(sizes);
    std::vector<int64_t> order(static_cast<std::size_t>(sizes.size()));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
    do {
      const Tensor moved = x.permute(order), copied = moved.contiguous();
      // Element by element, from the strides.
      const T *from = x.data_ptr<T>(), *to = copied.data_ptr<T>();
      bool same = copied.sizes() == moved.sizes();
      for (int64_t i = 0; same && i < x.numel(); ++i) {
        int64_t rest = i, at = 0;
        for (int64_t d = moved.dim() - 1; d >= 0; --d) {
          at += rest % moved.size(d) * moved.strides()[d];
          rest /= moved.size(d);
        }
        same = to[i] == from[at];
      }
      CHECK(same);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEMPLATE_TEST_CASE("padding and its plain twin", "", float, double) {
  using T = TestType;
  for (const Border border :
       {Border::Zeros, Border::Reflect, Border::Replicate, Border::Circular}) {
    const Pad2dShape s{2, 5, 6, 3, 1, 0, 4, border};
    const int64_t in = 2 * 5 * 6, out = 2 * s.out_h() * s.out_w();
    const Values<T> x = numbers<T>(in), dy = numbers<T>(out, 2);
    Values<T> y = room<T>(out), want = y, dx = room<T>(in), want_dx = dx;
    pad2d_forward(s, x.data(), y.data());
    plain::pad2d_forward(s, x.data(), want.data());
    CHECK(y == want);
    pad2d_backward(s, dy.data(), dx.data());
    plain::pad2d_backward(s, dy.data(), want_dx.data());
    CHECK(difference(dx, want_dx) < kFew);
  }
}

const std::vector<MiddleShape> kMiddles{{7, 5, 1},   {2, 3000, 1}, {3, 7, 4},    {1, 1, 1},
                                        {3, 5, 16},  {2, 9, 71},   {1, 1, 40},   {150, 35, 1},
                                        {67, 40, 1}, {9, 41, 1},   {1, 150, 66}, {2, 300, 20}};

TEMPLATE_TEST_CASE("softmax and its plain twin", "", float, double) {
  using T = TestType;
  for (const MiddleShape& s : kMiddles) {
    const int64_t count = s.lines() * s.length;
    const double few = sizeof(T) == 8 && s.length > 1000 ? 64 : kFew;  // long sums, reordered
    const Values<T> x = numbers<T>(count), dy = numbers<T>(count, 2);
    for (const bool log : {false, true}) {
      Values<T> y = room<T>(count), want = y, dx = y, want_dx = y;
      softmax_forward(s, log, x.data(), y.data());
      plain::softmax_forward(s.outer, s.length, s.inner, log, x.data(), want.data());
      CHECK(difference(y, want) < few);
      softmax_backward(s, log, dy.data(), y.data(), dx.data());
      plain::softmax_backward(s.outer, s.length, s.inner, log, dy.data(), y.data(), want_dx.data());
      CHECK(difference(dx, want_dx) < few);
    }
  }
}

TEMPLATE_TEST_CASE("a line's softmax does not depend on its company", "", float, double) {
  using T = TestType;
  for (const int64_t length : {1, 5, 21, 100, 1100}) {
    for (const int64_t inner : {1, 3, 8, 20, 64, 70}) {
      const int64_t size = length * inner;
      const Values<T> x = numbers<T>(5 * size), dy = numbers<T>(5 * size, 2);
      for (const bool log : {false, true}) {
        Values<T> y = room<T>(5 * size), one = y, dx = y, own = y;
        softmax_forward({5, length, inner}, log, x.data(), y.data());
        softmax_backward({5, length, inner}, log, dy.data(), y.data(), dx.data());
        for (int64_t at = 0; at < 5 * size; at += size) {
          softmax_forward({1, length, inner}, log, x.data() + at, one.data() + at);
          softmax_backward({1, length, inner}, log, dy.data() + at, y.data() + at, own.data() + at);
        }
        CHECK((y == one && dx == own));
      }
    }
  }
}

/// Lines of every way of summing, and of finding extrema.
std::vector<MiddleShape> line_shapes() {
  return {{1, 40'000, 1}, {9, 100, 1},   {7, 5, 1},    {6, 49, 1}, {3, 33'000, 1}, {1, 50, 70},
          {3, 20, 33},    {2, 9, 2},     {1, 300, 10}, {5, 1, 17}, {2, 3, 1500},   {2, 0, 3},
          {4, 64, 1},     {1, 31, 1029}, {33, 15, 1},  {2, 17, 1}};
}

TEMPLATE_TEST_CASE("sums and their plain twin", "", float, double, int64_t) {
  using T = TestType;
  for (const MiddleShape& s : line_shapes()) {
    const Values<T> x = numbers<T>(s.lines() * s.length);
    Values<T> sum = room<T>(s.lines()), want = sum;
    const double divisor = std::is_floating_point_v<T> ? 3 : 1;
    sum_middle(sum.data(), x.data(), s, divisor);
    plain::sum_middle(want.data(), x.data(), s.outer, s.length, s.inner, divisor);
    if constexpr (std::is_floating_point_v<T>) {
      CHECK(difference(sum, want) < kFew);
      Values<double> wide = room<double>(s.lines()), want_wide = wide;
      sum_squares(wide.data(), x.data(), s);
      plain::sum_squares(want_wide.data(), x.data(), s.outer, s.length, s.inner);
      CHECK(difference(wide, want_wide) < 8 * kFew);
      sum_middle(wide.data(), x.data(), s, divisor);
      for (std::size_t i = 0; i < wide.size(); ++i) CHECK(static_cast<T>(wide[i]) == sum[i]);
    } else {
      CHECK(sum == want);
    }
  }
}

TEMPLATE_TEST_CASE("a line's sum does not depend on its company", "", float, double) {
  using T = TestType;
  for (const int64_t length : {1, 7, 15, 16, 49, 64, 100, 1000, 16'384, 16'385, 50'000}) {
    const Values<T> x = numbers<T>(7 * length);
    Values<T> together = room<T>(7), alone = together;
    Values<double> squares = room<double>(7), own = squares;
    sum_middle(together.data(), x.data(), {7, length, 1});
    sum_squares(squares.data(), x.data(), {7, length, 1});
    for (int64_t i = 0; i < 7; ++i) {
      sum_middle(alone.data() + i, x.data() + i * length, {1, length, 1});
      sum_squares(own.data() + i, x.data() + i * length, {1, length, 1});
    }
    CHECK((together == alone && squares == own));
  }
}

TEMPLATE_TEST_CASE("places of extrema and their plain twin", "", float, double, int64_t, uint8_t) {
  using T = TestType;
  for (const MiddleShape& s : line_shapes()) {
    if (s.length == 0) continue;
    Values<T> x = numbers<T>(s.lines() * s.length);
    for (const bool with_nan : {false, std::is_floating_point_v<T>}) {
      for (std::size_t i = 5; with_nan && i < x.size(); i += 131)
        x[i] = std::numeric_limits<T>::quiet_NaN();
      for (const bool largest : {false, true}) {
        Values<int64_t> found = room<int64_t>(s.lines()), want = found;
        extreme_position(found.data(), x.data(), s, largest);
        plain::extreme_position(want.data(), x.data(), s.outer, s.length, s.inner, largest);
        CHECK(found == want);
      }
    }
  }
}

TEMPLATE_TEST_CASE("rows of a table and their plain twin", "", float, double) {
  using T = TestType;
  const int64_t rows = 6, width = 39, count = 11;
  const std::vector<int64_t> index{3, 0, 5, 3, 3, 1, 0, 5, 2, 3, 1};
  const Values<T> table = numbers<T>(rows * width), from = numbers<T>(count * width, 2);
  Values<T> picked = room<T>(count * width), want = picked;
  pick_rows(table.data(), index.data(), count, width, picked.data());
  plain::pick_rows(table.data(), index.data(), count, width, want.data());
  CHECK(picked == want);
  for (const bool by_frequency : {false, true}) {
    Values<T> sum = room<T>(rows * width), want_sum = sum;
    add_to_rows(from.data(), index.data(), count, rows, width, by_frequency, 5, sum.data());
    plain::add_to_rows(from.data(), index.data(), count, rows, width, by_frequency, 5,
                       want_sum.data());
    CHECK(difference(sum, want_sum) < kFew);
  }
  const double inf = std::numeric_limits<double>::infinity();
  for (const double p : {2.0, 1.0, 0.0, 3.5, -1.0, inf, -inf}) {
    for (const double most : {0.5, 1e6}) {
      Values<T> limited = table, want_limited = table;
      const bool changed =
          limit_norms(limited.data(), width, 1, index.data() + 7, 3, width, most, p);
      CHECK(changed ==
            plain::limit_norms(want_limited.data(), width, 1, index.data() + 7, 3, width, most, p));
      CHECK(difference(limited, want_limited) < kFew);
    }
  }
}

TEMPLATE_TEST_CASE("dropout and its plain twin", "", float, double) {
  using T = TestType;
  const int64_t count = 1000;
  const Values<T> x = numbers<T>(count);
  Values<uint8_t> mask = room<uint8_t>(count), want_mask = mask;
  Values<T> y = room<T>(count), want = y;
  random_mask(count, 0.3, {7, 12}, mask.data());
  plain::random_mask(count, 0.3, 7, 12, want_mask.data());
  CHECK(mask == want_mask);
  for (const int64_t rows : {count, count / 8}) {
    apply_mask(rows, count / rows, x.data(), mask.data(), 1.25, y.data());
    plain::apply_mask(rows, count / rows, x.data(), mask.data(), 1.25, want.data());
    CHECK(y == want);
  }
  dropout_forward(count, x.data(), 0.3, {7, 12}, 1.25, mask.data(), y.data());
  plain::apply_mask(count, 1, x.data(), want_mask.data(), 1.25, want.data());
  CHECK(mask == want_mask);
  CHECK(y == want);
}

TEMPLATE_TEST_CASE("losses over classes and their plain twin", "", float, double) {
  using T = TestType;
  for (const ClassShape& s : kClasses) {
    const double few = sizeof(T) == 8 && s.classes > 1000 ? 256 : kFew;  // long sums, reordered
    const int64_t count = s.rows() * s.classes;
    const Values<T> x = numbers<T>(count);
    Values<T> q = numbers<T>(count, 3), w = numbers<T>(s.classes, 4);
    for (T& value : q) value = std::fabs(value);
    for (T& value : w) value = std::fabs(value);
    const Values<T> g = numbers<T>(s.rows(), 5);
    std::vector<int64_t> index;
    for (int64_t r = 0; r < s.rows(); ++r) index.push_back(r % 4 == 3 ? -100 : r * 7 % s.classes);

    Softmaxed<T> softmax(s), want_softmax(s);
    softmax_rows(s, x.data(), softmax.rows);
    plain::softmax_rows(s, x.data(), want_softmax.rows);
    const Values<T> exps(softmax.rows.exps, softmax.rows.exps + count);
    const Values<T> want_exps(want_softmax.rows.exps, want_softmax.rows.exps + count);
    CHECK(difference(exps, want_exps) < few);

    Values<T> loss = room<T>(s.rows()), want = loss, dx = room<T>(count), want_dx = dx;
    Values<T> dq = dx, want_dq = dx;
    for (const LossGradient<T>& slope : {LossGradient<T>{g.data(), 1, 1.0}, {g.data(), 0, 0.25}}) {
      for (const T* weight : std::initializer_list<const T*>{nullptr, w.data()}) {
        for (const double smoothing : {0.0, 0.1}) {
          const ClassTargets<T> targets{index.data(), weight, -100, smoothing};
          cross_entropy_forward(s, x.data(), softmax.rows, targets, loss.data());
          plain::cross_entropy_forward(s, x.data(), softmax.rows, targets, want.data());
          CHECK(difference(loss, want) < few);
          cross_entropy_backward(s, softmax.rows, targets, slope, dx.data());
          plain::cross_entropy_backward(s, softmax.rows, targets, slope, want_dx.data());
          CHECK(difference(dx, want_dx) < few);

          const SoftTargets<T> soft{q.data(), weight, smoothing};
          soft_cross_entropy_forward(s, x.data(), softmax.rows, soft, loss.data());
          plain::soft_cross_entropy_forward(s, x.data(), softmax.rows, soft, want.data());
          CHECK(difference(loss, want) < few);
          soft_cross_entropy_backward(s, x.data(), softmax.rows, soft, slope, dx.data(), dq.data());
          plain::soft_cross_entropy_backward(s, x.data(), softmax.rows, soft, slope, want_dx.data(),
                                             want_dq.data());
          CHECK(difference(dx, want_dx) < few);
          CHECK(difference(dq, want_dq) < few);
        }
        const ClassTargets<T> targets{index.data(), weight, -100, 0.0};
        nll_forward(s, x.data(), targets, loss.data());
        plain::nll_forward(s, x.data(), targets, want.data());
        CHECK(difference(loss, want) < few);
        nll_backward(s, targets, slope, dx.data());
        plain::nll_backward(s, targets, slope, want_dx.data());
        CHECK(difference(dx, want_dx) < few);
      }
    }
  }
}

TEMPLATE_TEST_CASE("losses of one input and one target each and their plain twin", "", float,
                   double) {
  using T = TestType;
  for (const int64_t count : {1, 100, 20'000}) {
    const Values<T> x = numbers<T>(count), t = numbers<T>(count, 2), w = numbers<T>(count, 3),
                    p = numbers<T>(count, 4), g = numbers<T>(count, 5);
    for (const PointwiseInputs<T>& in : {PointwiseInputs<T>{x.data(), t.data(), nullptr, nullptr},
                                         {x.data(), t.data(), w.data(), nullptr},
                                         {x.data(), t.data(), w.data(), p.data()}}) {
      for (const PointwiseLoss kind :
           {PointwiseLoss::Squared, PointwiseLoss::Absolute, PointwiseLoss::Logistic}) {
        if (in.weight && kind != PointwiseLoss::Logistic) continue;
        Values<T> loss = room<T>(count), want = loss, dx = loss, want_dx = loss, dt = loss,
                  want_dt = loss;
        pointwise_loss(kind, count, in, loss.data());
        plain::pointwise_loss(kind, count, in, want.data());
        CHECK(difference(loss, want) < kFew);
        const Values<T> sum{static_cast<T>(pointwise_loss_sum(kind, count, in))};
        const Values<T> want_sum{static_cast<T>(plain::pointwise_loss_sum(kind, count, in))};
        CHECK(difference(sum, want_sum) < 64);  // the terms are rounded to T
        for (const LossGradient<T>& slope :
             {LossGradient<T>{g.data(), 1, 1.0}, {g.data(), 0, 0.5}}) {
          pointwise_loss_backward(kind, count, in, slope, dx.data(), dt.data());
          plain::pointwise_loss_backward(kind, count, in, slope, want_dx.data(), want_dt.data());
          CHECK(difference(dx, want_dx) < kFew);
          CHECK(difference(dt, want_dt) < kFew);
        }
      }
    }
  }
}

namespace {

/// An operation, its definition, and its gradient's, given dy and x.
struct ElementFunction {
  Tensor (*fast)(const Tensor&);
  double (*plain)(double);
  double (*gradient)(double, double);
};
const ElementFunction kFunctions[] = {
    {[](const Tensor& x) { return x.exp(); }, plain::exp,
     [](double dy, double x) { return dy * plain::exp(x); }},
    {[](const Tensor& x) { return x.abs().add(0.5).log(); },
     [](double x) { return plain::log(std::fabs(x) + 0.5); },
     [](double dy, double x) {
       return x == 0 ? 0 : std::copysign(dy, dy * x) / (std::fabs(x) + 0.5);
     }},
    {[](const Tensor& x) { return x.tanh(); }, plain::tanh,
     [](double dy, double x) { return plain::tanh_backward(dy, plain::tanh(x)); }},
    {[](const Tensor& x) { return x.sigmoid(); }, plain::sigmoid,
     [](double dy, double x) { return plain::sigmoid_backward(dy, plain::sigmoid(x)); }},
    {[](const Tensor& x) { return x.gelu(); }, plain::gelu, plain::gelu_backward},
    {[](const Tensor& x) { return x.gelu(true); }, plain::gelu_tanh, plain::gelu_tanh_backward}};

}  // namespace

TEMPLATE_TEST_CASE("functions of single elements and their plain twin", "", float, double) {
  using T = TestType;
  const int64_t count = 300;
  const Values<T> values = numbers<T>(count), slopes = numbers<T>(count, 2);
  const DType dtype = dtype_of<T>;
  for (const ElementFunction& function : kFunctions) {
    Tensor x = empty({count}, {.dtype = dtype}), dy = empty({count}, {.dtype = dtype});
    std::copy(values.begin(), values.end(), x.data_ptr<T>());
    std::copy(slopes.begin(), slopes.end(), dy.data_ptr<T>());
    x.requires_grad_();
    const Tensor y = function.fast(x);
    y.backward(dy);
    Values<T> want = room<T>(count), want_dx = want;
    for (std::size_t i = 0; i < want.size(); ++i) {
      want[i] = static_cast<T>(function.plain(double(values[i])));
      want_dx[i] = static_cast<T>(function.gradient(double(slopes[i]), double(values[i])));
    }
    const T *got = y.data_ptr<T>(), *dx = x.grad().template data_ptr<T>();
    CHECK(difference(Values<T>(got, got + count), want) < kFew);
    CHECK(difference(Values<T>(dx, dx + count), want_dx) < kFew);
  }
}
