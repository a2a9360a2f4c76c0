// A library that a program loads and unloads, with a Norma of its own.
#include <cstdlib>

#include "norma/core/threads.h"

extern "C" __attribute__((visibility("default"))) void run_loop(int threads) {
  norma::set_num_threads(threads);
  norma::parallel_for(1000, 1, [](int64_t, int64_t) {});
}

namespace {
const bool early = [] {
  if (std::getenv("NORMA_TEST_EARLY")) run_loop(3);
  return true;
}();
}  // namespace
