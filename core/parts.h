// How loops are divided. For threads.cpp, and for one_thread.cpp in its place.
#pragma once
#include <cstdint>

#include "norma/core/error.h"

namespace norma::detail {

using RangeFunction = void (*)(void* context, int64_t begin, int64_t end, int part);

constexpr int kMaxThreads = 1024;

/// Refuses what no build takes.
inline void check_thread_count(int count) {
  if (count < 1 || count > kMaxThreads) {
    fail("set_num_threads", "expected a number from 1 to 1024, got ", count);
  }
}

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
