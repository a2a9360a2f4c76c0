#include "options.h"

#include <norma/norma.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <limits>

namespace example {

namespace {

void add_training_options(CLI::App& app, Options& options) {
  const CLI::Range count(int64_t{1}, std::numeric_limits<int64_t>::max(), "COUNT");
  const CLI::Range count_or_0(int64_t{0}, std::numeric_limits<int64_t>::max(), "COUNT");
  app.add_option("--data", options.data, options.about_data)
      ->type_name("PATH")
      ->check(CLI::ExistingPath);
  app.add_option("--epochs", options.epochs, "How often to go through the training data")
      ->check(count_or_0)
      ->capture_default_str();
  app.add_option("--batch-size", options.batch_size, "Samples per step")
      ->check(count)
      ->capture_default_str();
  app.add_option("--lr", options.lr, "The highest learning rate; a cosine takes it to 0")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--train-size", options.train_size, "Train on this many samples")->check(count);
  app.add_option("--test-size", options.test_size, "Test on this many samples")->check(count);
  app.add_option("--save", options.save, "Save the trained model as this safetensors file")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_option("--load", options.load, "Begin with this model; with --epochs 0, only test it")
      ->check(CLI::ExistingFile);
}

}  // namespace

int run(int argc, char** argv, Options& options, const std::function<void()>& program) {
  CLI::App app(options.about);
  // A later option wins, so that scripts can pass theirs first and the user's behind them.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  if (options.epochs >= 0) add_training_options(app, options);
  if (!options.picture.empty()) {
    app.add_option("--picture", options.picture, "Draw what was learnt into this PNG file")
        ->type_name("FILE")
        ->capture_default_str();
  }
  app.add_option("--seed", options.seed, "Same seed and threads, same numbers")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Processors to use; all, if not given")
      ->check(CLI::Range(1, 1024));
  CLI11_PARSE(app, argc, argv);

  try {
    if (options.threads > 0) norma::set_num_threads(options.threads);
    norma::manual_seed(static_cast<uint64_t>(options.seed));
    program();
  } catch (const norma::Error& error) {
    std::cout.flush();
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}

}  // namespace example
