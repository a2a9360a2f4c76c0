#include "norma/playground/observation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>

namespace playground {

namespace {

using norma::Tensor;

std::vector<float> values_of(const Tensor& x) {
  if (!x.defined()) return {};
  const Tensor row = x.detach().contiguous();
  const auto* first = row.data_ptr<float>();
  return {first, first + row.numel()};
}

std::string number(double value) {
  if (!std::isfinite(value)) return "null";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.5g", value);
  return text.data();
}

template <class Values>
std::string list(const Values& values) {
  std::string text = "[";
  for (const auto value : values) {
    if (text.size() > 1) text += ',';
    text += number(static_cast<double>(value));
  }
  return text + "]";
}

struct Range {
  double low = -1, high = 1;
};

// The mean and the standard deviation of the finite ones.
struct Moments {
  double mean = 0, deviation = 0, root_mean_square = 0;
  explicit Moments(const std::vector<float>& values) {
    double sum = 0, squares = 0, count = 0;
    for (const double value : values) {
      if (!std::isfinite(value)) continue;
      sum += value;
      squares += value * value;
      ++count;
    }
    if (count == 0) return;
    mean = sum / count;
    root_mean_square = std::sqrt(squares / count);
    deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
  }
};

Range common_range(const std::vector<std::vector<float>>& of_layers) {
  double widest = 0;
  bool negative = false;
  for (const auto& values : of_layers) {
    widest = std::max(widest, 3 * Moments(values).root_mean_square);
    negative = negative || std::any_of(values.begin(), values.end(), [](float v) { return v < 0; });
  }
  const double high = widest > 0 ? std::exp2(std::ceil(std::log2(widest))) : 1;
  return {negative ? -high : 0, high};
}

std::string histogram(const std::vector<float>& values, Range range) {
  std::array<double, kBins> bins{};
  double zeros = 0;
  for (const double value : values) {
    if (value == 0) {
      ++zeros;
    } else if (std::isfinite(value)) {
      const double place = (value - range.low) / (range.high - range.low) * kBins;
      ++bins[static_cast<std::size_t>(std::clamp(place, 0.0, kBins - 1.0))];
    }
  }
  const Moments moments(values);
  const double count = std::max<double>(1, static_cast<double>(values.size()));
  return "{\"mean\":" + number(moments.mean) + ",\"std\":" + number(moments.deviation) +
         ",\"zeros\":" + number(zeros / count) + ",\"bins\":" + list(bins) + "}";
}

std::string moments_of(const std::string& name, const Tensor& x) {
  const bool any = x.defined(), several = any && x.size(0) > 1;
  return ",\"" + name + "_mean\":" + (any ? list(values_of(x.mean(0))) : "null") + ",\"" + name +
         "_var\":" + (several ? list(values_of(x.var(0, true))) : "null");
}

std::string statistics(const LayerObservation& layer) {
  if (!layer.norm) return "null";
  const norma::NoGradGuard no_grad;
  return "{\"batches\":" + number(layer.norm->num_batches_tracked.item<double>()) +
         moments_of("batch", layer.batch) + moments_of("asked", layer.asked) +
         ",\"running_mean\":" + list(values_of(layer.norm->running_mean)) +
         ",\"running_var\":" + list(values_of(layer.norm->running_var)) + "}";
}

}  // namespace

std::string to_json(const std::vector<LayerObservation>& layers) {
  std::vector<std::vector<float>> activations, gradients;
  for (const LayerObservation& layer : layers) {
    activations.push_back(values_of(layer.activation));
    gradients.push_back(values_of(layer.activation.grad()));
  }
  const Range activation_range = common_range(activations),
              gradient_range = common_range(gradients);
  std::string text =
      "{\"activations\":" + list(std::array{activation_range.low, activation_range.high}) +
      ",\"gradients\":" + list(std::array{gradient_range.low, gradient_range.high}) +
      ",\"layers\":[";
  for (std::size_t i = 0; i < layers.size(); ++i) {
    text += (i > 0 ? "," : "") +
            ("{\"activations\":" + histogram(activations[i], activation_range)) +
            ",\"gradients\":" + histogram(gradients[i], gradient_range) +
            ",\"norm\":" + statistics(layers[i]) + "}";
  }
  return text + "]}";
}

}  // namespace playground
