// Means over the samples of all ranks.
#include <cmath>

#include "norma/tests/distributed/parts.h"

using namespace norma;

TEST_CASE("Without a process group the means are what was given") {
  REQUIRE_FALSE(distributed::is_initialized());
  const auto [loss, accuracy] = distributed::reduce_metrics({0.5, 0.25}, 8);
  CHECK(loss == 0.5);
  CHECK(accuracy == 0.25);
}

TEST_CASE("Means are weighted by samples, and have the same bits on all ranks") {
  const auto value = [](int64_t rank, int64_t samples, int which) {
    return samples == 0 ? std::nan("") : std::sin(static_cast<double>(3 * rank + which));
  };
  const std::vector<int64_t> parts = uneven_parts(11);
  const int64_t own = parts[static_cast<std::size_t>(ranks::rank())];
  double want[2] = {};
  for (int64_t rank = 0; rank < ranks::size(); ++rank) {
    const int64_t samples = parts[static_cast<std::size_t>(rank)];
    if (samples == 0) continue;
    for (int i : {0, 1}) want[i] += static_cast<double>(samples) * value(rank, samples, i) / 11;
  }
  const auto got = distributed::reduce_metrics(
      {value(ranks::rank(), own, 0), value(ranks::rank(), own, 1)}, own);
  for (const std::size_t i : {0u, 1u}) {
    CHECK(std::abs(got[i] - want[i]) < 1e-15);
    CHECK(ranks::differing_ranks(tensor(got[i], {.dtype = kFloat64})) == "");
  }
}

TEST_CASE("No samples at all, and fewer than none") {
  CHECK(std::isnan(ranks::size() > 0 ? distributed::reduce_metrics({1.0}, 0)[0] : 0));
  CHECK(error_of([] { distributed::reduce_metrics({1.0}, -1); }) ==
        "[reduce_metrics] expected a number of samples from 0, got -1");
}

TEST_CASE("A confusion matrix is a sum of counts") {
  Tensor own = zeros({2, 2}, {.dtype = kInt64});
  own.data_ptr<int64_t>()[ranks::rank() % 4] = 1 + ranks::rank();
  distributed::all_reduce(own);
  for (int64_t i = 0; i < 4; ++i)
    CHECK(own.data_ptr<int64_t>()[i] == (i < ranks::size() ? i + 1 : 0));
}
