// The differentiable functions behind the layers: PyTorch's `torch.nn.functional`.
//
// Errors of all: an undefined tensor; where nothing else is said, an input of integers or bools,
// shapes other than those named, a weight or bias of another dtype than the input's; of a loss,
// Reduction::BatchMean.
#pragma once
#include <array>
#include <concepts>
#include <optional>
#include <string>

#include "norma/core/tensor.h"

namespace norma {

/// Height and width: one number for both, or `{height, width}`.
struct Pair {
  int64_t h, w;  ///< of the rows and of the columns
  constexpr Pair(int64_t both) : h(both), w(both) {}
  constexpr Pair(int64_t height, int64_t width) : h(height), w(width) {}
  bool operator==(const Pair&) const = default;
  /// "(1, 2)"
  std::string str() const;
};

/// A pair that may be left out.
class OptionalPair {
 public:
  constexpr OptionalPair() = default;
  constexpr OptionalPair(int64_t both) : value_(Pair(both)) {}
  constexpr OptionalPair(int64_t height, int64_t width) : value_(Pair(height, width)) {}
  constexpr OptionalPair(Pair value) : value_(value) {}
  /// The pair, or `other` where there is none.
  constexpr Pair value_or(Pair other) const { return value_.value_or(other); }

 private:
  std::optional<Pair> value_;
};

/// The padding of a convolution's input: one number, `{height, width}`, or PyTorch's words:
/// "valid" for none, "same" for what keeps the size at stride 1. 'same' adds d(k-1) rows
/// in all; when that is odd, the bottom and the right get the additional one.
class Padding {
 public:
  template <std::integral T>
  requires(!std::same_as<T, bool>) constexpr Padding(T both) : size_(static_cast<int64_t>(both)) {}
  constexpr Padding(int64_t height, int64_t width) : size_(height, width) {}
  constexpr Padding(Pair size) : size_(size) {}
  /// "same" or "valid"; anything else throws.
  Padding(const char* word);

  bool is_same() const { return word_[0] == 's'; }  ///< whether it is "same"
  /// Rows and columns on each side; 0 for "same", whose size depends on the kernel.
  Pair size() const { return size_; }
  /// "(1, 2)", "same" or "valid".
  std::string str() const;

 private:
  Pair size_;
  const char* word_ = "";
};

/// The same for one dimension: a number, "valid" or "same".
class Padding1d {
 public:
  template <std::integral T>
  requires(!std::same_as<T, bool>) constexpr Padding1d(T size)
      : size_(static_cast<int64_t>(size)) {}
  /// "same" or "valid"; anything else throws.
  Padding1d(const char* word);

  bool is_same() const { return word_[0] == 's'; }  ///< whether it is "same"
  /// Cells on each side; 0 for "same", whose size depends on the kernel.
  int64_t size() const { return size_; }
  /// "(1,)", "same" or "valid".
  std::string str() const;

 private:
  int64_t size_;
  const char* word_ = "";
};

/// The values of the padding: zeros (or where a function takes one, a value), the image mirrored at
/// its edge, the edge repeated, or the opposite side.
enum class PaddingMode { Zeros, Reflect, Replicate, Circular, Constant = Zeros };

/// How losses reduce the values of their elements. BatchMean: their sum over the first size of the
/// input; of `kl_div` alone.
enum class Reduction { None, Mean, Sum, BatchMean };

namespace functional {

/// 1 at the class, 0 elsewhere, along a new last dimension of `num_classes`, by default the largest
/// class + 1. kInt64, like the classes. Errors: negative classes, those of `num_classes` or more,
/// another dtype, and no classes at all without `num_classes`.
Tensor one_hot(const Tensor& classes, int64_t num_classes = -1);

/// y = x Wᵀ + b. x [*, in], weight [out, in], bias [out] or undefined, y [*, out]. Errors: sizes or
/// dtypes that do not fit.
Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = Tensor());

/// Rows and columns to add on each side, in the order of PyTorch's `F.pad`.
struct PadSizes {
  int64_t left = 0, right = 0, top = 0, bottom = 0;  ///< cells on each side
};
struct ConvOptions {
  Pair stride = 1;      ///< how far the window moves, along each axis
  Padding padding = 0;  ///< a number, a pair, "same" or "valid"
  Pair dilation = 1;    ///< how far apart the kernel's cells lie
  int64_t groups = 1;   ///< blocks of channels that do not see each other

  /// Throws `[op] …` on options that are wrong for every input: a stride, dilation or groups below
  /// 1, a negative padding, "same" with a stride.
  void check(const char* op) const;
  /// The padding for a kernel of this size.
  PadSizes pad_sizes(Pair kernel_size) const;
};
/// Cross-correlation. input [N, C, H, W] or [C, H, W], weight [O, C/groups, kh, kw], bias [O] or
/// undefined; output [N, O, H', W'] or [O, H', W'], H' = floor((H + 2p - d(k-1) - 1)/s) + 1. Output
/// block g of the O/groups channels sees input block g of the C/groups channels alone. Errors: what
/// `check` refuses, channels that `groups` does not divide, and a padded image smaller than the
/// kernel.
Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias = Tensor(),
              const ConvOptions& options = {});

/// Cells to add before and after.
struct Pad1dSizes {
  int64_t left = 0, right = 0;  ///< cells at each end
};
struct Conv1dOptions {
  int64_t stride = 1;     ///< how far the window moves, along each axis
  Padding1d padding = 0;  ///< a number, "same" or "valid"
  int64_t dilation = 1;   ///< how far apart the kernel's cells lie
  int64_t groups = 1;     ///< blocks of channels that do not see each other

  void check(const char* op) const;                 ///< as of ConvOptions
  Pad1dSizes pad_sizes(int64_t kernel_size) const;  ///< as of ConvOptions
};
/// The same along one dimension. input [N, C, L] or [C, L], weight [O, C/groups, k], bias [O] or
/// undefined; output [N, O, L'] or [O, L'], L' = floor((L + 2p - d(k-1) - 1)/s) + 1. Errors as for
/// `conv2d`.
Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias = Tensor(),
              const Conv1dOptions& options = {});

/// Pads the last two dimensions of [N, C, H, W] or [C, H, W]. Reflect needs a padding smaller than
/// the image, Circular one that is no larger. Errors: other paddings, negative ones, an empty
/// image to repeat the edge of.
Tensor pad2d(const Tensor& input, const PadSizes& pad, PaddingMode mode = PaddingMode::Zeros);
/// Pads the last dimension of [N, C, L] or [C, L]. Errors as for `pad2d`.
Tensor pad1d(const Tensor& input, const Pad1dSizes& pad, PaddingMode mode = PaddingMode::Zeros);

struct MaxPoolOptions {
  OptionalPair stride = {};  ///< default: the kernel size
  Pair padding = 0;          ///< at most half the kernel; padded cells are never the maximum
  Pair dilation = 1;         ///< how far apart the kernel's cells lie
  bool ceil_mode = false;    ///< round the output size up instead of down

  /// Throws `[op] …` on options that are wrong for every input: a kernel, stride or dilation below
  /// 1, a negative padding or one of more than half the kernel.
  void check(const char* op, Pair kernel_size) const;
};
struct MaxPool1dOptions {
  std::optional<int64_t> stride = {};  ///< default: the kernel size
  int64_t padding = 0;     ///< at most half the kernel; padded cells are never the maximum
  int64_t dilation = 1;    ///< how far apart the kernel's cells lie
  bool ceil_mode = false;  ///< rounds the output's size up instead of down

  void check(const char* op, int64_t kernel_size) const;  ///< as of MaxPoolOptions
};
struct AvgPoolOptions {
  OptionalPair stride = {};                      ///< default: the kernel size
  Pair padding = 0;                              ///< zeros, at most half the kernel
  bool ceil_mode = false;                        ///< rounds the output's size up instead of down
  bool count_include_pad = true;                 ///< padded cells count in the divisor
  std::optional<int64_t> divisor_override = {};  ///< divides by this instead

  /// As of MaxPoolOptions; and a divisor of 0.
  void check(const char* op, Pair kernel_size) const;
};
/// input [N, C, H, W] or [C, H, W], output H' = floor((H + 2p - d(k-1) - 1)/s) + 1. With
/// `ceil_mode` the quotient is rounded up, but no window starts in the padding at the end. A NaN in
/// a window is its maximum; of equals the first one takes the gradient. Takes integers, too.
/// Errors: what `check` refuses, and an image smaller than the window.
Tensor max_pool2d(const Tensor& input, Pair kernel_size, const MaxPoolOptions& options = {});
/// The same along one dimension: input [N, C, L] or [C, L]. Errors as there; integers, too.
Tensor max_pool1d(const Tensor& input, int64_t kernel_size, const MaxPool1dOptions& options = {});
/// The mean of every window, shaped as by `max_pool2d`; padded cells are zeros. Errors as there;
/// integers, too.
Tensor avg_pool2d(const Tensor& input, Pair kernel_size, const AvgPoolOptions& options = {});
/// Output cell i averages rows floor(i H / h) to ceil((i+1) H / h). Errors: an output size below 1.
Tensor adaptive_avg_pool2d(const Tensor& input, Pair output_size);

struct BatchNormArgs {
  Tensor running_mean = Tensor();  ///< both undefined: batch statistics always
  Tensor running_var = Tensor();   ///< both or neither
  Tensor weight = Tensor();        ///< undefined: 1
  Tensor bias = Tensor();          ///< undefined: 0
  bool training = false;           ///< use batch statistics, update the running ones
  double momentum = 0.1;           ///< weight of the new value
  double eps = 1e-5;               ///< added to the variance
  bool relu = false;               ///< gives max(y, 0), in the same pass over memory
};
/// Per channel (axis 1): y = (x - mean) / sqrt(var + eps) * weight + bias; x [N, C, …]. In training
/// mean and var (biased) are those of the batch, and running = (1 - momentum) running + momentum
/// new with the unbiased variance; nothing changes when the call throws. Refuses batch statistics
/// of one value per channel, with them an eps of 0, and one running statistic without the other.
/// See nn::BatchNorm2d.
Tensor batch_norm(Tensor input, const BatchNormArgs& args);

/// y = (x - mean) / sqrt(var + eps) * weight + bias over the last dimensions, which must equal
/// `normalized_shape`, with biased variance. weight and bias have that shape, undefined: 1 and 0.
/// Errors: other last dimensions, `normalized_shape` of none.
Tensor layer_norm(const Tensor& input, const Shape& normalized_shape,
                  const Tensor& weight = Tensor(), const Tensor& bias = Tensor(),
                  double eps = 1e-5);

/// The same over each of `num_groups` groups of C / num_groups neighbouring channels of [N, C, …]
/// and all dimensions behind them; weight and bias [C], undefined: 1 and 0. Refuses a single value
/// per group where there is only one sample. Errors: `num_groups` below 1, or one that does not
/// divide C. See nn::GroupNorm.
Tensor group_norm(const Tensor& input, int64_t num_groups, const Tensor& weight = Tensor(),
                  const Tensor& bias = Tensor(), double eps = 1e-5);

struct EmbeddingOptions {
  std::optional<int64_t> padding_idx = {};  ///< a row without gradient; negative: from the end
  std::optional<double> max_norm = {};      ///< scales rows that are looked up down to this norm
  double norm_type = 2.0;                   ///< the p of that norm
  bool scale_grad_by_freq = false;          ///< divides a row's gradient by how often it is used

  /// Throws `[op] …` on options that are wrong for a table of this size.
  void check(const char* op, int64_t num_embeddings) const;
};
/// Rows of `weight` [num_embeddings, embedding_dim]: indices [*] of kInt64 or kInt32, output
/// [*, embedding_dim]. `max_norm` changes those rows of `weight` in place. See nn::Embedding.
/// Errors: an index that is no row, another dtype of the indices, a `weight` that is no matrix.
Tensor embedding(const Tensor& indices, const Tensor& weight, const EmbeddingOptions& options = {});

/// Zeroes each element with probability p in [0, 1] and scales the rest by 1/(1-p). Unless
/// training, and for p = 0, returns the input itself and draws nothing. Errors: another p.
Tensor dropout(const Tensor& input, double p = 0.5, bool training = true);
/// The same for whole channels of [N, C, …]. Errors: another p, fewer than two dimensions.
Tensor dropout2d(const Tensor& input, double p = 0.5, bool training = true);

struct CrossEntropyOptions {
  Tensor weight = Tensor();               ///< [C], undefined: ones
  int64_t ignore_index = -100;            ///< targets of this class count for nothing
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
  double label_smoothing = 0.0;           ///< this share of the target is spread over all classes
};
/// input: logits [N, C], [N, C, d1, …] or [C]; target: kInt64 classes [N], [N, d1, …] or [], or
/// probabilities of the input's shape, which may require a gradient. Softmax, logarithm and loss in
/// one operation, through the maximum, so that no logit is too large. See nn::CrossEntropyLoss for
/// the formula and what the mean divides by. Errors: classes out of range, integers of the input's
/// sizes, a label_smoothing outside of [0, 1], a weight that requires a gradient.
Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyOptions& options = {});

struct NllOptions {
  Tensor weight = Tensor();               ///< [C], undefined: ones
  int64_t ignore_index = -100;            ///< targets of this class count for nothing
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};
/// -w[y] x[y]; input: log-probabilities, shaped as for `cross_entropy`; target: kInt64 classes.
/// Errors: classes out of range, sizes that do not fit, a weight that requires a gradient.
Tensor nll_loss(const Tensor& input, const Tensor& target, const NllOptions& options = {});

/// (x - t)² and |x - t|, for every element. Both sizes must be the same: broadcasting [N] against
/// [N, 1] to [N, N] is a mistake that would go unnoticed.
Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::Mean);
/// |x - t| for every element, as `mse_loss`. Errors: sizes that differ.
Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::Mean);

struct BceOptions {
  Tensor weight = Tensor();               ///< rescales each element, broadcast to the input
  Tensor pos_weight = Tensor();           ///< weight of the positive class, broadcast
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};
/// −[p t log σ(x) + (1−t) log(1−σ(x))] for every element, in its overflow-free form. Errors: a
/// target of other sizes, weights that do not broadcast or require a gradient.
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const BceOptions& options = {});

}  // namespace functional
}  // namespace norma
