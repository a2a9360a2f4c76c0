// Linear and logarithmic axes.
#pragma once
#include <algorithm>
#include <limits>
#include <string>
#include <vector>

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
/// The commands for a logarithmic axis, 'x' or 'y'.
std::string log_axis(char axis, const Extent& extent);
/// The commands for a legend below a plot of lines, in so many columns as have room.
std::string legend(const std::vector<std::string>& labels, int width);

}  // namespace norma::plot
