// How the training goes.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

#include "evaluate.h"

namespace example {

/// In a terminal, a bar that redraws itself, with the loss, the rate and the time left, and a line
/// per epoch. Elsewhere some plain lines without times, so that two runs can be compared. Every
/// number goes into the history, under loss/train, loss/test and accuracy/test.
///
///     Progress progress(epochs, loader.size(), history);
///     for (…) {
///       for (auto& [x, y] : loader) { …; progress.batch(loss.item<double>(), x.size(0)); }
///       progress.epoch(test(model, test_loader));
///     }
class Progress {
 public:
  Progress(int64_t epochs, int64_t batches_per_epoch, norma::History& history);

  /// After each batch: its mean loss and its number of samples.
  void batch(double loss, int64_t samples);
  /// After each epoch: how good the model is on the test data.
  void epoch(const Scores& test);

  /// "epoch 2/3, batch 17/312".
  std::string place() const;
  /// Takes the bar away, for a line of its own.
  void clear_line() const;
  /// All that the next lines depend on, in a line; and back to it.
  std::string state() const;
  void restore(const std::string& state);

 private:
  using Clock = std::chrono::steady_clock;
  double mean_loss() const { return loss_sum_ / static_cast<double>(epoch_samples_); }
  norma::HistoryPosition position() const {
    return {.epoch = epoch_ - 1, .step = (epoch_ - 1) * batches_ + batch_};
  }
  void log(std::initializer_list<norma::NamedNumber> values);
  std::string epoch_place() const;
  void draw_bar();

  int64_t epochs_, batches_;
  norma::History& history_;
  bool terminal_, resumed_ = false;
  int64_t epoch_ = 1, batch_ = 0;  // where we are: batches done in this epoch
  double loss_sum_ = 0;            // over the samples of this epoch
  int64_t epoch_samples_ = 0, all_samples_ = 0;
  Clock::duration trained_{};  // time spent training, without the tests in between
  Clock::time_point last_, drawn_{};
};

}  // namespace example
