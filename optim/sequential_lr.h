// Schedules made of others: SequentialLR, ChainedScheduler.
#pragma once
#include "norma/optim/lr_scheduler.h"

namespace norma::optim {

/// One schedule after the other: number i from epoch milestones[i − 1] on, where it begins at its
/// own epoch 0, from the initial rates.
/// ```cpp
/// optim::LinearLR warm_up(optimizer, {.start_factor = 0.1, .total_iters = 5});
/// optim::CosineAnnealingLR cosine(optimizer, 95);
/// optim::SequentialLR scheduler(optimizer, {&warm_up, &cosine}, {5});
/// ```
/// The schedules must outlive it; only its own `step()` is called. Their state is part of its own:
/// a checkpoint takes `&scheduler` alone.
///
/// Throws without schedules, for ReduceLROnPlateau among them, for one of another optimiser, and
/// unless there is one milestone less than schedules, in rising order.
class SequentialLR : public LRScheduler {
 public:
  SequentialLR(Optimizer& optimizer, std::vector<LRScheduler*> schedulers,
               std::vector<int64_t> milestones);
  void step() override;

 private:
  void apply() override;  // the beginning
  void check_size(std::string_view name, std::size_t size) const override;
  /// The number of milestones up to `last_epoch()`.
  std::size_t reached() const;
  std::vector<double> milestones_;
};

/// All schedules step together, one after the other: their factors multiply, as they do where each
/// is stepped by itself.
/// ```cpp
/// optim::ConstantLR warm_up(optimizer, {.factor = 0.1, .total_iters = 20});
/// optim::ExponentialLR decay(optimizer, 0.9);
/// optim::ChainedScheduler scheduler({&warm_up, &decay});
/// ```
/// The schedules must outlive it; only its own `step()` is called. Their state is part of its own.
/// Throws without schedules, for ReduceLROnPlateau among them, and for those of different
/// optimisers.
class ChainedScheduler : public LRScheduler {
 public:
  explicit ChainedScheduler(std::vector<LRScheduler*> schedulers);
  void step() override;

 private:
  void apply() override {}
  void restart(Start where) override;
};

}  // namespace norma::optim
