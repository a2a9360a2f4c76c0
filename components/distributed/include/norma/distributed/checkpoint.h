// Checkpoints of a training on several ranks: one file, for any number of them.
#pragma once
#include <string>

#include "norma/io/checkpoint.h"

namespace norma::distributed {

/// `norma::save_checkpoint` of a training that all ranks take part in: all call it, rank 0 writes
/// its parts, and the others wait until the file is there.
/// ```cpp
/// distributed::save_checkpoint(
///     "run.safetensors",
///     {.module = &net, .optimizer = &sgd, .epoch = 3, .loader = loader.position()});
/// ```
/// Module and optimiser are alike on all ranks (DistributedDataParallel), apart from buffers, which
/// are rank 0's: with SyncBatchNorm they are alike, too. The random generators of all ranks are
/// kept, and of `loader` the batch of all ranks together: their `batch_size` times their number.
///
/// Errors, on all ranks: as of `norma::save_checkpoint`, loaders that are not at the same place on
/// all ranks, metadata keys that start with "distributed.", which are reserved. Without a process
/// group it is a training on one rank.
void save_checkpoint(const std::string& path, const CheckpointParts& parts);

/// `norma::load_checkpoint` on all ranks of what rank 0 reads: only there need the file exist. The
/// number of ranks may be another one than when it was saved.
///
/// At the end of an epoch any number goes on: the samples are dealt anew by `DistributedSampler`,
/// and rank r has the generator that rank r had, or, where there was none, that of rank 0 with r
/// added to its seed. Within an epoch the place is one for a number of ranks whose batches make up
/// one as large: 2 ranks with batches of 48 go on as 3 with batches of 32 or 1 with 96, and see the
/// samples that the epoch still has to show, each once. `info.loader`, for `set_position()`, has
/// the batch size that each rank needs. On as many ranks as before, everything goes on to the last
/// bit. Files of `norma::save_checkpoint` are those of one rank.
///
/// Errors, on all ranks: as of `norma::load_checkpoint`, and within an epoch a number of ranks that
/// does not divide the batch of all. After an error on one rank alone, the parts of others may be
/// loaded.
CheckpointInfo load_checkpoint(const std::string& path, const CheckpointTargets& targets);

}  // namespace norma::distributed
