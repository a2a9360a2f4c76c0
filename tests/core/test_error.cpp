#include "norma/core/error.h"

#include "norma/tests/support/catch.h"

TEST_CASE("an error names its operation, and the module once it leaves one") {
  norma::Error error("linear", "expected [2, 3], got [4]");
  CHECK(std::string(error.what()) == "[linear] expected [2, 3], got [4]");
  CHECK(error.op() == "linear");
  error.add_module("1", "Linear");
  error.add_module("net", "Sequential");
  CHECK(std::string(error.what()) == "[linear] expected [2, 3], got [4] (in net.1, a Linear)");
  CHECK(error.module_path() == "net.1");
  norma::Error vowel("linear", "expected [2, 3], got [4]");
  vowel.add_module("1", "Identity");
  CHECK(std::string(vowel.what()) == "[linear] expected [2, 3], got [4] (in 1, an Identity)");
}
