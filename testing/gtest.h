// A matcher for GoogleTest.
#pragma once
#include <gmock/gmock.h>

#include <ostream>
#include <utility>

#include "norma/testing/assert_close.h"
#include "norma/testing/check_module.h"

namespace norma::testing {

/// Apart from Catch2's, which has the same name, since a program may have tests of both.
inline namespace gtest {

/// What `IsClose` gives.
class CloseMatcher {
 public:
  using is_gtest_matcher = void;

  CloseMatcher(Value expected, CloseOptions options)
      : expected_(std::move(expected)), options_(std::move(options)) {}

  /// Whether it is close; says to the listener how it differs.
  bool MatchAndExplain(const Value& actual, std::ostream* listener) const {
    const std::string found = difference(actual, expected_, options_);
    if (listener && !found.empty()) *listener << "\n" << found;
    return found.empty();
  }
  /// "is close to", and what is expected.
  void DescribeTo(std::ostream* out) const { *out << "is close to " << expected_.repr(); }
  /// The same of the opposite.
  void DescribeNegationTo(std::ostream* out) const {
    *out << "is not close to " << expected_.repr();
  }

 private:
  Value expected_;
  CloseOptions options_;
};

/// `EXPECT_THAT(net(x), IsClose(expected))`, and with options
/// `IsClose(expected, {.rtol = 0, .atol = 1e-3})`: what `assert_close` accepts.
/// A failure prints both and how they differ.
inline CloseMatcher IsClose(Value expected, CloseOptions options = {}) {
  return {std::move(expected), std::move(options)};
}

}  // namespace gtest

}  // namespace norma::testing
