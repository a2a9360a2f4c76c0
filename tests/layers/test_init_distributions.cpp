// Initial values are not PyTorch's draw for draw; their distributions are PyTorch's.
#include <map>
#include <set>

#include "norma/tests/layers/helpers.h"
#include "norma/tests/support/golden_file.h"

using norma::NamedTensors;
using norma::Tensor;
namespace nn = norma::nn;
namespace init = norma::nn::init;

namespace {

constexpr std::size_t kSample = 250000;

struct Distribution {
  bool normal;
  double first, second;  // mean and standard deviation; or the bounds of a uniform distribution

  double mean() const { return normal ? first : (first + second) / 2; }
  double variance() const {
    return normal ? second * second : (second - first) * (second - first) / 12;
  }
  double kurtosis() const { return normal ? 3.0 : 1.8; }
  // The share of values below x.
  double below(double x) const {
    if (normal) return std::erfc((first - x) / (second * std::sqrt(2.0))) / 2;
    return std::clamp((x - first) / (second - first), 0.0, 1.0);
  }
};

std::map<std::string, Distribution> pytorch() {
  std::map<std::string, Distribution> result;
  for (const GoldenLine& line : read_golden(NORMA_LAYERS_TESTS "golden_init.txt")) {
    REQUIRE(line.words.size() == 2);
    REQUIRE(line.numbers.size() == 2);
    REQUIRE((line.words[1] == "normal" || line.words[1] == "uniform"));
    result[line.words[0]] = {line.words[1] == "normal", line.numbers[0], line.numbers[1]};
  }
  return result;
}

// The largest distance between a sample's distribution function and another.
double kolmogorov_smirnov(std::vector<double> values, const Distribution& expected) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double f = expected.below(values[i]), rank = static_cast<double>(i);
    worst = std::max({worst, f - rank / n, (rank + 1) / n - f});
  }
  return worst;
}

// A sample of the expected distribution exceeds this once in 1000 times: Kolmogorov's limit law is
// P(sqrt(n) D > x) = 2 exp(-2 x²) for large x, hence x = sqrt(ln(2 / 0.001) / 2) = 1.9495.
double critical(std::size_t n) { return 1.9495 / std::sqrt(static_cast<double>(n)); }

// Mean, variance and dependence of neighbours have normal errors: 4 standard ones are exceeded once
// in 16000 times.
void check_distribution(const std::vector<double>& values, const Distribution& expected) {
  const auto n = static_cast<double>(values.size());
  REQUIRE(values.size() >= 20000);
  double mean = 0, variance = 0, product = 0;
  for (double x : values) mean += x / n;
  for (std::size_t i = 0; i < values.size(); ++i) {
    variance += (values[i] - mean) * (values[i] - mean) / n;
    if (i > 0) product += (values[i] - mean) * (values[i - 1] - mean) / n;
  }
  const double sigma = std::sqrt(expected.variance());
  CHECK(std::abs(mean - expected.mean()) < 4 * sigma / std::sqrt(n));
  CHECK(std::abs(variance / expected.variance() - 1) <
        4 * std::sqrt((expected.kurtosis() - 1) / n));
  CHECK(std::abs(product / variance) < 4 / std::sqrt(n));
  CHECK(kolmogorov_smirnov(values, expected) < critical(values.size()));
  if (expected.normal) return;
  const auto [least, largest] = std::minmax_element(values.begin(), values.end());
  // A bound may be rounded to float32.
  const double low = static_cast<float>(expected.first), high = static_cast<float>(expected.second);
  CHECK(*least >= std::min(expected.first, low));
  CHECK(*largest <= std::max(expected.second, high));
  // The nearest of n values is further from a bound than this once in 10^5 times.
  const double close = 12 / n * (expected.second - expected.first);
  CHECK(*least < expected.first + close);
  CHECK(*largest > expected.second - close);
}

// Calls `draw` until there are enough values of every tensor it returns.
template <class F>
std::map<std::string, std::vector<double>> pool(F&& draw) {
  std::map<std::string, std::vector<double>> values;
  for (std::size_t least = 0; least < kSample;) {
    const NamedTensors drawn = draw();
    least = kSample;
    for (const auto& [name, tensor] : drawn) {
      std::vector<double>& all = values[name];
      if (all.size() < kSample) {
        const std::vector<double> more = to_vector(tensor);
        REQUIRE(!more.empty());
        // New values every time.
        if (!all.empty()) REQUIRE(!std::equal(more.begin(), more.end(), all.begin()));
        all.insert(all.end(), more.begin(), more.end());
      }
      least = std::min(least, all.size());
    }
  }
  return values;
}

// `seen` collects the golden lines that were checked.
class Checker {
 public:
  template <class F>
  void layer(const std::string& name, F&& make) {
    norma::manual_seed(2024);
    for (const auto& [parameter, values] : pool([&] { return make().named_parameters(); })) {
      const std::string full = name + "." + parameter;
      INFO(full);
      REQUIRE(known_.count(full) == 1);
      check_distribution(values, known_.at(full));
      seen_.insert(full);
    }
  }
  template <class F>
  void initialiser(const std::string& name, F&& fill) {
    INFO(name);
    REQUIRE(known_.count(name) == 1);
    for (norma::DType dtype : {norma::kFloat32, norma::kFloat64}) {
      norma::manual_seed(2025);
      Tensor w = norma::zeros({60, 30, 2, 5}, {.dtype = dtype});
      const auto values = pool([&] { return NamedTensors{{name, fill(w)}}; });
      check_distribution(values.at(name), known_.at(name));
    }
    seen_.insert(name);
  }
  // The lines for `layer`s have a dot.
  void finish(bool layers) const {
    for (const auto& [name, distribution] : known_)
      if (layers == (name.find('.') != std::string::npos)) CHECK(seen_.count(name) == 1);
  }

 private:
  const std::map<std::string, Distribution> known_ = pytorch();
  std::set<std::string> seen_;
};

void check_constant(const NamedTensors& tensors, const std::map<std::string, double>& expected) {
  REQUIRE(tensors.size() == expected.size());
  for (const auto& [name, tensor] : tensors) {
    INFO(name);
    CHECK(norma::equal(tensor.detach(), norma::full_like(tensor.detach(), expected.at(name))));
  }
}

}  // namespace

TEST_CASE("Layers begin with values from the distributions that PyTorch draws from") {
  Checker check;
  check.layer("linear", [] { return nn::Linear(7, 2500); });
  check.layer("linear_wide", [] { return nn::Linear(40, 1000); });
  check.layer("conv2d", [] { return nn::Conv2d(2, 3000, {2, 3}); });
  check.layer("conv2d_groups", [] { return nn::Conv2d(6, 3000, {3, 1}, {.groups = 3}); });
  check.layer("conv2d_depthwise", [] { return nn::Conv2d(500, 3000, 2, {.groups = 500}); });
  check.layer("conv1d", [] { return nn::Conv1d(3, 2500, 4); });
  check.layer("conv1d_groups", [] { return nn::Conv1d(6, 2500, 5, {.groups = 2}); });
  check.layer("embedding", [] { return nn::Embedding(500, 40); });
  check.finish(/*layers=*/true);
}

TEST_CASE("reset_parameters draws from the same distributions") {
  Checker check;
  const auto reset = [](auto layer) {
    return [layer]() mutable {
      norma::NoGradGuard no_grad;
      for (Tensor& parameter : layer.parameters()) parameter.fill_(7.0);
      layer.reset_parameters();
      return layer;
    };
  };
  check.layer("linear", reset(nn::Linear(7, 2500)));
  check.layer("conv2d_groups", reset(nn::Conv2d(6, 3000, {3, 1}, {.groups = 3})));
  check.layer("conv1d_groups", reset(nn::Conv1d(6, 2500, 5, {.groups = 2})));
  check.layer("embedding", reset(nn::Embedding(500, 40)));
}

TEST_CASE("An Embedding's other rows are drawn as if there were no padding row") {
  const Distribution standard = pytorch().at("embedding.weight");
  norma::manual_seed(2026);
  const nn::Embedding layer(6251, 40, {.padding_idx = 3});
  CHECK(norma::equal(layer.weight.detach()[3], norma::zeros({40})));
  std::vector<double> values = to_vector(layer.weight);
  values.erase(values.begin() + 3 * 40, values.begin() + 4 * 40);
  check_distribution(values, standard);
}

TEST_CASE("Initialisers draw from the distributions that PyTorch draws from") {
  Checker check;
  check.initialiser("uniform", [](Tensor& w) { return init::uniform_(w); });
  check.initialiser("uniform_range", [](Tensor& w) { return init::uniform_(w, -3, 0.5); });
  check.initialiser("normal", [](Tensor& w) { return init::normal_(w); });
  check.initialiser("normal_shifted", [](Tensor& w) { return init::normal_(w, -1.5, 0.02); });
  check.initialiser("kaiming_uniform", [](Tensor& w) { return init::kaiming_uniform_(w); });
  check.initialiser("kaiming_uniform_out", [](Tensor& w) {
    return init::kaiming_uniform_(w, {.a = 0.3, .mode = "fan_out"});
  });
  check.initialiser("kaiming_uniform_tanh",
                    [](Tensor& w) { return init::kaiming_uniform_(w, {.nonlinearity = "tanh"}); });
  check.initialiser("kaiming_normal", [](Tensor& w) { return init::kaiming_normal_(w); });
  check.initialiser("kaiming_normal_out", [](Tensor& w) {
    return init::kaiming_normal_(w, {.mode = "fan_out", .nonlinearity = "relu"});
  });
  check.initialiser("xavier_uniform", [](Tensor& w) { return init::xavier_uniform_(w); });
  check.initialiser("xavier_uniform_gain", [](Tensor& w) { return init::xavier_uniform_(w, 2.5); });
  check.initialiser("xavier_normal", [](Tensor& w) { return init::xavier_normal_(w); });
  check.initialiser("xavier_normal_gain", [](Tensor& w) { return init::xavier_normal_(w, 0.5); });
  check.finish(/*layers=*/false);
}

TEST_CASE("The test of a distribution rejects its neighbours") {
  norma::manual_seed(7);
  std::vector<double> uniform, normal;
  while (uniform.size() < kSample) {
    const std::vector<double> more = to_vector(init::uniform_(norma::zeros({50000}), -0.25, 0.25));
    uniform.insert(uniform.end(), more.begin(), more.end());
    const std::vector<double> others = to_vector(init::normal_(norma::zeros({50000}), 1.0, 2.0));
    normal.insert(normal.end(), others.begin(), others.end());
  }
  const double limit = critical(kSample);
  CHECK(kolmogorov_smirnov(uniform, {false, -0.25, 0.25}) < limit);
  CHECK(kolmogorov_smirnov(normal, {true, 1.0, 2.0}) < limit);
  for (double factor : {0.97, 1.03}) {  // a bound or a deviation that is 3 % off
    CHECK(kolmogorov_smirnov(uniform, {false, -0.25 * factor, 0.25 * factor}) > limit);
    CHECK(kolmogorov_smirnov(uniform, {false, -0.25, 0.25 * factor}) > limit);
    CHECK(kolmogorov_smirnov(normal, {true, 1.0, 2.0 * factor}) > limit);
  }
  CHECK(kolmogorov_smirnov(normal, {true, 1.05, 2.0}) > limit);
  // The same mean and variance, another shape.
  CHECK(kolmogorov_smirnov(uniform, {true, 0.0, 0.25 / std::sqrt(3.0)}) > limit);
  CHECK(kolmogorov_smirnov(normal, {false, 1 - std::sqrt(12.0), 1 + std::sqrt(12.0)}) > limit);
}

TEST_CASE("Norms begin as the identity, with PyTorch's buffers") {
  const std::map<std::string, double> identity{{"weight", 1.0}, {"bias", 0.0}};
  std::map<std::string, double> with_buffers = identity;
  with_buffers.insert({{"running_mean", 0.0}, {"running_var", 1.0}, {"num_batches_tracked", 0.0}});
  check_constant(nn::BatchNorm1d(5).state_dict(), with_buffers);
  check_constant(nn::BatchNorm2d(5).state_dict(), with_buffers);
  check_constant(nn::GroupNorm(2, 6).state_dict(), identity);
  check_constant(nn::LayerNorm({4, 3}).state_dict(), identity);
  CHECK(norma::equal(init::ones_(norma::zeros({3, 2})), norma::ones({3, 2})));
  CHECK(norma::equal(init::zeros_(norma::ones({3, 2})), norma::zeros({3, 2})));
  CHECK(norma::equal(init::constant_(norma::ones({3, 2}), 0.1), norma::full({3, 2}, 0.1)));
}
