#include <algorithm>
#include <cmath>
#include <limits>

#include "norma/plot.h"
#include "picture.h"

namespace norma::plot {

void histogram(const std::string& path, const Tensor& values, const HistogramOptions& options) {
  constexpr const char* kOp = "plot::histogram";
  Picture picture{kOp, path, options.width, options.height, {"left", "right", "value"}};
  check_picture(picture);
  if (!values.defined()) fail(kOp, "expected values, got an undefined tensor");
  if (options.bins < 1 || options.bins > 10000)
    fail(kOp, "expected 1 to 10000 bins, got ", options.bins);

  const std::vector<double> all = doubles_of(values);
  std::vector<double> finite;
  std::copy_if(all.begin(), all.end(), std::back_inserter(finite),
               [](double value) { return std::isfinite(value); });
  if (finite.empty())
    fail(kOp, "expected at least one finite value, got none in a tensor of shape ", values.sizes());
  const auto [least, largest] = std::minmax_element(finite.begin(), finite.end());
  double low = *least, high = *largest;
  if (options.range) {
    low = options.range->first;
    high = options.range->second;
    if (!std::isfinite(low) || !std::isfinite(high) || low >= high)
      fail(kOp, "expected a range of two finite numbers, the smaller first, got ", low, " and ",
           high);
  } else if (low == high) {
    const double around = std::max(0.5, std::fabs(low) * 1e-6);  // more than its last digit
    low = std::max(low - around, std::numeric_limits<double>::lowest());
    high = std::min(high + around, std::numeric_limits<double>::max());
  }
  // Halves, lest the difference be infinite.
  const double extent = high / 2 - low / 2;
  const auto n = static_cast<std::size_t>(options.bins);
  const auto edge = [&](std::size_t i) {
    const double share = static_cast<double>(i) / static_cast<double>(n);
    return low * (1 - share) + high * share;
  };
  std::vector<double> counts(n);
  double counted = 0;
  for (const double value : finite) {
    if (value < low || value > high) continue;
    const double share = (value / 2 - low / 2) / extent;
    auto bin = std::min(static_cast<std::size_t>(share * static_cast<double>(n)), n - 1);
    if (value < edge(bin)) --bin;  // the share is rounded
    if (bin + 1 < n && value >= edge(bin + 1)) ++bin;
    counts[bin] += 1;
    ++counted;
  }
  if (counted == 0) fail(kOp, "expected values in the range ", low, " to ", high, ", got none");

  Block block{"bins", {}, 3};
  double least_bar = INFINITY;
  for (std::size_t i = 0; i < n; ++i) {
    const double height =
        options.density ? counts[i] / counted / (edge(i + 1) - edge(i)) : counts[i];
    if (height > 0) least_bar = std::min(least_bar, height);
    block.numbers.insert(block.numbers.end(), {edge(i), edge(i + 1), height});
  }
  picture.blocks = {block};

  std::string title = options.title;
  if (finite.size() < all.size())
    title += text(title.empty() ? "" : " ", "(not finite: ", all.size() - finite.size(), ")");
  const std::string usual = options.density ? "density" : "count";
  picture.script =
      setting("title", title) + setting("xlabel", options.xlabel) +
      setting("ylabel", options.ylabel.empty() ? usual : options.ylabel) +
      (options.log ? text("set logscale y\nset yrange [", shortest(least_bar / 2), ":*]\n")
                   : std::string("set yrange [0:*]\n")) +
      text("set xrange [", shortest(edge(0)), ":", shortest(edge(n)),
           "]\nplot $data0 using ($1/2+$2/2):3:($2-$1) with boxes lc rgb ", quoted(kColours[0]),
           " notitle\n");
  draw(picture);
}

}  // namespace norma::plot
