// The switch of deterministic algorithms; tests/determinism/ compares the bits.
#include "norma/core/deterministic.h"

#include "norma/core/simd.h"
#include "norma/core/threads.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;

TEST_CASE("deterministic algorithms can be switched on and off") {
  const SimdLevel before = simd_level();
  CHECK_FALSE(are_deterministic_algorithms_enabled());
  use_deterministic_algorithms(true);
  CHECK(are_deterministic_algorithms_enabled());
  {
    const ThreadCount threads(2);
    CHECK(planned_threads() == 4);
    CHECK(get_num_threads() == 2);
  }
  use_deterministic_algorithms(false);
  CHECK_FALSE(are_deterministic_algorithms_enabled());
  CHECK(simd_level() == before);
  CHECK(planned_threads() == get_num_threads());
}
