// Vector code for the processor at hand, without needing it at build time.
#pragma once
#include <atomic>

/// Goes between the parameters and the body of a lambda, or before a helper, that must become part
/// of the vectorised caller.
#define NORMA_INLINE __attribute__((always_inline))

/// Before a loop whose steps meet nowhere but in the same element: GCC makes no second, scalar form
/// of it for arrays that overlap, which would round in another way. Clang's forms round alike.
#ifdef __clang__
#define NORMA_INDEPENDENT
#else
#define NORMA_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace norma {

/// Which vector instructions kernels use, from the narrowest to the widest.
enum class SimdLevel { Unknown, Plain, Deterministic, Baseline, Neon, Avx2, Avx512 };
namespace detail {
/// Asked for by every kernel: one load, once the first of them has found it.
inline constinit std::atomic<SimdLevel> known_level{SimdLevel::Unknown};
SimdLevel find_level();
}  // namespace detail

/// The widest level that this processor and the environment variable NORMA_SIMD (plain,
/// deterministic, baseline, neon, avx2, avx512) allow.
inline SimdLevel simd_level() {
  const SimdLevel level = detail::known_level.load(std::memory_order_relaxed);
  return level == SimdLevel::Unknown ? detail::find_level() : level;
}
/// Whether NORMA_SIMD=plain asks for the plain kernels; what has none runs at the baseline then.
inline bool plain_kernels() { return simd_level() == SimdLevel::Plain; }
/// The baseline without anything whose bits depend on the processor: core/deterministic.h.
inline bool deterministic() { return simd_level() == SimdLevel::Deterministic; }

// The levels as types: bytes of a vector, the processor's vector registers, whether a product and
// a sum are rounded once, and the registers of a product's tile: kRows × kVectors sums, the
// vectors of one term, one weight.

/// With AVX-512.
struct Level512 {
  static constexpr int kBytes = 64, kRegisters = 32;                 ///< of a vector
  static constexpr int kRows = 8, kVectors = 3, kColumnVectors = 2;  ///< of a tile
  static constexpr bool kFused = true;                               ///< rounded once
};
/// With AVX2.
struct Level256 {
  static constexpr int kBytes = 32, kRegisters = 16;                 ///< see above
  static constexpr int kRows = 4, kVectors = 3, kColumnVectors = 3;  ///< see above
  static constexpr bool kFused = true;                               ///< see above
};
/// Of arm64, where loops that ask for no level run as at the baseline.
struct LevelNeon {
  static constexpr int kBytes = 16, kRegisters = 32;                 ///< see above
  static constexpr int kRows = 8, kVectors = 3, kColumnVectors = 2;  ///< see above
  static constexpr bool kFused = true;                               ///< see above
};
/// The baseline.
struct Level128 {
  static constexpr int kBytes = 16, kRegisters = 16;                 ///< see above
  static constexpr int kRows = 4, kVectors = 2, kColumnVectors = 1;  ///< see above
  static constexpr bool kFused = false;                              ///< see above
};

namespace detail {
/// f.operator()<Level>(), or f() where it does not ask for the level.
template <class Level, class F>
NORMA_INLINE inline void call_at(const F& f) {
  if constexpr (requires { f.template operator()<Level>(); }) {
    f.template operator()<Level>();
  } else {
    f();
  }
}
#if defined(__x86_64__) && !defined(NORMA_BASELINE_ONLY)
template <class F>
__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2,f16c"))) void run_avx512(
    F f) {
  call_at<Level512>(f);
}
template <class F>
__attribute__((target("avx2,fma,bmi2,f16c"))) void run_avx2(F f) {
  call_at<Level256>(f);
}
#elif defined(__aarch64__)
template <class F>
__attribute__((noinline)) void run_neon(F f) {
  call_at<LevelNeon>(f);
}
#endif
template <class F>
__attribute__((noinline)) void run_baseline(F f) {
  call_at<Level128>(f);
}
}  // namespace detail

/// Runs f.operator()<Level>() compiled for the processor's level, but at most `Widest`: each level
/// is compiled by itself, so name the narrowest that is fast enough. `f` is a lambda that captures
/// by value and holds the loops itself:
///
///     for_level([=]<class Level>() NORMA_INLINE { add<Level::kBytes>(n, x, y); });
template <class Widest = Level512, class F>
inline void for_level(const F& f) {
#if defined(__x86_64__) && !defined(NORMA_BASELINE_ONLY)
  if constexpr (Widest::kBytes >= Level512::kBytes) {
    if (simd_level() == SimdLevel::Avx512) return detail::run_avx512(f);
  }
  if constexpr (Widest::kBytes >= Level256::kBytes) {
    if (simd_level() >= SimdLevel::Avx2) return detail::run_avx2(f);
  }
#elif defined(__aarch64__)
  if constexpr (Widest::kBytes > Level128::kBytes &&
                requires { f.template operator()<LevelNeon>(); }) {
    if (simd_level() == SimdLevel::Neon) return detail::run_neon(f);
  }
#endif
  detail::run_baseline(f);
}

/// The short form, for loops that the compiler vectorises:
///
///     simd([=]() NORMA_INLINE { for (int64_t i = 0; i < n; ++i) y[i] = a * x[i]; });
template <class Widest = Level512, class F>
inline void simd(const F& body) {
  for_level<Widest>(body);
}

}  // namespace norma
