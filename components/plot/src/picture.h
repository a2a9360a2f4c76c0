// What gnuplot is given, and how it is started.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "norma/core/error.h"
#include "norma/core/tensor.h"

namespace norma::plot {

/// Numbers under a name: $data0, $data1, … for gnuplot.
struct Block {
  std::string name;
  std::vector<double> numbers;  // row by row
  std::size_t columns;
  bool is_scenery = false;  // colours made of numbers, of no use in a CSV
};

struct Picture {
  const char* op;
  std::string path;
  int width, height;
  std::vector<std::string> columns;  // of the CSV: of each block the first ones
  std::vector<Block> blocks = {};
  /// Adds blocks that are of use in the CSV alone, which is seldom written.
  std::function<void(Picture&)> complete = {};
  std::string script = {};  // gnuplot's commands, behind those that all pictures begin with
  std::string cells = {};   // rectangles for the place of an SVG's bitmap; "": it stays
};

bool is_svg(const Picture& picture);

/// Refuses a path that is no picture's, and sizes out of range.
void check_picture(const Picture& picture);
/// Draws it, or throws and leaves the numbers as CSV.
void draw(const Picture& picture);

/// A text of the user's for gnuplot: in double quotes, every sign but letters and spaces as its
/// octal number; the first `most` characters, as gnuplot takes minutes for a million. Terminals are
/// set not to look into texts any further.
std::string quoted(const std::string& text, int most = 500);
/// `font ",12"`: so many pixels high in both formats.
std::string font(const Picture& picture, double pixels);
/// `set name "text"`, nothing for "".
std::string setting(const char* name, const std::string& text);

struct Colour {
  uint8_t red, green, blue;
};
/// Okabe and Ito's, without yellow, which is pale on white.
inline constexpr std::array<Colour, 8> kColours = {{{0, 114, 178},
                                                    {213, 94, 0},
                                                    {0, 158, 115},
                                                    {204, 121, 167},
                                                    {230, 159, 0},
                                                    {86, 180, 233},
                                                    {110, 70, 30},
                                                    {0, 0, 0}}};
inline constexpr Colour kWhite = {255, 255, 255}, kBlack = {0, 0, 0};
/// `share` of the second colour, the rest of the first.
Colour mixed(Colour first, Colour second, double share);
/// `"#0072b2"`, quoted.
std::string quoted(Colour colour);

/// Pixels row by row from the top.
struct Canvas {
  int64_t width, height;
  std::vector<Colour> pixels;

  Canvas(int64_t columns, int64_t rows, Colour background)
      : width(columns),
        height(rows),
        pixels(static_cast<std::size_t>(rows * columns), background) {}
  Colour& at(int64_t x, int64_t y) { return pixels[static_cast<std::size_t>(y * width + x)]; }
};
/// Adds it for the drawing alone; returns the part of a plot command that draws it between these
/// limits, of which `top` is where its first row begins. A picture has one of them.
std::string plot_of(Picture& picture, const Canvas& canvas, double left, double right, double top,
                    double bottom);

/// The values as doubles, row by row.
std::vector<double> doubles_of(const Tensor& values);
/// Classes [n] of classes [n] or scores [n, C], all from 0 to classes - 1 where `classes` > 0.
std::vector<int64_t> classes_of(const char* op, const char* what, const Tensor& values,
                                int64_t classes);
/// `names[i]`, or i where there are none; refuses another number of names than `classes`.
std::vector<std::string> names_of(const char* op, const std::vector<std::string>& names,
                                  int64_t classes);

}  // namespace norma::plot
