#include "norma/core/platform/processors.h"

#include <windows.h>

#include <algorithm>
#include <bit>

namespace norma::platform {

// Of the process's group of at most 64, which its threads run on.
int usable_processors() noexcept {
  DWORD_PTR process = 0, machine = 0;
  if (!GetProcessAffinityMask(GetCurrentProcess(), &process, &machine)) return 1;
  return std::max(1, std::popcount(static_cast<unsigned long long>(process)));
}

}  // namespace norma::platform
