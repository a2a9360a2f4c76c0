// assert_close: are two results equal up to rounding, and where not, how much and at which place.
#pragma once
#include <optional>
#include <string>

#include "norma/testing/value.h"

namespace norma::testing {

/// How close, and what else has to agree. Defaults are PyTorch's.
struct CloseOptions {
  /// Close: |actual - expected| <= atol + rtol |expected|. Give both or none. By default as the
  /// dtype asks, the larger where two differ: float32 1.3e-6 and 1e-5, float64 1e-7 and 1e-7, all
  /// others 0 and 0. A C++ `float` counts as float32.
  std::optional<double> rtol = std::nullopt, atol = std::nullopt;
  bool equal_nan = false;     ///< whether NaN is close to NaN
  bool check_dtype = true;    ///< `false`: both are converted to the dtype of their sum
  bool check_stride = false;  ///< whether strides have to agree as well
  std::string msg = {};       ///< takes the place of the message
};

/// Throws an Error unless both are close, and of equal shape and dtype; infinities are close to
/// themselves. Takes tensors, numbers, lists and mappings of them (see Value):
/// ```cpp
/// assert_close(net(x), expected);
/// assert_close(loss.item<double>(), 0.25, {.rtol = 0, .atol = 1e-3});
/// assert_close(net.state_dict(), other.state_dict());
/// ```
/// The message is PyTorch's: how many elements differ, the largest absolute and relative difference
/// among them, where each is, and in which item of a list or mapping. Requires no gradient and
/// records nothing. Other errors: rtol without atol or the reverse, a negative one, values of
/// different kinds. PyTorch: `torch.testing.assert_close`.
void assert_close(const Value& actual, const Value& expected, const CloseOptions& options = {});

/// The same in words, without that error: "" where both are close. For any framework:
/// `CHECK(difference(net(x), expected) == "")`.
std::string difference(const Value& actual, const Value& expected,
                       const CloseOptions& options = {});

}  // namespace norma::testing
