// Linear and logarithmic axes.
#pragma once
#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "picture.h"

namespace norma::plot {

/// Of what is drawn along an axis.
struct Extent {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool is_empty() const { return low > high; }
};

/// Whether the scale is "log"; refuses what is neither that nor "linear".
bool is_log(const char* op, const std::string& scale, const char* name);
/// Dashes tell lines apart where colours do not; the first four best.
inline constexpr std::array<const char*, 8> kDashes = {
    "1", "(8,5)", "(2,4)", "(10,4,2,4)", "(16,5)", "(5,3)", "(10,4,2,4,2,4)", "(1,2)"};

/// What surrounds lines.
struct Axes {
  std::string title, xlabel, ylabel;
  bool log_x, log_y;
  Extent extent_x, extent_y;
  std::vector<std::string> labels;  // of the legend
};
/// Draws `plots`, parts of a plot command with a comma and a blank behind each, below them a legend
/// in so many columns as have room. Refuses extents of nothing.
void draw_lines(Picture& picture, const Axes& axes, const std::string& plots);

}  // namespace norma::plot
