// The differentiable functions behind the layers: PyTorch's `torch.nn.functional`.
#pragma once
#include <array>
#include <optional>
#include <string>

#include "norma/core/tensor.h"

namespace norma {

/// Height and width: one number for both, or `{height, width}`.
struct Pair {
  int64_t h, w;
  constexpr Pair(int64_t both) : h(both), w(both) {}
  constexpr Pair(int64_t height, int64_t width) : h(height), w(width) {}
  bool operator==(const Pair&) const = default;
};

/// How losses gather the per-element values.
enum class Reduction { None, Mean, Sum };

namespace functional {

/// y = x Wᵀ + b. x [*, in], weight [out, in], bias [out] or undefined, y [*, out].
Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = Tensor());

struct ConvOptions {
  Pair stride = 1;
  /// Zeros at {top and left, bottom and right}; see `same_padding`.
  Pair padding = 0;
  Pair dilation = 1;
  int64_t groups = 1;
  /// Additional zeros at the bottom and at the right only ('same' with an even kernel).
  Pair extra_padding = 0;
};
/// Cross-correlation. input [N, C, H, W], weight [O, C/groups, kh, kw], bias [O] or undefined;
/// output [N, O, H', W'], H' = floor((H + 2p - d(k-1) - 1)/s) + 1.
Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias = Tensor(),
              const ConvOptions& options = {});

struct PoolOptions {
  std::optional<Pair> stride = {};  ///< default: the kernel size
  Pair padding = 0;
  Pair dilation = 1;  ///< max pooling only
  bool ceil_mode = false;
  bool count_include_pad = true;                 ///< average pooling only
  std::optional<int64_t> divisor_override = {};  ///< average pooling only
};
/// input [N, C, H, W] or [C, H, W].
Tensor max_pool2d(const Tensor& input, Pair kernel_size, const PoolOptions& options = {});
Tensor avg_pool2d(const Tensor& input, Pair kernel_size, const PoolOptions& options = {});
/// Output cell i averages rows floor(i H / h) to ceil((i+1) H / h).
Tensor adaptive_avg_pool2d(const Tensor& input, Pair output_size);

/// What `batch_norm` normalises with, and what it updates.
struct BatchNormArgs {
  Tensor running_mean, running_var;  ///< undefined: batch statistics always
  Tensor weight, bias;               ///< undefined: 1 and 0
  bool training = false;             ///< use batch statistics, update the running ones
  double momentum = 0.1;             ///< weight of the new value
  double eps = 1e-5;
};
/// Per channel (axis 1): y = (x - mean) / sqrt(var + eps) * weight + bias. See nn::BatchNorm2d.
Tensor batch_norm(const Tensor& input, const BatchNormArgs& args);

/// Normalises over the last dimensions, which must equal `normalized_shape`, with biased variance.
Tensor layer_norm(const Tensor& input, const Shape& normalized_shape,
                  const Tensor& weight = Tensor(), const Tensor& bias = Tensor(),
                  double eps = 1e-5);

/// Zeroes each element with probability p and scales the rest by 1/(1-p); identity unless training.
Tensor dropout(const Tensor& input, double p = 0.5, bool training = true);
/// Zeroes whole channels of [N, C, …].
Tensor dropout2d(const Tensor& input, double p = 0.5, bool training = true);

struct CrossEntropyOptions {
  Tensor weight = Tensor();  ///< [C], undefined: ones
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::Mean;
  double label_smoothing = 0.0;
};
/// input: logits [N, C], [N, C, d1, …] or [C]; target: kInt64 class indices [N], [N, d1, …] or [],
/// or probabilities of the input's shape. See nn::CrossEntropyLoss.
Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyOptions& options = {});

struct NllOptions {
  Tensor weight = Tensor();
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::Mean;
};
/// input: log-probabilities, shaped as for `cross_entropy`.
Tensor nll_loss(const Tensor& input, const Tensor& target, const NllOptions& options = {});

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::Mean);
Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::Mean);

struct BceOptions {
  Tensor weight = Tensor();      ///< rescales each element, broadcast to the input
  Tensor pos_weight = Tensor();  ///< weight of the positive class, broadcast
  Reduction reduction = Reduction::Mean;
};
/// −[p y log σ(x) + (1−y) log(1−σ(x))] in its overflow-free form.
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const BceOptions& options = {});

}  // namespace functional
}  // namespace norma
