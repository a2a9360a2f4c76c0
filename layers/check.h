// Checks that constructors of layers share. For Norma's own sources.
#pragma once
#include <cmath>

#include "norma/autograd/functional.h"
#include "norma/core/error.h"
#include "norma/core/shape.h"

namespace norma::nn {

inline void check_at_least(const char* op, const char* name, int64_t value, int64_t low) {
  if (value < low) fail(op, "expected ", name, " of at least ", low, ", got ", value);
}

inline void check_eps(const char* op, double eps) {
  if (!(eps >= 0.0) || std::isinf(eps)) fail(op, "expected a finite eps of at least 0, got ", eps);
}

/// Sizes as Python prints a tuple: "(10, 20)", "(10,)".
inline std::string tuple(const Shape& sizes) {
  const std::string list = sizes.str();
  return text('(', list.substr(1, list.size() - 2), sizes.size() == 1 ? ",)" : ")");
}

/// Sizes as PyTorch prints what it was given: one number where both are equal.
inline std::string short_repr(int64_t size) { return text(size); }
inline std::string short_repr(Pair pair) { return pair.h == pair.w ? text(pair.h) : pair.str(); }

}  // namespace norma::nn
