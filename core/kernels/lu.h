// Small dense systems: the LU and the Cholesky factors of row-major matrices, in place, in double
// for floats, too. One version only, by the definition: its loops run along rows.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// P A = L U with the largest element of each column as its pivot: L below the diagonal, whose own
/// diagonal is 1, and U. `swaps[k]`: the row that changed places with row k. Returns the first
/// column whose pivot is 0, n where there is none.
int64_t factor_lu(double* a, int64_t n, int64_t* swaps);

/// X of A X = B from the factors of A, in the memory of B: [n, columns].
void solve_lu(const double* lu, const int64_t* swaps, int64_t n, double* b, int64_t columns);

/// A = L Lᵀ, of which the lower triangle is read; above the diagonal of L stand zeros. Returns the
/// first row of which the leading minor is not positive, n where there is none.
int64_t factor_cholesky(double* a, int64_t n);

}  // namespace norma::kernels
