#include <algorithm>
#include <cmath>

#include "norma/core/factory.h"
#include "norma/plot.h"
#include "picture.h"

namespace norma::plot {

namespace {

constexpr const char* kOp = "plot::confusion_matrix";
constexpr int64_t kMostClasses = 1000;

/// "\"a\" 0, \"b\" 1": labels of an axis, so many of them as there is room for.
std::string tics(const std::vector<std::string>& names, int64_t step) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); i += static_cast<std::size_t>(step))
    out += text(out.empty() ? "" : ", ", quoted(names[i]), " ", i);
  return out;
}

}  // namespace

Tensor confusion_matrix(const Tensor& preds, const Tensor& target, int64_t num_classes) {
  if (num_classes < 1 || num_classes > kMostClasses)
    fail(kOp, "expected num_classes from 1 to ", kMostClasses, ", got ", num_classes);
  const std::vector<int64_t> predicted = classes_of(kOp, "preds", preds, num_classes);
  const std::vector<int64_t> right = classes_of(kOp, "target", target, num_classes);
  if (predicted.size() != right.size())
    fail(kOp, "expected a target for each prediction, got ", predicted.size(), " and ",
         right.size());
  Tensor counts = zeros({num_classes, num_classes}, {.dtype = kInt64});
  auto* data = counts.data_ptr<int64_t>();
  for (std::size_t i = 0; i < right.size(); ++i) ++data[right[i] * num_classes + predicted[i]];
  return counts;
}

void confusion_matrix(const std::string& path, const Tensor& matrix,
                      const ConfusionMatrixOptions& options) {
  Picture picture{kOp, path, options.width, options.height, {"predicted", "true", "value"}};
  check_picture(picture);
  if (!matrix.defined()) fail(kOp, "expected a matrix, got an undefined tensor");
  if (matrix.dim() != 2 || matrix.size(0) != matrix.size(1) || matrix.size(0) < 1 ||
      matrix.size(0) > kMostClasses)
    fail(kOp, "expected a matrix [C, C] of 1 to ", kMostClasses, " classes, got shape ",
         matrix.sizes());
  const std::string& normalize = options.normalize;
  if (normalize != "" && normalize != "true" && normalize != "pred" && normalize != "all")
    fail(kOp, "expected normalize = \"true\", \"pred\", \"all\" or \"\", got ",
         in_quotes(normalize));
  const int64_t classes = matrix.size(0);
  const std::vector<std::string> names = names_of(kOp, options.class_names, classes);
  const std::vector<double> counts = doubles_of(matrix);
  const auto n = static_cast<std::size_t>(classes);
  std::vector<double> rows(n), columns(n);
  double all = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!(counts[i] >= 0) || std::isinf(counts[i]))
      fail(kOp, "expected counts of at least 0, got ", counts[i], " at [", i / n, ", ", i % n, "]");
    rows[i / n] += counts[i];
    columns[i % n] += counts[i];
    all += counts[i];
  }

  Canvas canvas(classes, classes, kWhite);
  Block cells{"cells", {}, 4};
  bool whole = normalize.empty();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto share = [&](double of) { return of > 0 ? counts[i] / of : 0; };
    const double of_row = share(rows[i / n]);
    const double value = normalize == ""       ? counts[i]
                         : normalize == "true" ? of_row
                         : normalize == "pred" ? share(columns[i % n])
                                               : share(all);
    whole = whole && value == std::floor(value);
    canvas.pixels[i] = mixed(kWhite, kColours[0], std::sqrt(of_row));
    // Numbers: white on dark cells, black on light ones, grey for 0.
    const double ink = value < 0.005 ? 0xB0B0B0 : std::sqrt(of_row) > 0.6 ? 0xFFFFFF : 0;
    const std::size_t row = i / n, column = i % n;
    cells.numbers.insert(cells.numbers.end(),
                         {static_cast<double>(column), static_cast<double>(row), value, ink});
  }
  picture.blocks = {cells};

  const double largest = *std::max_element(counts.begin(), counts.end());
  const double cell = 0.75 * std::min(options.width, options.height) / static_cast<double>(classes);
  const double digits = whole ? std::max(2.0, std::ceil(std::log10(largest + 1))) : 4;
  const double size = std::min(12.0, cell / digits / 0.7);
  const auto longest = std::max_element(
      names.begin(), names.end(),
      [](const std::string& a, const std::string& b) { return a.size() < b.size(); });
  const bool turned = longest->size() > 2 && static_cast<double>(longest->size()) * 8 > cell;
  int64_t step = 1;  // 1, 2, 5, 10, 20, …
  for (int64_t i = 0; static_cast<double>(step) * cell < 14; ++i)
    step = i % 3 == 1 ? step / 2 * 5 : step * 2;
  const double edge = static_cast<double>(classes) - 0.5;
  picture.script =
      setting("title", options.title) + setting("xlabel", options.xlabel) +
      setting("ylabel", options.ylabel) +
      text("unset grid\nset border 15\nset size square\nset tics scale 0\nset xtics ",
           turned ? "rotate by 45 right " : "", "(", tics(names, step), ")\nset ytics (",
           tics(names, step), ")\nset xrange [-0.5:", edge, "]\nset yrange [", edge, ":-0.5]\n");
  picture.script += "plot " + plot_of(picture, canvas, -0.5, edge, -0.5, edge);
  if (size >= 5)
    picture.script += text(", $data0 using 1:2:(sprintf(\"", whole ? "%.0f" : "%.2f",
                           "\",$3)):4 with labels textcolor rgb variable font \",",
                           rounded(size, 3), "\" notitle");
  picture.script += '\n';
  draw(picture);
}

}  // namespace norma::plot
