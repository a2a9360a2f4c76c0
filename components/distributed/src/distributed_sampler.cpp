#include "norma/distributed/distributed_sampler.h"

#include "norma/core/error.h"
#include "norma/core/factory.h"
#include "norma/core/integers.h"
#include "norma/core/random.h"
#include "norma/core/tensor_impl.h"
#include "norma/distributed/process_group.h"

namespace norma::data {

struct DistributedSampler::State {
  int64_t epoch = 0;
  bool is_set = false;  // by hand, for the next loop
};

DistributedSampler::DistributedSampler(int64_t samples, const DistributedSamplerOptions& options)
    : state_(std::make_shared<State>()) {
  const char* const op = "DistributedSampler";
  const bool grouped = distributed::is_initialized();
  int64_t ranks = options.num_replicas, rank = options.rank;
  if (ranks == -1) ranks = grouped ? distributed::get_world_size() : 1;
  if (rank == -1) rank = grouped ? distributed::get_rank() : 0;
  if (ranks < 1) fail(op, "expected num_replicas from 1, or -1 for the group's, got ", ranks);
  if (rank < 0 || rank >= ranks) {
    fail(op, "expected a rank in the interval [0, ", ranks - 1, "], got ", rank);
  }
  length = options.drop_last ? samples / ranks : ceil_div(samples, ranks);
  if (samples < 1 || length < 1) {
    fail(op, "expected at least one sample", options.drop_last ? " for each rank" : "", ", got ",
         samples, " for ", ranks);
  }
  total_ = length * ranks;
  replica = rank;
  on_epoch = [state = state_](int64_t epoch) {
    if (!state->is_set) state->epoch = epoch;
    state->is_set = false;
  };
  order = [samples, ranks, rank, count = length, shuffle = options.shuffle, seed = options.seed,
           state = state_](int64_t found, Generator&) {
    if (found != samples) {
      fail("DistributedSampler", "expected a data set of ", samples, " samples, got one of ",
           found);
    }
    // As DataLoader shuffles by itself.
    const auto words = Generator::block(seed, static_cast<uint64_t>(state->epoch));
    Generator generator(uint64_t{words[0]} << 32 | words[1]);
    const Tensor all = shuffle ? randperm(samples, generator) : arange(samples);
    const auto* const from = all.data_ptr<int64_t>();
    const Tensor own = new_tensor({count}, kInt64);
    auto* const to = own.data_ptr<int64_t>();
    for (int64_t i = 0; i < count; ++i) to[i] = from[(rank + i * ranks) % samples];
    return own;
  };
}

void DistributedSampler::set_epoch(int64_t epoch) {
  if (epoch < 0) fail("DistributedSampler", "expected an epoch number from 0, got ", epoch);
  *state_ = {.epoch = epoch, .is_set = true};
}

}  // namespace norma::data
