// Linked with core/simd.cpp as a build for one processor compiles it: such a library refuses.
#include <norma/core/deterministic.h>
#include <norma/core/error.h>

#include <cstdio>
#include <string>

int main() {
  try {
    norma::use_deterministic_algorithms(true);
  } catch (const norma::Error& e) {
    const std::string wanted =
        "[use_deterministic_algorithms] expected a library for every x86-64, got one compiled for "
        "this processor or with -ffast-math; build Norma without NORMA_NATIVE, -march and "
        "-ffast-math";
    std::printf("%s\n", e.what());
    return e.what() == wanted && !norma::are_deterministic_algorithms_enabled() ? 0 : 1;
  }
  std::printf("not refused\n");
  return 1;
}
