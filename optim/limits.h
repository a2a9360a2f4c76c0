// The limits of options that several optimisers and schedulers have. Not for programs.
#pragma once
#include "norma/optim/optimizer.h"

namespace norma::optim::detail {

inline constexpr auto kNotNegative = [](double x) { return x >= 0; };
inline constexpr auto kFraction = [](double x) { return x >= 0 && x < 1; };
inline constexpr auto kNumber = [](double x) { return x == x; };

inline constexpr OptionLimit kLearningRate = {kNotNegative, "learning rate", "lr >= 0"};
inline constexpr OptionLimit kEpsilon = {kNotNegative, "epsilon value", "eps >= 0"};
inline constexpr OptionLimit kMomentum = {kNotNegative, "momentum value", "momentum >= 0"};
inline constexpr OptionLimit kWeightDecay = {kNotNegative, "weight_decay value",
                                             "weight_decay >= 0"};
inline constexpr OptionLimit kBeta1 = {kFraction, "beta parameter at index 0", "0 <= beta < 1"};
inline constexpr OptionLimit kBeta2 = {kFraction, "beta parameter at index 1", "0 <= beta < 1"};

/// Number i of a pair that a group may have of its own.
inline std::optional<double> part(const std::optional<std::array<double, 2>>& pair, std::size_t i) {
  return pair ? std::optional<double>((*pair)[i]) : std::nullopt;
}

}  // namespace norma::optim::detail
