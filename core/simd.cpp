#include "norma/core/simd.h"

#include <cstdlib>
#include <string_view>

#include "norma/core/deterministic.h"
#include "norma/core/error.h"

namespace norma {

namespace {
SimdLevel deterministic_level() {
#if defined(__FMA__) || defined(__FAST_MATH__)
  fail("use_deterministic_algorithms",
       "expected a library for every x86-64, got one compiled for this processor or with "
       "-ffast-math; build Norma without NORMA_NATIVE, -march and -ffast-math");
#else
  return SimdLevel::Deterministic;
#endif
}

SimdLevel detect() {
  const char* wish = std::getenv("NORMA_SIMD");
  const std::string_view name = wish ? wish : "";
  if (name == "plain") return SimdLevel::Plain;
  if (name == "deterministic") return deterministic_level();
#if defined(__x86_64__) && !defined(NORMA_BASELINE_ONLY)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi2");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl");
  if (name == "baseline" || !avx2) return SimdLevel::Baseline;
  return avx512 && name != "avx2" ? SimdLevel::Avx512 : SimdLevel::Avx2;
#elif defined(__aarch64__)
  return name == "baseline" ? SimdLevel::Baseline : SimdLevel::Neon;
#else
  return SimdLevel::Baseline;
#endif
}
}  // namespace

SimdLevel detail::find_level() {
  const SimdLevel level = detect();
  known_level.store(level, std::memory_order_relaxed);
  return level;
}

void use_deterministic_algorithms(bool mode) {
  if (!mode) {
    detail::find_level();
    return;
  }
  detail::known_level.store(deterministic_level(), std::memory_order_relaxed);
}
bool are_deterministic_algorithms_enabled() { return deterministic(); }

}  // namespace norma
