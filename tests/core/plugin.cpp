// A library that a program loads and unloads, with a Norma of its own.
#include "norma/core/threads.h"

extern "C" __attribute__((visibility("default"))) void run_loop(int threads) {
  norma::set_num_threads(threads);
  norma::parallel_for(1000, 1, [](int64_t, int64_t) {});
}
