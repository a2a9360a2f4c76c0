// Arithmetic that gives the same bits under every compiler: + - * / and sqrt alone, in sources that
// are compiled with -ffp-contract=off. For the synthetic data sets,
// and rotations of images.
#pragma once
#include <cmath>
#include <cstdint>

namespace norma::data::detail {

struct SinCos {
  double sin, cos;
};

/// Sine and cosine of an angle in turns (1 is the full circle), to about 1e-11: the nearest quarter
/// turn exactly, the rest by Taylor's series.
inline SinCos sincos_turns(double turns) {
  const double quarter = std::floor(4 * turns + 0.5);
  const double x = (turns - quarter / 4) * 6.283185307179586;
  const double y = x * x;
  const double s = x * (1 - y / 6 * (1 - y / 20 * (1 - y / 42 * (1 - y / 72 * (1 - y / 110)))));
  const double c =
      1 - y / 2 * (1 - y / 12 * (1 - y / 30 * (1 - y / 56 * (1 - y / 90 * (1 - y / 132)))));
  switch (static_cast<int64_t>(quarter) & 3) {
    case 0:
      return {s, c};
    case 1:
      return {c, -s};
    case 2:
      return {-s, -c};
    default:
      return {-c, s};
  }
}

}  // namespace norma::data::detail
