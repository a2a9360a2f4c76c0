#include <algorithm>
#include <cmath>

#include "norma/plot.h"
#include "picture.h"

namespace norma::plot {

namespace {

constexpr int64_t kMostPixels = 4'000'000;

/// Where the tiles of a picture are, all in pixels of an image.
struct Grid {
  int64_t columns, rows, width, height, padding, header;  // header: room for a title above each
  int64_t left(int64_t i) const { return i % columns * (width + padding); }
  int64_t top(int64_t i) const { return i / columns * (height + header + padding) + header; }
  int64_t all_width() const { return columns * (width + padding) - padding; }
  int64_t all_height() const { return rows * (height + header + padding) - padding; }
};

void check_pixels(const char* op, const Grid& grid, const Shape& tiles) {
  const double pixels =
      static_cast<double>(grid.columns * grid.rows) *
      (static_cast<double>(grid.width) + static_cast<double>(grid.padding)) *
      (static_cast<double>(grid.height) + static_cast<double>(grid.padding + grid.header));
  if (!(pixels <= static_cast<double>(kMostPixels)))
    fail(op, "expected at most ", kMostPixels, " pixels in all, got ", tiles[0], " x ", tiles[2],
         " x ", tiles[3], "; draw fewer of them");
}

Grid grid_of(const char* op, const Shape& tiles, int64_t columns, int64_t padding) {
  if (columns < 1) fail(op, "expected nrow of at least 1, got ", columns);
  if (padding < 0 || padding > 1000) fail(op, "expected padding from 0 to 1000, got ", padding);
  const int64_t n = tiles[0], height = tiles[2], width = tiles[3];
  columns = std::min(columns, n);
  const int64_t rows = (n + columns - 1) / columns;
  const Grid grid = {columns, rows, width, height, padding, 0};
  check_pixels(op, grid, tiles);
  return grid;
}

/// The values as CSV has them: a block for each of the planes [n, channels, height, width].
void keep(Picture& picture, const char* what, const char* part, const std::vector<double>& values,
          const Shape& sizes) {
  picture.columns = {"row", "column", "value"};
  picture.blocks.clear();
  const int64_t size = sizes[2] * sizes[3];
  for (int64_t i = 0; i < sizes[0] * sizes[1]; ++i) {
    Block block{text(what, " ", i / sizes[1], ", ", part, " ", i % sizes[1]), {}, 3};
    for (int64_t at = 0; at < size; ++at) {
      const int64_t row = at / sizes[3], column = at % sizes[3];
      block.numbers.insert(block.numbers.end(),
                           {static_cast<double>(row), static_cast<double>(column),
                            values[static_cast<std::size_t>(i * size + at)]});
    }
    picture.blocks.push_back(std::move(block));
  }
}

/// The picture of a canvas that is as wide as it is, and as high as it becomes. `labels` are
/// commands that set texts in the canvas' coordinates.
void draw_canvas(Picture& picture, const Canvas& canvas, const std::string& title,
                 const std::string& caption, const std::string& labels) {
  constexpr int kEdge = 10, kLine = 30;
  const double inner = picture.width - 2 * kEdge;
  const double scale = inner / static_cast<double>(canvas.width);
  const int above = title.empty() ? kEdge : kEdge + kLine, below = caption.empty() ? kEdge : kLine;
  picture.height = static_cast<int>(std::lround(
      std::clamp(above + below + scale * static_cast<double>(canvas.height), 100.0, 10000.0)));
  const double height = picture.height, width = picture.width;
  picture.script =
      setting("title", title) + setting("xlabel", caption) +
      text("unset border\nunset tics\nunset grid\nset lmargin at screen ", kEdge / width,
           "\nset rmargin at screen ", 1 - kEdge / width, "\nset tmargin at screen ",
           1 - above / height, "\nset bmargin at screen ", below / height,
           "\nset xrange [0:", canvas.width, "]\nset yrange [", canvas.height, ":0]\n", labels);
  const auto w = static_cast<double>(canvas.width), h = static_cast<double>(canvas.height);
  picture.script += "plot " + plot_of(picture, canvas, 0, w, 0, h) + "\n";
  draw(picture);
}

Colour colour_of(double red, double green, double blue) {
  const auto channel = [](double value) {
    return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 1.0) * 255));
  };
  if (!std::isfinite(red + green + blue)) return kWhite;
  return {channel(red), channel(green), channel(blue)};
}

/// Smallest and largest of the finite ones; 0 and 1 where there are none.
std::pair<double, double> limits_of(const double* begin, const double* end) {
  double low = INFINITY, high = -INFINITY;
  for (; begin != end; ++begin) {
    if (!std::isfinite(*begin)) continue;
    low = std::min(low, *begin);
    high = std::max(high, *begin);
  }
  return low <= high ? std::pair{low, high} : std::pair{0.0, 1.0};
}

/// (value - low) / (high - low), 0 where the two are equal.
double stretched(double value, const std::pair<double, double>& limits) {
  const double extent = limits.second - limits.first;
  return extent > 0 ? (value - limits.first) / extent : 0 * value;
}

struct Title {
  std::string text;
  Colour colour;
};

std::vector<Title> titles_of(const char* op, int64_t n, const ImagesOptions& options) {
  const auto count = static_cast<std::size_t>(n);
  std::vector<Title> titles;
  if (!options.titles.empty()) {
    if (options.titles.size() != count)
      fail(op, "expected ", n, " titles, got ", options.titles.size());
    for (const std::string& title : options.titles) titles.push_back({title, kBlack});
    return titles;
  }
  const auto classes = static_cast<int64_t>(options.class_names.size());
  std::vector<int64_t> preds, target;
  if (options.preds.defined()) preds = classes_of(op, "preds", options.preds, classes);
  if (options.target.defined()) target = classes_of(op, "target", options.target, classes);
  for (const auto* given : {&preds, &target})
    if (!given->empty() && given->size() != count)
      fail(op, "expected preds and target for ", n, " images, got ", given->size());
  const auto name = [&](int64_t i) {
    return classes > 0 ? options.class_names[static_cast<std::size_t>(i)] : std::to_string(i);
  };
  for (std::size_t i = 0; i < count && (!preds.empty() || !target.empty()); ++i) {
    if (preds.empty() || target.empty()) {
      titles.push_back({name(preds.empty() ? target[i] : preds[i]), kBlack});
    } else if (preds[i] == target[i]) {
      titles.push_back({name(preds[i]), mixed(kColours[2], kBlack, 0.25)});
    } else {
      titles.push_back({name(preds[i]) + ", is " + name(target[i]), kColours[1]});
    }
  }
  return titles;
}

}  // namespace

void images(const std::string& path, const Tensor& images, const ImagesOptions& options) {
  constexpr const char* kOp = "plot::images";
  Picture picture{kOp, path, options.width, 100, {}};
  check_picture(picture);
  if (!images.defined()) fail(kOp, "expected images, got an undefined tensor");
  if (images.dim() != 4 || images.numel() == 0 || (images.size(1) != 1 && images.size(1) != 3))
    fail(kOp, "expected images [N, C, H, W] of 1 or 3 channels, got shape ", images.sizes());
  const DType type = images.dtype();
  if (!is_floating(type) && type != kUInt8 && type != kBool && !options.normalize)
    fail(kOp, "expected floats from 0 to 1, bool, or uint8, got ", dtype_name(type),
         "; .to(norma::kUInt8) of values from 0 to 255, or normalize = true");
  Grid grid = grid_of(kOp, images.sizes(), options.nrow, options.padding);
  const std::vector<Title> titles = titles_of(kOp, images.size(0), options);
  // Of more pixels than the picture has, squares become their mean.
  const int64_t square =
      std::min({grid.all_width() / options.width, images.size(2), images.size(3)});
  Tensor shown = images.detach();
  if (square > 1) {
    const NoGradGuard no_grad;
    shown = functional::avg_pool2d(shown.to(kFloat64), square);
    grid = grid_of(kOp, shown.sizes(), options.nrow, options.padding);
  }
  const double scale = (options.width - 20.0) / static_cast<double>(grid.all_width());
  if (!titles.empty()) {
    grid.header = static_cast<int64_t>(std::ceil(18 / scale));
    check_pixels(kOp, grid, images.sizes());
  }

  std::vector<double> values = doubles_of(shown);
  std::pair<double, double> limits = {0, images.dtype() == kUInt8 ? 255 : 1};
  if (options.normalize) limits = limits_of(values.data(), values.data() + values.size());
  const int64_t channels = images.size(1), size = grid.width * grid.height;
  Canvas canvas(grid.all_width(), grid.all_height(), kWhite);
  std::string labels;
  std::size_t longest = 1;
  for (const Title& title : titles) longest = std::max(longest, title.text.size());
  const double size_of_title = std::clamp(
      scale * static_cast<double>(grid.width) / static_cast<double>(longest) / 0.6, 6.0, 12.0);
  for (int64_t i = 0; i < images.size(0); ++i) {
    const double* image = values.data() + i * channels * size;
    for (int64_t at = 0; at < size; ++at) {
      const auto value = [&](int64_t c) {
        return stretched(image[(channels == 1 ? 0 : c) * size + at], limits);
      };
      canvas.at(grid.left(i) + at % grid.width, grid.top(i) + at / grid.width) =
          colour_of(value(0), value(1), value(2));
    }
    if (titles.empty()) continue;
    const Title& title = titles[static_cast<std::size_t>(i)];
    labels += text("set label ", quoted(title.text), " at ",
                   static_cast<double>(grid.left(i)) + static_cast<double>(grid.width) / 2, ",",
                   static_cast<double>(grid.top(i)) - 8 / scale, " center front ",
                   font(picture, size_of_title), " tc rgb ", quoted(title.colour), "\n");
  }
  picture.complete = [&](Picture& whole) {
    keep(whole, "image", "channel", doubles_of(images), images.sizes());
  };
  draw_canvas(picture, canvas, options.title, "", labels);
}

void filters(const std::string& path, const Tensor& weight, const FiltersOptions& options) {
  constexpr const char* kOp = "plot::filters";
  Picture picture{kOp, path, options.width, 100, {}};
  check_picture(picture);
  if (!weight.defined()) fail(kOp, "expected a weight, got an undefined tensor");
  if (weight.dim() != 4 || weight.numel() == 0)
    fail(kOp, "expected a weight [out, in, H, W], got shape ", weight.sizes());
  const int64_t inputs = weight.size(1), size = weight.size(2) * weight.size(3);
  const bool colour = inputs == 3;
  const int64_t n = colour ? weight.size(0) : weight.size(0) * inputs;
  // Each weight a square, beside which a gap of two pixels is thin.
  const int64_t longest = std::max(weight.size(2), weight.size(3));
  int64_t times = std::max<int64_t>(1, 24 / longest);
  while (times > 1 && n * size * times * times > kMostPixels / 4) --times;
  const Shape tiles = {n, 1, weight.size(2) * times, weight.size(3) * times};
  const Grid grid =
      grid_of(kOp, tiles, colour || inputs == 1 ? options.nrow : inputs, options.padding);

  const std::vector<double> values = doubles_of(weight);
  double largest = 0;
  for (const double value : values)
    if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
  Canvas canvas(grid.all_width(), grid.all_height(), colour ? kWhite : Colour{200, 200, 200});
  const int64_t planes = colour ? 3 : 1;
  for (int64_t i = 0; i < n; ++i) {
    const double* filter = values.data() + i * planes * size;
    const auto limits = limits_of(filter, filter + planes * size);
    for (int64_t y = 0; y < grid.height; ++y)
      for (int64_t x = 0; x < grid.width; ++x) {
        const int64_t at = y / times * weight.size(3) + x / times;
        Colour& pixel = canvas.at(grid.left(i) + x, grid.top(i) + y);
        if (colour) {
          const auto value = [&](int64_t c) { return stretched(filter[c * size + at], limits); };
          pixel = colour_of(value(0), value(1), value(2));
        } else if (std::isfinite(filter[at])) {
          const double share = largest > 0 ? filter[at] / largest : 0;
          pixel = mixed(kWhite, kColours[share < 0 ? 1 : 0], std::fabs(share));
        }
      }
  }
  picture.complete = [&](Picture& whole) {
    keep(whole, "filter", "input", values, weight.sizes());
  };
  const std::string most = rounded(largest, 3);
  draw_canvas(picture, canvas, options.title,
              colour ? "" : "blue: up to " + most + ", white: 0, orange: down to -" + most, "");
}

}  // namespace norma::plot
