// The branch-free functions against the standard library's double ones, over all of float's range.
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "norma/core/kernels/vector_math.h"
#include "norma/tests/support/catch.h"

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Distance in units of the last place of the right answer; huge when one is NaN or inf alone.
double ulps(float got, double want) {
  const float rounded = static_cast<float>(want);
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got) ? 0.0 : 1e9;
  if (std::isinf(rounded)) return got == rounded || std::fabs(got) > 3.4028e38f ? 0.0 : 1e9;
  if (std::isinf(got)) return std::fabs(want) > 3.4028234e38 ? 1.0 : 1e9;
  const int exponent = rounded == 0.0f ? -126 : std::max(std::ilogb(rounded), -126);
  return std::fabs(got - want) / std::ldexp(1.0, exponent - 23);
}

/// The sieve: every 8191st bit pattern of float, zeros, subnormals, infinities and NaNs among them.
std::vector<float> float_range() {
  constexpr uint64_t kStep = 8191;
  std::vector<float> values;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += kStep) {
    values.push_back(__builtin_bit_cast(float, static_cast<uint32_t>(bits)));
  }
  for (const float x : {0.0f, -0.0f, kInf, -kInf, kNaN, 1e-45f, 1.17549435e-38f, 3.4028235e38f,
                        -3.4028235e38f, 88.7228f, 88.7229f, -87.3365f, -103.97f, -103.98f}) {
    values.push_back(x);
  }
  return values;
}

template <class F, class G>
double worst(F function, G reference) {
  const std::vector<float> values = float_range();
  std::vector<float> results(values.size());
  const float* x = values.data();
  float* y = results.data();
  const int64_t count = static_cast<int64_t>(values.size());
  norma::simd([=]() NORMA_INLINE {
    for (int64_t i = 0; i < count; ++i) y[i] = function(x[i]);
  });
  double most = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = ulps(results[i], reference(static_cast<double>(values[i])));
    if (error > most) most = error;
  }
  return most;
}

}  // namespace

TEST_CASE("vector functions are accurate over the whole range of float") {
  CHECK(worst([](float x) NORMA_INLINE { return norma::fast_exp(x); },
              [](double x) { return std::exp(x); }) <= 0.8);
  CHECK(worst([](float x) NORMA_INLINE { return norma::fast_log(x); },
              [](double x) { return std::log(x); }) <= 1.0);
  CHECK(worst([](float x) NORMA_INLINE { return norma::fast_tanh(x); },
              [](double x) { return std::tanh(x); }) <= 0.8);
  CHECK(worst([](float x) NORMA_INLINE { return norma::fast_sigmoid(x); },
              [](double x) { return norma::fast_sigmoid(x); }) <= 0.8);
  CHECK(worst([](float x) NORMA_INLINE { return norma::fast_softplus(x); },
              [](double x) { return norma::fast_softplus(x); }) <= 2.0);
}

TEST_CASE("the normal distribution, and GELU with its slope") {
  std::vector<float> xs, distributions, gelus, slopes;
  for (float x = -14.0f; x < 14.0f; x += 0x1p-10f) xs.push_back(x);
  const std::size_t count = xs.size();
  for (auto* results : {&distributions, &gelus, &slopes}) results->resize(count);
  norma::simd([x = xs.data(), d = distributions.data(), g = gelus.data(), s = slopes.data(),
               count]() NORMA_INLINE {
    for (std::size_t i = 0; i < count; ++i) {
      d[i] = norma::fast_normal(x[i]).distribution;
      g[i] = norma::fast_gelu(x[i]);
      s[i] = norma::fast_gelu_slope(x[i]);
    }
  });
  double worst_ulps = 0, worst_of_tail = 0, worst_slope = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = xs[i], below = std::erfc(-x / std::sqrt(2.0)) / 2;
    const double slope = below + x * std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0));
    if (x >= 0) worst_ulps = std::max(worst_ulps, ulps(distributions[i], below));
    if (x >= -8.25) {
      const double errors = std::max(std::fabs(distributions[i] / below - 1),
                                     x == 0 ? 0.0 : std::fabs(gelus[i] / (x * below) - 1));
      worst_of_tail = std::max(worst_of_tail, errors);
    } else {
      CHECK(distributions[i] == 0);
    }
    worst_slope = std::max(worst_slope, std::fabs(slopes[i] - slope));
  }
  CHECK(worst_ulps <= 2.5);
  CHECK(worst_of_tail <= 8e-6);
  CHECK(worst_slope <= 2e-7);
  CHECK(norma::fast_gelu(kInf) == kInf);
  CHECK(norma::fast_gelu(-3.4e38f) == 0);
  CHECK(std::isnan(norma::fast_gelu(-kInf)));
  CHECK(std::isnan(norma::fast_gelu(kNaN)));
  CHECK(norma::fast_gelu_slope(0.0f) == 0.5f);
  CHECK(norma::fast_gelu_slope(1e30f) == 1);
}

TEST_CASE("vector functions keep their exact values and limits") {
  CHECK(norma::fast_exp(0.0f) == 1.0f);
  CHECK(norma::fast_exp(-kInf) == 0.0f);
  CHECK(norma::fast_exp(kInf) == kInf);
  CHECK(norma::fast_exp(1000.0f) == kInf);
  CHECK(std::isnan(norma::fast_exp(kNaN)));
  CHECK(norma::fast_exp(-100.0f) == Approx(3.7835e-44).epsilon(0.02));
  CHECK(norma::fast_log(1.0f) == 0.0f);
  CHECK(norma::fast_log(0.0f) == -kInf);
  CHECK(norma::fast_log(-0.0f) == -kInf);
  CHECK(norma::fast_log(kInf) == kInf);
  CHECK(std::isnan(norma::fast_log(-1.0f)));
  CHECK(norma::fast_log(1e-45f) == Approx(-103.27893).epsilon(1e-6));
  CHECK(norma::fast_tanh(kInf) == 1.0f);
  CHECK(norma::fast_tanh(-kInf) == -1.0f);
  CHECK(norma::fast_tanh(0.0f) == 0.0f);
  CHECK(std::signbit(norma::fast_tanh(-0.0f)));
  CHECK(std::isnan(norma::fast_tanh(kNaN)));
  CHECK(std::isnan(norma::fast_sigmoid(kNaN)));
  CHECK(norma::fast_sigmoid(0.0f) == 0.5f);
  CHECK(norma::fast_sigmoid(-kInf) == 0.0f);
  CHECK(norma::fast_sigmoid(kInf) == 1.0f);
  CHECK(norma::fast_softplus(-kInf) == 0.0f);
  CHECK(norma::fast_softplus(kInf) == kInf);
  CHECK(norma::fast_softplus(0.0f) == Approx(0.6931472).epsilon(1e-7));
}

TEST_CASE("vector functions are accurate over the whole range of double") {
  struct Case {
    void (*fast)(int64_t, const double*, double*);
    long double (*reference)(long double);
    double most = 2.0;  // ulp
  };
  const auto run = [](auto f) {
    return [](int64_t n, const double* x, double* y) {
      norma::simd([=]() NORMA_INLINE {
        for (int64_t i = 0; i < n; ++i) y[i] = decltype(f)()(x[i]);
      });
    };
  };
  const std::vector<Case> cases = {
      {run([](double x) NORMA_INLINE { return norma::fast_exp(x); }),
       [](long double x) { return std::exp(x); }},
      {run([](double x) NORMA_INLINE { return norma::fast_log(x); }),
       [](long double x) { return std::log(x); }},
      {run([](double x) NORMA_INLINE { return norma::fast_tanh(x); }),
       [](long double x) { return std::tanh(x); }},
      {run([](double x) NORMA_INLINE { return norma::fast_sigmoid(x); }),
       [](long double x) {
         return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
       },
       2.5},
      {run([](double x) NORMA_INLINE { return norma::fast_softplus(x); }),
       [](long double x) { return (x > 0 ? x : 0.0L) + std::log1p(std::exp(-std::fabs(x))); }, 2.5},
      {run([](double x) NORMA_INLINE { return norma::fast_normal(std::fabs(x)).distribution; }),
       [](long double x) { return std::erfc(-std::fabs(x) / std::sqrt(2.0L)) / 2; }, 2.5},
  };
  // Every 2^43rd pattern and a few more, and the usual range densely.
  std::vector<double> x = {0.0,
                           -0.0,
                           5e-324,
                           2.2250738585072014e-308,
                           1.7976931348623157e308,
                           709.782712893384,
                           709.7827128933841,
                           -708.396,
                           -745.13,
                           -745.14,
                           -746.5};
  for (uint64_t bits = 0, i = 0; i < (uint64_t{1} << 18); ++i, bits += (uint64_t{1} << 46) + 12345)
    x.push_back(__builtin_bit_cast(double, bits));
  for (double v = -40; v < 40; v += 0x1p-10 + 1e-9) x.push_back(v);
  std::vector<double> y(x.size());
  for (const Case& c : cases) {
    c.fast(static_cast<int64_t>(x.size()), x.data(), y.data());
    double worst_ulps = 0;
    INFO("function " << &c - cases.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const long double want = c.reference(static_cast<long double>(x[i]));
      const double rounded = static_cast<double>(want);
      if (std::isnan(want) || std::isinf(rounded) || rounded == 0) {
        const bool same = std::isnan(want) ? std::isnan(y[i]) : y[i] == rounded;
        const bool next = rounded == 0 ? y[i] == 5e-324 : std::fabs(y[i]) > 1.797e308;
        if (!same && !next) worst_ulps = 1e9;
        continue;
      }
      const int exponent = std::max(std::ilogb(rounded), -1022);
      const long double unit = std::ldexp(1.0L, exponent - 52);
      worst_ulps = std::max(
          worst_ulps, static_cast<double>(std::fabs(static_cast<long double>(y[i]) - want) / unit));
    }
    CHECK(worst_ulps <= c.most);
  }
  CHECK(std::signbit(norma::fast_tanh(-0.0)));
  CHECK(norma::fast_exp(0.0) == 1.0);
  CHECK(norma::fast_log(1.0) == 0.0);
}

TEST_CASE("GELU and its slope in double, the lower tail among them") {
  std::vector<double> x, gelu, slope;
  for (double v = -37; v < 37; v += 0x1p-8 + 1e-9) x.push_back(v);
  for (auto* results : {&gelu, &slope}) results->resize(x.size());
  norma::simd([in = x.data(), g = gelu.data(), s = slope.data(), n = x.size()]() NORMA_INLINE {
    for (std::size_t i = 0; i < n; ++i) {
      g[i] = norma::fast_gelu(in[i]);
      s[i] = norma::fast_gelu_slope(in[i]);
    }
  });
  double worst_ulps = 0, worst_slope = 0;  // of gelu: relative to 2 + x² / 2 units below zero
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double v = x[i], below = std::erfc(-v / std::sqrt(2.0L)) / 2;
    const long double density = std::exp(-v * v / 2) / std::sqrt(2 * std::acos(-1.0L));
    const auto error = static_cast<double>(std::fabs(gelu[i] - v * below) / std::fabs(v * below));
    worst_ulps = std::max(worst_ulps, error * 0x1p53 / (v < 0 ? 2 + x[i] * x[i] / 2 : 2));
    worst_slope =
        std::max(worst_slope, static_cast<double>(std::fabs(slope[i] - (below + v * density))));
  }
  CHECK(worst_ulps <= 2.0);
  CHECK(worst_slope <= 4e-16);
  constexpr double kFar = std::numeric_limits<double>::infinity();
  CHECK(norma::fast_gelu(kFar) == kFar);
  CHECK(norma::fast_gelu(-1e300) == 0);
  CHECK(std::isnan(norma::fast_gelu(-kFar)));
  CHECK(std::isnan(norma::fast_gelu(std::numeric_limits<double>::quiet_NaN())));
  CHECK(norma::fast_gelu_slope(0.0) == 0.5);
  CHECK(norma::fast_gelu_slope(1e300) == 1);
}

TEST_CASE("logarithms of sums of exponentials") {
  std::vector<double> sums = {1.0, 1 + 0x1p-52, 1 + 0x1p-30, std::sqrt(2.0), 3e6, 1e300}, logs;
  for (double s = 1; s < 5e3; s *= 1.0003) sums.push_back(s);
  logs.resize(sums.size());
  norma::simd([in = sums.data(), out = logs.data(), n = sums.size()]() NORMA_INLINE {
    for (std::size_t i = 0; i < n; ++i) out[i] = norma::log_of_sum<float>(in[i]);
  });
  for (std::size_t i = 0; i < sums.size(); ++i)
    CHECK(std::fabs(logs[i] - std::log(sums[i])) <= 0x1p-28 * std::log(sums[i]));
  CHECK(std::isnan(norma::log_of_sum<float>(static_cast<double>(kNaN))));
  CHECK(norma::log_of_sum<double>(2.5) == norma::fast_log(2.5));
}

TEST_CASE("the logistic function and softplus in double") {
  for (const double x : {-800.0, -40.0, -1.0, 0.0, 0.5, 40.0, 800.0}) {
    const long double e = std::exp(static_cast<long double>(x));
    CHECK(norma::fast_sigmoid(x) == Approx(static_cast<double>(e / (1 + e))).epsilon(1e-14));
    CHECK(norma::fast_softplus(x) == Approx(static_cast<double>(std::log1p(e))).epsilon(1e-14));
  }
}
