#include "axes.h"

#include <algorithm>
#include <cmath>

#include "norma/core/elementary.h"
#include "norma/core/error.h"
#include "norma/core/text.h"

namespace norma::plot {

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

bool is_log(const char* op, const std::string& scale, const char* name) {
  if (scale != "linear" && scale != "log")
    fail(op, "expected ", name, " = \"linear\" or \"log\", got ", in_quotes(scale));
  return scale == "log";
}

std::string legend(const std::vector<std::string>& labels, int width) {
  std::size_t longest = 0;
  for (const std::string& label : labels) {
    const auto begins = [](char c) { return (c & 0xC0) != 0x80; };  // a sign of UTF-8
    const auto signs = std::count_if(label.begin(), label.end(), begins);
    longest = std::max(longest, static_cast<std::size_t>(signs));
  }
  // gnuplot counts on the whole width, but begins where the plot does. A letter has 7 pixels.
  const std::size_t room = static_cast<std::size_t>(std::max(width - 120, 0));
  const std::size_t columns = std::max<std::size_t>(1, room / (7 * longest + 60));
  return text("set key outside below left reverse Left samplen 4 height 1",
              columns < labels.size() ? text(" maxcols ", columns) : std::string(), "\n");
}

}  // namespace norma::plot
