// Batches of all ranks in parts, some of them empty.
#pragma once
#include <norma/norma.h>

#include <numeric>
#include <vector>

#include "norma/tests/distributed/ranks.h"
#include "norma/tests/support/catch.h"

/// How many of `samples` each rank gets: unlike numbers, and nothing for rank 1 of three or more.
inline std::vector<int64_t> uneven_parts(int64_t samples) {
  std::vector<int64_t> parts;
  int64_t left = samples;
  for (int rank = 0; rank < ranks::size(); ++rank) {
    const bool is_last = rank == ranks::size() - 1;
    const int64_t here = rank == 1 && ranks::size() > 2 ? 0 : is_last ? left : (left + 2) / 3;
    parts.push_back(here);
    left -= here;
  }
  return parts;
}

/// This rank's samples of the batch of all, in memory of their own.
inline norma::Tensor part_of(const norma::Tensor& joined, const std::vector<int64_t>& parts) {
  const auto rank = static_cast<std::size_t>(ranks::rank());
  const int64_t first =
      std::accumulate(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(rank), int64_t{0});
  return joined.detach().narrow(0, first, parts[rank]).clone();
}

/// The sum over all ranks.
inline norma::Tensor summed(const norma::Tensor& own) {
  const norma::Tensor all = own.detach().clone();
  norma::distributed::all_reduce(all);
  return all;
}
