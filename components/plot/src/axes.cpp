#include "axes.h"

#include <algorithm>
#include <cmath>

#include "norma/core/elementary.h"
#include "norma/core/error.h"
#include "norma/core/text.h"
#include "norma/core/utf8.h"

namespace norma::plot {

namespace {

/// gnuplot numbers the powers of ten, of which few lie in a short axis: there, 2 and 5 as well.
std::string log_axis(char axis, const Extent& extent) {
  std::string out = text("set format ", axis, " \"%g\"\nset logscale ", axis, "\n");
  if (extent.high / extent.low > 300) return out;
  out += text("set ", axis, "range [", shortest(extent.low / 1.1), ":", shortest(extent.high * 1.1),
              "]\nset ", axis, "tics (");
  const auto from = static_cast<int>(std::floor(elementary::log10(extent.low)));
  const auto to = static_cast<int>(std::ceil(elementary::log10(extent.high)));
  std::string separator;
  for (int power = from; power <= to; ++power)
    for (const int digit : {1, 2, 5}) {
      out += separator + rounded(digit * elementary::pow(10.0, static_cast<double>(power)), 6);
      separator = ",";
    }
  return out + ")\n";
}

std::string legend(const std::vector<std::string>& labels, int width) {
  std::size_t longest = 0;
  for (const std::string& label : labels) longest = std::max(longest, utf8_length(label));
  // gnuplot counts on the whole width, but begins where the plot does. A letter has 7 pixels.
  const std::size_t room = static_cast<std::size_t>(std::max(width - 120, 0));
  const std::size_t columns = std::max<std::size_t>(1, room / (7 * longest + 60));
  return text("set key outside below left reverse Left samplen 4 height 1",
              columns < labels.size() ? text(" maxcols ", columns) : std::string(), "\n");
}

}  // namespace

bool is_log(const char* op, const std::string& scale, const char* name) {
  if (scale != "linear" && scale != "log")
    fail(op, "expected ", name, " = \"linear\" or \"log\", got ", in_quotes(scale));
  return scale == "log";
}

void draw_lines(Picture& picture, const Axes& axes, const std::string& plots) {
  if (axes.extent_x.is_empty())
    fail(picture.op, "expected a value that can be drawn, got none that is finite",
         axes.log_x || axes.log_y ? " and, on a logarithmic axis, positive" : "");
  picture.script +=
      setting("title", axes.title) + setting("xlabel", axes.xlabel) +
      setting("ylabel", axes.ylabel) + (axes.log_x ? log_axis('x', axes.extent_x) : "") +
      (axes.log_y ? log_axis('y', axes.extent_y) : "") +
      "set xlabel offset 0,0.4\nset autoscale xfix\n" + legend(axes.labels, picture.width) +
      "plot " + plots.substr(0, plots.size() - 2) + '\n';
  draw(picture);
}

}  // namespace norma::plot
