// Products in register tiles; the plain twin: plain/matmul.h.
#pragma once
#include "norma/core/integers.h"
#include "norma/core/kernels/matrix_product.h"

namespace norma::kernels {

inline constexpr int64_t kGemmRows = 8;       // of the highest tile
inline constexpr int64_t kGemmColumns = 16;   // of the widest vector
inline constexpr int64_t kPanelColumns = 48;  // whole panels of every level

/// Whether products are Norma's own, `gemm` and `thin_product`: with vectors wider than the
/// baseline's, or without OpenBLAS. Each row of a layer's product has the same bits then, whatever
/// the other rows.
bool own_products();

/// All of b in the order in which `gemm` reads it: for each block of depths, its panels.
template <class T>
struct Panels {
  const T* data = nullptr;  // null: there are none
  int64_t columns = 0;      // of all of b, in whole vectors
  int64_t first = 0;        // of the part, a multiple of kPanelColumns

  static int64_t whole_columns(int64_t n) { return round_up(n, kGemmColumns); }
  /// The panel of depths [p, p + depth) that begins with column j of the part.
  const T* at(int64_t p, int64_t depth, int64_t j) const {
    return data + p * columns + (first + j) * depth;
  }
};

/// How many elements of working memory the product, or a part of its rows or columns, needs.
template <class T>
int64_t gemm_memory(const MatrixProduct<T>& product);
/// Runs in the calling thread; k > 0. Every element of c is summed in an order that k decides.
template <class T>
void gemm(const MatrixProduct<T>& product, T* memory, const Panels<T>& panels = {});

/// How many elements the panels of b have, and b in them.
template <class T>
int64_t panels_size(const MatrixProduct<T>& product);
template <class T>
Panels<T> pack_panels(const MatrixProduct<T>& product, T* out);

}  // namespace norma::kernels
