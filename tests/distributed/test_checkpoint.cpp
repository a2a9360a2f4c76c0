// Checkpoints that all ranks take part in.
#include <filesystem>
#include <fstream>

#include "norma/tests/distributed/resumed.h"
#include "norma/tests/support/temp_folder.h"

using namespace norma;
namespace dist = norma::distributed;

namespace {

/// A folder that rank 0 made, and removes when all are done.
struct SharedFolder {
  std::optional<TempFolder> own;
  std::string path;
  SharedFolder() {
    if (ranks::rank() == 0) own.emplace();
    path = dist::all_gather_object(own ? *own / "run.safetensors" : "")[0];
  }
  ~SharedFolder() { dist::barrier(); }
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;
};

}  // namespace

TEST_CASE("Without a process group a checkpoint is that of one rank") {
  REQUIRE_FALSE(dist::is_initialized());
  TempFolder folder;
  nn::Linear net(2, 2), other(2, 2);
  dist::save_checkpoint(folder / "a", {.module = &net, .epoch = 4});
  CHECK(load_checkpoint(folder / "a", {.module = &other}).epoch == 4);
  CHECK(differing_bits(net.weight, other.weight) == "");
  const auto info = dist::load_checkpoint(folder / "a", {.module = &other});
  CHECK(info.epoch == 4);
  CHECK(info.metadata.empty());
}

TEST_CASE("On as many ranks it goes on to the last bit, with Dropout and random transforms") {
  const auto [epoch, batch] = GENERATE(std::pair(0, 2), std::pair(0, 3), std::pair(1, 0));
  const SharedFolder folder;
  Training whole(ranks::size(), 0.4, 0.1), first(ranks::size(), 0.4, 0.1);
  const auto seed = [] { manual_seed(100 + static_cast<uint64_t>(ranks::rank())); };
  seed();
  whole.run();
  const Generator::State end = default_generator().state();
  seed();
  first.run(epoch, batch);
  dist::save_checkpoint(folder.path, first.parts());

  Training second(ranks::size(), 0.4, 0.1);
  manual_seed(1);
  const CheckpointInfo info = dist::load_checkpoint(folder.path, second.targets());
  CHECK(info.metadata == std::map<std::string, std::string>{{"note", "own"}});
  CHECK(info.loader == first.loader.position());
  second.loader.set_position(info.loader);
  second.run();
  CHECK(second.unlike(whole, 0) == "");
  CHECK(default_generator().state() == end);
}

TEST_CASE("From one process to all ranks, and from all ranks to one process") {
  const auto [epoch, batch] = GENERATE(std::pair(0, 2), std::pair(1, 0));
  const SharedFolder folder;
  Training whole(1);
  whole.run();

  Training one(1), all(ranks::size());
  one.run(epoch, batch);
  if (ranks::rank() == 0) save_checkpoint(folder.path, one.parts());
  dist::barrier();
  const CheckpointInfo info = dist::load_checkpoint(folder.path, all.targets());
  CHECK(info.loader.batch_size == kWhole / ranks::size());
  CHECK(default_generator().state().seed == 11 + static_cast<uint64_t>(ranks::rank()));
  all.loader.set_position(info.loader);
  all.run();
  CHECK(all.unlike(whole, 1e-12) == "");

  Training rest(1), before(ranks::size());
  before.run(epoch, batch);
  dist::save_checkpoint(folder.path, before.parts());
  const CheckpointInfo joined = load_checkpoint(folder.path, rest.targets());
  rest.loader.set_position(joined.loader);
  rest.run();
  CHECK(rest.unlike(whole, 1e-12) == "");
}

TEST_CASE("Within an epoch, a number of ranks that does not divide the batch is refused") {
  const SharedFolder folder;
  Training one(1);
  const auto save = [&](int64_t batch) {
    CheckpointParts parts = one.parts();
    parts.loader->batch_size = 13 * 7;
    parts.loader->batch = batch;
    if (ranks::rank() == 0) save_checkpoint(folder.path, parts);
    dist::barrier();
  };
  save(2);
  const std::string error = error_of([&] { dist::load_checkpoint(folder.path, one.targets()); });
  if (ranks::size() == 1) {
    CHECK(error == "no error");
  } else {
    CHECK(error ==
          "[load_checkpoint] expected a number of ranks that divides the batch of 91 "
          "samples within whose epoch the training stands, got " +
              std::to_string(ranks::size()) +
              "; go on with one that does, until the epoch's end (on rank 0)");
  }
  save(0);
  CHECK(dist::load_checkpoint(folder.path, one.targets()).loader.batch_size ==
        (ranks::size() == 1 ? 91 : 0));
}

TEST_CASE("Errors of one rank are errors of all") {
  const SharedFolder folder;
  nn::Linear net(2, 2);
  const std::string save =
      error_of([&] { dist::save_checkpoint(folder.path + "/none/x", {.module = &net}); });
  CHECK(has(save, "[save_checkpoint] "));
  CHECK(has(save, "/none/x"));
  CHECK(has(save, ranks::size() > 1 ? " (on rank 0)" : "/none/x"));
  const std::string load = error_of([&] { dist::load_checkpoint(folder.path, {.module = &net}); });
  CHECK(has(load, "[load_checkpoint] "));
  CHECK(has(load, "run.safetensors"));

  CHECK(has(error_of([&] {
              dist::save_checkpoint(folder.path, {.metadata = {{"distributed.x", ""}}});
            }),
            "[save_checkpoint] expected metadata keys other than \"distributed.…\", got "
            "\"distributed.x\""));

  // The last rank's model is another one.
  const bool is_last = ranks::rank() == ranks::size() - 1;
  nn::Linear other(2, is_last ? 3 : 2);
  dist::save_checkpoint(folder.path, {.module = &net});
  const std::string wrong =
      error_of([&] { dist::load_checkpoint(folder.path, {.module = &other}); });
  CHECK(has(wrong, "[load_checkpoint] "));
  CHECK(has(wrong, "weight"));
  CHECK(has(wrong,
            ranks::size() > 1 ? " (on rank " + std::to_string(ranks::size() - 1) + ")" : "weight"));

  if (ranks::size() == 1) return;
  const LoaderPosition place{.epoch = 1, .batch = is_last ? 3 : 2, .samples = 8, .batch_size = 2};
  CHECK(error_of([&] { dist::save_checkpoint(folder.path, {.loader = place}); }) ==
        "[save_checkpoint] expected loaders at the same place on all ranks, got epoch 1, batch 2, "
        "seed 0, of 8 samples in batches of 2 on rank 0 and epoch 1, batch 3, seed 0, of 8 samples "
        "in batches of 2 on rank " +
            std::to_string(ranks::size() - 1));
}

TEST_CASE("The others wait until the file is there") {
  const SharedFolder folder;
  const nn::Linear net(300, 300);
  dist::save_checkpoint(folder.path, {.module = &net});
  CHECK(std::filesystem::file_size(folder.path) > 300 * 300 * 4);
}
