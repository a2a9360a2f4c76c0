// softmax and log_softmax along a dimension.
#include <cmath>

#include "norma/autograd/promotion.h"
#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/reduce.h"
#include "norma/core/kernels/vector_math.h"

namespace norma {

using namespace autograd;

namespace {

struct Lines {
  int64_t outer = 1, length = 1, inner = 1;
};

Lines lines_along(const Shape& sizes, int64_t dim) {
  Lines lines;
  for (int64_t i = 0; i < dim; ++i) lines.outer *= sizes[i];
  if (!sizes.empty()) lines.length = sizes[dim];
  for (int64_t i = dim + 1; i < sizes.size(); ++i) lines.inner *= sizes[i];
  return lines;
}

/// Writes exp(x - max) / Σ or x - max - log Σ for every line; sums are kept in double.
template <class T>
void normalise(T* out, const T* x, const Lines& lines, bool log) {
  const int64_t n = lines.length;
  kernels::for_each_middle(
      x, lines.outer, n, lines.inner, [=](const T* first, int64_t stride, int64_t) {
        T* const result = out + (first - x);
        T largest = first[0];
        for (int64_t i = 1; i < n; ++i) {
          const T value = first[i * stride];
          if (value > largest || value != value) largest = value;
        }
        double sum = 0;
        for (int64_t i = 0; i < n; ++i) {
          const T e = fast_exp(first[i * stride] - largest);
          if (!log) result[i * stride] = e;
          sum += static_cast<double>(e);
        }
        const T scale = static_cast<T>(1 / sum), shift = static_cast<T>(std::log(sum));
        for (int64_t i = 0; i < n; ++i) {
          result[i * stride] =
              log ? first[i * stride] - largest - shift : result[i * stride] * scale;
        }
      });
}

Tensor normalised(const char* op, const Tensor& self, int64_t dim, bool log) {
  const Shape sizes = defined_impl(self, op)->sizes;
  const int64_t d = wrap_dim(dim, sizes.size(), op);
  const DType dtype = floating_type(self.dtype());
  const Tensor x = self.detach().to(dtype).contiguous();
  Tensor out = new_tensor(sizes, dtype);
  const Lines lines = lines_along(sizes, d);
  if (out.numel() > 0) {
    dispatch_floating(
        dtype, [&]<class T>() { normalise(out.data_ptr<T>(), x.data_ptr<T>(), lines, log); });
  }
  return record(op, out, {&self}, [=, y = Saved(out)](const Tensor& grad, InputGrads& grads) {
    grads[0] = new_tensor(sizes, grad.dtype());
    if (grads[0].numel() == 0) return;
    const Tensor g = grad.contiguous();
    dispatch_floating(grad.dtype(), [&]<class T>() {
      const T* const pg = g.data_ptr<T>();
      const T* const py = y->data_ptr<T>();
      T* const dx = grads[0].data_ptr<T>();
      // softmax: y (g - Σ g y); log_softmax: g - exp(y) Σ g.
      kernels::for_each_middle(
          pg, lines.outer, lines.length, lines.inner, [=](const T* first, int64_t stride, int64_t) {
            const int64_t at = first - pg;
            double sum = 0;
            for (int64_t i = 0; i < lines.length; ++i) {
              const int64_t k = at + i * stride;
              sum += static_cast<double>(log ? pg[k] : pg[k] * py[k]);
            }
            const T total = static_cast<T>(sum);
            for (int64_t i = 0; i < lines.length; ++i) {
              const int64_t k = at + i * stride;
              dx[k] = log ? pg[k] - fast_exp(py[k]) * total : py[k] * (pg[k] - total);
            }
          });
    });
  });
}

}  // namespace

Tensor Tensor::softmax(int64_t dim) const { return normalised("softmax", *this, dim, false); }
Tensor Tensor::log_softmax(int64_t dim) const {
  return normalised("log_softmax", *this, dim, true);
}

}  // namespace norma
