#include <map>

#include "picture.h"

namespace norma::plot {

namespace {

constexpr std::size_t kMostBytes = 100'000;  // of rectangles; a bitmap is smaller then

struct Stripe {
  int64_t right = 0, top = 0;  // right: 0 for none
  uint32_t colour = 0;
};

uint32_t packed(Colour colour) {
  return static_cast<uint32_t>(colour.red << 16 | colour.green << 8 | colour.blue);
}

Colour unpacked(uint32_t colour) {
  return {static_cast<uint8_t>(colour >> 16), static_cast<uint8_t>(colour >> 8),
          static_cast<uint8_t>(colour)};
}

/// The pixels but the white ones as rectangles, which are sharp at any size; "" for too many.
std::string cells_of(const Canvas& canvas) {
  std::map<uint32_t, std::string> paths;  // by colour
  std::size_t bytes = 0;
  const auto n = static_cast<std::size_t>(canvas.width);
  std::vector<Stripe> above(n);
  for (int64_t y = 0; y <= canvas.height; ++y) {
    std::vector<Stripe> here(n);
    for (int64_t x = 0; y < canvas.height && x < canvas.width;) {
      const int64_t left = x;
      const auto colour_at = [&](int64_t column) {
        return packed(canvas.pixels[static_cast<std::size_t>(y * canvas.width + column)]);
      };
      while (x < canvas.width && colour_at(x) == colour_at(left)) ++x;
      if (colour_at(left) != packed(kWhite))
        here[static_cast<std::size_t>(left)] = {x, y, colour_at(left)};
    }
    for (std::size_t left = 0; left < n; ++left) {
      const Stripe& run = above[left];
      if (run.right == 0) continue;
      if (run.right == here[left].right && run.colour == here[left].colour) {
        here[left].top = run.top;
        continue;
      }
      const auto x = static_cast<int64_t>(left), width = run.right - x;
      std::string& path = paths[run.colour];
      const std::size_t before = path.size();
      path += text("M", x, ",", run.top, "h", width, "v", y - run.top, "h", -width, "z");
      bytes += path.size() - before;
    }
    if (bytes > kMostBytes) return "";
    above = std::move(here);
  }
  std::string out =
      text("viewBox='0 0 ", canvas.width, " ", canvas.height, "' shape-rendering='crispEdges'>\n");
  for (const auto& [colour, path] : paths)
    out += "<path stroke='none' fill=" + quoted(unpacked(colour)) + " d='" + path + "'/>\n";
  return out;
}

}  // namespace

std::string plot_of(Picture& picture, const Canvas& canvas, double left, double right, double top,
                    double bottom) {
  // gnuplot wants two pixels in either direction at least.
  const int64_t times_x = canvas.width == 1 ? 2 : 1, times_y = canvas.height == 1 ? 2 : 1;
  const int64_t width = canvas.width * times_x, height = canvas.height * times_y;
  Block block{"pixels", {}, 3, true};
  block.numbers.reserve(static_cast<std::size_t>(3 * width * height));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const std::size_t at = static_cast<std::size_t>(y / times_y * canvas.width + x / times_x);
      for (const uint8_t channel :
           {canvas.pixels[at].red, canvas.pixels[at].green, canvas.pixels[at].blue})
        block.numbers.push_back(channel);
    }
  const double dx = (right - left) / static_cast<double>(width);
  const double dy = (bottom - top) / static_cast<double>(height);
  picture.blocks.push_back(std::move(block));
  if (is_svg(picture)) picture.cells = cells_of(canvas);
  return text("$data", picture.blocks.size() - 1, " using (", shortest(left + dx / 2), "+(",
              shortest(dx), ")*(int($0)%", width, ")):(", shortest(top + dy / 2), "+(",
              shortest(dy), ")*(int($0)/", width, ")):1:2:3 with rgbimage notitle");
}

}  // namespace norma::plot
