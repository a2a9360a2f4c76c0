#include <cmath>
#include <set>

#include "norma/data/portable_math.h"
#include "norma/tests/data/helpers.h"
#include "norma/tests/support/thread_count.h"

using norma::Shape;
using norma::Tensor;
namespace data = norma::data;

namespace {

constexpr double kPi = 3.14159265358979323846;

}  // namespace

TEST_CASE("portable sine and cosine") {
  for (int i = -3000; i <= 3000; ++i) {
    const double turns = i / 997.0;
    const auto [sin, cos] = data::detail::sincos_turns(turns);
    if (std::abs(sin - std::sin(2 * kPi * turns)) > 1e-10) FAIL("sin of " << turns << " turns");
    if (std::abs(cos - std::cos(2 * kPi * turns)) > 1e-10) FAIL("cos of " << turns << " turns");
  }
  const double quarters[4][2] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
  for (int i = -8; i < 8; ++i) {
    const auto [sin, cos] = data::detail::sincos_turns(i / 4.0);
    CHECK(sin == quarters[i & 3][0]);
    CHECK(cos == quarters[i & 3][1]);
  }
}

TEST_CASE("synthetic data are the same bytes under every compiler and thread count") {
  // One anchor for all builds; the properties are tested below.
  for (const int threads : {1, 3}) {
    const ThreadCount guard(threads);
    const data::Dataset digits = data::synthetic_digits(1000, 7);
    CHECK(hash_of(digits.inputs) == 3858328453814109921u);
    CHECK(hash_of(digits.targets) == 289004527551672454u);
  }
  CHECK(hash_of(data::spirals(1000, 0.02, 7).inputs) == 4157608161941541262u);
  CHECK(hash_of(data::moons(1000, 0.1, 7).inputs) == 17372143192275906300u);
}

TEST_CASE("an image depends on the seed and its number alone") {
  norma::manual_seed(1);
  const auto state = norma::default_generator().state();
  const data::Dataset many = data::synthetic_digits(300, 5), few = data::synthetic_digits(70, 5);
  CHECK(norma::equal(many.inputs.narrow(0, 0, 70), few.inputs));
  CHECK(norma::equal(many.targets.narrow(0, 0, 70), few.targets));
  const data::Dataset other = data::synthetic_digits(300, 6);
  CHECK_FALSE(norma::equal(other.targets, many.targets));
  for (int64_t i = 0; i < 300; ++i) {
    if (norma::equal(other.inputs[i], many.inputs[i])) FAIL("image " << i << " for both seeds");
    if (i > 0 && norma::equal(many.inputs[i - 1], many.inputs[i])) FAIL("image " << i << " twice");
  }
  CHECK(norma::default_generator().state() == state);
}

TEST_CASE("synthetic digits are ink on a dark ground, of ten kinds, inside the picture") {
  const data::Dataset digits = data::synthetic_digits(5000, 1);
  CHECK(digits.inputs.sizes() == Shape({5000, 1, 28, 28}));
  CHECK(digits.inputs.dtype() == norma::kUInt8);
  CHECK(digits.targets.sizes() == Shape({5000}));
  CHECK(digits.targets.dtype() == norma::kInt64);
  CHECK(digits.targets.min().item<int64_t>() == 0);
  for (int64_t digit = 0; digit < 10; ++digit) {
    const int64_t count = digits.targets.eq(digit).sum().item<int64_t>();
    CHECK(count > 400);
    CHECK(count < 600);
  }
  const Tensor unit = data::convert_image_dtype(digits.inputs);
  const Tensor ink = unit.gt(0.5).to(norma::kFloat32);
  // Every image has strokes, and mostly ground.
  const Tensor share = ink.mean({1, 2, 3});
  CHECK(share.min().item<float>() > 0.01f);
  CHECK(share.max().item<float>() < 0.5f);
  // Strokes reach every part of the middle; the outermost frame has hardly any.
  const Tensor where = ink.mean({0, 1});
  CHECK(where.narrow(0, 8, 12).narrow(1, 8, 12).min().item<float>() > 0.05f);
  const float frame =
      where.sum().item<float>() - where.narrow(0, 1, 26).narrow(1, 1, 26).sum().item<float>();
  CHECK(frame / where.sum().item<float>() < 0.005f);
  // Anti-aliased: intermediate values are common where there is ink.
  CHECK(unit.gt(0.3).to(norma::kFloat32).sub(ink).mean().item<float>() > 0.01f);
}

#ifndef NORMA_SANITIZE  // half a minute of training, which shows nothing new there
namespace {

// Softmax regression by full gradients: the best that a model without hidden layers does here.
double linear_accuracy(const data::Dataset& train, const data::Dataset& test) {
  const auto flat = [](const data::Dataset& d) {
    return data::convert_image_dtype(d.inputs).flatten(1);
  };
  const Tensor x = flat(train), xt = x.transpose(0, 1);
  const Tensor onehot = norma::eye(10).index_select(0, train.targets);
  Tensor weight = norma::zeros({784, 10}), bias = norma::zeros({10});
  Tensor velocity = norma::zeros_like(weight), bias_velocity = norma::zeros_like(bias);
  const double n = static_cast<double>(train.size());
  for (int step = 0; step < 400; ++step) {
    const Tensor error = (norma::matmul(x, weight) + bias).softmax(1) - onehot;
    velocity = velocity * 0.9 + norma::matmul(xt, error) / n;
    bias_velocity = bias_velocity * 0.9 + error.sum(0) / n;
    weight -= velocity * 0.1;
    bias -= bias_velocity * 0.1;
  }
  const Tensor answers = (norma::matmul(flat(test), weight) + bias).argmax(1);
  return answers.eq(test.targets).sum().item<double>() / static_cast<double>(test.size());
}

}  // namespace

TEST_CASE("a model without hidden layers stays below 95 % on them, and learns something") {
  const double accuracy =
      linear_accuracy(data::synthetic_digits(4000, 1), data::synthetic_digits(2000, 2));
  CHECK(accuracy < 0.93);
  CHECK(accuracy > 0.75);
}
#endif

TEST_CASE("spirals and moons without noise lie on their curves") {
  const data::Dataset spirals = data::spirals(400, 0, 3), moons = data::moons(400, 0, 3);
  for (const data::Dataset& d : {spirals, moons}) {
    CHECK(d.inputs.sizes() == Shape({400, 2}));
    CHECK(d.inputs.dtype() == norma::kFloat32);
    CHECK(norma::equal(d.targets.narrow(0, 0, 5), norma::tensor({0, 1, 0, 1, 0})));
  }
  double least = 1, most = 0;
  for (int64_t i = 0; i < 400; ++i) {
    const bool second = i % 2 == 1;
    {
      const double x = spirals.inputs[i][0].item<double>(), y = spirals.inputs[i][1].item<double>();
      const double radius = std::sqrt(x * x + y * y), t = (radius - 0.1) / 0.9;
      const double angle = 3 * kPi * t + (second ? kPi : 0);
      CHECK(x == Approx(radius * std::cos(angle)).margin(1e-5));
      CHECK(y == Approx(radius * std::sin(angle)).margin(1e-5));
      least = std::min(least, t);
      most = std::max(most, t);
    }
    const double x = moons.inputs[i][0].item<double>(), y = moons.inputs[i][1].item<double>();
    const double u = second ? 1 - x : x, v = second ? 0.5 - y : y;
    CHECK(u * u + v * v == Approx(1).margin(1e-5));
    CHECK(v >= 0);
  }
  CHECK(least < 0.02);
  CHECK(most > 0.98);
}

TEST_CASE("noise has the deviation asked for; a point depends on the seed and its number") {
  for (const auto& make : {data::spirals, data::moons}) {
    const Tensor clean = make(20'000, 0, 3).inputs, noisy = make(20'000, 0.25, 3).inputs;
    const Tensor difference = noisy - clean;
    CHECK(difference.mean().item<double>() == Approx(0).margin(0.005));
    CHECK(difference.std().item<double>() == Approx(0.25).margin(0.005));
    const Tensor x = difference.select(1, 0), y = difference.select(1, 1);
    CHECK((x * y).mean().item<double>() == Approx(0).margin(0.002));
    CHECK(norma::equal(make(10, 0.25, 3).inputs, noisy.narrow(0, 0, 10)));
    CHECK_FALSE(norma::equal(make(10, 0.25, 4).inputs, noisy.narrow(0, 0, 10)));
  }
}

TEST_CASE("synthetic data sets refuse empty sizes and odd noise") {
  CHECK(error_of([] { data::synthetic_digits(0); }) ==
        "[synthetic_digits] expected at least one image, got 0");
  CHECK(error_of([] { data::spirals(-1); }) == "[spirals] expected at least one point, got -1");
  CHECK(error_of([] { data::moons(0); }) == "[moons] expected at least one point, got 0");
  CHECK(error_of([] { data::moons(3, -0.5); }) ==
        "[moons] expected a noise of 0 or more, got -0.5");
  CHECK(has(error_of([] { data::spirals(3, std::nan("")); }), "expected a noise of 0 or more"));
}
