#include "norma/distributed/checkpoint.h"

#include <map>
#include <span>
#include <sstream>
#include <string_view>
#include <vector>

#include "norma/core/error.h"
#include "norma/core/factory.h"
#include "norma/distributed/process_group.h"
#include "norma/io/input_file.h"

namespace norma::distributed {

namespace {

constexpr std::string_view kReserved = "distributed.";
constexpr const char* kGenerators = "distributed.generators";  // seed and next of each rank

int64_t ranks() { return is_initialized() ? get_world_size() : 1; }
int64_t own_rank() { return is_initialized() ? get_rank() : 0; }

std::vector<std::string> of_all(const std::string& text) {
  return is_initialized() ? all_gather_object(text) : std::vector<std::string>{text};
}

/// Runs `body`; where it fails on any rank, all throw the first one's error.
template <class F>
void on_all(const char* op, const F& body) {
  std::string error;
  try {
    body();
  } catch (const std::exception& caught) {
    error = caught.what();
  }
  const std::vector<std::string> errors = of_all(error);
  for (std::size_t rank = 0; rank < errors.size(); ++rank) {
    if (errors[rank].empty()) continue;
    // Without "[op] ", if it is that of this function itself.
    const std::string own = text("[", op, "] ");
    const bool has_own = errors[rank].starts_with(own);
    fail(op, has_own ? errors[rank].substr(own.size()) : errors[rank],
         errors.size() > 1 ? text(" (on rank ", rank, ")") : "");
  }
}

void check_places(const char* op, const LoaderPosition& own) {
  const auto places = of_all(text("epoch ", own.epoch, ", batch ", own.batch, ", seed ", own.seed,
                                  ", of ", own.samples, " samples in batches of ", own.batch_size));
  for (std::size_t rank = 1; rank < places.size(); ++rank) {
    if (places[rank] == places[0]) continue;
    fail(op, "expected loaders at the same place on all ranks, got ", places[0], " on rank 0 and ",
         places[rank], " on rank ", rank);
  }
}

/// The generator for this rank; `first` is rank 0's.
Generator::State own_generator(const std::string& all, const Generator::State& first) {
  std::istringstream numbers(all);
  Generator::State state;
  for (int64_t rank = 0; numbers >> state.seed >> state.next; ++rank) {
    if (rank == own_rank()) return state;
  }
  return {first.seed + static_cast<uint64_t>(own_rank()), first.next};
}

/// The place for a loader of this rank, from one for a loader of all ranks' samples.
void share(const char* op, LoaderPosition& place) {
  const int64_t count = ranks(), whole = place.batch_size;
  if (whole % count != 0 && place.batch > 0) {
    fail(op, "expected a number of ranks that divides the batch of ", whole,
         " samples within whose epoch the training stands, got ", count,
         "; go on with one that does, until the epoch's end");
  }
  place.batch_size = whole % count == 0 ? whole / count : 0;
}

}  // namespace

void save_checkpoint(const std::string& path, const CheckpointParts& parts) {
  const char* const op = "save_checkpoint";
  CheckpointParts joined = parts;
  on_all(op, [&] {
    for (const auto& [key, value] : parts.metadata) {
      if (!key.starts_with(kReserved)) continue;
      fail(op, "expected metadata keys other than \"distributed.…\", got \"", key, "\"");
    }
  });
  if (parts.loader) {
    check_places(op, *parts.loader);
    joined.loader->batch_size *= ranks();
  }
  if (parts.generator) {
    const Generator::State state = parts.generator->state();
    std::string& all = joined.metadata[kGenerators];
    for (const std::string& one : of_all(text(state.seed, " ", state.next))) {
      all += (all.empty() ? "" : " ") + one;
    }
  }
  on_all(op, [&] {
    if (own_rank() == 0) norma::save_checkpoint(path, joined);
  });
}

CheckpointInfo load_checkpoint(const std::string& path, const CheckpointTargets& targets) {
  const char* const op = "load_checkpoint";
  Tensor bytes = empty(0, {.dtype = kUInt8});
  on_all(op, [&] {
    if (own_rank() != 0) return;
    const InputFile file(op, path);
    bytes = empty(static_cast<int64_t>(file.size()), {.dtype = kUInt8});
    file.read(bytes.raw_data(), 0, file.size());
  });
  const auto size = of_all(std::to_string(bytes.numel()))[0];
  if (own_rank() != 0) bytes = empty(std::stoll(size), {.dtype = kUInt8});
  if (is_initialized()) broadcast(bytes, 0);

  CheckpointInfo info;
  on_all(op, [&] {
    const std::span<const std::byte> all(static_cast<const std::byte*>(bytes.raw_data()),
                                         static_cast<std::size_t>(bytes.numel()));
    info = norma::load_checkpoint(all, targets);
    share(op, info.loader);
  });
  if (targets.generator) {
    const auto all = info.metadata.find(kGenerators);
    targets.generator->set_state(
        own_generator(all == info.metadata.end() ? "" : all->second, targets.generator->state()));
  }
  std::erase_if(info.metadata, [](const auto& note) { return note.first.starts_with(kReserved); });
  return info;
}

}  // namespace norma::distributed
