#include <algorithm>
#include <cmath>

#include "norma/autograd/grad_mode.h"
#include "norma/layers/trial_run.h"
#include "norma/plot.h"
#include "picture.h"

namespace norma::plot {

namespace {

constexpr const char* kOp = "plot::decision_boundary";
constexpr std::size_t kMostPoints = 1000;
constexpr int64_t kBatch = 4096;

/// Probabilities [n, C], C at least 2, row by row.
std::vector<double> probabilities(nn::Module& model, const Tensor& places, int64_t& classes) {
  const nn::TrialRun trace_none(model, {});
  const NoGradGuard no_grad;
  std::vector<double> all;
  for (int64_t at = 0; at < places.size(0); at += kBatch) {
    const int64_t n = std::min(kBatch, places.size(0) - at);
    Tensor scores = model(places.narrow(0, at, n));
    const Shape sizes = scores.sizes();
    const bool one = scores.dim() == 1 || (scores.dim() == 2 && scores.size(1) == 1);
    if (scores.dim() < 1 || scores.dim() > 2 || scores.size(0) != n || scores.numel() == 0 ||
        !is_floating(scores.dtype()) ||
        (!one && scores.size(1) > static_cast<int64_t>(kColours.size())))
      fail(kOp, "expected a model that maps [", n, ", 2] to scores [", n, ", C] of 1 to ",
           kColours.size(), " classes or to [", n, "], got ", dtype_name(scores.dtype()), " ",
           sizes);
    if (one) {
      const Tensor p = scores.reshape({n}).to(kFloat64).sigmoid();
      scores = stack({1 - p, p}, 1);
    } else {
      scores = scores.softmax(1, kFloat64);
    }
    classes = scores.size(1);
    const std::vector<double> part = doubles_of(scores);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

/// Limits of an axis around the points.
std::pair<double, double> limits_of(const std::vector<double>& points, std::size_t axis,
                                    double margins) {
  double low = points[axis], high = low;
  for (std::size_t i = axis; i < points.size(); i += 2) {
    low = std::min(low, points[i]);
    high = std::max(high, points[i]);
  }
  const double room = high > low ? margins * (high - low) : 0.5;
  return {low - room, high + room};
}

}  // namespace

void decision_boundary(const std::string& path, nn::Module& model, const Tensor& points,
                       const Tensor& target, const DecisionBoundaryOptions& options) {
  Picture picture{kOp, path, options.width, options.height, {"x", "y", "class"}};
  check_picture(picture);
  const int64_t side = options.grid_resolution;
  if (side < 2 || side > 1000) fail(kOp, "expected a grid_resolution from 2 to 1000, got ", side);
  if (!(options.margins >= 0 && options.margins <= 100))
    fail(kOp, "expected margins from 0 to 100, got ", options.margins);
  if (!points.defined()) fail(kOp, "expected points, got an undefined tensor");
  if (points.dim() != 2 || points.size(1) != 2 || points.size(0) < 1 ||
      !is_floating(points.dtype()))
    fail(kOp, "expected floating points [N, 2], got ", dtype_name(points.dtype()), " ",
         points.sizes());
  const std::vector<double> places = doubles_of(points);
  for (const double coordinate : places)
    if (!std::isfinite(coordinate)) fail(kOp, "expected finite points, got ", coordinate);
  if (!target.defined() || target.dim() != 1 || target.size(0) != points.size(0))
    fail(kOp, "expected a target for each of ", points.size(0), " points, got ",
         target.defined() ? "shape " + target.sizes().str() : "an undefined tensor");

  const auto [left, right] = limits_of(places, 0, options.margins);
  const auto [bottom, top] = limits_of(places, 1, options.margins);
  const TensorOptions type = {.dtype = points.dtype()};
  // From the upper left corner, at the middle of every pixel.
  const double dx = (right - left) / static_cast<double>(side) / 2;
  const double dy = (top - bottom) / static_cast<double>(side) / 2;
  const Tensor xs = linspace(left + dx, right - dx, side, type).reshape({1, side});
  const Tensor ys = linspace(top - dy, bottom + dy, side, type).reshape({side, 1});
  const Tensor plane =
      stack({xs.expand({side, side}).reshape(-1), ys.expand({side, side}).reshape(-1)}, 1);
  int64_t classes = 0;
  const std::vector<double> shares = probabilities(model, plane, classes);
  const std::vector<int64_t> right_classes = classes_of(kOp, "target", target, classes);
  const std::vector<std::string> names = names_of(kOp, options.class_names, classes);

  Canvas canvas(side, side, kWhite);
  const std::vector<double> asked = doubles_of(plane);
  Block grid{"model", {}, 3};
  const auto n = static_cast<std::size_t>(classes);
  for (std::size_t i = 0; i < canvas.pixels.size(); ++i) {
    const auto begin = shares.begin() + static_cast<std::ptrdiff_t>(i * n);
    const auto best = std::max_element(begin, begin + static_cast<std::ptrdiff_t>(n));
    const bool known = std::all_of(begin, begin + static_cast<std::ptrdiff_t>(n),
                                   [](double share) { return std::isfinite(share); });
    const auto which = static_cast<std::size_t>(best - begin);
    const double least = 1 / static_cast<double>(n), sure = (*best - least) / (1 - least);
    if (known) canvas.pixels[i] = mixed(kWhite, kColours[which], 0.55 * sure);
    grid.numbers.insert(grid.numbers.end(),
                        {asked[2 * i], asked[2 * i + 1], known ? static_cast<double>(which) : NAN});
  }
  std::string plots = "plot " + plot_of(picture, canvas, left, right, top, bottom);

  const std::size_t all = right_classes.size(), shown = std::min(all, kMostPoints);
  for (std::size_t c = 0; c < n; ++c) {
    Block block{names[c], {}, 3};
    for (std::size_t k = 0; k < shown; ++k) {
      const std::size_t i = k * all / shown;
      if (right_classes[i] == static_cast<int64_t>(c))
        block.numbers.insert(block.numbers.end(),
                             {places[2 * i], places[2 * i + 1], static_cast<double>(c)});
    }
    if (block.numbers.empty()) continue;
    picture.blocks.push_back(std::move(block));
    const std::size_t number = picture.blocks.size() - 1;
    plots += text(", $data", number,
                  " using 1:2 with points pt 7 ps 0.62 lc rgb \"#ffffff\" notitle, $data", number,
                  " using 1:2 with points pt 7 ps 0.45 lc rgb ",
                  quoted(mixed(kColours[c], kBlack, 0.2)), " title ", quoted(names[c]));
  }
  picture.script = setting("title", options.title) + setting("xlabel", options.xlabel) +
                   setting("ylabel", options.ylabel) +
                   text(
                       "unset grid\nset border 15\nset key outside above left horizontal reverse "
                       "Left samplen 1\nset xrange [",
                       shortest(left), ":", shortest(right), "]\nset yrange [", shortest(bottom),
                       ":", shortest(top), "]\n", plots, "\n");
  picture.complete = [&](Picture& whole) { whole.blocks.push_back(std::move(grid)); };
  draw(picture);
}

}  // namespace norma::plot
