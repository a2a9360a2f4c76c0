// What the playground is to train, as the address of its page says it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace playground {

/// The text is `key=value&key=value`; a key that is not there keeps its default. The keys are the
/// members' names. Errors of `parse`: another key, a value that is none of those named here.
struct Settings {
  std::string data = "spirals";         ///< spirals, moons, rings, checkerboard, points
  double noise = 0.02;                  ///< standard deviation in both coordinates, 0 to 1
  int64_t seed = 1;                     ///< of data, weights, order and Dropout, 0 to 9999
  std::string points;                   ///< those drawn by hand: see points.h
  std::vector<int64_t> widths{32, 32};  ///< hidden layers, at most 6, of 1 to 128 units
  std::string activation = "relu";      ///< relu, leaky_relu, gelu, tanh, sigmoid, none
  std::string norm = "batch";           ///< batch, layer, none
  std::string axis = "right";           ///< right, wrong: the one that BatchNorm takes for channels
  double dropout = 0;                   ///< share of zeroed values, 0 to 0.95
  std::string place = "after";          ///< Dropout after the last norm, or before the second …
  double init = 1;                      ///< times PyTorch's initial weights, 0 to 100
  int64_t batch = 50;                   ///< samples, 1 to 500
  double rate = 0.1;                    ///< of SGD, 0 to 1000
  double momentum = 0.9;                ///< of SGD, 0 to 1
  std::string clear = "yes";            ///< yes, no: zero_grad() before each step
  std::string shuffle = "yes";          ///< yes; no: sorted by class
  std::string training = "train";       ///< train, eval: the mode of steps
  std::string evaluation = "eval";      ///< train, eval: the mode of pictures and scores

  static Settings parse(const std::string& text);
  /// Whether both describe the same points, but for those drawn by hand.
  bool same_data(const Settings& other) const;
  /// Whether both describe the same network with the same initial weights.
  bool same_network(const Settings& other) const;
};

}  // namespace playground
