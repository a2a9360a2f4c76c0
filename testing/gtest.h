// A matcher for GoogleTest.
#pragma once
#include <gmock/gmock.h>

#include <ostream>
#include <utility>

#include "norma/testing.h"

namespace norma::testing {

/// Apart from Catch2's, which has the same name, since a program may have tests of both.
inline namespace gtest {

/// `EXPECT_THAT(net(x), IsClose(expected))`, and with options `IsClose(expected, {.rtol = 0, .atol =
/// 1e-3})`: what `assert_close` accepts. A failure shows both and how much they differ.
class IsClose {
 public:
  using is_gtest_matcher = void;

  IsClose(Value expected, CloseOptions options = {})
      : expected_(std::move(expected)), options_(std::move(options)) {}

  bool MatchAndExplain(const Value& actual, std::ostream* listener) const {
    const std::string found = difference(actual, expected_, options_);
    if (listener && !found.empty()) *listener << "\n" << found;
    return found.empty();
  }
  void DescribeTo(std::ostream* out) const { *out << "is close to " << expected_.repr(); }
  void DescribeNegationTo(std::ostream* out) const {
    *out << "is not close to " << expected_.repr();
  }

 private:
  Value expected_;
  CloseOptions options_;
};

}  // namespace gtest

}  // namespace norma::testing
