// A build with NORMA_THREADS=OFF.
#include <norma/norma.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

TEST_CASE("a build without threads has one, whatever the environment wishes") {
  CHECK(norma::get_num_threads() == 1);
  norma::set_num_threads(1);
  CHECK(norma::planned_threads() == 1);
  CHECK(norma::parallel_parts(1000, 1) == 1);
}

TEST_CASE("a build without threads refuses several") {
  CHECK(error_of([] { norma::set_num_threads(2); }) ==
        "[set_num_threads] expected 1 in a build without threads (NORMA_THREADS=OFF), got 2");
  CHECK(error_of([] { norma::set_num_threads(0); }) ==
        "[set_num_threads] expected a number from 1 to 1024, got 0");
}

TEST_CASE("without threads all parts of a loop run in the caller, in order") {
  std::vector<int> order;
  std::vector<int64_t> ends;
  const std::thread::id caller = std::this_thread::get_id();
  norma::parallel_parts_for(3, 10, [&](int64_t begin, int64_t end, int part) {
    CHECK(std::this_thread::get_id() == caller);
    CHECK(begin == (ends.empty() ? 0 : ends.back()));
    order.push_back(part);
    ends.push_back(end);
  });
  CHECK(order == std::vector<int>({0, 1, 2}));
  CHECK(ends.back() == 10);
  CHECK_THROWS_AS(norma::parallel_parts_for(
                      2, 10, [](int64_t, int64_t, int) { throw std::out_of_range("mine"); }),
                  std::out_of_range);
}

TEST_CASE("deterministic algorithms divide a loop into the same four parts without threads") {
  norma::use_deterministic_algorithms(true);
  CHECK(norma::parallel_parts(1000, 1) == 4);
  norma::use_deterministic_algorithms(false);
}
