#include "options.h"

#include <norma/norma.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <limits>

namespace example {

namespace {

const CLI::Range kCount(int64_t{1}, std::numeric_limits<int64_t>::max(), "COUNT");
const CLI::Range kCountOr0(int64_t{0}, std::numeric_limits<int64_t>::max(), "COUNT");

// A file that is to be written: better refused now than after hours of training.
const CLI::Validator kNewFile(
    [](std::string& path) {
      const std::filesystem::path folder = std::filesystem::path(path).parent_path();
      if (folder.empty() || std::filesystem::is_directory(folder)) return std::string();
      return "there is no folder " + folder.string();
    },
    "FILE");

void add_data(CLI::App& app, Options& options) {
  app.add_option("--data", options.data, options.about_data)
      ->type_name("PATH")
      ->check(CLI::ExistingPath);
}

void add_batch_size(CLI::App& app, Options& options, const char* meaning) {
  app.add_option("--batch-size", options.batch_size, meaning)->check(kCount)->capture_default_str();
}

CLI::Option* add_save(CLI::App& app, Options& options, const char* meaning) {
  return app.add_option("--save", options.save, meaning)->check(kNewFile);
}

void add_training_options(CLI::App& app, Options& options) {
  add_data(app, options);
  app.add_option("--epochs", options.epochs, "How often to go through the training data")
      ->check(kCountOr0)
      ->capture_default_str();
  add_batch_size(app, options, "Samples per step");
  app.add_option("--lr", options.lr, "The highest learning rate; a cosine takes it to 0")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--train-size", options.train_size, "Train on this many samples")->check(kCount);
  app.add_option("--test-size", options.test_size, "Test on this many samples")->check(kCount);
  add_save(app, options, "Save the trained model as this safetensors file")->capture_default_str();
  CLI::Option* load = app.add_option("--load", options.load,
                                     "Begin with this model; with --epochs 0, only test it");
  load->check(CLI::ExistingFile);
  app.add_option("--checkpoint", options.checkpoint, "Where Ctrl-C and SIGTERM save the run")
      ->check(kNewFile)
      ->capture_default_str();
  app.add_option("--checkpoint-every", options.checkpoint_every, "Save it every so many steps, too")
      ->check(kCount);
  app.add_option("--resume", options.resume, "Go on with a saved run; the other options as before")
      ->type_name("[FILE]")
      ->expected(0, 1)
      ->excludes(load);
}

void add_classifying_options(CLI::App& app, Options& options) {
  app.add_option("--weights", options.weights, "The model's file, which PyTorch or Norma saved")
      ->check(CLI::ExistingFile);
  app.add_option("--classes", options.classes, "How many classes these weights know")
      ->check(kCount)
      ->capture_default_str();
  app.add_option("--labels", options.labels, "A text file with the name of each class on a line")
      ->check(CLI::ExistingFile);
  add_data(app, options);
  add_batch_size(app, options, "Pictures at a time");
  app.add_option("--test-size", options.test_size, "Look at the first so many pictures only")
      ->check(kCount);
  app.add_option("--scores", options.scores, "Save the scores before the softmax as a tensor")
      ->type_name("FILE");
  add_save(app, options, "Save the model as a safetensors file, which PyTorch opens");
}

}  // namespace

int run(int argc, char** argv, Options& options, const std::function<void()>& program) {
  CLI::App app(options.about);
  // A later option wins, so that scripts can pass theirs first and the user's behind them.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  if (options.epochs >= 0) {
    options.checkpoint = std::filesystem::path(argv[0]).filename().string() + ".checkpoint";
    add_training_options(app, options);
  }
  if (options.classes > 0) add_classifying_options(app, options);
  app.add_option("--plot", options.plot, "Draw pictures into this folder, by gnuplot")
      ->type_name("DIR");
  app.add_option("--seed", options.seed, "Same seed and threads, same numbers")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Processors to use; all, if not given")
      ->check(CLI::Range(1, 1024));
  CLI11_PARSE(app, argc, argv);

  if (options.epochs >= 0 && app.count("--resume") > 0) {
    // "--resume FILE" goes on with FILE and in it; "--resume" alone with that of --checkpoint.
    if (options.resume.empty()) options.resume = options.checkpoint;
    if (app.count("--checkpoint") == 0) options.checkpoint = options.resume;
  }

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
