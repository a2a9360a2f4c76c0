// Confusion matrices: counting, and what is drawn of them.
#include <algorithm>
#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"
#include "support.h"

using namespace norma;
using Rows = std::vector<std::vector<double>>;

namespace {

const Tensor kUndefined;
Tensor integers(const std::vector<double>& values) { return tensor(values).to(kInt64); }

}  // namespace

TEST_CASE("confusion matrix: scikit-learn's example, and a naive count") {
  // sklearn.metrics.confusion_matrix(y_true=[2, 0, 2, 2, 0, 1], y_pred=[0, 0, 2, 2, 0, 2])
  const Tensor matrix =
      plot::confusion_matrix(integers({0, 0, 2, 2, 0, 2}), integers({2, 0, 2, 2, 0, 1}), 3);
  CHECK(matrix.dtype() == kInt64);
  CHECK(to_vector(matrix) == std::vector<double>{2, 0, 0, 0, 0, 1, 1, 0, 2});
  CHECK(matrix.sizes() == Shape{3, 3});

  manual_seed(3);
  const Tensor scores = randn({500, 7}, {.requires_grad = true}), target = randint(0, 7, {500});
  const std::vector<double> s = to_vector(scores), t = to_vector(target);
  std::vector<double> expected(49);
  for (std::size_t i = 0; i < 500; ++i) {
    std::size_t best = 0;
    for (std::size_t c = 1; c < 7; ++c)
      if (s[7 * i + c] > s[7 * i + best]) best = c;
    expected[static_cast<std::size_t>(t[i]) * 7 + best] += 1;
  }
  CHECK(to_vector(plot::confusion_matrix(scores, target, 7)) == expected);
  CHECK(to_vector(plot::confusion_matrix(integers({}).reshape({0}), integers({}).reshape({0}),
                                         1)) == std::vector<double>{0});
}

TEST_CASE("confusion matrix: cells, shares, names") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  const Tensor matrix = tensor({{6.0, 2.0}, {0.0, 4.0}}).to(kInt64);
  plot::confusion_matrix(folder / "a.svg", matrix, {.class_names = {"a_b", "c\"d"}, .title = "T"});
  CHECK(gnuplot.data(0) ==
        Rows{{0, 0, 6, 0xFFFFFF}, {1, 0, 2, 0}, {0, 1, 0, 0xB0B0B0}, {1, 1, 4, 0xFFFFFF}});
  CHECK(gnuplot.data(1)[2] == std::vector<double>{255, 255, 255});  // 0 is white
  CHECK(gnuplot.data(1)[3] == std::vector<double>{0, 114, 178});
  const std::string script = gnuplot.script();
  CHECK(has(script, "set xtics (\"a\\137b\" 0, \"c\\042d\" 1)\n"));
  CHECK(has(script, "set ytics (\"a\\137b\" 0, \"c\\042d\" 1)\n"));
  CHECK(has(script, "set yrange [1.5:-0.5]\n"));
  CHECK(has(script, "set label \"predicted\" at screen "));
  CHECK(has(script, "set label \"true\" at screen "));
  CHECK(has(script, "sprintf(\"%.0f\",$3)"));
  plot::confusion_matrix(folder / "a.svg", matrix, {.class_names = {std::string(60, 'a'), "b"}});
  CHECK(has(gnuplot.script(), "set xtics (\"aaa"));
  CHECK(has(gnuplot.script(), "(\"" + std::string(18, 'a') + "\\342\\200\\246\" 0, \"b\" 1)"));
  plot::confusion_matrix(folder / "a.svg", eye(4),
                         {.class_names = {std::string(60, 'a'), "b", "c", "d"}});
  CHECK(has(gnuplot.script(), "set xtics rotate by 45 right (\"aaa"));
  const auto values = [&](const char* normalize) {
    plot::confusion_matrix(folder / "a.svg", matrix, {.normalize = normalize});
    std::vector<double> shown;
    for (const auto& row : gnuplot.data(0)) shown.push_back(row[2]);
    return shown;
  };
  CHECK(values("true") == std::vector<double>{0.75, 0.25, 0, 1});
  CHECK(has(gnuplot.script(), "sprintf(\"%.2f\",$3)"));
  CHECK(has(gnuplot.script(), "(\"\\060\" 0, \"\\061\" 1)"));
  const std::vector<double> columns = values("pred"), all = values("all");
  CHECK(columns[1] == Approx(2.0 / 6));
  CHECK(columns[3] == Approx(4.0 / 6));
  CHECK(all[0] == Approx(6.0 / 12));
  // A class that never came: no division by 0.
  plot::confusion_matrix(folder / "a.svg", zeros({2, 2}), {.normalize = "true"});
  CHECK(gnuplot.data(0)[0][2] == 0);
  // 400 classes: no numbers, and not every name.
  plot::confusion_matrix(folder / "a.svg", ones({400, 400}));
  CHECK(!has(gnuplot.script(), "sprintf"));
  CHECK(has(gnuplot.script(), "(\"\\060\" 0, \"\\062\\060\" 20, "));
}

TEST_CASE(
    "confusion matrix: square in the picture, whatever the names; its numbers fit the cells") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  const auto after = [&](const std::string& what) {
    const std::string script = gnuplot.script();
    REQUIRE(has(script, what));
    return std::stod(script.substr(script.find(what) + what.size()));
  };
  for (const char* path : {"a.svg", "a.png"})
    for (const auto& [width, height] : {std::pair{560, 520}, {300, 700}, {900, 400}})
      for (const std::string name : {"a", "a longer one", "an unknown animal of the wood", "äöü"}) {
        CAPTURE(path, width, height, name);
        std::vector<std::string> names(30, "b");
        names[7] = name;
        plot::confusion_matrix(folder / path, full({30, 30}, 10.0),
                               {.class_names = names, .width = width, .height = height});
        const double left = after("lmargin at screen "), right = after("rmargin at screen "),
                     top = after("tmargin at screen "), bottom = after("bmargin at screen ");
        const double side = (right - left) * width;
        CHECK(side == Approx((top - bottom) * height).margin(0.1));
        CHECK(side > 0.5 * std::min(width, height));
        CHECK(left > 0);
        CHECK(right < 1);
        CHECK(bottom > 0);
        CHECK(top < 1);
        if (!has(gnuplot.script(), "sprintf")) continue;
        // A digit is 0.64 of its size wide; a point of a PNG, 4/3 pixels.
        const double size = after("textcolor rgb variable font \",");
        CHECK(2 * 0.64 * size * (path == std::string("a.png") ? 4.0 / 3 : 1) < side / 30);
      }
  // Signs that are as wide as high.
  std::string ten, octal;
  for (int i = 0; i < 10; ++i) ten += "猫";
  for (int i = 0; i < 9; ++i) octal += "\\347\\214\\253";
  plot::confusion_matrix(folder / "a.svg", eye(2), {.class_names = {ten, "b"}});
  CHECK(has(gnuplot.script(), "(\"" + octal + "\\342\\200\\246\" 0, "));
  // Below, two digits need more room than beside.
  plot::confusion_matrix(folder / "a.svg", ones({30, 30}));
  CHECK(has(gnuplot.script(), "set xtics (\"\\060\" 0, \"\\062\" 2, "));
}

TEST_CASE("confusion matrix: what is refused") {
  const Tensor two = integers({0, 1}), square = ones({2, 2});
  const auto count = [](const Tensor& preds, const Tensor& target, int64_t classes) {
    return error_of([&] { plot::confusion_matrix(preds, target, classes); });
  };
  CHECK(count(two, two, 0) ==
        "[plot::confusion_matrix] expected num_classes from 1 to 1000, got 0");
  CHECK(count(two, two, 1) == "[plot::confusion_matrix] expected preds from 0 to 0, got 1 at 1");
  CHECK(count(two, integers({0, -1}), 2) ==
        "[plot::confusion_matrix] expected target from 0 to 1, got -1 at 1");
  CHECK(count(two, integers({0}), 2) ==
        "[plot::confusion_matrix] expected a target for each prediction, got 2 and 1");
  CHECK(count(kUndefined, two, 2) ==
        "[plot::confusion_matrix] expected preds, got an undefined tensor");
  CHECK(count(two, ones({2}), 2) ==
        "[plot::confusion_matrix] expected target as whole numbers [N] or scores [N, 2], got "
        "float32 [2]");
  CHECK(count(ones({2, 3}), two, 2) ==
        "[plot::confusion_matrix] expected preds as whole numbers [N] or scores [N, 2], got "
        "float32 [2, 3]");
  const auto draw = [](const Tensor& matrix, const plot::ConfusionMatrixOptions& options = {}) {
    return error_of([&] { plot::confusion_matrix("none/a.svg", matrix, options); });
  };
  CHECK(draw(kUndefined) == "[plot::confusion_matrix] expected a matrix, got an undefined tensor");
  for (const Shape& sizes : {Shape{2, 3}, Shape{4}, Shape{0, 0}, Shape{1001, 1001}})
    CHECK(draw(zeros(sizes)) ==
          "[plot::confusion_matrix] expected a matrix [C, C] of 1 to 1000 classes, got shape " +
              sizes.str());
  CHECK(draw(square * -1.0) ==
        "[plot::confusion_matrix] expected counts of at least 0, got -1.0 at [0, 0]");
  CHECK(draw(square * NAN) ==
        "[plot::confusion_matrix] expected counts of at least 0, got nan at [0, 0]");
  CHECK(draw(square, {.class_names = {"a"}}) ==
        "[plot::confusion_matrix] expected 2 class_names, got 1");
  CHECK(draw(square, {.normalize = "rows"}) ==
        "[plot::confusion_matrix] expected normalize = \"true\", \"pred\", \"all\" or \"\", got "
        "\"rows\"");
}
