// LayerStatistics: what goes through the layers of a model while it trains.
#pragma once
#include <cstdint>
#include <memory>

#include "norma/io/history.h"
#include "norma/layers/module.h"

namespace norma {

struct LayerStatisticsOptions {
  int64_t every = 50;  ///< a row for each so many steps, the first one included
  bool activations = true, gradients = true, updates = true;  ///< what is watched
};

/// Watches a model that trains, and logs one row every so many steps:
/// ```cpp
/// norma::LayerStatistics statistics(model, history, {.every = 100});
/// for (int64_t step = 0; step < 1000; ++step) {
///   optimizer.zero_grad();
///   Tensor loss = criterion(model(x), y);
///   loss.backward();
///   optimizer.step();
///   statistics.step({.epoch = epoch, .step = step});
/// }
/// ```
/// For every layer, a module without children or with parameters of its own, called PATH, of its
/// result x (the first, where there are several), over all calls since the row's step began:
///
/// - `activation_mean/PATH`, `activation_std/PATH`: as `x.mean()` and `x.std()`, in double;
///   `activation_zeros/PATH`: the share of elements that are 0, from 0 to 1. A ReLU whose share is
///   1 passes nothing on.
/// - `gradient_mean/PATH`, `gradient_std/PATH`, `gradient_zeros/PATH`: the same of the loss's
///   gradient with respect to x. Deviations that shrink from layer to layer vanish.
/// - `update_ratio/NAME` for every parameter that is trained: the norm of what the step changed,
///   divided by the norm of what it was; about 1e-3 is usual. 0 where nothing changed, inf where a
///   parameter was 0.
///
/// Calls in `eval()`, or under NoGradGuard, do not count. Between the rows it costs nothing; for a
/// row, the model has hooks and a copy of its parameters. Neither changes a bit of the training.
/// Model and history must outlive it. Errors: `every` below 1.
class [[gnu::visibility("default")]] LayerStatistics {
 public:
  LayerStatistics(nn::Module & model, History & history,
                  const LayerStatisticsOptions& options = {});
  ~LayerStatistics();
  LayerStatistics(const LayerStatistics&) = delete;
  LayerStatistics& operator=(const LayerStatistics&) = delete;

  /// To be called after each step of the optimiser: logs the row of this step, if it has one and
  /// the model was called.
  void step(const HistoryPosition& position = {});

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace norma
