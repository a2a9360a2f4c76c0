// What the transforms of images share.
#pragma once
#include <cstdint>
#include <utility>

#include "norma/core/random.h"
#include "norma/core/tensor.h"

namespace norma::data::detail {

/// The floating batch [N, C, H, W], or of at least two dimensions where not `images`, with its
/// elements in order, outside every graph. Errors come from the operation `op`.
Tensor checked_batch(const Tensor& batch, const char* op, bool images);
void check_probability(const char* op, double p);

/// Whether `length` cells from `first` on are not all among `cells`.
constexpr bool is_outside(int64_t first, int64_t length, int64_t cells) {
  return first < 0 || length < 0 || first > cells || length > cells - first;
}
/// What is within `cells` of a stretch that begins `before` cells in front of any of them and ends
/// `behind` cells after: its first cell, and how many.
std::pair<int64_t, int64_t> drawn_stretch(int64_t cells, int64_t before, int64_t behind,
                                          Generator& generator);

}  // namespace norma::data::detail
