#include <algorithm>

#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma {

int planned_threads() { return deterministic() ? 4 : get_num_threads(); }

int detail::several_parts(int64_t count, int64_t grain) {
  const int64_t useful = grain > 0 ? count / grain : count;
  return static_cast<int>(std::clamp<int64_t>(useful, 1, planned_threads()));
}

}  // namespace norma
