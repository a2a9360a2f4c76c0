#include "norma/tests/layers/golden_layers.h"
#include "norma/tests/layers/helpers.h"

using norma::Tensor;
namespace nn = norma::nn;
namespace init = norma::nn::init;

namespace {

// As many times as the golden script's weight as give a good sample, same fans.
Tensor weight() { return norma::zeros({6, 3, 2, 5}).requires_grad_(); }

// All of `fill`'s values over many draws.
template <class F>
std::vector<double> sample(F fill) {
  std::vector<double> values;
  for (int i = 0; i < 50; ++i) {
    Tensor w = weight();
    const Tensor returned = fill(w);
    REQUIRE(returned.is_same(w));
    const std::vector<double> more = to_vector(w);
    values.insert(values.end(), more.begin(), more.end());
  }
  return values;
}

template <class F>
void check_uniform(const std::string& name, F fill) {
  INFO(name);
  const auto [low, high] = golden::init_ranges.at(name);
  const std::vector<double> values = sample(fill);
  const auto [least, largest] = std::minmax_element(values.begin(), values.end());
  CHECK(*least >= low * (1 + 1e-6));
  CHECK(*least < 0.99 * low);
  CHECK(*largest <= high * (1 + 1e-6));
  CHECK(*largest > 0.99 * high);
}

template <class F>
void check_normal(const std::string& name, F fill) {
  INFO(name);
  const auto [mean, std] = golden::init_ranges.at(name);
  const Tensor values = norma::tensor(sample(fill));
  CHECK(values.mean().item<double>() == Approx(mean).margin(0.03 * std));
  CHECK(values.std().item<double>() == Approx(std).epsilon(0.03));
  CHECK(values.max().item<double>() > 3 * std);
}

}  // namespace

TEST_CASE("Kaiming and Xavier, with the ranges PyTorch draws from") {
  norma::manual_seed(0);
  check_uniform("kaiming_uniform", [](Tensor& w) { return init::kaiming_uniform_(w); });
  check_uniform("kaiming_uniform_out",
                [](Tensor& w) { return init::kaiming_uniform_(w, {.a = 0.3, .mode = "fan_out"}); });
  check_uniform("kaiming_uniform_relu",
                [](Tensor& w) { return init::kaiming_uniform_(w, {.nonlinearity = "relu"}); });
  check_normal("kaiming_normal", [](Tensor& w) { return init::kaiming_normal_(w); });
  check_normal("kaiming_normal_tanh", [](Tensor& w) {
    return init::kaiming_normal_(w, {.mode = "fan_out", .nonlinearity = "tanh"});
  });
  check_uniform("xavier_uniform", [](Tensor& w) { return init::xavier_uniform_(w); });
  check_uniform("xavier_uniform_gain", [](Tensor& w) { return init::xavier_uniform_(w, 2.5); });
  check_normal("xavier_normal", [](Tensor& w) { return init::xavier_normal_(w, 0.5); });
}

TEST_CASE("fans and gains") {
  CHECK(init::calculate_fan_in_and_fan_out(norma::zeros({6, 3, 2, 5})) ==
        std::pair<int64_t, int64_t>(30, 60));
  CHECK(init::calculate_fan_in_and_fan_out(norma::zeros({6, 3})) ==
        std::pair<int64_t, int64_t>(3, 6));
  for (const auto& entry : golden::gains) {
    INFO(entry.first);
    CHECK(init::calculate_gain(entry.first) == Approx(entry.second).epsilon(1e-14));
  }
  CHECK(init::calculate_gain("leaky_relu", 0.5) ==
        Approx(golden::gain_of_slope_half).epsilon(1e-14));
}

TEST_CASE("the simple fills stay outside the graph") {
  norma::manual_seed(0);
  Tensor w = weight();
  init::constant_(w, 2.5);
  CHECK(to_vector(w) == std::vector<double>(180, 2.5));
  CHECK(to_vector(init::zeros_(w)) == std::vector<double>(180, 0.0));
  CHECK(to_vector(init::ones_(w)) == std::vector<double>(180, 1.0));
  init::uniform_(w);
  CHECK(w.min().item<double>() >= 0.0);
  CHECK(w.max().item<double>() > 0.9);
  init::uniform_(w, -3.0, -2.0);
  CHECK(w.min().item<double>() >= -3.0);
  CHECK(w.max().item<double>() < -2.0);
  init::normal_(w, 5.0, 0.1);
  CHECK(w.mean().item<double>() == Approx(5.0).margin(0.05));
  CHECK(w.is_leaf());
  CHECK(w.requires_grad());
}

TEST_CASE("bad arguments are refused") {
  Tensor w = weight();
  CHECK(has(error_of([&] { init::kaiming_normal_(norma::zeros({3})); }),
            "[calculate_fan_in_and_fan_out] expected a tensor of at least 2 dimensions, got [3]"));
  CHECK(error_of([&] { init::kaiming_uniform_(w, {.mode = "fan"}); }) ==
        "[kaiming_uniform_] expected mode \"fan_in\" or \"fan_out\", got \"fan\"");
  CHECK(has(error_of([&] { init::calculate_gain("swish"); }), "got \"swish\""));
  CHECK(error_of([&] { init::uniform_(w, 1.0, 0.0); }) ==
        "[uniform_] expected low <= high, got 1.0 and 0.0");
  CHECK(error_of([&] { init::normal_(w, 0.0, -1.0); }) ==
        "[normal_] expected std of at least 0, got -1.0");
  CHECK(to_vector(w) == std::vector<double>(180, 0.0));
}

TEST_CASE("tensors without elements are left alone") {
  Tensor w = norma::zeros({4, 0});
  CHECK(init::kaiming_uniform_(w).numel() == 0);
  CHECK(init::kaiming_normal_(w).numel() == 0);
  CHECK(init::xavier_uniform_(norma::zeros({0, 0})).numel() == 0);
}
