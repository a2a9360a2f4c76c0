// Numbers about a training on several ranks.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace norma::distributed {

namespace detail {
void reduce_metrics(std::span<double> means, int64_t samples);
}

/// The means over the samples of all ranks, from each rank's means over its own n_r samples:
/// Σ n_r mean_r / Σ n_r, added up in float64 in the order of the ranks, so that all have the same
/// bits.
/// ```cpp
/// const auto [loss, accuracy] =
///     distributed::reduce_metrics({train_loss, right / total}, labels.numel());
/// ```
/// What a rank without samples gives does not count, be it NaN; of no samples at all the means are
/// NaN. Without a process group they are what was given. Sums and counts, such as a confusion
/// matrix's, are added up by `all_reduce`. Where a DistributedSampler pads, some samples count
/// twice: evaluate with `drop_last = false` on a number of ranks that divides theirs, or on one.
///
/// Errors: a negative number of samples; other ranks' as of `all_reduce`.
template <std::size_t N>
std::array<double, N> reduce_metrics(const double (&means)[N], int64_t samples) {
  std::array<double, N> all = std::to_array(means);
  detail::reduce_metrics(all, samples);
  return all;
}

}  // namespace norma::distributed
