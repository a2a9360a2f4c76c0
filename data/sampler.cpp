#include "norma/data/sampler.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "norma/core/error.h"
#include "norma/core/factory.h"
#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"

namespace norma::data {

namespace {

// Weights that can be drawn by and taken away: a Fenwick tree of their sums.
class Weights {
 public:
  explicit Weights(const std::vector<double>& weights)
      : tree_(weights.size() + 1), weights_(weights) {
    for (std::size_t i = 1; i < tree_.size(); ++i) {
      tree_[i] += weights[i - 1];
      if (const std::size_t up = i + (i & -i); up < tree_.size()) tree_[up] += tree_[i];
    }
  }

  // The first whose sum with those before it exceeds `part` of the whole.
  std::size_t find(double part) const {
    std::size_t at = 0, step = 1;
    while (2 * step < tree_.size()) step *= 2;
    double total = 0;
    for (std::size_t i = tree_.size() - 1; i > 0; i &= i - 1) total += tree_[i];
    double rest = part * total;
    for (; step > 0; step /= 2) {
      if (at + step < tree_.size() && tree_[at + step] <= rest) {
        at += step;
        rest -= tree_[at];
      }
    }
    // Rounding may lead to one that has no weight.
    at = std::min(at, weights_.size() - 1);
    while (weights_[at] == 0) at = at + 1 < weights_.size() ? at + 1 : 0;
    return at;
  }

  void take(std::size_t at) {
    const double weight = weights_[at];
    weights_[at] = 0;
    for (std::size_t i = at + 1; i < tree_.size(); i += i & -i) tree_[i] -= weight;
  }

 private:
  std::vector<double> tree_, weights_;
};

}  // namespace

SequentialSampler::SequentialSampler()
    : Sampler{[](int64_t samples, Generator&) { return arange(samples); }} {}

RandomSampler::RandomSampler(const RandomSamplerOptions& options) try {
  if (options.num_samples < -1 || options.num_samples == 0) {
    fail("RandomSampler", "expected num_samples from 1, or -1 for all, got ", options.num_samples);
  }
  length = options.num_samples;
  order = [options](int64_t samples, Generator& generator) {
    const int64_t count = options.num_samples < 0 ? samples : options.num_samples;
    if (options.replacement) return randint(0, samples, count, {.dtype = kInt64}, generator);
    Tensor all = new_tensor(count, kInt64);
    for (int64_t done = 0; done < count; done += samples) {
      const int64_t part = std::min(samples, count - done);
      all.narrow(0, done, part).copy_(randperm(samples, generator).narrow(0, 0, part));
    }
    return all;
  };
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

WeightedRandomSampler::WeightedRandomSampler(const Tensor& weights, int64_t num_samples,
                                             bool replacement) try {
  const char* op = "WeightedRandomSampler";
  defined_impl(weights, op);
  if (weights.dim() != 1 || weights.numel() == 0) {
    fail(op, "expected a weight per sample, [N], got ", weights.sizes());
  }
  const Tensor doubles = weights.detach().to(kFloat64).contiguous();
  const auto* first = doubles.data_ptr<double>();
  const auto values = with_memory(doubles.numel() * 8, [&] {
    return std::make_shared<const std::vector<double>>(first, first + doubles.numel());
  });
  int64_t above = 0;
  double sum = 0;
  for (const double w : *values) {
    if (!(w >= 0) || std::isinf(sum += w)) {
      fail(op, "expected weights from 0 with a finite sum, got ", w);
    }
    above += w > 0;
  }
  if (above == 0) fail(op, "expected a weight above 0, got none");
  if (num_samples < 1 || (!replacement && num_samples > above)) {
    fail(op, "expected num_samples from 1",
         replacement ? "" : text(" to ", above, " (weights above 0)"), ", got ", num_samples);
  }
  length = num_samples;
  order = [values, num_samples, replacement](int64_t samples, Generator& generator) {
    if (samples != static_cast<int64_t>(values->size())) {
      fail("WeightedRandomSampler", "expected a weight for each of ", samples, " samples, got ",
           values->size());
    }
    Weights left = with_memory(samples * 16, [&] { return Weights(*values); });
    Tensor drawn = new_tensor(num_samples, kInt64);
    for (int64_t i = 0; i < num_samples; ++i) {
      const std::size_t at = left.find(generator.uniform());
      drawn.data_ptr<int64_t>()[i] = static_cast<int64_t>(at);
      if (!replacement) left.take(at);
    }
    return drawn;
  };
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

SubsetRandomSampler::SubsetRandomSampler(std::vector<int64_t> indices) try {
  if (indices.empty()) fail("SubsetRandomSampler", "expected at least one index, got none");
  length = static_cast<int64_t>(indices.size());
  order = [chosen = tensor(indices)](int64_t, Generator& generator) {
    return chosen.index_select(0, randperm(chosen.numel(), generator));
  };
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

}  // namespace norma::data
