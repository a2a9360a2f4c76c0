#include "norma/core/parts.h"

#include <algorithm>

#include "norma/core/error.h"
#include "norma/core/simd.h"

namespace norma {

void detail::check_thread_count(int count) {
  if (count < 1 || count > kMaxThreads) {
    fail("set_num_threads", "expected a number from 1 to 1024, got ", count);
  }
}

int planned_threads() { return deterministic() ? 4 : get_num_threads(); }

int detail::several_parts(int64_t count, int64_t grain) {
  const int64_t useful = grain > 0 ? count / grain : count;
  return static_cast<int>(std::clamp<int64_t>(useful, 1, planned_threads()));
}

}  // namespace norma
