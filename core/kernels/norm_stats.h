// What the normalisations know of channels and of groups, as raw pointers.
//
// Statistics are summed in double, and kept as three doubles per group of n elements that share a
// mean: a `shift` near the mean that T holds exactly, the small `rest` that is missing to it, and
// invstd = 1/sqrt(var + eps), 0 for a deviation of 0. So a large mean costs no digits, and a
// constant group gives exact zeros.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// A contiguous [n, channels, length] tensor.
struct ChannelShape {
  int64_t n, channels, length;
};

/// What belongs to the channels, `channels` values each; null where absent.
template <class T>
struct ChannelParams {
  const T* weight;
  const T* bias;
};

/// `shift`, `rest` and `invstd` are the thirds of one array of 3 * count values.
struct NormStats {
  double* shift;
  double* rest;
  double* invstd;
  NormStats(double* values, int64_t count)
      : shift(values), rest(values + count), invstd(values + 2 * count) {}
};

/// With the line of each channel, y = (x - base) scale + offset, as T has it: sixths of one array.
struct BatchNormStats : NormStats {
  double* base;
  double* scale;
  double* offset;
  BatchNormStats(double* values, int64_t count)
      : NormStats(values, count),
        base(values + 3 * count),
        scale(values + 4 * count),
        offset(values + 5 * count) {}
};

/// Running statistics to update (null: none): running = (1 - momentum) running + momentum new, with
/// the unbiased variance.
template <class T>
struct RunningStats {
  T* mean;
  T* var;
  double momentum;
};

}  // namespace norma::kernels
