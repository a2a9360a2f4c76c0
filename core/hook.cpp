#include "norma/core/hook.h"

#include <atomic>

namespace norma::detail {

uint64_t next_hook_id() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

}  // namespace norma::detail
