// Matrix products.
#include <algorithm>
#include <string>

#include "norma/autograd/formulas.h"
#include "norma/autograd/functional.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/promotion.h"
#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/grains.h"
#include "norma/core/kernels/matmul.h"
#include "norma/core/kernels/reduce.h"
#include "norma/core/tensor_impl.h"
#include "norma/core/threads.h"

namespace norma {

using namespace autograd;
using kernels::MatrixProduct, kernels::matmul, kernels::parallel_matmul, kernels::layer_product,
    kernels::sum_middle;

namespace {

/// The last two dimensions of a tensor without history as a product reads them: row-major, or the
/// transpose of that; in a copy if they are neither.
struct Operand {
  Tensor x;
  bool transposed = false;
  int64_t row_stride = 1;

  explicit Operand(const Tensor& tensor) : x(tensor.detach()) {
    if (is_floating(x.dtype()) && find_rows()) return;
    x = x.clone();
    find_rows();
  }
  /// Where matrix `index` begins.
  template <class T>
  const T* matrix(int64_t index) const {
    const T* start = values_of<T>(x);
    for (int64_t i = x.dim() - 3; i > 0; --i) {
      start += index % x.sizes()[i] * x.strides()[i];
      index /= x.sizes()[i];
    }
    return x.dim() > 2 ? start + index * x.strides()[0] : start;
  }

 private:
  bool find_rows() {
    const int64_t rows = x.size(-2), cols = x.size(-1);
    const int64_t down = x.strides()[x.dim() - 2], across = x.strides()[x.dim() - 1];
    if ((across == 1 || cols == 1) && (down >= std::max<int64_t>(cols, 1) || rows == 1)) {
      row_stride = std::max<int64_t>({rows == 1 ? cols : down, cols, 1});
      return true;
    }
    transposed = (down == 1 || rows == 1) && (across >= std::max<int64_t>(rows, 1) || cols == 1);
    row_stride = std::max<int64_t>({cols == 1 ? rows : across, rows, 1});
    return transposed;
  }
};

/// A product of integers, whose matrices lie row by row, by the definition.
template <class T>
void integer_product(const MatrixProduct<T>& p) {
  const auto wide = [](T value) { return static_cast<uint64_t>(value); };  // wraps around
  std::fill_n(p.c, p.m * p.n, T(0));
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t q = 0; q < p.k; ++q) {
      const uint64_t factor = wide(p.a[i * p.k + q]);
      T* const row = p.c + i * p.n;
      for (int64_t j = 0; j < p.n; ++j) {
        row[j] = static_cast<T>(wide(row[j]) + factor * wide(p.b[q * p.n + j]));
      }
    }
  }
}

/// The product of the last two dimensions; all leading dimensions are equal. No history.
Tensor product(const Tensor& left, const Tensor& right) {
  const Operand a(left), b(right);
  const int64_t m = left.size(-2), k = left.size(-1), n = right.size(-1);
  Shape sizes = left.sizes();
  sizes[sizes.size() - 1] = n;
  Tensor out = new_tensor(sizes, left.dtype());
  if (out.numel() == 0) return out;
  const int64_t batch = out.numel() / (m * n);
  dispatch(out.dtype(), [&]<class T>() {
    const auto part = [&, c = values_of<T>(out)](int64_t i) {
      return MatrixProduct<T>{a.transposed,
                              b.transposed,
                              m,
                              n,
                              k,
                              a.matrix<T>(i),
                              a.row_stride,
                              b.matrix<T>(i),
                              b.row_stride,
                              nullptr,
                              c + i * m * n,
                              n};
    };
    if constexpr (!std::is_floating_point_v<T>) {
      for (int64_t i = 0; i < batch; ++i) integer_product(part(i));
    } else if (batch == 1) {
      parallel_matmul(part(0));
    } else {
      parallel_for(batch, rows_grain(1 << 18, m * n * k), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) matmul(part(i));
      });
    }
  });
  return out;
}

/// The product of all sizes but the last, also where that is 0.
int64_t leading_count(const Shape& sizes) {
  int64_t count = 1;
  for (int64_t i = 0; i + 1 < sizes.size(); ++i) count *= sizes[i];
  return count;
}

[[noreturn]] void refuse(const Shape& a, const Shape& b) {
  fail(
      "matmul",
      "expected the last size of the first operand to equal the last but one (or only) size of the "
      "second, got ",
      a, " and ", b);
}

/// For operands of 2 or more dimensions whose leading dimensions are equal.
Tensor batched_matmul(const Tensor& a, const Tensor& b) {
  return record("matmul", product(a, b), {&a, &b},
                [x = Saved(a), y = Saved(b)](const Tensor& g, InputGrads& d) {
                  const auto multiply = grad_enabled() ? batched_matmul : product;
                  if (d.needs(0)) d[0] = multiply(g, y->transpose(-2, -1));
                  if (d.needs(1)) d[1] = multiply(x->transpose(-2, -1), g);
                });
}

}  // namespace

Tensor Tensor::matmul(const Tensor& other) const {
  const Shape sa = defined_impl(*this, "matmul")->sizes, sb = defined_impl(other, "matmul")->sizes;
  if (sa.empty() || sb.empty()) {
    fail("matmul", "expected operands of 1 or more dimensions, got ", sa, " and ", sb);
  }
  if (dtype() != other.dtype()) {
    fail("matmul", "expected operands of one dtype, got ", dtype(), " and ", other.dtype(),
         "; convert with to()");
  }
  if (sa.back() != (sb.size() == 1 ? sb[0] : sb[sb.size() - 2])) refuse(sa, sb);
  if (sa.size() == 1) {
    const Tensor out = unsqueeze(0).matmul(other);
    return out.squeeze(sb.size() == 1 ? 0 : -2);
  }
  if (sb.size() == 1) return matmul(other.unsqueeze(1)).squeeze(-1);
  if (sb.size() == 2) {
    if (sa.size() == 2) return batched_matmul(*this, other);
    Shape out = sa;
    out[out.size() - 1] = sb[1];
    return batched_matmul(reshape({leading_count(sa), sa.back()}), other).reshape(out);
  }
  Shape batch_a, batch_b;
  for (int64_t i = 0; i + 2 < sa.size(); ++i) batch_a.push_back(sa[i]);
  for (int64_t i = 0; i + 2 < sb.size(); ++i) batch_b.push_back(sb[i]);
  const Shape batch = batch_a == batch_b ? batch_a : broadcast_shapes(batch_a, batch_b, "matmul");
  Shape full_a = batch, full_b = batch;
  for (int64_t i : {2, 1}) {
    full_a.push_back(sa[sa.size() - i]);
    full_b.push_back(sb[sb.size() - i]);
  }
  return batched_matmul(full_a == sa ? *this : expand(full_a),
                        full_b == sb ? other : other.expand(full_b));
}

namespace functional {

namespace {

void check_linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  const Shape& sx = defined_impl(input, "linear")->sizes;
  const Shape& sw = defined_impl(weight, "linear")->sizes;
  if (sw.size() != 2)
    fail("linear", "expected a weight of shape [out_features, in_features], got ", sw);
  const int64_t out_features = sw[0], in_features = sw[1];
  if (sx.empty() || sx.back() != in_features) {
    const bool flat = sx.size() > 2 && sx[0] > 0 && input.numel() == sx[0] * in_features;
    fail("linear", "expected an input of shape [*, ", in_features, "] for a weight of shape ", sw,
         ", got ", sx, flat ? "; call flatten(1) on it, or put a Flatten before" : "");
  }
  if (bias.defined() && bias.sizes() != Shape({out_features})) {
    fail("linear", "expected a bias of shape [", out_features, "], got ", bias.sizes());
  }
  if (input.dtype() != weight.dtype() || !is_floating(input.dtype())) {
    fail("linear", "expected a floating input of the weight's dtype ", weight.dtype(), ", got ",
         input.dtype(), "; convert with to()");
  }
  if (bias.defined() && bias.dtype() != weight.dtype()) {
    fail("linear", "expected a bias of the weight's dtype ", weight.dtype(), ", got ", bias.dtype(),
         "; convert with to()");
  }
}

}  // namespace

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  check_linear(input, weight, bias);
  const Tensor x = input.contiguous(), w = weight.contiguous();
  const Tensor start = bias.defined() ? bias.contiguous() : bias;
  Shape sizes = x.sizes();
  const int64_t rows = leading_count(sizes), n = w.sizes()[0], k = w.sizes()[1];
  // Between rows, which may have no elements.
  const int64_t ld_n = std::max<int64_t>(1, n), ld_k = std::max<int64_t>(1, k);
  sizes[sizes.size() - 1] = n;
  Tensor out = new_tensor(sizes, x.dtype());
  Storage* const kept = keeper(weight, {&input, &weight, &bias});
  dispatch_floating(x.dtype(), [&]<class T>() {
    layer_product<T>({false, true, rows, n, k, values_of<T>(x), ld_k, values_of<T>(w), ld_k,
                      start.defined() ? values_of<T>(start) : nullptr, values_of<T>(out), ld_n},
                     kept);
  });
  // Each factor is kept for the sake of the other's gradient only.
  return record(
      "linear", out, {&x, &w, &start},
      [=, x_sizes = x.sizes(), x_saved = Saved(weight.requires_grad() ? x : Tensor()),
       w_saved = Saved(input.requires_grad() ? w : Tensor())](const Tensor& grad, InputGrads& d) {
        if (grad_enabled()) return formulas::linear(x_sizes, *x_saved, *w_saved, grad, d);
        const Tensor g = grad.contiguous();
        if (d.needs(0)) d[0] = new_tensor(x_sizes, g.dtype());
        if (d.needs(1)) d[1] = new_tensor({n, k}, g.dtype());
        if (d.needs(2)) d[2] = new_tensor({n}, g.dtype());
        dispatch_floating(g.dtype(), [&]<class T>() {
          const T* pg = values_of<T>(g);
          if (d.needs(0)) {
            parallel_matmul<T>({false, false, rows, k, n, pg, ld_n, values_of<T>(*w_saved), ld_k,
                                nullptr, values_of<T>(d[0]), ld_k});
          }
          if (d.needs(1)) {
            parallel_matmul<T>({true, false, n, k, rows, pg, ld_n, values_of<T>(*x_saved), ld_k,
                                nullptr, values_of<T>(d[1]), ld_k});
          }
          if (d.needs(2)) sum_middle(values_of<T>(d[2]), pg, {1, rows, n});
        });
      });
}

}  // namespace functional
}  // namespace norma
