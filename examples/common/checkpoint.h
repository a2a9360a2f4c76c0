// Ends a training cleanly when it is interrupted, and goes on with it another time.
#pragma once
#include <norma/norma.h>

#include <string>

#include "options.h"
#include "progress.h"

namespace example {

/// What a training run is made of, in a file. With --resume it is read from there at once:
///
///     Checkpoint checkpoint(options, loader, progress, {.module = &model, …});
///     for (int64_t epoch = loader.epoch(); epoch < options.epochs; ++epoch) {
///       for (auto& [x, y] : loader) {
///         …;
///         if (checkpoint.step()) return;
///       }
///       …;
///     }
///
/// From then on, Ctrl-C (SIGINT) and SIGTERM end the program after the step that runs, and at once
/// when they come again.
class Checkpoint {
 public:
  Checkpoint(const Options& options, norma::data::DataLoader& loader, Progress& progress,
             const norma::CheckpointTargets& parts);

  /// After each step: saves where --checkpoint-every asks for it. When the program was interrupted,
  /// saves, says so, and returns true: then it is to end.
  [[nodiscard]] bool step();

 private:
  void save() const;
  void load();

  const Options& options_;
  norma::data::DataLoader& loader_;
  Progress& progress_;
  norma::CheckpointTargets parts_;
  int64_t steps_ = 0;
};

}  // namespace example
