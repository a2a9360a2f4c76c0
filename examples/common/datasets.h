// The data of the examples: real ones from --data, synthetic ones without it.
#pragma once
#include <norma/norma.h>

#include <string>
#include <vector>

#include "options.h"

namespace example {

/// Data to learn from, and others to test what was learnt.
struct Split {
  norma::data::Dataset train, test;
  std::vector<std::string> class_names = {};  ///< numbers, if none are given
};

/// Says what the data are and returns them. Refuses a batch larger than all there is to train on.
Split announce(const std::string& name, const Split& split, const Options& options);

/// Digits, 28 by 28 pixels: MNIST from --data, or digits that Norma draws.
Split digits(const Options& options);

/// Colour pictures of ten kinds, 32 by 32 pixels: CIFAR-10 from --data, or drawn digits in random
/// colours.
Split colour_pictures(const Options& options);

/// The first test pictures of these, --test-size or four of them: [n, 3, 32, 32] in 0..1.
norma::Tensor first_colour_pictures(const Options& options);

}  // namespace example
