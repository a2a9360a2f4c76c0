// Lines over any x, of one run or of several.
#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "support.h"

using namespace norma;
using Rows = std::vector<std::vector<double>>;

TEST_CASE("several runs of a line: their mean, and around it from the lowest to the highest") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  plot::lines(folder / "a.svg",
              {{"with", tensor({1.0, 10.0}), tensor({1.0, 2.0, 3.0, 6.0}).reshape({2, 2})},
               {"without", tensor({1.0, 2.0, 3.0}), tensor({7.0, 8.0, 9.0})}},
              {.title = "t", .xlabel = "rate", .ylabel = "loss"});
  CHECK(gnuplot.data(0) == Rows{{1, 2, 1, 3}, {10, 4, 2, 6}});
  CHECK(gnuplot.data(1) == Rows{{1, 7, 7, 7}, {2, 8, 8, 8}, {3, 9, 9, 9}});
  const std::string script = gnuplot.script();
  CHECK(has(script, "set title \"t\"\nset xlabel \"rate\"\nset ylabel \"loss\"\n"));
  CHECK(script.substr(script.rfind("plot ")) ==
        "plot $data0 using 1:3:4 with filledcurves fs transparent solid 0.15 noborder lc rgb "
        "\"#0072b2\" notitle, "
        "$data0 using 1:2 with linespoints pt 7 ps 0.6 lc rgb \"#0072b2\" lw 1.5 dt 1 title "
        "\"with\", "
        "$data1 using 1:2 with linespoints pt 5 ps 0.6 lc rgb \"#d55e00\" lw 1.5 dt (8,5) title "
        "\"without\"\n");
  plot::lines(folder / "a.svg", {{"", arange(41), arange(41)}});
  CHECK(
      has(gnuplot.script(), "$data0 using 1:2 with lines lc rgb \"#0072b2\" lw 1.5 dt 1 notitle"));
}

TEST_CASE("a legend of long labels has fewer columns") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  const Tensor x = arange(2);
  const auto key = [&](const std::string& label) {
    plot::lines(folder / "a.svg", {{label, x, x}, {label, x, x}, {label, x, x}});
    const std::string script = gnuplot.script();
    const std::size_t at = script.find("set key");
    return script.substr(at, script.find('\n', at) - at);
  };
  const std::string below = "set key outside below left reverse Left samplen 4 height 1";
  CHECK(key("short") == below);
  CHECK(key("nothing decayed") == below);
  CHECK(key("γ, β and γ, β") == below);
  CHECK(key("nothing at all decayed") == below + " maxcols 2");
  CHECK(key(std::string(100, 'w')) == below + " maxcols 1");
}

TEST_CASE("what cannot be drawn of a line is a gap; what of a run, is left out of the band") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  plot::lines(folder / "a.svg",
              {{"a", tensor({0.0, 1.0, 10.0, 100.0}),
                tensor({1.0, 1.0, 2.0, 4.0,  //
                        1.0, NAN, 4.0, -6.0})
                    .reshape({2, 4})}},
              {.xscale = "log", .yscale = "log"});
  Rows rows = gnuplot.data(0);
  for (std::vector<double>& row : rows)
    for (double& value : row)
      if (std::isnan(value)) value = -1;
  CHECK(rows == Rows{{0, -1, -1, -1}, {1, -1, 1, 1}, {10, 3, 2, 4}, {100, -1, 4, 4}});
  CHECK(has(gnuplot.script(), "set logscale x\n"));
  CHECK(has(gnuplot.script(), "set logscale y\n"));
}

TEST_CASE("lines: what is refused") {
  const auto message = [](const std::vector<plot::Line>& lines,
                          const plot::LinesOptions& options = {}) {
    return error_of([&] { plot::lines("none/a.svg", lines, options); });
  };
  const Tensor x = arange(3);
  CHECK(message({}) == "[plot::lines] expected 1 to 8 lines, got 0");
  CHECK(message(std::vector<plot::Line>(9, {"a", x, x})) ==
        "[plot::lines] expected 1 to 8 lines, got 9");
  CHECK(message({{"a", Tensor(), x}}) ==
        "[plot::lines] expected x [P] with P >= 1 for the line \"a\", got an undefined tensor");
  CHECK(
      message({{"a", ones({2, 2}), x}}) ==
      "[plot::lines] expected x [P] with P >= 1 for the line \"a\", got a tensor of shape [2, 2]");
  CHECK(message({{"a", zeros({0}), x}}) ==
        "[plot::lines] expected x [P] with P >= 1 for the line \"a\", got a tensor of shape [0]");
  CHECK(message({{"a", x, Tensor()}}) ==
        "[plot::lines] expected y [3] or [runs, 3] for the line \"a\", got an undefined tensor");
  CHECK(
      message({{"a", x, ones({3, 2})}}) ==
      "[plot::lines] expected y [3] or [runs, 3] for the line \"a\", got a tensor of shape [3, 2]");
  CHECK(
      message({{"a", x, zeros({0, 3})}}) ==
      "[plot::lines] expected y [3] or [runs, 3] for the line \"a\", got a tensor of shape [0, 3]");
  CHECK(message({{"a", x, x}}, {.xscale = "sqrt"}) ==
        "[plot::lines] expected xscale = \"linear\" or \"log\", got \"sqrt\"");
  CHECK(message({{"a", x, x}}, {.yscale = ""}) ==
        "[plot::lines] expected yscale = \"linear\" or \"log\", got \"\"");
  CHECK(message({{"a", x, full({3}, NAN)}}) ==
        "[plot::lines] expected a value that can be drawn, got none that is finite");
  CHECK(message({{"a", x, full({3}, -1.0)}}, {.yscale = "log"}) ==
        "[plot::lines] expected a value that can be drawn, got none that is finite and, on a "
        "logarithmic axis, positive");
}

TEST_CASE("lines by gnuplot itself") {
  if (!has_gnuplot()) return;
  const TempFolder folder;
  for (const char* name : {"a.svg", "a.png"}) {
    plot::lines(folder / name, {{"b", tensor({0.01, 0.1, 1.0}), ones({3, 3})}}, {.xscale = "log"});
    CHECK(std::filesystem::file_size(folder / name) > 1000);
  }
}
