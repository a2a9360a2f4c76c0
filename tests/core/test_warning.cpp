#include <cstdlib>
#include <thread>
#include <vector>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/stderr_of.h"

using namespace norma;

TEST_CASE("The environment says what a warning does to begin with") {
  const char* wish = std::getenv("NORMA_WARNINGS");
  const std::string said = wish ? wish : "print";
  CHECK(warnings() == (said == "error" ? Warnings::Error
                       : said == "off" ? Warnings::Off
                                       : Warnings::Print));
}

TEST_CASE("A warning is printed once, thrown, or left out") {
  const Warnings before = warnings();
  set_warnings(Warnings::Print);
  CHECK(stderr_of([] { warn("op", "expected ", 1, ", got ", 2); }) ==
        "norma: [op] expected 1, got 2\n");
  CHECK(stderr_of([] { warn("op", "expected ", 1, ", got ", 2); }) == "");
  CHECK(stderr_of([] { warn("op", "expected ", 1, ", got ", 3); }) ==
        "norma: [op] expected 1, got 3\n");
  set_warnings(Warnings::Error);
  for (int i = 0; i < 2; ++i) {
    CHECK(error_of([] { warn("op", "expected ", 1, ", got ", 2); }) == "[op] expected 1, got 2");
  }
  set_warnings(Warnings::Off);
  CHECK(stderr_of([] { warn("op", "expected nothing"); }) == "");
  set_warnings(before);
}

TEST_CASE("Threads that warn of the same print it once") {
  const Warnings before = warnings();
  set_warnings(Warnings::Print);
  const std::string printed = stderr_of([] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int k = 0; k < 100; ++k) warn("op", "from threads");
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  CHECK(printed == "norma: [op] from threads\n");
  set_warnings(before);
}
