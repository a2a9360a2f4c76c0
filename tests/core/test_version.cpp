#include <norma/core/version.h>

#include <string>

#include "norma/tests/support/catch.h"

TEST_CASE("the version in one text, three numbers and one number") {
  const int major = NORMA_VERSION_MAJOR, minor = NORMA_VERSION_MINOR, patch = NORMA_VERSION_PATCH;
  CHECK(NORMA_VERSION ==
        std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch));
  CHECK(NORMA_VERSION_NUMBER == major * 10000 + minor * 100 + patch);
#if NORMA_VERSION_NUMBER < 100
  FAIL("not usable in #if");
#endif
}
