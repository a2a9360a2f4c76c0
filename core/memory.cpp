#include "norma/core/memory.h"

#include <atomic>
#include <cstdlib>

#include "norma/core/error.h"

namespace norma {

namespace {
constexpr std::size_t kReserve = 16 << 10;
constinit std::atomic<void*> reserve{nullptr};
}  // namespace

void keep_reserve() noexcept {
  if (reserve.load(std::memory_order_relaxed)) return;
  void* expected = nullptr;
  void* const block = std::malloc(kReserve);
  if (!reserve.compare_exchange_strong(expected, block)) std::free(block);
}

void out_of_memory(int64_t bytes) {
  std::free(reserve.exchange(nullptr));
  const char* const hint = ", got none from the system; use a smaller batch or model";
  if (bytes == 0) fail("allocate", "expected more memory", hint);
  fail("allocate", "expected memory for ", bytes, " bytes", hint);
}

}  // namespace norma
