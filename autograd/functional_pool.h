// More pooling. Part of autograd/functional.h, in a file of its own.
#pragma once
#include <utility>

#include "norma/autograd/functional.h"

namespace norma::functional {

struct AvgPool1dOptions {
  std::optional<int64_t> stride = {};  ///< default: the kernel size
  int64_t padding = 0;                 ///< zeros, at most half the kernel
  bool ceil_mode = false;              ///< rounds the output's size up instead of down
  bool count_include_pad = true;       ///< padded cells count in the divisor

  void check(const char* op, int64_t kernel_size) const;  ///< as of MaxPoolOptions
};
/// avg_pool2d along one dimension: input [N, C, L] or [C, L]. Errors as for it.
Tensor avg_pool1d(const Tensor& input, int64_t kernel_size, const AvgPool1dOptions& options = {});
/// adaptive_avg_pool2d along one dimension. Errors as for it.
Tensor adaptive_avg_pool1d(const Tensor& input, int64_t output_size);

/// Output cell i is the maximum of rows floor(i H / h) to ceil((i+1) H / h) of [N, C, H, W] or
/// [C, H, W], and of columns likewise. NaN and equals as in max_pool2d. Errors: integers, other
/// ranks, an output size below 1.
Tensor adaptive_max_pool2d(const Tensor& input, Pair output_size);
/// The same along one dimension: input [N, C, L] or [C, L]. Errors: as above.
Tensor adaptive_max_pool1d(const Tensor& input, int64_t output_size);

/// max_pool2d, and where in its plane each maximum was found: kInt64, row · W + column.
/// PyTorch: `F.max_pool2d(…, return_indices=True)`. Errors as for max_pool2d; integers, too.
std::pair<Tensor, Tensor> max_pool2d_with_indices(const Tensor& input, Pair kernel_size,
                                                  const MaxPoolOptions& options = {});

struct MaxUnpoolOptions {
  OptionalPair stride = {};       ///< default: the kernel size
  Pair padding = 0;               ///< that of the pooling
  OptionalPair output_size = {};  ///< default: (H - 1) stride - 2 padding + kernel
};
/// Puts the values of `input` where `indices`, of the same size, say, and zeros elsewhere: undoes
/// max_pool2d_with_indices up to what it dropped. Errors: an index outside the plane, indices
/// of another dtype than kInt64, and an output_size as far from the default as the stride.
Tensor max_unpool2d(const Tensor& input, const Tensor& indices, Pair kernel_size,
                    const MaxUnpoolOptions& options = {});

struct LpPoolOptions {
  OptionalPair stride = {};  ///< default: the kernel size
  bool ceil_mode = false;    ///< rounds the output's size up instead of down
};
/// (Σ x^p)^(1/p) of each window of [N, C, H, W] or [C, H, W]; max |x| with p = ∞, min |x| with
/// p = -∞. Where the sum is zero, so is the gradient, for p > 0. Errors: p = 0, and as for
/// avg_pool2d.
Tensor lp_pool2d(const Tensor& input, double norm_type, Pair kernel_size,
                 const LpPoolOptions& options = {});

}  // namespace norma::functional
