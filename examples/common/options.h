// The command line that all examples share.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

namespace example {

/// Every example fills in its own defaults. An option is offered where it has a use: those of
/// training where `epochs` is given, those of classifying where `classes` is.
struct Options {
  std::string data = {};    ///< --data: real data instead of synthetic ones
  int64_t epochs = -1;      ///< --epochs
  int64_t batch_size = 64;  ///< --batch-size
  double lr = 0.01;         ///< --lr: the highest learning rate
  int64_t train_size = 0;   ///< --train-size: how many samples to train on, 0 for the usual number
  int64_t test_size = 0;    ///< --test-size
  std::string save = {};    ///< --save: where the trained model goes
  std::string load = {};    ///< --load: a model to begin with
  std::string checkpoint = {};   ///< --checkpoint: where an interrupted run is kept
  int64_t checkpoint_every = 0;  ///< --checkpoint-every: keep it every so many steps as well
  std::string resume = {};       ///< --resume: the run to go on with
  int64_t classes = 0;           ///< --classes: how many kinds of pictures the weights know
  std::string weights = {};      ///< --weights: the file that the model comes from
  std::string labels = {};       ///< --labels: the names of the classes, a line each
  std::string scores = {};       ///< --scores: where the model's answers go
  std::string plot = {};         ///< --plot: the folder for pictures, none without it
  int64_t seed = 0;              ///< --seed
  int threads = 0;               ///< --threads, 0 for all processors

  std::string about = {};       ///< what the program does, for --help
  std::string about_data = {};  ///< what --data should name
};

/// Reads the command line into `options`, sets threads and seed, runs `program`. Returns what
/// `main` should: 0 when all went well. A `norma::Error` is printed, and 1 returned.
int run(int argc, char** argv, Options& options, const std::function<void()>& program);

}  // namespace example
