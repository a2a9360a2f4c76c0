// What layers tell each other within forward and backward.
#pragma once
#include <cstdint>

#include "norma/core/tensor.h"

namespace norma::distributed {

/// `width` doubles of each rank, 0 at first: a rank fills in its own row, and `gather` brings those
/// of the others. All ranks do so with the same width, in one message each.
class RankRows {
 public:
  /// Errors are those of `op`.
  RankRows(const char* op, int64_t width);

  int64_t count() const { return rows_.size(0); }
  const double* operator[](int64_t rank) const;
  double* own();
  void gather();

 private:
  const char* op_;
  Tensor rows_;
};

/// Adds contiguous doubles up over the ranks, in place.
void add_up(const char* op, const Tensor& sums);

}  // namespace norma::distributed
