#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "norma/core/random.h"
#include "norma/core/tensor_impl.h"
#include "norma/core/threads.h"
#include "norma/data/portable_math.h"
#include "norma/data/synthetic.h"

namespace norma::data {

namespace {

constexpr int kSide = 28;
constexpr int kPixels = kSide * kSide;

// --- How digits are written: strokes of straight pieces, x to the right and y down, the digit
// between y = -0.5 and 0.5 ---

struct Point {
  double x, y;
};

class Stroke {
 public:
  // Straight to each of these points in turn.
  Stroke to(std::initializer_list<Point> points) && {
    points_.insert(points_.end(), points);
    return std::move(*this);
  }
  // To and along a part of an ellipse; angles in turns, where 0 is right and 0.25 down.
  Stroke arc(Point centre, double radius_x, double radius_y, double first, double last) && {
    const int pieces = static_cast<int>(std::abs(last - first) * 20) + 2;
    for (int i = 0; i <= pieces; ++i) {
      const auto [sin, cos] = detail::sincos_turns(first + (last - first) * i / pieces);
      points_.push_back({centre.x + radius_x * cos, centre.y + radius_y * sin});
    }
    return std::move(*this);
  }
  const std::vector<Point>& points() const { return points_; }

 private:
  std::vector<Point> points_;
};

using Glyph = std::vector<Stroke>;

// Several ways of writing each digit.
const std::vector<Glyph>& glyphs(int digit) {
  const auto pen = [] { return Stroke(); };
  static const auto& all = *new std::array<std::vector<Glyph>, 10>{{
      {{pen().arc({0, 0}, 0.31, 0.5, -0.25, 0.78)},
       {pen().arc({0, 0}, 0.24, 0.5, -0.2, -1.2)},
       {pen().arc({0, 0}, 0.38, 0.48, -0.3, 0.7)}},

      {{pen().to({{0, -0.5}, {0, 0.5}})},
       {pen().to({{-0.2, -0.28}, {0.02, -0.5}, {0.02, 0.5}})},
       {pen().to({{-0.18, -0.32}, {0, -0.5}, {0, 0.5}}), pen().to({{-0.22, 0.5}, {0.22, 0.5}})}},

      {{pen().arc({0, -0.22}, 0.28, 0.28, 0.52, 1.1).to({{-0.3, 0.5}, {0.32, 0.5}})},
       {pen()
            .arc({0, -0.24}, 0.27, 0.26, 0.45, 1.12)
            .to({{-0.28, 0.47}, {-0.1, 0.4}, {0.1, 0.5}, {0.34, 0.44}})},
       {pen()
            .arc({0, -0.23}, 0.28, 0.27, 0.5, 1.14)
            .arc({-0.18, 0.4}, 0.1, 0.09, 0.2, 0.95)
            .to({{0.34, 0.5}})}},

      {{pen()
            .arc({-0.02, -0.25}, 0.25, 0.25, 0.56, 1.25)
            .arc({-0.02, 0.24}, 0.29, 0.26, 0.75, 1.44)},
       {pen()
            .to({{-0.26, -0.5}, {0.24, -0.5}, {-0.04, -0.1}})
            .arc({-0.04, 0.2}, 0.3, 0.3, 0.75, 1.4)},
       {pen()
            .arc({0, -0.27}, 0.22, 0.23, 0.6, 1.2)
            .to({{-0.08, -0.02}})
            .arc({-0.02, 0.22}, 0.31, 0.28, 0.8, 1.48)}},

      {{pen().to({{-0.2, -0.5}, {-0.28, 0.1}, {0.32, 0.1}}),
        pen().to({{0.12, -0.36}, {0.12, 0.5}})},
       {pen().to({{0.1, -0.5}, {-0.32, 0.15}, {0.34, 0.15}}), pen().to({{0.1, -0.5}, {0.1, 0.5}})},
       {pen().to({{-0.24, -0.46}, {-0.24, 0}, {0.22, 0}}), pen().to({{0.24, -0.5}, {0.2, 0.5}})}},

      {{pen()
            .to({{0.26, -0.5}, {-0.2, -0.5}, {-0.24, -0.06}})
            .arc({-0.02, 0.2}, 0.29, 0.3, 0.64, 1.42)},
       {pen().to({{-0.18, -0.5}, {-0.24, -0.04}}).arc({-0.03, 0.2}, 0.3, 0.3, 0.66, 1.44),
        pen().to({{-0.18, -0.5}, {0.3, -0.48}})}},

      {{pen().arc({0.25, 0.1}, 0.5, 0.6, 0.72, 0.5).arc({0, 0.22}, 0.25, 0.28, 0.5, -0.52)},
       {pen().to({{0.04, -0.5}, {-0.2, 0}}).arc({0, 0.24}, 0.26, 0.26, 0.55, -0.5)},
       {pen().arc({0.06, 0}, 0.3, 0.5, 0.88, 0.3).arc({0.03, 0.22}, 0.24, 0.26, 0.25, -0.45)}},

      {{pen().to({{-0.28, -0.5}, {0.28, -0.5}, {-0.08, 0.5}})},
       {pen().to({{-0.28, -0.5}, {0.28, -0.5}, {-0.06, 0.5}}), pen().to({{-0.2, 0}, {0.24, 0}})},
       {pen().to({{-0.28, -0.36}, {-0.26, -0.5}, {0.28, -0.48}, {0.06, -0.06}, {-0.02, 0.5}})}},

      {{pen().arc({0, -0.26}, 0.22, 0.24, 0.25, 1.25),
        pen().arc({0, 0.23}, 0.27, 0.27, -0.25, 0.75)},
       {pen()
            .arc({0, -0.26}, 0.23, 0.24, 1.0, 0.3)
            .arc({0, 0.24}, 0.27, 0.26, 0.8, 1.7)
            .arc({0, -0.26}, 0.23, 0.24, 0.2, -0.05)}},

      {{pen().arc({0, -0.22}, 0.25, 0.28, 0, -1).to({{0.2, 0.5}})},
       {pen().arc({0, -0.22}, 0.25, 0.28, 0.05, -1).arc({-0.25, -0.1}, 0.5, 0.6, 0, 0.22)},
       {pen().arc({-0.02, -0.24}, 0.24, 0.26, -0.1, -1.02).to({{0.22, 0.3}, {0.1, 0.5}})}},
  }};
  return all[static_cast<std::size_t>(digit)];
}

// --- Random numbers: 256 blocks for each image, handed out in order ---

class Draws {
 public:
  Draws(uint64_t seed, int64_t image) : seed_(seed), next_(static_cast<uint64_t>(image) * 256) {}

  uint32_t word() {
    if (used_ == 4) {
      words_ = Generator::block(seed_, next_++);
      used_ = 0;
    }
    return words_[used_++];
  }
  int below(std::size_t n) { return static_cast<int>((uint64_t{word()} * n) >> 32); }
  // Uniform, from low to high.
  double between(double low, double high) { return low + (high - low) * (word() / 4294967296.0); }
  // Around 0, seldom near the ends -extent and extent.
  double around(double extent) { return extent * (between(-0.5, 0.5) + between(-0.5, 0.5)); }

 private:
  uint64_t seed_, next_;
  std::array<uint32_t, 4> words_{};
  std::size_t used_ = 4;
};

// --- Drawing ---

// A stroke point's way from the glyph to the image: bent, stretched, slanted, turned, placed.
struct Hand {
  double bend_x, bend_y, bow_x, bow_y;
  double width, height, slant, sin, cos, x, y;

  explicit Hand(Draws& draws) {
    bend_x = draws.around(0.35);
    bend_y = draws.around(0.3);
    bow_x = draws.around(0.4);
    bow_y = draws.around(0.3);
    height = draws.between(16, 21);
    width = height * draws.between(0.75, 1.1);
    slant = draws.around(0.35);
    const double t = draws.around(0.1);  // the tangent of half the angle
    sin = 2 * t / (1 + t * t);
    cos = (1 - t * t) / (1 + t * t);
    const double room = 0.5 * (26.0 - height);
    x = 13.5 + draws.between(-1.0, 1.0) * (room < 2.5 ? room : 2.5);
    y = 13.5 + draws.between(-1.0, 1.0) * (room < 2.5 ? room : 2.5);
  }

  Point operator()(Point p) const {
    const double u = p.x + bend_x * p.x * p.y + bow_x * (p.y * p.y - 0.1);
    const double v = p.y + bend_y * p.x * p.y + bow_y * (p.x * p.x - 0.05);
    const double sx = width * (u - slant * v), sy = height * v;
    return {x + cos * sx - sin * sy, y + sin * sx + cos * sy};
  }
};

// Lowers `squared` to the squared distance of each pixel from the piece a b, where it is within
// `reach`.
void draw_piece(Point a, Point b, double reach, float* squared) {
  const auto first = [=](double low) { return std::max(0, static_cast<int>(low - reach)); };
  const auto last = [=](double high) {
    return std::min(kSide - 1, static_cast<int>(std::max(high + reach, -1.0)));
  };
  const int left = first(std::min(a.x, b.x)), right = last(std::max(a.x, b.x));
  const int top = first(std::min(a.y, b.y)), bottom = last(std::max(a.y, b.y));
  const auto ax = static_cast<float>(a.x), ay = static_cast<float>(a.y);
  const auto dx = static_cast<float>(b.x - a.x), dy = static_cast<float>(b.y - a.y);
  const float length = dx * dx + dy * dy;
  const float inverse = length > 1e-12f ? 1 / length : 0.0f;
  for (int r = top; r <= bottom; ++r) {
    const float py = static_cast<float>(r) - ay;
    float* row = squared + r * kSide;
    for (int c = left; c <= right; ++c) {
      const float px = static_cast<float>(c) - ax;
      float t = (px * dx + py * dy) * inverse;
      t = t < 0 ? 0 : t > 1 ? 1 : t;
      const float ex = px - t * dx, ey = py - t * dy;
      const float d = ex * ex + ey * ey;
      row[c] = d < row[c] ? d : row[c];
    }
  }
}

int64_t draw_digit(uint64_t seed, int64_t image, uint8_t* pixels) {
  Draws draws(seed, image);
  const int digit = draws.below(10);
  const std::vector<Glyph>& ways = glyphs(digit);
  const Glyph& glyph = ways[static_cast<std::size_t>(draws.below(ways.size()))];
  const Hand hand(draws);
  const double radius = draws.between(0.7, 1.7);
  const double softness = draws.between(0.7, 1.6);
  const auto ink = static_cast<float>(draws.between(160, 255));
  const auto noise = static_cast<float>(draws.between(0, 36));

  std::array<float, kPixels> squared;
  squared.fill(1e6f);
  const double reach = radius + softness + 1;
  for (const Stroke& stroke : glyph) {
    // Each stroke is a little off its place, and its pen wanders.
    const Point shift{draws.around(0.07), draws.around(0.07)};
    Point wander{0, 0}, drift{draws.around(0.03), draws.around(0.03)};
    Point before{0, 0};
    const std::vector<Point>& points = stroke.points();
    for (std::size_t i = 0; i < points.size(); ++i) {
      drift = {0.8 * drift.x + draws.around(0.012), 0.8 * drift.y + draws.around(0.012)};
      wander = {0.9 * wander.x + drift.x, 0.9 * wander.y + drift.y};
      const Point next = hand({points[i].x + shift.x + wander.x, points[i].y + shift.y + wander.y});
      if (i > 0) draw_piece(before, next, reach, squared.data());
      before = next;
    }
  }

  const auto edge = static_cast<float>(radius + softness / 2), soft = static_cast<float>(softness);
  uint32_t bits = 0;
  for (std::size_t p = 0; p < kPixels; ++p) {
    if (p % 2 == 0) bits = draws.word();
    // The difference of two random bytes: -255 to 255, most often near 0.
    const auto grain =
        static_cast<float>(static_cast<int>(bits & 255) - static_cast<int>(bits >> 8 & 255));
    bits >>= 16;
    float cover = (edge - std::sqrt(squared[p])) / soft;
    cover = cover < 0 ? 0 : cover > 1 ? 1 : cover;
    const float value = ink * cover + noise * (grain / 255.0f);
    pixels[p] = static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value + 0.5f);
  }
  return digit;
}

}  // namespace

Dataset synthetic_digits(int64_t n, uint64_t seed) {
  if (n < 1) fail("synthetic_digits", "expected at least one image, got ", n);
  Dataset data{new_tensor({n, 1, kSide, kSide}, kUInt8), new_tensor(n, kInt64)};
  auto* pixels = data.inputs.data_ptr<uint8_t>();
  auto* labels = data.targets.data_ptr<int64_t>();
  parallel_for(n, 64, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) labels[i] = draw_digit(seed, i, pixels + i * kPixels);
  });
  return data;
}

}  // namespace norma::data
