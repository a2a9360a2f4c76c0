#include "datasets.h"

#include <filesystem>
#include <iostream>

namespace example {

namespace {

namespace data = norma::data;
using norma::Tensor;

// The first `size` samples; all of them for 0.
data::Dataset first(const data::Dataset& dataset, int64_t size, const char* option) {
  if (size == 0) return dataset;
  if (size > dataset.size()) {
    norma::fail(option, "expected at most " + std::to_string(dataset.size()) +
                            ", which is what the data set has, got " + std::to_string(size));
  }
  return dataset.narrow(0, size);
}

Split cut(const data::Dataset& train, const data::Dataset& test, const Options& options) {
  return {first(train, options.train_size, "--train-size"),
          first(test, options.test_size, "--test-size")};
}

// `dir`, or the folder of this name in it.
std::string folder(const std::string& dir, const std::string& name) {
  const std::string inside = dir + "/" + name;
  return std::filesystem::is_directory(inside) ? inside : dir;
}

int64_t or_else(int64_t size, int64_t usual) { return size > 0 ? size : usual; }

// Different seeds for what is learnt and what is tested; --seed plays no part, so that runs with
// different seeds can be compared.
constexpr uint64_t kTrainSeed = 1, kTestSeed = 2;

// Drawn digits on a larger canvas, ink and paper in random colours.
data::Dataset colour_digits(int64_t n, uint64_t seed) {
  auto [ink, labels] = data::synthetic_digits(n, seed);
  const Tensor canvas = norma::functional::pad2d(data::convert_image_dtype(ink), {2, 2, 2, 2});
  norma::Generator generator(seed);
  const Tensor paper = norma::rand({n, 3, 1, 1}, {}, generator);
  const Tensor pen = (paper + norma::rand({n, 3, 1, 1}, {}, generator) * 0.6 + 0.2);
  // Colours are numbers on a circle: a pen is always some way off its paper.
  const Tensor wrapped = norma::where(pen > 1.0, pen - 1.0, pen);
  return {paper + (wrapped - paper) * canvas, labels};
}

}  // namespace

Split announce(const std::string& name, const Split& split, const Options& options) {
  std::cout << name << ": " << split.train.size() << " training and " << split.test.size()
            << " test samples" << std::endl;
  if (options.batch_size > split.train.size()) {
    norma::fail("--batch-size", "expected at most the number of training samples, " +
                                    std::to_string(split.train.size()) + ", got " +
                                    std::to_string(options.batch_size));
  }
  return split;
}

Split digits(const Options& options) {
  if (options.data.empty()) {
    return announce("synthetic digits",
                    {data::synthetic_digits(or_else(options.train_size, 20000), kTrainSeed),
                     data::synthetic_digits(or_else(options.test_size, 2000), kTestSeed)},
                    options);
  }
  const std::string dir = folder(options.data, "mnist");
  const data::Dataset train = data::mnist(dir), test = data::mnist(dir, /*train=*/false);
  return announce("MNIST", cut(train, test, options), options);
}

Split colour_pictures(const Options& options) {
  if (options.data.empty()) {
    return announce("synthetic digits in colour",
                    {colour_digits(or_else(options.train_size, 5000), kTrainSeed),
                     colour_digits(or_else(options.test_size, 1000), kTestSeed)},
                    options);
  }
  const std::string dir = folder(options.data, "cifar10");
  const data::Dataset train = data::cifar10(dir), test = data::cifar10(dir, /*train=*/false);
  Split split = cut(train, test, options);
  split.class_names = {"airplane", "automobile", "bird",  "cat",  "deer",
                       "dog",      "frog",       "horse", "ship", "truck"};
  return announce("CIFAR-10", split, options);
}

Tensor first_colour_pictures(const Options& options) {
  const int64_t n = or_else(options.test_size, 4);
  if (options.data.empty()) return colour_digits(n, kTestSeed).inputs;
  const data::Dataset test = data::cifar10(folder(options.data, "cifar10"), /*train=*/false);
  return data::convert_image_dtype(first(test, n, "--test-size").inputs);
}

}  // namespace example
