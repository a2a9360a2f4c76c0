// What is asked of the processor: how it rounds, and to wait a little.
#pragma once
#include <cfenv>
#include <cstdint>

namespace norma::platform {

/// How a thread rounds, and whether it takes the smallest numbers for zero: kFlushToZero, on a
/// processor that can.
using FloatMode = uint64_t;

#if defined(__SSE__)
inline constexpr FloatMode kFlushToZero = 0x8040;  // results and operands
inline FloatMode float_mode() {
  constexpr unsigned kFlags = 63;  // what happened so far
  return __builtin_ia32_stmxcsr() & ~kFlags;
}
inline void set_float_mode(FloatMode mode) {
  __builtin_ia32_ldmxcsr(static_cast<unsigned>(mode));
  std::fesetround(static_cast<int>(mode >> 3 & 0xc00));  // of long double, too
}
#elif defined(__aarch64__)
inline constexpr FloatMode kFlushToZero = 1 << 24;
inline FloatMode float_mode() {
  FloatMode mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
inline void set_float_mode(FloatMode mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
inline constexpr FloatMode kFlushToZero = 0;
inline FloatMode float_mode() { return static_cast<FloatMode>(std::fegetround()); }
inline void set_float_mode(FloatMode mode) { std::fesetround(static_cast<int>(mode)); }
#endif

/// In a loop that waits for another thread.
inline void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace norma::platform
