// A network that learns to tell points in the plane apart, to be watched and stopped at any batch.
#pragma once
#include "norma/norma.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "norma/playground/network.h"
#include "norma/playground/settings.h"

namespace playground {

/// Everything that the page shows, without the page. Errors of all: Norma's, as they come, with
/// nothing changed.
class Playground {
 public:
  /// Of the default settings.
  Playground();

  /// Takes settings (see settings.h) while it trains: other points or another network begin anew,
  /// the rest goes on, points drawn by hand included.
  void configure(const std::string& text);
  /// From the initial weights once more.
  void restart();

  /// Trains on one batch, in the mode of `settings.training`. Returns its loss, the cross-entropy.
  double step();
  int64_t steps() const { return steps_; }  ///< since the beginning

  /// How well it tells points apart on which it was not trained.
  struct Score {
    double loss, accuracy;  ///< cross-entropy, and a share
  };
  /// In the mode of `settings.evaluation`, `kChunk` points at a time, sorted by class. Mode train
  /// has its usual consequences.
  Score evaluate();
  /// The probability of class 1 in the middle of each of `cells` × `cells` squares, row by row from
  /// the top left corner. In the mode of `settings.evaluation`, a row being a batch.
  const std::vector<float>& picture(int64_t cells);

  /// What the last step saw in the hidden layers, as JSON; before the first step, what it would
  /// see. Of numbers that are not finite, null.
  std::string observe() const;
  /// The network as Norma prints it, with its number of parameters.
  std::string network() const;

  const Settings& settings() const { return settings_; }
  const norma::data::Dataset& points() const { return train_set_; }  ///< those it is trained on
  const norma::nn::Sequential& net() const { return network_.net; }  ///< what is trained
  static constexpr int64_t kChunk = 50;  ///< points in a batch of a test

 private:
  void build();
  void load_batches();
  norma::data::Batch next_batch();
  void look_ahead();
  norma::Tensor scores(const norma::Tensor& inputs, int64_t chunk,
                       std::vector<norma::Tensor>* seen);

  Settings settings_;
  norma::data::Dataset train_set_, test_set_;
  Network network_;
  std::unique_ptr<norma::optim::SGD> optimizer_;
  std::optional<norma::data::DataLoader> loader_;
  std::optional<norma::data::DataLoader::Iterator> batches_;
  int64_t steps_ = 0;
  HiddenValues last_;                 // of the last step
  std::vector<norma::Tensor> asked_;  // what norms got at the last evaluation, per hidden layer
  std::vector<float> picture_;
};

}  // namespace playground
