// Curves: what is drawn of a history.
#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "support.h"

using namespace norma;
using Rows = std::vector<std::vector<double>>;

namespace {

/// Two epochs of three steps, tested after each.
void log_run(History& history, double scale = 1) {
  for (int64_t step = 0; step < 6; ++step) {
    history.log({{"loss/train", scale * static_cast<double>(step + 1)}},
                {.epoch = step / 3, .step = step});
    if (step % 3 == 2)
      history.log({{"loss/test", scale * 10}, {"accuracy/test", 0.5}},
                  {.epoch = step / 3, .step = step + 1});
  }
}

std::string plot_line(const FakeGnuplot& gnuplot) {
  const std::string script = gnuplot.script();
  return script.substr(script.rfind("plot "));
}

}  // namespace

TEST_CASE("training and validation of one name have one colour, another name another") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  History history;
  log_run(history);
  plot::curves(folder / "a.svg", history);
  CHECK(gnuplot.data(0) == Rows{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 6}});
  CHECK(gnuplot.data(1) == Rows{{3, 10}, {6, 10}});
  CHECK(gnuplot.data(2) == Rows{{3, 0.5}, {6, 0.5}});
  CHECK(plot_line(gnuplot) ==
        "plot $data0 using 1:2 with linespoints pt 7 ps 0.4 lc rgb \"#0072b2\" lw 1.5 dt 1 title "
        "\"loss\\057train\", "
        "$data1 using 1:2 with linespoints pt 7 ps 0.4 lc rgb \"#0072b2\" lw 1.5 dt (8,5) title "
        "\"loss\\057test\", "
        "$data2 using 1:2 with linespoints pt 7 ps 0.4 lc rgb \"#d55e00\" lw 1.5 dt 1 title "
        "\"accuracy\\057test\"\n");
  CHECK(has(gnuplot.script(), "set xlabel \"step\"\n"));
  // The legend stands clear of the axis' name.
  CHECK(has(gnuplot.script(), "set key outside below left reverse Left samplen 4 height 1\n"));
  CHECK(!has(gnuplot.script(), "set ylabel"));
  plot::curves(folder / "a.svg", history, {.names = {"loss/test", "loss/train"}});
  CHECK(has(gnuplot.script(), "set ylabel \"loss\"\n"));
  CHECK(gnuplot.data(0).size() == 6);
}

TEST_CASE("words for training and validation, wherever they stand") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  const auto colours = [&](const char* first, const char* second) {
    History history;
    history.log({{first, 1}, {second, 2}});
    plot::curves(folder / "a.svg", history);
    return !has(plot_line(gnuplot), "#d55e00") ? 1 : 2;
  };
  for (const auto& [first, second] :
       std::vector<std::pair<const char*, const char*>>{{"loss", "val_loss"},
                                                        {"train_loss", "valid_loss"},
                                                        {"loss/train", "loss/test"},
                                                        {"Train loss", "Validation loss"},
                                                        {"loss.training", "loss.eval"},
                                                        {"train/loss", "dev/loss"},
                                                        {"loss (train)", "loss (val)"}})
    CHECK(colours(first, second) == 1);
  for (const auto& [first, second] :
       std::vector<std::pair<const char*, const char*>>{{"loss", "interval"},
                                                        {"loss/train", "accuracy/test"},
                                                        {"a1", "a2"},
                                                        {"latest", "la"},
                                                        {"a+b", "ab"}})
    CHECK(colours(first, second) == 2);
}

TEST_CASE("of several kinds of validation, each has lines of its own") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  History history;
  history.log({{"val_loss", 1}, {"test_loss", 2}, {"loss", 3}});
  plot::curves(folder / "a.svg", history);
  CHECK(has(plot_line(gnuplot), "dt 1 title \"loss\""));
  CHECK(has(plot_line(gnuplot), "dt (8,5) title \"val\\137loss\""));
  CHECK(has(plot_line(gnuplot), "dt (2,4) title \"test\\137loss\""));
}

TEST_CASE("several runs: a colour for each") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  History a, b;
  log_run(a);
  log_run(b, 2);
  plot::curves(folder / "a.svg", {{"lr 0.1", a}, {"lr 0.2", b}},
               {.names = {"loss/train", "loss/test"}});
  CHECK(has(plot_line(gnuplot),
            "\"#0072b2\" lw 1.5 dt 1 title \"lr \\060\\056\\061\\072 loss\\057train\""));
  CHECK(has(plot_line(gnuplot),
            "\"#d55e00\" lw 1.5 dt (8,5) title \"lr \\060\\056\\062\\072 loss\\057test\""));
  CHECK(has(gnuplot.script(), "set ylabel \"loss\"\n"));
  CHECK(gnuplot.data(1)[0] == std::vector<double>{0, 2});
  plot::curves(folder / "a.svg", {{"one", a}, {"two", b}}, {.names = {"loss/train"}});
  CHECK(has(plot_line(gnuplot), "title \"two\""));
}

TEST_CASE("steps, epochs or rows along the axis") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  History history;
  log_run(history);
  plot::curves(folder / "a.svg", history, {.x = "epoch"});
  CHECK(gnuplot.data(0) == Rows{{0, 2}, {1, 5}});  // means of the epochs
  CHECK(gnuplot.data(1) == Rows{{0, 10}, {1, 10}});
  CHECK(has(gnuplot.script(), "set xlabel \"epoch\"\n"));
  CHECK(has(gnuplot.script(), "set xtics 1\n"));  // no half epochs
  plot::curves(folder / "a.svg", history);
  CHECK(!has(gnuplot.script(), "set xtics"));  // of six steps, gnuplot's are whole, too
  plot::curves(folder / "a.svg", history, {.names = {"loss/test"}, .x = "row"});
  CHECK(gnuplot.data(0) == Rows{{1, 10}, {2, 10}});

  History mixed, neither;
  mixed.log({{"loss", 1}}, {.epoch = 0, .step = 0});
  mixed.log({{"accuracy", 1}}, {.epoch = 0});
  plot::curves(folder / "a.svg", mixed);
  CHECK(has(gnuplot.script(), "set xlabel \"epoch\"\n"));
  CHECK(error_of([&] { plot::curves(folder / "a.svg", mixed, {.x = "step"}); }) ==
        "[plot::curves] expected a step with every value that is drawn, got some without; x = "
        "\"row\" needs none");
  neither.log({{"loss", 3}});
  plot::curves(folder / "a.svg", neither);
  CHECK(has(gnuplot.script(), "set xlabel \"row\"\n"));
  CHECK(error_of([&] { plot::curves(folder / "a.svg", neither, {.x = "epoch"}); }) ==
        "[plot::curves] expected an epoch with every value that is drawn, got some without; x = "
        "\"row\" needs none");
}

TEST_CASE("smoothing is a mean whose weights fall by a factor per step") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  const std::vector<double> values = {3, -1, NAN, 4, 1, INFINITY, 5};
  History history;
  for (const double value : values) history.log({{"loss", value}});
  plot::curves(folder / "a.svg", history, {.smoothing = 0.7});
  const Rows logged = gnuplot.data(0), smooth = gnuplot.data(1);
  REQUIRE(smooth.size() == values.size());
  for (std::size_t n = 0; n < values.size(); ++n) {
    CHECK(std::isnan(logged[n][1]) == !std::isfinite(values[n]));
    CHECK(std::isnan(smooth[n][1]) == !std::isfinite(values[n]));
    if (!std::isfinite(values[n])) continue;
    double sum = 0, weights = 0, weight = 1;
    for (std::size_t k = n + 1; k-- > 0;) {
      if (!std::isfinite(values[k])) continue;
      sum += weight * values[k];
      weights += weight;
      weight *= 0.7;
    }
    CHECK(smooth[n][1] == Approx(sum / weights).epsilon(1e-12));
  }
  CHECK(has(plot_line(gnuplot),
            "plot $data0 using 1:2 with linespoints pt 7 ps 0.4 lc rgb \"#b3d5e8\" lw 1.0 dt 1 "
            "notitle, "));

  History run;
  log_run(run);
  plot::curves(folder / "a.svg", run, {.names = {"loss/train", "loss/test"}, .smoothing = 0.5});
  CHECK(gnuplot.data(2) == Rows{{3, 10}, {6, 10}});  // as it was
  CHECK(gnuplot.data(3).empty());

  History tests;  // of which none belongs to a training
  for (const double value : {1, 2, 3}) tests.log({{"loss/val", value}, {"loss/test", value}});
  plot::curves(folder / "a.svg", tests, {.smoothing = 0.5});
  CHECK(gnuplot.data(3).size() == 3);  // two as they were, two smoothed
}

TEST_CASE("on a logarithmic axis, what is not positive is a gap") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  History history;
  for (const double value : {0.5, 0.0, -1.0, 2.0})
    history.log({{"loss", value}}, {.step = history.rows()});
  plot::curves(folder / "a.svg", history, {.yscale = "log"});
  CHECK(gnuplot.data(0)[0][1] == 0.5);
  CHECK(std::isnan(gnuplot.data(0)[1][1]));
  CHECK(std::isnan(gnuplot.data(0)[2][1]));
  CHECK(has(gnuplot.script(), "set format y \"%g\"\nset logscale y\nset yrange [0.45"));
  CHECK(has(gnuplot.script(), "set ytics (0.1,0.2,0.5,1,2,5,10,20,50)\n"));
  plot::curves(folder / "a.svg", history, {.xscale = "log"});
  CHECK(std::isnan(gnuplot.data(0)[0][1]));
  CHECK(gnuplot.data(0)[3][1] == 2);
  for (int64_t i = 0; i < 3; ++i) history.log({{"loss", 1e9}}, {.step = history.rows()});
  plot::curves(folder / "a.svg", history, {.yscale = "log"});
  CHECK(!has(gnuplot.script(), "set ytics ("));

  History none;
  none.log({{"loss", -1}});
  CHECK(error_of([&] { plot::curves(folder / "a.svg", none, {.yscale = "log"}); }) ==
        "[plot::curves] expected a value that can be drawn, got none that is finite and, on a "
        "logarithmic axis, positive");
}

TEST_CASE("a million points become a few per pixel column, and keep every extreme") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  History history;
  constexpr int64_t kPoints = 1000000;
  uint64_t state = 1;
  std::vector<double> values;
  for (int64_t step = 0; step < kPoints; ++step) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    values.push_back(step % 1000 == 7 ? NAN : static_cast<double>(state >> 40));
    history.log({{"loss", values.back()}}, {.step = step});
  }
  plot::curves(folder / "a.svg", history, {.width = 500});
  const Rows kept = gnuplot.data(0);
  CHECK(kept.size() > 500);
  CHECK(kept.size() <= 4 * 501);
  CHECK(gnuplot.script().size() < 100000);
  CHECK(kept.front()[0] == 0);
  CHECK(kept.back()[0] == kPoints - 1);
  // Column by column, counted anew.
  std::vector<std::pair<double, double>> all(501, {INFINITY, -INFINITY}), some = all;
  const auto add = [&](auto& columns, double x, double y) {
    if (std::isnan(y)) return;
    auto& [low, high] = columns[static_cast<std::size_t>(x / (kPoints - 1) * 500)];
    low = std::min(low, y);
    high = std::max(high, y);
  };
  for (std::size_t i = 0; i < values.size(); ++i) add(all, static_cast<double>(i), values[i]);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    add(some, kept[i][0], kept[i][1]);
    if (i > 0) CHECK(kept[i][0] > kept[i - 1][0]);
    CHECK(values[static_cast<std::size_t>(kept[i][0])] == kept[i][1]);
  }
  CHECK(all == some);
}

TEST_CASE("a gap of whole columns stays one") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  History history;
  for (int64_t step = 0; step < 10000; ++step)
    history.log({{"loss", step >= 4000 && step < 6000 ? NAN : 1.0}}, {.step = step});
  plot::curves(folder / "a.svg", history, {.width = 100, .height = 100});
  int gaps = 0;
  for (const auto& row : gnuplot.data(0)) gaps += std::isnan(row[1]);
  CHECK(gaps > 10);
  CHECK(gaps <= 21);
  CHECK(gnuplot.data(0).size() <= 404);
}

TEST_CASE("gnuplot draws what is odd") {
  if (!has_gnuplot()) return;
  const TempFolder folder;
  History one, gaps;
  one.log({{"loss", 3}});
  gaps.log({{"`a`_{b}", NAN}, {"b@'\"", 1}}, {.step = 0});
  gaps.log({{"`a`_{b}", 2}, {"b@'\"", INFINITY}}, {.step = 1});
  gaps.log({{"`a`_{b}", NAN}, {"b@'\"", NAN}, {"never", NAN}}, {.step = 2});
  for (const char* name : {"a.svg", "a.png"})
    for (const char* scale : {"linear", "log"}) {
      CHECK(error_of([&] { plot::curves(folder / name, one, {.yscale = scale}); }) == "no error");
      CHECK(error_of([&] {
              plot::curves(folder / name, gaps, {.yscale = scale, .smoothing = 0.5});
            }) == "no error");
    }
}

TEST_CASE("what curves cannot be is said") {
  History history, empty, many, nan;
  log_run(history);
  nan.log({{"loss", NAN}});
  const auto message = [&](const plot::CurvesOptions& options) {
    return error_of([&] { plot::curves("none/a.svg", history, options); });
  };
  CHECK(message({.names = {"loss", "loss/test"}}) ==
        "[plot::curves] expected names of the history, \"loss/train\", \"loss/test\", "
        "\"accuracy/test\", got \"loss\"");
  CHECK(message({.x = "time"}) ==
        "[plot::curves] expected x = \"step\", \"epoch\", \"row\" or \"\", got \"time\"");
  CHECK(message({.xscale = "log2"}) ==
        "[plot::curves] expected xscale = \"linear\" or \"log\", got \"log2\"");
  CHECK(message({.yscale = ""}) ==
        "[plot::curves] expected yscale = \"linear\" or \"log\", got \"\"");
  CHECK(message({.smoothing = 1}) ==
        "[plot::curves] expected smoothing from 0 to below 1, got 1.0");
  CHECK(message({.smoothing = NAN}) ==
        "[plot::curves] expected smoothing from 0 to below 1, got nan");
  CHECK(error_of([&] { plot::curves("a.svg", empty); }) ==
        "[plot::curves] expected a history with values, got an empty one");
  CHECK(error_of([&] { plot::curves("a.svg", std::vector<plot::Run>{}); }) ==
        "[plot::curves] expected at least one run, got none");
  CHECK(error_of([&] { plot::curves("a.svg", nan); }) ==
        "[plot::curves] expected a value that can be drawn, got none that is finite");
  for (int i = 0; i < 9; ++i) many.log({{"value " + std::to_string(i), i}});
  CHECK(
      error_of([&] { plot::curves("a.svg", many); }) ==
      "[plot::curves] expected values for at most 8 colours, got more; say in names which of "
      "them to draw: \"value 0\", \"value 1\", \"value 2\", \"value 3\", \"value 4\", \"value 5\", "
      "\"value 6\", \"value 7\", \"value 8\"");
  const auto of_runs = [](const std::vector<plot::Run>& runs,
                          const plot::CurvesOptions& options = {}) {
    return error_of([&] { plot::curves("none/a.svg", runs, options); });
  };
  CHECK(of_runs({{"a", history}, {"b", nan}}, {.names = {"loss/test", "loss/train"}}) ==
        "[plot::curves] expected one of \"loss/test\", \"loss/train\" in each run, got \"loss\" in "
        "\"b\"");
  CHECK(of_runs({{"a", nan}, {"b", empty}}) ==
        "[plot::curves] expected one of \"loss\" in each run, got no values in \"b\"");
  CHECK(of_runs({{"a", history}, {"b", nan}, {"a", nan}}) ==
        "[plot::curves] expected a label of its own for each run, got \"a\" twice");
}
