// Which output padding gives a transposed convolution the size that was asked for. For Norma's own
// sources.
#pragma once
#include <vector>

#include "norma/core/integers.h"
#include "norma/core/tensor.h"

namespace norma::nn {

// The lengths of an axis that the layer gives without an output padding.
struct Axis {
  int64_t input, kernel, stride, padding, dilation;
  int64_t shortest(const char* op) const {
    return checked_cells(op, "an output",
                         Wide(input - 1) * stride - 2 * Wide(padding) +
                             Wide(checked_reach(op, dilation, kernel)) + 1);
  }
  int64_t longest(const char* op) const { return shortest(op) + stride - 1; }
};

// What has to be added to the shortest output to get `size`, axis by axis; `size` may be that of
// the whole output.
inline std::vector<int64_t> added(const char* op, const Shape& size, const Shape& input,
                                  const std::vector<Axis>& axes) {
  const auto count = static_cast<int64_t>(axes.size()), rank = input.size();
  if (size.size() != count && size.size() != rank) {
    fail(op, "for ", rank, "D input, output_size must have ", count, " or ", rank,
         " elements (got ", size.size(), ")");
  }
  std::vector<int64_t> result;
  Shape asked, shortest, longest;
  bool fits = true;
  for (int64_t i = 0; i < count; ++i) {
    const Axis& axis = axes[static_cast<std::size_t>(i)];
    asked.push_back(size[size.size() - count + i]);
    shortest.push_back(axis.shortest(op));
    longest.push_back(axis.longest(op));
    fits = fits && asked[i] >= shortest[i] && asked[i] <= longest[i];
    result.push_back(asked[i] - shortest[i]);
  }
  if (!fits) {
    fail(op, "requested an output size of ", asked, ", but valid sizes range from ", shortest,
         " to ", longest, " (for an input of size ", input, ")");
  }
  return result;
}

inline void check_rank(const char* op, const Tensor& input, int64_t axes) {
  if (!input.defined()) fail(op, "expected a tensor, got an undefined one");
  if (input.dim() != axes + 1 && input.dim() != axes + 2) {
    fail(op, "Expected ", axes + 1, "D (unbatched) or ", axes + 2,
         "D (batched) input, but got input of size: ", input.sizes());
  }
}

}  // namespace norma::nn
