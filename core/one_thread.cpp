// Instead of threads.cpp in a build without threads: every loop runs in its caller.
#include "norma/core/error.h"
#include "norma/core/parts.h"
#include "norma/core/threads.h"

namespace norma {

void set_num_threads(int count) {
  detail::check_thread_count(count);
  if (count != 1) {
    fail("set_num_threads", "expected 1 in a build without threads (NORMA_THREADS=OFF), got ",
         count);
  }
}

int get_num_threads() { return 1; }

uint32_t fork_count() { return 0; }

void detail::run_parallel(int64_t count, int parts, RangeFunction function, void* context) {
  run_parts(count, parts, function, context);
}

}  // namespace norma
