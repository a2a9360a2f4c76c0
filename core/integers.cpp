#include "norma/core/integers.h"

#include "norma/core/error.h"

namespace norma {

int64_t checked_cells(const char* op, const char* what, Wide cells) {
  if (cells <= -kMostCells || cells >= kMostCells) {
    fail(op, "expected ", what, " below 2^61, got ", rounded(static_cast<double>(cells)),
         "; use smaller options");
  }
  return static_cast<int64_t>(cells);
}

int64_t checked_reach(const char* op, int64_t dilation, int64_t kernel_size) {
  return checked_cells(op, "dilation * (kernel_size - 1)", Wide(dilation) * (kernel_size - 1));
}

int64_t checked_padded(const char* op, const char* what, int64_t before, int64_t cells,
                       int64_t behind) {
  return checked_cells(op, what, Wide(before) + cells + behind);
}

int64_t checked_product(const char* op, const char* what, int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) {
    fail(op, "expected fewer than 2^63 ", what, ", got ", a, " times ", b);
  }
  return product;
}

}  // namespace norma
