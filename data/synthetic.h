// Data sets that Norma draws itself, the same on every machine, which <random> does not promise.
#pragma once
#include <cstdint>

#include "norma/data/dataset.h"

namespace norma::data {

/// Handwriting-like digits: inputs [n, 1, 28, 28] kUInt8 (0 background, 255 ink), targets [n]
/// kInt64 in 0..9, in random order. Each image is drawn from strokes in one of several ways of
/// writing its digit, with random placement, size, rotation, slant, bend, thickness, sharpness,
/// ink and noise. Image i depends only on the seed and i; the bytes are the same under every
/// compiler and thread count. A model without hidden layers stays below 95 % on them, a small CNN
/// gets above 98 %. Use different seeds for training and test. Errors: n < 1.
Dataset synthetic_digits(int64_t n, uint64_t seed = 0);

/// Two interleaved spirals of 1.5 turns around the origin, radius 0.1 to 1: inputs [n, 2]
/// kFloat32, targets [n] kInt64, 0 and 1 in turn. Points lie at random along their arm; `noise` is
/// the standard deviation of what is added to both coordinates. Point i depends only on the seed
/// and i. Errors: n < 1, a noise that is negative or not finite.
Dataset spirals(int64_t n, double noise = 0.02, uint64_t seed = 0);

/// Two interleaved half circles, as scikit-learn's `make_moons`: (cos t, sin t) and
/// (1 - cos t, 1/2 - sin t) for t in [0, π]. The rest, errors included, as for
/// `spirals`.
Dataset moons(int64_t n, double noise = 0.1, uint64_t seed = 0);

}  // namespace norma::data
