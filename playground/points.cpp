#include "norma/playground/points.h"

#include <cmath>
#include <string_view>

namespace playground {

namespace {

using norma::Generator, norma::Tensor, norma::data::Dataset;

struct Point {
  double x, y;
};

Dataset empty_set(int64_t n) {
  return {norma::empty({n, 2}), norma::empty({n}, {.dtype = norma::kInt64})};
}

void put(Dataset& set, int64_t i, Point p, int64_t label) {
  set.inputs.data_ptr<float>()[2 * i] = static_cast<float>(p.x);
  set.inputs.data_ptr<float>()[2 * i + 1] = static_cast<float>(p.y);
  set.targets.data_ptr<int64_t>()[i] = label;
}

// A direction without sine and cosine, whose last bits depend on the library of the machine.
Point direction(Generator& random) {
  for (;;) {
    const double x = 2 * random.uniform() - 1, y = 2 * random.uniform() - 1, square = x * x + y * y;
    if (square > 0.01 && square < 1) return {x / std::sqrt(square), y / std::sqrt(square)};
  }
}

Dataset rings(double noise, uint64_t seed) {
  Generator random(seed);
  Dataset set = empty_set(kPoints);
  for (int64_t i = 0; i < kPoints; ++i) {
    const Point d = direction(random);
    const double radius = i % 2 == 0 ? 0.4 : 0.9;
    put(set, i, {radius * d.x + noise * random.normal(), radius * d.y + noise * random.normal()},
        i % 2);
  }
  return set;
}

Dataset checkerboard(double noise, uint64_t seed) {
  Generator random(seed);
  Dataset set = empty_set(kPoints);
  for (int64_t i = 0; i < kPoints; ++i) {
    const Point p{2 * random.uniform() - 1, 2 * random.uniform() - 1};
    const auto column = static_cast<int64_t>(2 * (p.x + 1)),
               row = static_cast<int64_t>(2 * (p.y + 1));
    put(set, i, {p.x + noise * random.normal(), p.y + noise * random.normal()}, (column + row) % 2);
  }
  return set;
}

Dataset moons(double noise, uint64_t seed) {
  constexpr double kScale = 1.5;  // they lie in [-1, 2] × [-0.5, 1]
  Dataset set = norma::data::moons(kPoints, kScale * noise, seed);
  set.inputs = (set.inputs - norma::tensor({0.5, 0.25})) / kScale;
  return set;
}

int64_t digit(char c) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const std::size_t place = kDigits.find(c);
  if (place == std::string_view::npos) {
    norma::fail("playground", "expected points in digits of base 64, got '", c, "'");
  }
  return static_cast<int64_t>(place);
}

Dataset by_hand(const std::string& text) {
  const auto n = static_cast<int64_t>(text.size() / 4);
  if (text.size() % 4 != 0 || n > kPoints) {
    norma::fail("playground", "expected at most ", kPoints, " points of four characters, got ",
                text.size(), " characters");
  }
  Dataset set = empty_set(n);
  int64_t ones = 0;
  for (int64_t i = 0; i < n; ++i) {
    const auto number = [&](int64_t at) {
      const auto place = static_cast<std::size_t>(4 * i + at);
      return 64 * digit(text[place]) + digit(text[place + 1]);
    };
    const int64_t x = number(0), y = number(2), label = x / 2048;
    const auto coordinate = [](int64_t step) {
      return kView * (2 * static_cast<double>(step % 2048) / 2047 - 1);
    };
    put(set, i, {coordinate(x), coordinate(y)}, label);
    ones += label;
  }
  if (ones == 0 || ones == n) {
    norma::fail("playground", "expected points of both classes, got ", n - ones,
                " of the first and ", ones, " of the second; draw some into the picture");
  }
  return set;
}

Dataset drawn(const Settings& settings, bool test) {
  const auto seed = static_cast<uint64_t>(2 * settings.seed + (test ? 1 : 0));
  if (settings.data == "moons") return moons(settings.noise, seed);
  if (settings.data == "rings") return rings(settings.noise, seed);
  if (settings.data == "checkerboard") return checkerboard(settings.noise, seed);
  if (settings.data == "points") return by_hand(settings.points);
  return norma::data::spirals(kPoints, settings.noise, seed);
}

}  // namespace

Dataset make_points(const Settings& settings, bool test) {
  const Dataset set = drawn(settings, test);
  const Tensor order = set.targets.argsort(0, /*descending=*/false, /*stable=*/true);
  return {set.inputs.index_select(0, order), set.targets.index_select(0, order)};
}

}  // namespace playground
