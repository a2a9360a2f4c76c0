#include <algorithm>
#include <cmath>

#include "norma/core/factory.h"
#include "norma/core/utf8.h"
#include "norma/plot.h"
#include "picture.h"

namespace norma::plot {

namespace {

constexpr const char* kOp = "plot::confusion_matrix";
constexpr int64_t kMostClasses = 1000;

/// How many characters of a text are shown where at most `most` are, and a "…".
int shown_of(const std::string& text, int most) {
  return static_cast<int>(std::min(utf8_length(text), static_cast<std::size_t>(most) + 1));
}

/// "\"a\" 0, \"b\" 1": labels of an axis, so many of them as there is room for.
std::string tics_of(const std::vector<std::string>& names, int most, int64_t step) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); i += static_cast<std::size_t>(step))
    out += text(out.empty() ? "" : ", ", quoted(names[i], most), " ", i);
  return out;
}

/// Where the matrix is, as square and large as names and titles let it be.
struct Places {
  int most;     // characters of a name that are shown
  bool turned;  // the names below
  double side;  // in pixels
  double name;  // how far apart names have to be along an axis
  std::string script;
};

Places places_of(const Picture& picture, const ConfusionMatrixOptions& options,
                 const std::vector<std::string>& names) {
  const double width = options.width, height = options.height, least = std::min(width, height);
  // From U+3000 on, signs are mostly as wide as high.
  const bool wide = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return std::any_of(name.begin(), name.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0xE3; });
  });
  const double letter = (is_svg(picture) ? 7 : 7.8) * (wide ? 2 : 1);
  Places places{std::max(3, static_cast<int>(least / letter / 4)), false, 0, 14, {}};
  int longest = 1;
  for (const std::string& name : names) longest = std::max(longest, shown_of(name, places.most));
  const double labels = letter * longest, left = (options.ylabel.empty() ? 18 : 42) + labels;
  const double above = options.title.empty() ? 15 : 38, right = 15;
  double below = options.xlabel.empty() ? 30 : 50;
  const auto room = [&] { return std::min(width - left - right, height - above - below); };
  places.turned = longest > 2 && labels + letter > room() / static_cast<double>(names.size());
  if (places.turned) below += 0.72 * labels - 5;
  if (!places.turned) places.name = std::max(places.name, labels + 3);
  places.side = std::max(0.3 * least, room());
  const double x = left + std::max(0.0, width - left - right - places.side) / 2,
               y = above + std::max(0.0, height - above - below - places.side) / 2;
  const auto of_width = [&](double at) { return rounded(at / width, 5); };
  const auto of_height = [&](double at) { return rounded(1 - at / height, 5); };
  places.script = text("set lmargin at screen ", of_width(x), "\nset rmargin at screen ",
                       of_width(x + places.side), "\nset tmargin at screen ", of_height(y),
                       "\nset bmargin at screen ", of_height(y + places.side), "\n");
  // gnuplot would put them where names of this length end that are not turned.
  if (!options.xlabel.empty())
    places.script +=
        text("set label ", quoted(options.xlabel), " at screen ", of_width(x + places.side / 2),
             ",", of_height(y + places.side + below - 13), " center\n");
  if (!options.ylabel.empty())
    places.script +=
        text("set label ", quoted(options.ylabel), " at screen ", of_width(x - labels - 25), ",",
             of_height(y + places.side / 2), " center rotate by 90\n");
  return places;
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
  const Places places = places_of(picture, options, names);
  const double cell = places.side / static_cast<double>(classes);
  const double digits = whole ? std::max(2.0, std::ceil(std::log10(largest + 1))) : 4;
  const double size = std::min(12.0, cell / digits / 0.7);
  int64_t step = 1;  // 1, 2, 5, 10, 20, …
  for (int64_t i = 0; static_cast<double>(step) * cell < places.name; ++i)
    step = i % 3 == 1 ? step / 2 * 5 : step * 2;
  const double edge = static_cast<double>(classes) - 0.5;
  const std::string tics = tics_of(names, places.most, step);
  picture.script = setting("title", options.title) + places.script +
                   text("unset grid\nset border 15\nset tics scale 0\nset xtics ",
                        places.turned ? "rotate by 45 right " : "", "(", tics, ")\nset ytics (",
                        tics, ")\nset xrange [-0.5:", edge, "]\nset yrange [", edge, ":-0.5]\n");
  picture.script += "plot " + plot_of(picture, canvas, -0.5, edge, -0.5, edge);
  if (size >= 5)
    picture.script +=
        text(", $data0 using 1:2:(sprintf(\"", whole ? "%.0f" : "%.2f",
             "\",$3)):4 with labels textcolor rgb variable ", font(picture, size), " notitle");
  picture.script += '\n';
  draw(picture);
}

}  // namespace norma::plot
