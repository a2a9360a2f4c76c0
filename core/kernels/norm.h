// The loops of batch, layer and group normalisation, on raw pointers.
//
// Statistics are summed in double, and kept as three doubles per group of n elements that share a
// mean: a `shift` near the mean that T holds exactly, the small `rest` that is missing to it, and
// invstd = 1/sqrt(var + eps), 0 for a deviation of 0. So a large mean costs no digits, and a constant
// group gives exact zeros.
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

/// y = (x - mean) invstd weight + bias with the statistics of the batch, which go to `stats`, and
/// where `relu` says so the larger of that and 0. y may be x. Needs n * length >= 2.
template <class T>  // float or double
void batch_norm_train(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                      RunningStats<T> running, bool relu, T* y, BatchNormStats stats);

/// The same with given statistics, which go to `stats`, too.
template <class T>
void batch_norm_eval(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                     const T* mean, const T* var, bool relu, T* y, BatchNormStats stats);

/// Gradients from `dy`; null outputs are skipped. dx may be dy. `batch_stats`: the statistics came
/// from x itself.
template <class T>
void batch_norm_backward(ChannelShape shape, const T* dy, const T* x, const T* weight,
                         BatchNormStats stats, bool batch_stats, bool relu, T* dx, T* dweight,
                         T* dbias);

/// Normalises each of `rows` rows of `size` elements; weight and bias have `size` elements.
template <class T>
void layer_norm(int64_t rows, int64_t size, const T* x, ChannelParams<T> params, double eps, T* y,
                NormStats stats);

template <class T>
void layer_norm_backward(int64_t rows, int64_t size, const T* dy, const T* x, const T* weight,
                         NormStats stats, T* dx, T* dweight, T* dbias);

/// Normalises each of `groups` groups of neighbouring channels of each of the n samples: n * groups
/// statistics. `groups` divides the channels, and nothing is empty.
template <class T>
void group_norm(ChannelShape shape, int64_t groups, const T* x, ChannelParams<T> params, double eps,
                T* y, NormStats stats);

template <class T>
void group_norm_backward(ChannelShape shape, int64_t groups, const T* dy, const T* x,
                         const T* weight, NormStats stats, T* dx, T* dweight, T* dbias);

}  // namespace norma::kernels
