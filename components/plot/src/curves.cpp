#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include "axes.h"
#include "norma/core/elementary.h"
#include "norma/plot.h"
#include "picture.h"

namespace norma::plot {

namespace {

constexpr const char* kOp = "plot::curves";
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Point {
  double x, y;
};

struct Curve {
  std::string name, label;
  std::pair<const Run*, std::string> group;  // those of one have one colour
  bool validation;
  std::vector<HistoryPoint> logged;
};

/// The name without its words for training and validation, and whether it had one for validation.
std::pair<std::string, bool> group_of(const std::string& name) {
  std::string group, word;
  bool validation = false;
  for (std::size_t i = 0; i <= name.size(); ++i) {
    const auto c = i < name.size() ? static_cast<unsigned char>(name[i]) : '\0';
    if (std::isalnum(c)) {
      word += static_cast<char>(c);
      continue;
    }
    std::string lower = word;
    for (char& letter : lower)
      letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    const auto is_one_of = [&](std::initializer_list<const char*> words) {
      return std::find(words.begin(), words.end(), lower) != words.end();
    };
    const bool validates = is_one_of({"val", "valid", "validation", "test", "eval", "dev"});
    validation = validation || validates;
    if (!validates && !is_one_of({"train", "training"})) group += (group.empty() ? "" : " ") + word;
    // What is no sign between words belongs to the name.
    const bool separates = c == '\0' || std::string_view("/_. -:").find(static_cast<char>(c)) !=
                                            std::string_view::npos;
    if (!separates) group += static_cast<char>(c);
    word.clear();
  }
  return {group, validation};
}

std::string x_of(const std::vector<Curve>& curves, const std::string& asked) {
  const auto all_have = [&](std::optional<int64_t> HistoryPoint::*place) {
    return std::all_of(curves.begin(), curves.end(), [&](const Curve& curve) {
      return std::all_of(curve.logged.begin(), curve.logged.end(),
                         [&](const HistoryPoint& point) { return (point.*place).has_value(); });
    });
  };
  const bool steps = all_have(&HistoryPoint::step), epochs = all_have(&HistoryPoint::epoch);
  if (asked == "") return steps ? "step" : epochs ? "epoch" : "row";
  if (asked != "step" && asked != "epoch" && asked != "row")
    fail(kOp, "expected x = \"step\", \"epoch\", \"row\" or \"\", got ", in_quotes(asked));
  if ((asked == "step" && !steps) || (asked == "epoch" && !epochs))
    fail(kOp, "expected a", asked == "epoch" ? "n " : " ", asked,
         " with every value that is drawn, got some without; x = \"row\" needs none");
  return asked;
}

std::vector<Point> points_of(const std::vector<HistoryPoint>& logged, const std::string& x) {
  std::vector<Point> points;
  int64_t in_epoch = 0;
  for (const HistoryPoint& point : logged) {
    if (x == "step") {
      points.push_back({static_cast<double>(*point.step), point.value});
    } else if (x == "row") {
      points.push_back({static_cast<double>(points.size() + 1), point.value});
    } else {
      const auto epoch = static_cast<double>(*point.epoch);
      if (points.empty() || points.back().x != epoch) {
        points.push_back({epoch, 0});
        in_epoch = 0;
      }
      double& mean = points.back().y;
      mean += (point.value - mean) / static_cast<double>(++in_epoch);
    }
  }
  return points;
}

std::vector<Point> smoothed(const std::vector<Point>& points, double smoothing) {
  std::vector<Point> out = points;
  double sum = 0, weight = 1;
  for (Point& point : out) {
    if (!std::isfinite(point.y)) continue;
    sum = smoothing * sum + (1 - smoothing) * point.y;
    weight *= smoothing;
    point.y = sum / (1 - weight);
  }
  return out;
}

/// M4: of each pixel column the first, last, smallest and largest point, in their order; one gap
/// for a column that has nothing else.
std::vector<Point> thinned(const std::vector<Point>& points, bool log_x, int width) {
  if (points.size() / 4 <= static_cast<std::size_t>(width)) return points;
  const auto place = [&](double x) { return log_x ? elementary::log(std::max(x, 1e-300)) : x; };
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Point& point : points) {
    if (log_x && point.x <= 0) continue;
    low = std::min(low, place(point.x));
    high = std::max(high, place(point.x));
  }
  const auto column = [&](const Point& point) {
    const double share = (place(point.x) - low) / (high - low);
    return std::floor(std::clamp(std::isnan(share) ? 0 : share, 0.0, 1.0) * width);
  };
  std::vector<Point> kept;
  for (std::size_t begin = 0, end = 0; begin < points.size(); begin = end) {
    const double here = column(points[begin]);
    while (end < points.size() && column(points[end]) == here) ++end;
    std::vector<std::size_t> picked;
    for (std::size_t i = begin; i < end; ++i) {
      if (std::isnan(points[i].y)) continue;
      if (picked.empty()) picked = {i, i, i, i};
      picked[1] = i;
      if (points[i].y < points[picked[2]].y) picked[2] = i;
      if (points[i].y > points[picked[3]].y) picked[3] = i;
    }
    if (picked.empty()) picked = {begin};
    std::sort(picked.begin(), picked.end());
    picked.erase(std::unique(picked.begin(), picked.end()), picked.end());
    for (const std::size_t i : picked) kept.push_back(points[i]);
  }
  return kept;
}

std::vector<Curve> curves_of(const std::vector<Run>& runs, const CurvesOptions& options) {
  if (runs.empty()) fail(kOp, "expected at least one run, got none");
  std::vector<std::string> names = options.names;
  std::vector<std::string> there;
  for (const Run& run : runs)
    for (const std::string& name : run.history.names())
      if (std::find(there.begin(), there.end(), name) == there.end()) there.push_back(name);
  if (names.empty()) names = there;
  if (names.empty()) fail(kOp, "expected a history with values, got an empty one");
  for (const std::string& name : names)
    if (std::find(there.begin(), there.end(), name) == there.end())
      fail(kOp, "expected names of the history, ", quoted_list(there), ", got ", in_quotes(name));

  std::vector<Curve> all;
  for (const Run& run : runs) {
    const auto labelled = [&](const Run& other) { return other.label == run.label; };
    if (std::count_if(runs.begin(), runs.end(), labelled) > 1)
      fail(kOp, "expected a label of its own for each run, got ", in_quotes(run.label), " twice");
    const std::vector<std::string> has = run.history.names();
    if (std::none_of(names.begin(), names.end(), [&](const std::string& name) {
          return std::find(has.begin(), has.end(), name) != has.end();
        }))
      fail(kOp, "expected one of ", quoted_list(names), " in each run, got ",
           has.empty() ? "no values" : quoted_list(has), " in ", in_quotes(run.label));
    for (const std::string& name : names) {
      if (std::find(has.begin(), has.end(), name) == has.end()) continue;
      const auto [group, validation] = group_of(name);
      const std::string label = runs.size() == 1    ? name
                                : names.size() == 1 ? run.label
                                                    : run.label + ": " + name;
      all.push_back({name, label, {&run, group}, validation, run.history.points(name)});
    }
  }
  // Training first, which is drawn in solid lines.
  std::stable_partition(all.begin(), all.end(), [](const Curve& c) { return !c.validation; });
  return all;
}

}  // namespace

void curves(const std::string& path, const History& history, const CurvesOptions& options) {
  curves(path, std::vector<Run>{{"", history}}, options);
}

void curves(const std::string& path, const std::vector<Run>& runs, const CurvesOptions& options) {
  Picture picture{kOp, path, options.width, options.height, {}};
  check_picture(picture);
  const bool log_x = is_log(kOp, options.xscale, "xscale"),
             log_y = is_log(kOp, options.yscale, "yscale");
  if (!(options.smoothing >= 0 && options.smoothing < 1))
    fail(kOp, "expected smoothing from 0 to below 1, got ", options.smoothing);
  const std::vector<Curve> all = curves_of(runs, options);
  const std::string x = x_of(all, options.x);
  picture.columns = {x, "value"};

  struct Group {
    std::pair<const Run*, std::string> of;
    int curves = 0;
    bool training = false;
  };
  std::vector<Group> groups;
  bool one_group = true;
  Extent extent_x, extent_y;
  std::string behind, before;
  for (const Curve& curve : all) {
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& other) { return other.of == curve.group; });
    if (group == groups.end()) group = groups.insert(group, {curve.group});
    one_group = one_group && curve.group.second == groups.front().of.second;
    const auto number = static_cast<std::size_t>(group - groups.begin());
    if (number == kColours.size()) break;

    const auto add = [&](const std::string& name, std::vector<Point> points, Colour colour,
                         double line_width, const std::string& title) {
      for (Point& point : points)
        if (!std::isfinite(point.y) || (log_y && point.y <= 0) || (log_x && point.x <= 0))
          point.y = kNaN;
      Block block{name, {}, 2};
      for (const Point& point : thinned(points, log_x, options.width)) {
        block.numbers.insert(block.numbers.end(), {point.x, point.y});
        if (std::isnan(point.y)) continue;
        extent_x.add(point.x);
        extent_y.add(point.y);
      }
      const bool few = points.size() <= 40;
      picture.blocks.push_back(std::move(block));
      return text("$data", picture.blocks.size() - 1, " using 1:2 with ",
                  few ? "linespoints pt 7 ps 0.4" : "lines", " lc rgb ", quoted(colour), " lw ",
                  line_width, " dt ", kDashes[static_cast<std::size_t>(std::min(group->curves, 3))],
                  title.empty() ? " notitle" : " title " + quoted(title), ", ");
    };
    const std::vector<Point> points = points_of(curve.logged, x);
    const Colour colour = kColours[number];
    // Beside its training values, what validation gave stays as it is.
    if (options.smoothing > 0 && !(curve.validation && group->training)) {
      behind += add(curve.label, points, mixed(kWhite, colour, 0.3), 1, "");
      before += add(curve.label + " (smoothed)", smoothed(points, options.smoothing), colour, 2,
                    curve.label);
    } else {
      before += add(curve.label, points, colour, 1.5, curve.label);
    }
    ++group->curves;
    group->training = group->training || !curve.validation;
  }
  if (groups.size() > kColours.size()) {
    std::vector<std::string> there;
    for (const Curve& curve : all)
      if (std::find(there.begin(), there.end(), curve.name) == there.end())
        there.push_back(curve.name);
    fail(kOp, "expected values for at most ", kColours.size(),
         " colours, got more; say in names which of them to draw: ", quoted_list(there));
  }
  std::vector<std::string> labels;
  for (const Curve& curve : all) labels.push_back(curve.label);
  const std::string ylabel =
      options.ylabel.empty() && one_group ? groups.front().of.second : options.ylabel;
  // Steps and epochs are whole numbers; of more of them, gnuplot's tics are, too.
  if (!log_x && extent_x.high - extent_x.low < 6) picture.script = "set xtics 1\n";
  draw_lines(picture,
             {options.title, options.xlabel.empty() ? x : options.xlabel, ylabel, log_x, log_y,
              extent_x, extent_y, labels},
             behind + before);
}

}  // namespace norma::plot
