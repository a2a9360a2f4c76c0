// Vector code for the processor at hand, without needing it at build time.
#pragma once

/// Goes between the parameters and the body of a lambda, or before a helper, that must become part
/// of the vectorised caller.
#define NORMA_INLINE __attribute__((always_inline))

namespace norma {

enum class SimdLevel { Baseline, Avx2, Avx512 };
/// The widest level that this processor and the environment variable NORMA_SIMD (baseline, avx2,
/// avx512) allow.
SimdLevel simd_level();

namespace detail {
#if defined(__x86_64__)
template <class F>
__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2,f16c"))) void run_avx512(
    F body) {
  body();
}
template <class F>
__attribute__((target("avx2,fma,bmi2,f16c"))) void run_avx2(F body) {
  body();
}
#endif
template <class F>
void run_baseline(F body) {
  body();
}
}  // namespace detail

/// Runs `body()`, compiled for the processor's vector width. `body` is a lambda that captures by
/// value and holds the loops itself:
///
///     simd([=]() NORMA_INLINE { for (int64_t i = 0; i < n; ++i) y[i] = a * x[i]; });
template <class F>
inline void simd(F body) {
#if defined(__x86_64__)
  switch (simd_level()) {
    case SimdLevel::Avx512:
      return detail::run_avx512(body);
    case SimdLevel::Avx2:
      return detail::run_avx2(body);
    case SimdLevel::Baseline:
      break;
  }
#endif
  detail::run_baseline(body);
}

/// The same with at most AVX2: enough where memory is the limit, and a third less code to compile.
template <class F>
inline void simd_narrow(F body) {
#if defined(__x86_64__)
  if (simd_level() != SimdLevel::Baseline) return detail::run_avx2(body);
#endif
  detail::run_baseline(body);
}

}  // namespace norma
