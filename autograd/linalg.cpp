#include "norma/autograd/linalg.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/core/elementary.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/lu.h"

namespace norma {

using namespace autograd;

namespace linalg {
namespace {

void check_square(const char* op, const Tensor& a) {
  const Shape& sizes = check_floating(op, a)->sizes;
  if (sizes.size() >= 2 && sizes.back() == sizes[sizes.size() - 2]) return;
  fail(op, "expected square matrices, [*, n, n], got ", sizes);
}

/// Matrix `i` of a batch as an error names it.
std::string place(const Tensor& a, int64_t i) {
  return a.dim() > 2 ? text(" in matrix ", i, " of the batch") : std::string();
}

/// Calls visit(i, values) for a copy of each matrix in double, which it may change.
template <class Visit>
void each_matrix(const Tensor& a, Visit visit) {
  const int64_t n = a.size(-2), m = a.size(-1), count = n * m == 0 ? 0 : a.numel() / (n * m);
  const Tensor own = packed(a);
  std::vector<double> matrix;
  dispatch_floating(a.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < count; ++i) {
      const T* from = values_of<T>(own) + i * n * m;
      matrix.assign(from, from + n * m);
      visit(i, matrix.data());
    }
  });
}

/// Writes the numbers of part `i` of a result.
void put_part(const Tensor& out, int64_t i, const double* values, int64_t count) {
  dispatch_floating(out.dtype(), [&]<class T>() {
    T* const to = values_of<T>(out) + i * count;
    for (int64_t k = 0; k < count; ++k) to[k] = static_cast<T>(values[k]);
  });
}

/// visit(i, LU factors, swaps of rows, -1 or 1 for these) for each matrix.
template <class Visit>
void each_lu(const Tensor& a, Visit visit) {
  const int64_t n = a.size(-1);
  std::vector<int64_t> swaps(static_cast<std::size_t>(n));
  each_matrix(a, [&](int64_t i, double* lu) {
    kernels::factor_lu(lu, n, swaps.data());
    int sign = 1;
    for (int64_t k = 0; k < n; ++k) sign *= swaps[static_cast<std::size_t>(k)] == k ? 1 : -1;
    visit(i, lu, swaps.data(), sign);
  });
}

/// X of A X = B for equal leading dimensions, without history. `op` null: singular matrices give
/// infinities and NaN.
Tensor solution(const char* op, const Tensor& a, const Tensor& b) {
  const int64_t n = b.size(-2), columns = b.size(-1);
  Tensor out = new_tensor(b.sizes(), b.dtype());
  if (out.numel() == 0) return out;
  const int64_t count = out.numel() / (n * columns);
  std::vector<double> factors(static_cast<std::size_t>(a.numel()));
  std::vector<int64_t> swaps(static_cast<std::size_t>(count * n));
  each_matrix(a, [&](int64_t i, double* lu) {
    const int64_t pivot = kernels::factor_lu(lu, n, swaps.data() + i * n);
    if (op && pivot < n) {
      fail(op, "expected an invertible matrix, got a singular one", place(a, i), ": pivot ",
           pivot + 1, " is zero");
    }
    std::copy(lu, lu + n * n, factors.data() + i * n * n);
  });
  each_matrix(b, [&](int64_t i, double* x) {
    kernels::solve_lu(factors.data() + i * n * n, swaps.data() + i * n, n, x, columns);
    put_part(out, i, x, n * columns);
  });
  return out;
}

Tensor solve_batches(const char* op, const Tensor& a, const Tensor& b) {
  const Tensor x = solution(op, a, b);
  return record("linalg.solve", x, {&a, &b},
                [op, a_saved = Saved(a), x_saved = Saved(x)](const Tensor& g, InputGrads& d) {
                  const Tensor db = solve_batches(op, a_saved->transpose(-2, -1), g);
                  if (d.needs(0)) d[0] = db.matmul(x_saved->transpose(-2, -1)).neg();
                  if (d.needs(1)) d[1] = db;
                });
}

Tensor inverse_of(const char* op, const Tensor& a) {
  const Tensor one = eye(a.size(-1), {.dtype = a.dtype()}).expand(a.sizes());
  return solve_batches(op, a, one);
}

Shape batch_sizes(const Shape& sizes) {
  Shape batch = sizes;
  batch.erase(batch.size() - 1);
  batch.erase(batch.size() - 1);
  return batch;
}

/// The derivative of the determinant: det(A) A⁻ᵀ. Pivots that are 0 are taken as very small ones.
Tensor cofactors(const Tensor& a) {
  const int64_t n = a.size(-1);
  Tensor out = new_tensor(a.sizes(), a.dtype());
  each_lu(a, [&](int64_t i, double* lu, const int64_t* swaps, int sign) {
    double largest = 0, det = sign;
    for (int64_t k = 0; k < n * n; ++k) largest = std::max(largest, std::fabs(lu[k]));
    std::vector<double> inverse(static_cast<std::size_t>(n * n));
    for (int64_t k = 0; k < n; ++k) {
      double& pivot = lu[k * n + k];
      if (pivot == 0) pivot = (largest == 0 ? 1 : largest) * 0x1p-60;
      det *= pivot;
      inverse[static_cast<std::size_t>(k * n + k)] = 1;
    }
    kernels::solve_lu(lu, swaps, n, inverse.data(), n);
    for (double& value : inverse) value *= det;
    put_part(out, i, inverse.data(), n * n);
  });
  return out.transpose(-2, -1);
}

/// For numbers that stand for matrices.
Tensor as_matrices(const Tensor& x) { return x.unsqueeze(-1).unsqueeze(-1); }

/// 1 below the diagonal, `diagonal` on it, 0 above.
Tensor triangle(int64_t n, double diagonal, DType dtype) {
  const Tensor row = arange(n);
  return row.unsqueeze(1).gt(row).to(dtype) + eye(n, {.dtype = dtype}) * diagonal;
}

/// L⁻ᵀ Φ L⁻¹ made symmetric, where Φ is the lower triangle of Lᵀ g with half its diagonal.
Tensor cholesky_gradient(const Tensor& l, const Tensor& g) {
  const Tensor lt = l.transpose(-2, -1);
  const Tensor phi = lt.matmul(g) * triangle(l.size(-1), 0.5, l.dtype());
  const Tensor half = solve_batches(nullptr, lt, phi);
  const Tensor s = solve_batches(nullptr, lt, half.transpose(-2, -1));
  return (s + s.transpose(-2, -1)) * 0.5;
}

}  // namespace

Tensor inv(const Tensor& a) {
  check_square("linalg.inv", a);
  return with_memory(0, [&] { return inverse_of("linalg.inv", a); });
}

Tensor solve(const Tensor& a, const Tensor& b) {
  const char* const op = "linalg.solve";
  check_square(op, a);
  const Shape batch = batch_sizes(a.sizes());
  Shape rows = batch;
  rows.push_back(a.size(-1));
  if (defined_impl(b, op)->dtype != a.dtype()) {
    fail(op, "expected operands of one dtype, got ", a.dtype(), " and ", b.dtype(),
         "; convert with to()");
  }
  const bool vector = b.dim() == 1 || b.sizes() == rows;
  if (b.dim() == 0 || b.size(vector ? -1 : -2) != a.size(-1)) {
    fail(op, "expected right-hand sides of ", a.size(-1), " rows for matrices of shape ", a.sizes(),
         ", got ", b.sizes());
  }
  const Tensor columns = vector ? b.unsqueeze(-1) : b;
  const Shape common = broadcast_shapes(batch, batch_sizes(columns.sizes()), op);
  Shape full_a = common, full_b = common;
  for (int64_t i : {-2, -1}) {
    full_a.push_back(a.size(i));
    full_b.push_back(columns.size(i));
  }
  return with_memory(0, [&] {
    const Tensor x = solve_batches(op, a.expand(full_a), columns.expand(full_b));
    return vector ? x.squeeze(-1) : x;
  });
}

Tensor det(const Tensor& a) {
  check_square("linalg.det", a);
  return with_memory(0, [&] {
    Tensor out = ones(batch_sizes(a.sizes()), {.dtype = a.dtype()});
    each_lu(a, [&](int64_t i, const double* lu, const int64_t*, double product) {
      for (int64_t k = 0, n = a.size(-1); k < n; ++k) product *= lu[k * n + k];
      put_part(out, i, &product, 1);
    });
    return record("linalg.det", out, {&a}, [saved = Saved(a)](const Tensor& g, InputGrads& d) {
      if (!grad_enabled()) {
        d[0] = as_matrices(g) * cofactors(*saved);
      } else {
        const Tensor& x = *saved;
        d[0] = as_matrices(g * linalg::det(x)) * inverse_of("linalg.det", x).transpose(-2, -1);
      }
    });
  });
}

std::pair<Tensor, Tensor> slogdet(const Tensor& a) {
  check_square("linalg.slogdet", a);
  return with_memory(0, [&] {
    const Tensor sign_out = ones(batch_sizes(a.sizes()), {.dtype = a.dtype()});
    Tensor out = zeros_like(sign_out);
    each_lu(a, [&](int64_t i, const double* lu, const int64_t*, double sign) {
      double sum = 0;
      for (int64_t k = 0, n = a.size(-1); k < n; ++k) {
        const double pivot = lu[k * n + k];
        sum += elementary::log(std::fabs(pivot));
        sign *= pivot > 0 ? 1 : pivot < 0 ? -1 : pivot;
      }
      put_part(sign_out, i, &sign, 1);
      put_part(out, i, &sum, 1);
    });
    told({"linalg.slogdet", {{"sign", true}}}, sign_out, {&a});
    return std::pair(sign_out, record("linalg.slogdet", out, {&a},
                                      [saved = Saved(a)](const Tensor& g, InputGrads& d) {
                                        const Tensor inverse = inverse_of(nullptr, *saved);
                                        d[0] = as_matrices(g) * inverse.transpose(-2, -1);
                                      }));
  });
}

Tensor cholesky(const Tensor& a) {
  const char* const op = "linalg.cholesky";
  check_square(op, a);
  return with_memory(0, [&] {
    Tensor out = new_tensor(a.sizes(), a.dtype());
    each_matrix(a, [&](int64_t i, double* l) {
      const int64_t n = a.size(-1), order = kernels::factor_cholesky(l, n);
      if (order < n) {
        fail(op, "expected a positive definite matrix, got one", place(a, i),
             " whose leading minor of order ", order + 1, " is not positive");
      }
      put_part(out, i, l, n * n);
    });
    return record(op, out, {&a}, [l = Saved(out)](const Tensor& g, InputGrads& d) {
      d[0] = cholesky_gradient(*l, g);
    });
  });
}

Tensor matrix_power(const Tensor& a, int64_t n) {
  const char* const op = "linalg.matrix_power";
  const Shape& sizes = defined_impl(a, op)->sizes;
  if (sizes.size() < 2 || sizes.back() != sizes[sizes.size() - 2]) {
    fail(op, "expected square matrices, [*, n, n], got ", sizes);
  }
  if (n == 0) return eye(sizes.back(), {.dtype = a.dtype()}).expand(sizes).clone();
  Tensor square = n < 0 ? inv(a) : a, out;
  for (uint64_t rest = n < 0 ? -static_cast<uint64_t>(n) : static_cast<uint64_t>(n);;) {
    if (rest & 1) out = out.defined() ? out.matmul(square) : square;
    rest >>= 1;
    if (rest == 0) break;
    square = square.matmul(square);
  }
  return n == 1 ? out.clone() : out;
}

}  // namespace linalg

Tensor TensorMethods::inverse() const { return linalg::inv(self()); }
Tensor TensorMethods::det() const { return linalg::det(self()); }
std::pair<Tensor, Tensor> TensorMethods::slogdet() const { return linalg::slogdet(self()); }
Tensor TensorMethods::matrix_power(int64_t n) const { return linalg::matrix_power(self(), n); }

Tensor TensorMethods::kron(const Tensor& other) const {
  const Shape a = defined_impl(self(), "kron")->sizes, b = defined_impl(other, "kron")->sizes;
  const int64_t dims = std::max(a.size(), b.size());
  if (2 * dims > Shape::kMaxDims) {
    fail("kron", "expected operands of at most ", Shape::kMaxDims / 2, " dimensions, got ", a,
         " and ", b);
  }
  Shape wide_a, wide_b, out;
  for (int64_t i = 0; i < dims; ++i) {
    const int64_t ia = i - (dims - a.size()), ib = i - (dims - b.size());
    const int64_t na = ia < 0 ? 1 : a[ia], nb = ib < 0 ? 1 : b[ib];
    wide_a.push_back(na);
    wide_a.push_back(1);
    wide_b.push_back(1);
    wide_b.push_back(nb);
    out.push_back(na * nb);
  }
  return (self().reshape(wide_a) * other.reshape(wide_b)).reshape(out);
}

}  // namespace norma
