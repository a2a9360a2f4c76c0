// Checks and words that convolutional layers share. For Norma's own sources.
#pragma once
#include <string>

#include "norma/autograd/functional.h"
#include "norma/layers/check.h"

namespace norma::nn {

inline std::string tuple(Pair pair) { return pair.str(); }
inline std::string tuple(int64_t number) { return text("(", number, ",)"); }

inline void check_divisible(const char* op, const char* name, int64_t channels, int64_t groups) {
  if (channels % groups == 0) return;
  fail(op, name, " must be divisible by groups, got ", name, "=", channels, " and groups=", groups);
}

inline void check_conv_sizes(const char* op, int64_t in_channels, int64_t out_channels,
                             int64_t groups, bool empty_kernel, const std::string& kernel_size) {
  check_at_least(op, "in_channels", in_channels, 0);
  check_at_least(op, "out_channels", out_channels, 1);
  check_divisible(op, "in_channels", in_channels, groups);
  check_divisible(op, "out_channels", out_channels, groups);
  if (empty_kernel) {
    fail(op, "kernel_size should be greater than zero, but got ", kernel_size);
  }
}

}  // namespace norma::nn
