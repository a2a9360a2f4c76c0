// Options that Norma's programs of the benchmark share.
#pragma once
#include <CLI/CLI.hpp>

#include "timing.h"

namespace bench {

inline void add_timing_options(CLI::App& app, int& threads, Timing& timing) {
  app.add_option("--threads", threads, "Threads (default: NORMA_NUM_THREADS or all processors)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--blocks", timing.blocks, "Timed blocks; the median counts")
      ->check(CLI::Range(1, 1000));
  app.add_option("--seconds", timing.seconds, "Length of a block")->check(CLI::PositiveNumber);
}

}  // namespace bench
