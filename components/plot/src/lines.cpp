#include <array>
#include <cmath>

#include "axes.h"
#include "norma/plot.h"
#include "picture.h"

namespace norma::plot {

namespace {

constexpr const char* kOp = "plot::lines";
constexpr std::array<int, 8> kSigns = {7, 5, 9, 13, 6, 4, 8, 12};

std::string described(const Tensor& values) {
  return values.defined() ? text("a tensor of shape ", values.sizes()) : "an undefined tensor";
}

void check_line(const Line& line) {
  if (!line.x.defined() || line.x.dim() != 1 || line.x.numel() == 0)
    fail(kOp, "expected x [P] with P >= 1 for the line ", in_quotes(line.label), ", got ",
         described(line.x));
  const bool fits = line.y.defined() && line.y.numel() > 0 &&
                    (line.y.dim() == 1 || line.y.dim() == 2) && line.y.size(-1) == line.x.numel();
  if (!fits)
    fail(kOp, "expected y [", line.x.numel(), "] or [runs, ", line.x.numel(), "] for the line ",
         in_quotes(line.label), ", got ", described(line.y));
}

}  // namespace

void lines(const std::string& path, const std::vector<Line>& all, const LinesOptions& options) {
  Picture picture{kOp, path, options.width, options.height, {"x", "mean", "lowest", "highest"}};
  check_picture(picture);
  const bool log_x = is_log(kOp, options.xscale, "xscale"),
             log_y = is_log(kOp, options.yscale, "yscale");
  if (all.empty() || all.size() > kColours.size())
    fail(kOp, "expected 1 to ", kColours.size(), " lines, got ", all.size());
  for (const Line& line : all) check_line(line);

  Extent extent_x, extent_y;
  std::vector<std::string> labels;
  std::string bands, means;
  for (std::size_t number = 0; number < all.size(); ++number) {
    const Line& line = all[number];
    labels.push_back(line.label);
    const std::vector<double> x = doubles_of(line.x), y = doubles_of(line.y);
    const std::size_t points = x.size(), runs = y.size() / points;
    Block block{line.label, {}, 4};
    for (std::size_t i = 0; i < points; ++i) {
      double sum = 0;
      Extent of_runs;
      for (std::size_t run = 0; run < runs; ++run) {
        const double value = y[run * points + i];
        sum += value;
        if (std::isfinite(value) && !(log_y && value <= 0)) of_runs.add(value);
      }
      double mean = sum / static_cast<double>(runs);
      const bool seen = std::isfinite(x[i]) && !(log_x && x[i] <= 0);
      if (!std::isfinite(mean) || (log_y && mean <= 0)) mean = NAN;
      if (of_runs.is_empty()) of_runs.low = of_runs.high = NAN;
      block.numbers.insert(block.numbers.end(), {x[i], seen ? mean : NAN, seen ? of_runs.low : NAN,
                                                 seen ? of_runs.high : NAN});
      if (!seen || std::isnan(of_runs.low)) continue;
      extent_x.add(x[i]);
      extent_y.add(of_runs.low);
      extent_y.add(of_runs.high);
    }
    picture.blocks.push_back(std::move(block));
    const std::string data = text("$data", number), colour = quoted(kColours[number]);
    if (runs > 1)
      bands += data + " using 1:3:4 with filledcurves fs transparent solid 0.15 noborder lc rgb " +
               colour + " notitle, ";
    means +=
        text(data, " using 1:2 with ",
             points <= 40 ? text("linespoints pt ", kSigns[number], " ps 0.6") : "lines",
             " lc rgb ", colour, " lw 1.5 dt ", kDashes[number],
             line.label.empty() ? std::string(" notitle") : " title " + quoted(line.label), ", ");
  }
  draw_lines(
      picture,
      {options.title, options.xlabel, options.ylabel, log_x, log_y, extent_x, extent_y, labels},
      bands + means);
}

}  // namespace norma::plot
