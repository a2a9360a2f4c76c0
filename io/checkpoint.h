// Checkpoints: everything training needs to go on as if it had never stopped.
#pragma once
#include <cstddef>
#include <initializer_list>
#include <iosfwd>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "norma/core/random.h"
#include "norma/io/loader_position.h"
#include "norma/layers/module.h"
#include "norma/optim/lr_scheduler.h"
#include "norma/optim/optimizer.h"

namespace norma {

/// The metadata key that tells a checkpoint from the state of a module alone.
inline constexpr const char* kCheckpointKey = "norma.checkpoint";

/// No schedule, one, or several that share an optimiser, in their order: `&cosine`,
/// `{&warm_up, &cosine}`.
template <class Scheduler>
struct Schedules : std::vector<Scheduler*> {
  Schedules() = default;
  Schedules(Scheduler* one) : std::vector<Scheduler*>(one ? 1 : 0, one) {}
  Schedules(std::initializer_list<Scheduler*> all) : std::vector<Scheduler*>(all) {}
  template <class Derived>
  Schedules(const Schedules<Derived>& all) : std::vector<Scheduler*>(all.begin(), all.end()) {}
};

/// What goes into a checkpoint. Null parts are left out.
struct CheckpointParts {
  const nn::Module* module = nullptr;                  ///< its `state_dict()`
  const optim::Optimizer* optimizer = nullptr;         ///< its `state_dict()`
  Schedules<const optim::LRScheduler> scheduler = {};  ///< one, or several
  /// Dropout and initialisation draw from the default generator.
  const Generator* generator = &default_generator();
  int64_t epoch = 0;  ///< epochs done; where it is 0 and there is a loader, that of the loader
  std::optional<LoaderPosition> loader = {};         ///< `train_loader.position()`
  std::map<std::string, std::string> metadata = {};  ///< notes of your own
};

/// Where the parts of a checkpoint go. Null parts are left alone.
struct CheckpointTargets {
  nn::Module* module = nullptr;                  ///< strictly: every name
  optim::Optimizer* optimizer = nullptr;         ///< of the same groups
  Schedules<optim::LRScheduler> scheduler = {};  ///< one, or several
  Generator* generator = &default_generator();   ///< its seed and position
};

/// What `load_checkpoint` hands back besides the parts it filled.
struct CheckpointInfo {
  int64_t epoch = 0;  ///< epochs done
  /// For `train_loader.set_position()`. Of a file without one: the beginning of `epoch`.
  LoaderPosition loader;
  std::map<std::string, std::string> metadata;  ///< your notes
};

/// Writes one safetensors file, replacing an existing one in one step:
/// ```cpp
/// save_checkpoint("run.safetensors", {.module = &net, .optimizer = &sgd, .epoch = 3});
/// ```
/// Tensors `model.<key>` hold the module's state_dict, `optimizer.state.<i>.<name>` (such as
/// `momentum_buffer`) and `optimizer.param_groups.<g>.<option>` the optimiser's,
/// `scheduler.<value>` the scheduler's (`scheduler2.<value>` a second one's), `loader.<value>`,
/// `generator` and `epoch` the rest. Numbers are float64 and int64 tensors, so that none loses a
/// bit. Errors: metadata keys "format" and those that start with "norma.", which are reserved, a
/// null schedule, and what the system says about the path.
void save_checkpoint(const std::string& path, const CheckpointParts& parts);
/// The same bytes into a stream, opened as `std::ios::binary`; or as what `bytes` holds from then
/// on.
void save_checkpoint(std::ostream& stream, const CheckpointParts& parts);
void save_checkpoint(std::vector<std::byte>& bytes, const CheckpointParts& parts);

/// Fills the given parts, to the last bit; make them as they were made before saving:
/// ```cpp
/// CheckpointInfo info =
///     load_checkpoint("run.safetensors", {.module = &net, .optimizer = &sgd});
/// ```
/// Everything is checked before anything changes; a part that the file does not have is an error.
/// Errors name the file, the entry, and what was expected of it.
CheckpointInfo load_checkpoint(const std::string& path, const CheckpointTargets& targets);
/// The same from the bytes of such a file, or from all that a stream still has.
CheckpointInfo load_checkpoint(std::span<const std::byte> bytes, const CheckpointTargets& targets);
CheckpointInfo load_checkpoint(std::istream& stream, const CheckpointTargets& targets);

}  // namespace norma
