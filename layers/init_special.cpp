// Initialisers of nn::init that draw more than independent numbers of one kind.
#include <algorithm>
#include <cmath>
#include <vector>

#include "norma/autograd/grad_mode.h"
#include "norma/core/factory.h"
#include "norma/core/memory.h"
#include "norma/core/random.h"
#include "norma/layers/init.h"

namespace norma::nn::init {

namespace {

// Φ(x) for x ≤ 0, by bisection of the quantile function: the same bits everywhere.
double lower_tail(double x) {
  double low = 0, high = 0.5;
  for (int i = 0; i < 80; ++i) {
    const double middle = low + (high - low) / 2;
    (normal_quantile(middle) < x ? low : high) = middle;
  }
  return high;
}

double normal_cdf(double x) { return x <= 0 ? lower_tail(x) : 1 - lower_tail(-x); }

double* doubles(const Tensor& tensor) { return tensor.data_ptr<double>(); }

void check_dims(const char* op, const Tensor& tensor, bool fits, const char* expected) {
  if (!fits)
    fail(op, "Only tensors with ", expected, " dimensions are supported, got ", tensor.sizes());
}

// In a fixed order, and fast.
double dot(const double* a, const double* b, int64_t n) {
  double sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int k = 0; k < 8; ++k) sums[k] += a[i + k] * b[i + k];
  for (; i < n; ++i) sums[0] += a[i] * b[i];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

// Makes `count` rows of `n` ≥ count numbers orthonormal: Gram-Schmidt, twice for each, which is
// the Q of a QR decomposition whose R has a positive diagonal.
void orthonormalise(double* rows, int64_t count, int64_t n) {
  for (int64_t k = 0; k < count; ++k) {
    double* const row = rows + k * n;
    for (int pass = 0; pass < 2; ++pass) {
      for (int64_t j = 0; j < k; ++j) {
        const double* const other = rows + j * n;
        const double part = dot(other, row, n);
        for (int64_t i = 0; i < n; ++i) row[i] -= part * other[i];
      }
    }
    const double norm = std::sqrt(dot(row, row, n));
    for (int64_t i = 0; i < n; ++i) row[i] /= norm;
  }
}

}  // namespace

Tensor trunc_normal_(Tensor tensor, double mean, double std, double a, double b) {
  const char* op = "trunc_normal_";
  if (!(std > 0 && std::isfinite(std))) fail(op, "expected a finite std above 0, got ", std);
  if (!std::isfinite(mean)) fail(op, "expected a finite mean, got ", mean);
  if (!(a < b)) fail(op, "expected a < b, got ", a, " and ", b);
  const NoGradGuard no_grad;
  // Digits are plenty near p = 0: what lies above the mean is drawn below it, and mirrored.
  const bool mirrored = a > mean;
  const double from = (mirrored ? mean - b : a - mean) / std;
  const double to = (mirrored ? mean - a : b - mean) / std;
  const double low = normal_cdf(from), high = normal_cdf(to);
  const Tensor drawn = rand(tensor.sizes(), {.dtype = kFloat64});
  double* const x = doubles(drawn);
  for (int64_t i = 0; i < drawn.numel(); ++i) {
    const double z = normal_quantile(low + x[i] * (high - low));
    x[i] = std::clamp(mean + std * (mirrored ? -z : z), a, b);
  }
  return tensor.copy_(drawn);
}

Tensor eye_(Tensor tensor) {
  check_dims("eye_", tensor, tensor.dim() == 2, "2");
  const NoGradGuard no_grad;
  const Tensor values = zeros(tensor.sizes(), {.dtype = kFloat64});
  const int64_t columns = tensor.size(1);
  for (int64_t i = 0; i < std::min(tensor.size(0), columns); ++i)
    doubles(values)[i * columns + i] = 1;
  return tensor.copy_(values);
}

Tensor dirac_(Tensor tensor, int64_t groups) {
  check_dims("dirac_", tensor, tensor.dim() >= 3 && tensor.dim() <= 5, "3, 4, or 5");
  const Shape& sizes = tensor.sizes();
  if (groups < 1 || sizes[0] % groups != 0)
    fail("dirac_", "dim 0 must be divisible by groups, got ", sizes, " and ", groups, " groups");
  const NoGradGuard no_grad;
  const Tensor values = zeros(sizes, {.dtype = kFloat64});
  if (values.numel() > 0) {
    int64_t kernel = 1, middle = 0;
    for (int64_t d = 2; d < sizes.size(); ++d) {
      kernel *= sizes[d];
      middle = middle * sizes[d] + sizes[d] / 2;
    }
    const int64_t outputs = sizes[0] / groups;
    for (int64_t out = 0; out < sizes[0]; ++out)
      if (const int64_t in = out % outputs; in < sizes[1])
        doubles(values)[(out * sizes[1] + in) * kernel + middle] = 1;
  }
  return tensor.copy_(values);
}

Tensor sparse_(Tensor tensor, double sparsity, double std) {
  const char* op = "sparse_";
  check_dims(op, tensor, tensor.dim() == 2, "2");
  if (!(sparsity >= 0 && sparsity <= 1))
    fail(op, "expected a sparsity from 0 to 1, got ", sparsity);
  if (!(std >= 0)) fail(op, "expected std of at least 0, got ", std);
  const NoGradGuard no_grad;
  const int64_t rows = tensor.size(0), columns = tensor.size(1);
  const Tensor values = randn({rows, columns}, {.dtype = kFloat64});
  for (int64_t i = 0; i < values.numel(); ++i) doubles(values)[i] *= std;
  const auto zeros = static_cast<int64_t>(std::ceil(sparsity * static_cast<double>(rows)));
  for (int64_t column = 0; column < columns; ++column) {
    const Tensor order = randperm(rows);
    for (int64_t i = 0; i < zeros; ++i)
      doubles(values)[order.data_ptr<int64_t>()[i] * columns + column] = 0;
  }
  return tensor.copy_(values);
}

Tensor orthogonal_(Tensor tensor, double gain) {
  check_dims("orthogonal_", tensor, tensor.dim() >= 2, "2 or more");
  if (tensor.numel() == 0) return tensor;
  const NoGradGuard no_grad;
  const int64_t rows = tensor.size(0), columns = tensor.numel() / rows;
  const int64_t count = std::min(rows, columns), n = std::max(rows, columns);
  const Tensor drawn = randn({count, n}, {.dtype = kFloat64});
  orthonormalise(doubles(drawn), count, n);
  for (int64_t i = 0; i < drawn.numel(); ++i) doubles(drawn)[i] *= gain;
  const Tensor matrix = rows <= columns ? drawn : drawn.transpose(0, 1);
  return tensor.copy_(matrix.contiguous().reshape(tensor.sizes()));
}

}  // namespace norma::nn::init
