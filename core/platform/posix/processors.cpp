#include "norma/core/platform/processors.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>

namespace norma::platform {

int usable_processors() noexcept {
#ifdef CPU_COUNT  // Linux: what an affinity leaves
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
}

}  // namespace norma::platform
