#include "norma/data/synthetic.h"

#include <string>

#include "norma/core/random.h"
#include "norma/core/tensor_impl.h"
#include "norma/data/portable_math.h"

namespace norma::data {

namespace {

struct Point {
  double x, y;
};

// Points of two classes in turn; `curve(position in 0..1, label)` gives their places.
template <class Curve>
Dataset two_curves(const char* op, int64_t n, double noise, uint64_t seed, Curve curve) {
  if (n < 1) fail(op, "expected at least one point, got ", n);
  if (!(noise >= 0 && noise < 1e30)) {
    fail(op, "expected a noise of 0 or more, got ", noise);
  }
  Dataset data{new_tensor({n, 2}, kFloat32), new_tensor(n, kInt64)};
  auto* points = data.inputs.data_ptr<float>();
  auto* labels = data.targets.data_ptr<int64_t>();
  // The middle of one of 2^32 equal parts: never 0 or 1.
  const auto uniform = [](uint32_t word) { return (word + 0.5) / 4294967296.0; };
  for (int64_t i = 0; i < n; ++i) {
    const auto words = Generator::block(seed, static_cast<uint64_t>(i));
    labels[i] = i % 2;
    const Point p = curve(uniform(words[0]), labels[i] == 1);
    points[2 * i] = static_cast<float>(p.x + noise * normal_quantile(uniform(words[1])));
    points[2 * i + 1] = static_cast<float>(p.y + noise * normal_quantile(uniform(words[2])));
  }
  return data;
}

}  // namespace

Dataset spirals(int64_t n, double noise, uint64_t seed) {
  return two_curves("spirals", n, noise, seed, [](double t, bool second) {
    const auto [sin, cos] = detail::sincos_turns(1.5 * t + (second ? 0.5 : 0.0));
    const double radius = 0.1 + 0.9 * t;
    return Point{radius * cos, radius * sin};
  });
}

Dataset moons(int64_t n, double noise, uint64_t seed) {
  return two_curves("moons", n, noise, seed, [](double t, bool second) {
    const auto [sin, cos] = detail::sincos_turns(0.5 * t);
    return second ? Point{1 - cos, 0.5 - sin} : Point{cos, sin};
  });
}

}  // namespace norma::data
