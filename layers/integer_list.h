// Lists as long as a tensor says. For Norma's own sources.
#pragma once
#include <vector>

#include "norma/core/error.h"

namespace norma::nn {

/// `count` times `value`; throws where there is no memory for that many.
inline std::vector<int64_t> integer_list(int64_t count, int64_t value) {
  if (count > INT64_MAX / 16) out_of_memory(0);  // std::vector would say so in another way
  return with_memory(8 * count,
                     [&] { return std::vector<int64_t>(static_cast<std::size_t>(count), value); });
}

}  // namespace norma::nn
