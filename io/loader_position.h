// The place of a DataLoader in its data, as a checkpoint keeps it.
#pragma once
#include <cstdint>

namespace norma {

/// Where a loader stands: `data::DataLoader::position()` gives it, `set_position()` goes there.
///
/// In the loop over epoch e, the place behind the n-th batch is {e, n}, also behind the last one,
/// where a loop that goes on from there gets no batch and what follows the loop is still to do; it
/// stays {e, n} where the loop is left. Once the loop is over, it is {e + 1, 0}.
struct LoaderPosition {
  int64_t epoch = 0;  ///< counted from 0
  int64_t batch = 0;  ///< how many of the epoch's batches were handed out
  // What the order depends on besides. In the middle of an epoch, a loader whose own differ does
  // not go there.
  uint64_t seed = 0;                    ///< of the loader
  int64_t samples = 0, batch_size = 0;  ///< of the loader; 0: unknown, and not compared

  bool operator==(const LoaderPosition&) const = default;
};

}  // namespace norma
