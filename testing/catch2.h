// A matcher for Catch2, version 2 or 3.
#pragma once
#include <string>
#include <utility>

#if __has_include(<catch2/matchers/catch_matchers.hpp>)
#include <catch2/matchers/catch_matchers.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include "norma/testing/assert_close.h"
#include "norma/testing/check_module.h"

namespace norma::testing {

/// Apart from GoogleTest's, which has the same name, since a program may have tests of both.
inline namespace catch2 {

#if __has_include(<catch2/matchers/catch_matchers.hpp>)
using ValueMatcher = Catch::Matchers::MatcherBase<Value>;
#else
using ValueMatcher = Catch::MatcherBase<Value>;
#endif

/// What `IsClose` gives.
class CloseMatcher : public ValueMatcher {
 public:
  CloseMatcher(Value expected, CloseOptions options)
      : expected_(std::move(expected)), options_(std::move(options)) {}

  bool match(const Value& actual) const override {
    difference_ = difference(actual, expected_, options_);
    return difference_.empty();
  }

 protected:
  std::string describe() const override {
    return "is close to\n" + expected_.repr() + (difference_.empty() ? "" : "\n\n" + difference_);
  }

 private:
  Value expected_;
  CloseOptions options_;
  mutable std::string difference_;
};

/// `CHECK_THAT(net(x), IsClose(expected))`, and with options
/// `IsClose(expected, {.rtol = 0, .atol = 1e-3})`: what `assert_close` accepts.
/// A failure prints both and how they differ.
inline CloseMatcher IsClose(Value expected, CloseOptions options = {}) {
  return {std::move(expected), std::move(options)};
}

}  // namespace catch2

}  // namespace norma::testing
