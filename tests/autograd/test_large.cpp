// Sizes at which loops are blocked, vectorised and split among threads, against plain loops in
// float64.
#include <array>
#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/tensors.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;

namespace {

/// Elements in row-major order, found by their strides: to_vector() uses operations tested here.
std::vector<double> elements(const Tensor& x) {
  std::vector<double> result;
  result.reserve(static_cast<std::size_t>(x.numel()));
  Shape at = Shape::filled(x.dim(), 0);
  for (int64_t n = 0; n < x.numel(); ++n) {
    int64_t offset = 0;
    for (int64_t i = 0; i < x.dim(); ++i) offset += at[i] * x.strides()[i];
    result.push_back(dispatch(
        x.dtype(), [&]<class T>() { return static_cast<double>(x.data_ptr<T>()[offset]); }));
    for (int64_t i = x.dim() - 1; i >= 0 && ++at[i] == x.sizes()[i]; --i) at[i] = 0;
  }
  return result;
}

/// Index into a tensor of shape `from` of element n of the shape `to` that it broadcasts to.
std::size_t broadcast_index(int64_t n, const Shape& to, const Shape& from) {
  int64_t index = 0, step = 1;
  for (int64_t i = 1; i <= from.size(); ++i) {
    const int64_t position = n % to[to.size() - i];
    n /= to[to.size() - i];
    if (from[from.size() - i] > 1) index += position * step;
    step *= from[from.size() - i];
  }
  return static_cast<std::size_t>(index);
}

Tensor numbers(const Shape& sizes, DType dtype) {
  return is_floating(dtype) ? randn(sizes, {.dtype = dtype})
                            : randint(-9, 10, sizes, {.dtype = dtype});
}

std::string binary_mismatch(const Tensor& x, const Tensor& y) {
  const Tensor sum = x + y, product = x * y, less = x < y;
  const std::vector<double> a = elements(x), b = elements(y), s = elements(sum),
                            p = elements(product), l = elements(less);
  for (int64_t n = 0; n < sum.numel(); ++n) {
    const auto i = static_cast<std::size_t>(n);
    const double u = a[broadcast_index(n, sum.sizes(), x.sizes())],
                 v = b[broadcast_index(n, sum.sizes(), y.sizes())];
    const bool single = sum.dtype() == kFloat32;
    const double add = single ? static_cast<double>(static_cast<float>(u + v)) : u + v;
    const double mul = single ? static_cast<double>(static_cast<float>(u * v)) : u * v;
    if (s[i] != add || p[i] != mul || l[i] != (u < v ? 1.0 : 0.0))
      return "element " + std::to_string(n);
  }
  return "";
}

}  // namespace

TEST_CASE("element by element, with broadcasting, in every layout") {
  manual_seed(1);
  for (int threads : {1, 3}) {
    const ThreadCount guard(threads);
    for (DType dtype : {kFloat32, kFloat64, kInt64}) {
      const auto make = [&](const Shape& sizes) { return numbers(sizes, dtype); };
      const std::vector<std::pair<Tensor, Tensor>> pairs = {
          {make({70001}), make({70001})},
          {make({70001}), make({})},
          {make({300, 301}), make({301})},
          {make({300, 301}), make({300, 1})},
          {make({300, 1}), make({1, 301})},
          {make({301, 300}).t(), make({300, 301})},
          {make({301, 300}).t(), make({301, 300}).t()},
          {make({33, 5, 90}), make({5, 1})},
          {make({7001, 10}), make({10})},
          {make({7001, 10}), make({7001, 1})},
          {make({7001, 1}), make({3})},
          {make({90, 7, 31, 3}).permute({0, 3, 1, 2}), make({90, 3, 7, 31})},
          {make({90, 2, 31, 9}).permute({0, 2, 3, 1}), make({2})},
          {make({33, 5, 90}).permute({2, 0, 1}), make({33, 1})},
          {make({150, 301}).slice(1, 1, 301, 3), make({150, 100})},
          {make({150, 301}).slice(1, 1, 301, 2), make({150, 1})},
          {make({150, 302}).slice(1, 0, 302, 2), make({151})},
          {make({9, 1, 41, 45}), make({3, 1, 45})},
          {make({30, 1, 20}), make({1, 30, 20})},
          {make({9, 40, 64}), make({9, 1, 64})},
          {make({3, 50, 4, 33}), make({3, 1, 1, 33})},
          {make({2, 3, 2, 3, 2, 3, 2, 3}), make({3, 1, 3, 1, 3, 1, 3})},
          {make({1, 3, 1, 3, 1, 3, 1, 3}), make({2, 1, 2, 1, 2, 1, 2, 1})},
      };
      for (const auto& [x, y] : pairs) {
        INFO(threads << " threads, " << dtype << ", " << x.sizes() << " and " << y.sizes());
        CHECK(binary_mismatch(x, y) == "");
        CHECK(binary_mismatch(y, x) == "");
        const Tensor copy = x.contiguous();
        CHECK(copy.is_contiguous());
        CHECK(elements(copy) == elements(x));
        CHECK(elements(x.to(kFloat64)) == elements(x));
        Tensor changed = x.clone();
        if (broadcast_shapes(x.sizes(), y.sizes(), "test") == x.sizes()) {
          changed.add_(y);
          CHECK(mismatch(changed, x + y) == "");
          Tensor part = scattered(x);
          part.mul_(y);
          CHECK(mismatch(part, x * y) == "");
        }
      }
    }
  }
}

TEST_CASE("functions of single elements over whole vectors") {
  const Tensor x = linspace(-6, 6, 70007), y = x.reshape({-1, 7}).t();
  const std::vector<double> in = elements(x), turned = elements(y);
  const std::vector<std::pair<Tensor (*)(const Tensor&), double (*)(double)>> functions = {
      {[](const Tensor& t) { return t.exp(); }, [](double v) { return std::exp(v); }},
      {[](const Tensor& t) { return t.tanh(); }, [](double v) { return std::tanh(v); }},
      {[](const Tensor& t) { return t.sigmoid(); },
       [](double v) { return 1 / (1 + std::exp(-v)); }},
      {[](const Tensor& t) { return t.relu(); }, [](double v) { return v > 0 ? v : 0; }},
      {[](const Tensor& t) { return t.abs().sqrt(); },
       [](double v) { return std::sqrt(std::fabs(v)); }},
      {[](const Tensor& t) { return t.abs().log(); },
       [](double v) { return std::log(std::fabs(v)); }},
      {[](const Tensor& t) { return t.gelu(); },
       [](double v) { return v / 2 * (1 + std::erf(v / std::sqrt(2.0))); }},
      {[](const Tensor& t) { return t.abs().pow(1.75); },
       [](double v) { return std::pow(std::fabs(v), 1.75); }},
      {[](const Tensor& t) { return t.clamp(-1, 2); },
       [](double v) { return std::fmin(std::fmax(v, -1), 2); }},
  };
  for (std::size_t f = 0; f < functions.size(); ++f) {
    for (const auto& [tensor, source] : {std::pair(x, in), std::pair(y, turned)}) {
      const std::vector<double> out = elements(functions[f].first(tensor));
      double worst = 0;
      for (std::size_t i = 0; i < out.size(); ++i) {
        const double want = functions[f].second(source[i]);
        if (out[i] == want) continue;
        // 1 + erf(x) cancels below zero: gelu is as exact as 1, not as its result.
        const double scale = f == 6 ? std::fmax(std::fabs(want), 0.5) : std::fabs(want);
        worst = std::fmax(worst, std::fabs(out[i] - want) / scale);
      }
      INFO("function " << f);
      CHECK(worst < 1e-6);
    }
  }
}

TEST_CASE("sums and extrema of lengths around the blocks' borders") {
  manual_seed(2);
  const auto check = [](const Tensor& x, int64_t dim) {
    const std::vector<double> v = elements(x);
    int64_t inner = 1;
    for (int64_t i = dim + 1; i < x.dim(); ++i) inner *= x.size(i);
    const int64_t length = x.size(dim), cells = x.numel() / length;
    const std::vector<double> sum = elements(x.sum(dim)), mean = elements(x.mean(dim)),
                              var = elements(x.var(dim, false)), norm = elements(x.norm(2, dim)),
                              top = elements(x.max(dim).first), where_low = elements(x.argmin(dim));
    const double eps = x.dtype() == kFloat32 ? 1e-6 : 1e-14;
    for (int64_t c = 0; c < cells; ++c) {
      double total = 0, squares = 0, magnitude = 0, largest = -INFINITY, deviation = 0;
      const auto at = [&](int64_t i) {
        return v[static_cast<std::size_t>((c / inner * length + i) * inner + c % inner)];
      };
      int64_t lowest = 0;
      for (int64_t i = 0; i < length; ++i) {
        total += at(i);
        squares += at(i) * at(i);
        magnitude += std::fabs(at(i));
        largest = std::fmax(largest, at(i));
        if (at(i) < at(lowest)) lowest = i;
      }
      const auto n = static_cast<double>(length);
      for (int64_t i = 0; i < length; ++i) deviation += (at(i) - total / n) * (at(i) - total / n);
      const auto k = static_cast<std::size_t>(c);
      if (std::fabs(sum[k] - total) > eps * magnitude ||
          std::fabs(mean[k] - total / n) > eps * magnitude / n ||
          std::fabs(var[k] - deviation / n) > 10 * eps * (1 + deviation / n) ||
          std::fabs(norm[k] - std::sqrt(squares)) > eps * std::sqrt(squares) || top[k] != largest ||
          where_low[k] != static_cast<double>(lowest)) {
        return "cell " + std::to_string(c);
      }
    }
    return std::string();
  };
  for (int threads : {1, 3}) {
    const ThreadCount guard(threads);
    for (DType dtype : {kFloat32, kFloat64}) {
      for (int64_t length :
           {1, 2, 31, 32, 33, 63, 64, 65, 255, 256, 257, 2047, 2048, 2049, 16385, 70001}) {
        INFO(threads << " threads, " << dtype << ", length " << length);
        const Tensor x = numbers({length}, dtype);
        CHECK(check(x, 0) == "");
        CHECK(mismatch(x.sum(), x.sum(0)) == "");
        if (length > 3000) continue;
        CHECK(check(numbers({3, length}, dtype), 1) == "");
        CHECK(check(numbers({length, 3}, dtype), 0) == "");
        CHECK(check(numbers({70, length}, dtype).t(), 0) == "");
      }
      CHECK(check(numbers({7, 130, 67}, dtype), 0) == "");
      CHECK(check(numbers({7, 130, 67}, dtype), 1) == "");
      CHECK(check(numbers({7, 130, 67}, dtype), 2) == "");
      const Tensor x = numbers({37, 130, 70}, dtype);
      CHECK(mismatch(x.sum({0, 2}), x.sum(2).sum(0), 1e-5, 1e-3) == "");
      CHECK(mismatch(x.sum({0, 1}), x.reshape({-1, 70}).sum(0)) == "");
      CHECK(mismatch(x.sum(), x.reshape({-1}).sum(0)) == "");
    }
    const Tensor whole = randint(-9, 10, {200, 301});
    double total = 0;
    for (double v : elements(whole)) total += v;
    CHECK(whole.sum().item<double>() == total);
    CHECK(whole.sum(0).sum().item<double>() == total);
    CHECK(whole.gt(8).any(1).sum().item<int64_t>() == 200);
  }
}

TEST_CASE("matrix products of all layouts and sizes around the strips' borders") {
  manual_seed(3);
  const auto check = [](const Tensor& x, const Tensor& y) {
    const std::vector<double> a = elements(x), b = elements(y), c = elements(x.matmul(y));
    const int64_t m = x.size(-2), k = x.size(-1), n = y.size(-1), batch = x.numel() / (m * k);
    for (int64_t s = 0; s < batch; ++s) {
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          double total = 0, magnitude = 0;
          for (int64_t p = 0; p < k; ++p) {
            const double term = a[static_cast<std::size_t>((s * m + i) * k + p)] *
                                b[static_cast<std::size_t>((s * k + p) * n + j)];
            total += term;
            magnitude += std::fabs(term);
          }
          const double got = c[static_cast<std::size_t>((s * m + i) * n + j)];
          if (!(std::fabs(got - total) <=
                (x.dtype() == kFloat32 ? 2e-6 : 1e-14) * (magnitude + 1e-30))) {
            return "element " + std::to_string(i) + ", " + std::to_string(j) + " of " +
                   std::to_string(s);
          }
        }
      }
    }
    return std::string();
  };
  for (int threads : {1, 3}) {
    const ThreadCount guard(threads);
    for (DType dtype : {kFloat32, kFloat64}) {
      for (const auto& [m, k, n] : std::vector<std::array<int64_t, 3>>{{1, 1, 1},
                                                                       {1, 17, 5},
                                                                       {16, 16, 16},
                                                                       {17, 33, 15},
                                                                       {33, 64, 129},
                                                                       {100, 120, 70},
                                                                       {257, 64, 31}}) {
        INFO(threads << " threads, " << dtype << ", " << m << " " << k << " " << n);
        CHECK(check(numbers({m, k}, dtype), numbers({k, n}, dtype)) == "");
        CHECK(check(numbers({k, m}, dtype).t(), numbers({k, n}, dtype)) == "");
        CHECK(check(numbers({m, k}, dtype), numbers({n, k}, dtype).t()) == "");
        CHECK(check(numbers({k, m}, dtype).t(), numbers({n, k}, dtype).t()) == "");
        CHECK(check(scattered(numbers({m, k}, dtype)),
                    numbers({k, n + 3}, dtype).narrow(1, 2, n)) == "");
        CHECK(check(numbers({m, 1}, dtype).expand({m, k}), numbers({k, n}, dtype)) == "");
      }
      CHECK(check(numbers({7, 20, 30}, dtype), numbers({7, 30, 25}, dtype)) == "");
      CHECK(check(numbers({20, 7, 30}, dtype).transpose(0, 1),
                  numbers({7, 25, 30}, dtype).transpose(1, 2)) == "");
      CHECK(check(numbers({3, 1, 9, 8}, dtype).expand({3, 4, 9, 8}),
                  numbers({3, 4, 8, 7}, dtype)) == "");
    }
    CHECK(check(numbers({70, 80}, kInt64), numbers({80, 60}, kInt64)) == "");
  }
}

TEST_CASE("softmax, picks and joins of large tensors") {
  manual_seed(4);
  for (int threads : {1, 3}) {
    const ThreadCount guard(threads);
    const Tensor x = randn({257, 301});
    const Tensor p = x.softmax(1), q = x.t().softmax(0);
    CHECK(mismatch(p.sum(1), ones({257}), 1e-6) == "");
    CHECK(mismatch(q.t().contiguous(), p, 1e-6, 1e-9) == "");
    CHECK(mismatch(x.log_softmax(1).exp(), p, 1e-5, 1e-9) == "");
    const Tensor order = randperm(257), back = zeros({257}, {.dtype = kInt64});
    for (int64_t i = 0; i < 257; ++i) back.data_ptr<int64_t>()[order.data_ptr<int64_t>()[i]] = i;
    CHECK(equal(x.index_select(0, order).index_select(0, back), x));
    CHECK(equal(cat({x.narrow(1, 0, 100), x.narrow(1, 100, 201)}, 1), x));
    CHECK(equal(stack({x, x}, 1).select(1, 1), x));
    CHECK(equal(x.gather(1, x.argmax(1, true)), x.max(1, true).first));
    CHECK(equal(where(x > 0, x, zeros({})), x.relu()));
    CHECK(equal(x.t().reshape({-1}), x.t().contiguous().view({-1})));
  }
}
