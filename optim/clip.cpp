#include "norma/optim/clip.h"

#include <cmath>
#include <iterator>

#include "norma/autograd/grad_mode.h"
#include "norma/core/elementary.h"
#include "norma/core/grains.h"
#include "norma/core/kernels/sums.h"
#include "norma/core/memory.h"
#include "norma/core/simd.h"
#include "norma/core/tensor_impl.h"
#include "norma/core/threads.h"

namespace norma::optim {

namespace {

std::vector<Tensor> gradients(const std::vector<Tensor>& parameters, const char* op) {
  std::vector<Tensor> grads;
  for (const Tensor& parameter : parameters) {
    const Tensor& grad = defined_impl(parameter, op)->grad;
    if (grad.defined()) grads.push_back(grad.detach());
  }
  return grads;
}

// Σ x² of [0, n) in double, in sixteen partial sums, which vectorise.
template <class T>
double sum_of_squares(const T* x, int64_t n) {
  double total = 0;
  simd([=, &total]() NORMA_INLINE {
    const auto square = [=](int64_t i) NORMA_INLINE {
      const double value = static_cast<double>(x[i]);
      return value * value;
    };
    double lanes[16] = {};
    int64_t i = kernels::add_to_lanes(lanes, n, square);
    for (int64_t l = 0; i < n; ++i, ++l) lanes[l] += square(i);
    double sum = 0;
    for (double lane : lanes) sum += lane;
    total = sum;
  });
  return total;
}

/// max|x| for p = infinity, min|x| for -infinity.
template <class T>
double extreme(const T* x, int64_t n, double p) {
  double result = p > 0 ? 0 : -p;
  for (int64_t i = 0; i < n; ++i) {
    const double value = std::abs(static_cast<double>(x[i]));
    if (!(p > 0 ? value <= result : value >= result)) result = value;  // NaN stays
    if (std::isnan(result)) break;
  }
  return result;
}

template <class T>
double sum_of_powers(const T* x, int64_t n, double p) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double value = std::abs(static_cast<double>(x[i]));
    sum += p == 0 ? double(value != 0) : elementary::pow(value, p);
  }
  return sum;
}

// Of one tensor: Σ|x|^p, or an extreme |x| for infinite p; for p = 0 whether any is not 0.
double gather(const Tensor& grad, double p) {
  const Tensor packed = grad.contiguous();
  const int64_t n = packed.numel();
  if (n == 0) return p < 0 && std::isinf(p) ? -p : 0;
  const int count = parallel_parts(n, kReadGrain);
  std::vector<double> parts(static_cast<std::size_t>(count));
  dispatch_floating(packed.dtype(), [&]<class T>() {
    const T* x = impl_of(packed)->data_as<T>();
    parallel_parts_for(count, n, [&](int64_t begin, int64_t end, int part) {
      parts[static_cast<std::size_t>(part)] = p == 2.0 ? sum_of_squares(x + begin, end - begin)
                                              : std::isinf(p)
                                                  ? extreme(x + begin, end - begin, p)
                                                  : sum_of_powers(x + begin, end - begin, p);
    });
  });
  if (std::isinf(p)) return extreme(parts.data(), std::ssize(parts), p);
  double result = 0;
  for (double part : parts) result += part;
  return p == 0 ? double(result != 0) : result;
}

}  // namespace

double clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, double norm_type,
                       bool error_if_nonfinite) {
  const char* op = "clip_grad_norm_";
  if (!(max_norm >= 0)) fail(op, "expected max_norm >= 0, got ", shortest(max_norm));
  std::vector<Tensor> grads;
  std::vector<double> sums;
  with_memory(0, [&] {
    grads = gradients(parameters, op);
    for (const Tensor& grad : grads) sums.push_back(gather(grad, norm_type));
  });
  double total = 0;
  if (grads.empty()) {
    total = 0;
  } else if (std::isinf(norm_type)) {
    total = extreme(sums.data(), std::ssize(sums), norm_type);
  } else {
    for (double sum : sums) total += sum;
    total = norm_type == 2.0   ? std::sqrt(total)
            : norm_type == 0.0 ? total
                               : elementary::pow(total, 1 / norm_type);
  }
  if (error_if_nonfinite && !std::isfinite(total))
    fail(op, "The total norm of order ", shortest(norm_type),
         " for gradients from `parameters` is non-finite, so it cannot be clipped: got ",
         shortest(total),
         ". To disable this error and scale the gradients by the non-finite norm anyway, "
         "set `error_if_nonfinite=false`");
  const double factor = max_norm / (total + 1e-6);
  if (factor >= 1) return total;
  NoGradGuard no_grad;
  for (Tensor grad : grads) grad.mul_(factor);
  return total;
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value) {
  const char* op = "clip_grad_value_";
  if (!(clip_value >= 0)) fail(op, "expected clip_value >= 0, got ", shortest(clip_value));
  NoGradGuard no_grad;
  for (Tensor grad : with_memory(0, [&] { return gradients(parameters, op); })) {
    grad.clamp_(-clip_value, clip_value);
  }
}

}  // namespace norma::optim
