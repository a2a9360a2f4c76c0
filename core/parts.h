// How loops are divided. Beside threads.h, for its sources.
#pragma once
#include <cstdint>

#include "norma/core/threads.h"

namespace norma::detail {

constexpr int kMaxThreads = 1024;

/// Refuses what no build takes.
void check_thread_count(int count);

/// Part `part` of `parts`, which is empty where there are more of them than items.
inline void run_part(int64_t count, int parts, int part, RangeFunction function, void* context) {
  const int64_t begin = count * part / parts;
  const int64_t end = count * (part + 1) / parts;
  if (begin < end) function(context, begin, end, part);
}

/// All of them, one after the other.
inline void run_parts(int64_t count, int parts, RangeFunction function, void* context) {
  for (int part = 0; part < parts; ++part) run_part(count, parts, part, function, context);
}

}  // namespace norma::detail
