// DistributedSampler: which samples of an epoch are this rank's.
#pragma once
#include <cstdint>
#include <memory>

#include "norma/data/sampler.h"

namespace norma::data {

/// The options of `DistributedSampler`.
struct DistributedSamplerOptions {
  int64_t num_replicas = -1;  ///< how many ranks share the samples; -1: those of the process group
  int64_t rank = -1;          ///< which of them this is; -1: the group's, 0 without one
  bool shuffle = true;        ///< a new order in every epoch
  uint64_t seed = 0;          ///< of the order, the same on all ranks
  bool drop_last = false;     ///< leave out samples that would be too few for all ranks
};

/// Gives each of R ranks its part of every epoch, as many samples to one as to another: rank r
/// takes the samples r, r + R, r + 2R, … of an order that is the same on all. If R does not divide
/// their number, the order's first samples follow its end; with `drop_last` its last ones are left
/// out.
/// ```cpp
/// data::DataLoader loader(set, {.batch_size = 32, .sampler = data::DistributedSampler(60000)});
/// ```
/// The order depends on the seed and on the epoch alone, which the loader tells: a new one in every
/// epoch, also after `set_position()`, and no call of `set_epoch` is needed. It is the order of
/// `shuffle = true` in a loader of that seed, so that the k-th batches of b samples on R ranks are
/// together the k-th batch of b · R samples of one process. Give the loaders of all ranks the same
/// seed: their random transforms differ by the rank.
///
/// Errors: fewer samples than ranks, with `drop_last` or none, a rank that is not below
/// `num_replicas`; in the loop, a data set of another size.
///
/// PyTorch: `torch.utils.data.DistributedSampler`, which adds seed and epoch up.
class DistributedSampler : public Sampler {
 public:
  /// `samples`: how many the data set has.
  explicit DistributedSampler(int64_t samples, const DistributedSamplerOptions& options = {});

  /// The next order is that of this epoch, whatever the loader's number of it is. Errors: a
  /// negative one.
  void set_epoch(int64_t epoch);
  int64_t num_samples() const { return length; }  ///< of this rank in an epoch
  int64_t total_size() const { return total_; }   ///< of all ranks, with those that come twice

 private:
  struct State;
  int64_t total_;
  std::shared_ptr<State> state_;
};

}  // namespace norma::data
