#include "norma/data/augment.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norma/core/elementary.h"
#include "norma/core/tensor_impl.h"
#include "norma/data/checked_batch.h"
#include "norma/data/portable_math.h"

namespace norma::data {

using detail::check_probability, detail::checked_batch;

namespace {

double unit(double x) { return std::clamp(x, 0.0, 1.0); }

double draw(const Spread& range, Generator& generator) {
  return range.low + (range.high - range.low) * generator.uniform();
}

Tensor coloured_batch(const Tensor& images, const char* op) {
  Tensor in = checked_batch(images, op, true);
  if (in.size(1) != 1 && in.size(1) != 3) {
    fail(op, "expected images with 1 or 3 channels, got ", in.sizes());
  }
  return in;
}

void check_values(const char* op, const char* what, const std::vector<double>& values,
                  int64_t channels) {
  if (values.size() != 1 && static_cast<int64_t>(values.size()) != channels) {
    fail(op, "expected one ", what, ", or one for each of ", channels, " channels, got ",
         values.size());
  }
}

double value_of(const std::vector<double>& values, int64_t channel) {
  return values[values.size() == 1 ? 0 : static_cast<std::size_t>(channel)];
}

// f(image n of the result, its planes, its number) for a copy of the batch.
template <class F>
Tensor each_image(const Tensor& in, const F& f) {
  Tensor out = in.clone();
  if (out.numel() == 0) return out;
  const int64_t cells = in.numel() / in.size(0);
  dispatch_floating(in.dtype(), [&]<class T>() {
    for (int64_t n = 0; n < in.size(0); ++n) f(out.data_ptr<T>() + n * cells, n);
  });
  return out;
}

// Planes of `cells` pixels, one channel or three.
struct Planes {
  int64_t channels, cells;
  explicit Planes(const Tensor& in) : channels(in.size(1)), cells(in.size(2) * in.size(3)) {}

  template <class T>
  double grey(const T* x, int64_t i) const {
    const auto at = [&](int64_t c) { return static_cast<double>(x[c * cells + i]); };
    return channels == 1 ? at(0) : 0.2989 * at(0) + 0.587 * at(1) + 0.114 * at(2);
  }
};

template <class T>
void brighten(T* x, const Planes& planes, double factor) {
  for (int64_t i = 0; i < planes.channels * planes.cells; ++i) {
    x[i] = static_cast<T>(unit(factor * static_cast<double>(x[i])));
  }
}

template <class T>
void contrast(T* x, const Planes& planes, double factor) {
  double sum = 0;
  for (int64_t i = 0; i < planes.cells; ++i) sum += planes.grey(x, i);
  const double rest = (1 - factor) * (sum / static_cast<double>(planes.cells));
  for (int64_t i = 0; i < planes.channels * planes.cells; ++i) {
    x[i] = static_cast<T>(unit(factor * static_cast<double>(x[i]) + rest));
  }
}

template <class T>
void saturate(T* x, const Planes& planes, double factor) {
  if (planes.channels == 1) return;
  for (int64_t i = 0; i < planes.cells; ++i) {
    const double rest = (1 - factor) * planes.grey(x, i);
    for (T* v = x + i; v < x + 3 * planes.cells; v += planes.cells) {
      *v = static_cast<T>(unit(factor * static_cast<double>(*v) + rest));
    }
  }
}

// To hue, saturation and value, and back.
template <class T>
void turn_hue(T* x, const Planes& planes, double shift) {
  if (planes.channels == 1) return;
  for (int64_t i = 0; i < planes.cells; ++i) {
    T* at[3] = {x + i, x + i + planes.cells, x + i + 2 * planes.cells};
    const auto r = static_cast<double>(*at[0]), g = static_cast<double>(*at[1]),
               b = static_cast<double>(*at[2]);
    const double most = std::max({r, g, b}), width = most - std::min({r, g, b});
    double hue = 0, saturation = 0;
    if (width > 0) {
      saturation = width / most;
      hue = most == r ? (g - b) / width : most == g ? 2 + (b - r) / width : 4 + (r - g) / width;
    }
    hue = hue / 6 + 1 + shift;
    hue = (hue - std::floor(hue)) * 6;
    const double sector = std::floor(hue), f = hue - sector;
    const double p = unit(most * (1 - saturation)), q = unit(most * (1 - saturation * f));
    const double t = unit(most * (1 - saturation * (1 - f)));
    const double colours[6][3] = {{most, t, p}, {q, most, p}, {p, most, t},
                                  {p, q, most}, {t, p, most}, {most, p, q}};
    // Not a number becomes the first sector, and stays none.
    const int64_t k = sector >= 0 ? static_cast<int64_t>(sector) % 6 : 0;
    for (int c = 0; c < 3; ++c) *at[c] = static_cast<T>(colours[k][c]);
  }
}

template <class T>
void to_grey(T* x, const Planes& planes) {
  for (int64_t i = 0; i < planes.cells; ++i) {
    const T grey = static_cast<T>(planes.grey(x, i));
    for (int64_t c = 0; c < planes.channels; ++c) x[c * planes.cells + i] = grey;
  }
}

void check_factor(const char* op, double factor) {
  if (!(factor >= 0) || std::isinf(factor)) {
    fail(op, "expected a factor from 0, finite, got ", factor);
  }
}

void check_angle(const char* op, double angle) {
  if (!std::isfinite(angle)) fail(op, "expected a finite angle in degrees, got ", angle);
}

void check_rotation(const char* op, const RotateOptions& options) {
  if (options.interpolation != Interpolation::Nearest &&
      options.interpolation != Interpolation::Bilinear) {
    fail(op, "expected Interpolation::Nearest or Bilinear");
  }
  if (!options.center.empty() && options.center.size() != 2) {
    fail(op, "expected a center of two numbers, x and y, got ", options.center.size());
  }
  for (const double at : options.center) {
    if (!std::isfinite(at)) fail(op, "expected a finite center, got ", at);
  }
}

template <class T>
void rotate_image(const T* x, T* y, const Tensor& in, double angle, const RotateOptions& options) {
  const int64_t channels = in.size(1), height = in.size(2), width = in.size(3);
  const double middle_x = static_cast<double>(width - 1) / 2;
  const double middle_y = static_cast<double>(height - 1) / 2;
  // A centre is measured from the corner of the first pixel, places from its middle.
  const double center_x = options.center.empty() ? middle_x : options.center[0] - 0.5;
  const double center_y = options.center.empty() ? middle_y : options.center[1] - 0.5;
  const detail::SinCos turn = detail::sincos_turns(std::fmod(angle, 360) / 360);
  const auto inside = [&](double row, double col) {
    return row >= 0 && col >= 0 && row < static_cast<double>(height) &&
           col < static_cast<double>(width);
  };
  const int64_t cells = height * width;
  for (int64_t r = 0; r < height; ++r) {
    for (int64_t c = 0; c < width; ++c, ++y) {
      const double right = static_cast<double>(c) - center_x;
      const double down = static_cast<double>(r) - center_y;
      const double col = turn.cos * right - turn.sin * down + center_x;
      const double row = turn.sin * right + turn.cos * down + center_y;
      if (options.interpolation == Interpolation::Nearest) {
        const double near_row = std::nearbyint(row), near_col = std::nearbyint(col);
        const bool within = inside(near_row, near_col);
        const int64_t from =
            within ? static_cast<int64_t>(near_row) * width + static_cast<int64_t>(near_col) : 0;
        for (int64_t k = 0; k < channels; ++k) {
          y[k * cells] = within ? x[k * cells + from] : static_cast<T>(value_of(options.fill, k));
        }
        continue;
      }
      const double first_row = std::floor(row), first_col = std::floor(col);
      double weights[4], mass = 0;
      int64_t from[4];
      int taken = 0;
      for (int corner = 0; corner < 4; ++corner) {
        const double at_row = first_row + (corner < 2 ? 0 : 1), at_col = first_col + corner % 2;
        if (!inside(at_row, at_col)) continue;
        weights[taken] = (1 - std::abs(row - at_row)) * (1 - std::abs(col - at_col));
        from[taken] = static_cast<int64_t>(at_row) * width + static_cast<int64_t>(at_col);
        mass += weights[taken++];
      }
      for (int64_t k = 0; k < channels; ++k) {
        double value = 0;
        for (int i = 0; i < taken; ++i) {
          if (weights[i] != 0) value += weights[i] * static_cast<double>(x[k * cells + from[i]]);
        }
        y[k * cells] = static_cast<T>(value * mass + (1 - mass) * value_of(options.fill, k));
      }
    }
  }
}

// Every image by an angle() of its own.
template <class Angle>
Tensor rotated(const char* op, const Tensor& in, const RotateOptions& options, const Angle& angle) {
  check_values(op, "fill", options.fill, in.size(1));
  const int64_t cells = in.numel() == 0 ? 0 : in.numel() / in.size(0);
  return each_image(in, [&]<class T>(T* y, int64_t n) {
    rotate_image(in.data_ptr<T>() + n * cells, y, in, angle(), options);
  });
}

// value(channel) for each pixel of the rectangle.
template <class T, class F>
void erase_part(T* x, const Tensor& in, int64_t i, int64_t j, int64_t h, int64_t w,
                const F& value) {
  const int64_t height = in.size(2), width = in.size(3);
  for (int64_t c = 0; c < in.size(1); ++c) {
    for (int64_t r = i; r < i + h; ++r) {
      T* row = x + (c * height + r) * width + j;
      for (int64_t k = 0; k < w; ++k) row[k] = static_cast<T>(value(c));
    }
  }
}

}  // namespace

Tensor rgb_to_grayscale(const Tensor& images, int64_t num_output_channels) {
  const char* op = "rgb_to_grayscale";
  const Tensor in = coloured_batch(images, op);
  if (num_output_channels != 1 && num_output_channels != 3) {
    fail(op, "expected 1 or 3 output channels, got ", num_output_channels);
  }
  const Planes planes(in);
  Tensor out = new_tensor({in.size(0), num_output_channels, in.size(2), in.size(3)}, in.dtype());
  if (out.numel() == 0) return out;
  dispatch_floating(in.dtype(), [&]<class T>() {
    const T* x = in.data_ptr<T>();
    T* y = out.data_ptr<T>();
    for (int64_t n = 0; n < in.size(0); ++n, x += planes.channels * planes.cells) {
      for (int64_t c = 0; c < num_output_channels; ++c) {
        for (int64_t i = 0; i < planes.cells; ++i) *y++ = static_cast<T>(planes.grey(x, i));
      }
    }
  });
  return out;
}

Tensor adjust_brightness(const Tensor& images, double factor) {
  const Tensor in = coloured_batch(images, "adjust_brightness");
  check_factor("adjust_brightness", factor);
  const Planes planes(in);
  return each_image(in, [&](auto* x, int64_t) { brighten(x, planes, factor); });
}

Tensor adjust_contrast(const Tensor& images, double factor) {
  const Tensor in = coloured_batch(images, "adjust_contrast");
  check_factor("adjust_contrast", factor);
  const Planes planes(in);
  return each_image(in, [&](auto* x, int64_t) { contrast(x, planes, factor); });
}

Tensor adjust_saturation(const Tensor& images, double factor) {
  const Tensor in = coloured_batch(images, "adjust_saturation");
  check_factor("adjust_saturation", factor);
  const Planes planes(in);
  return each_image(in, [&](auto* x, int64_t) { saturate(x, planes, factor); });
}

Tensor adjust_hue(const Tensor& images, double shift) {
  const Tensor in = coloured_batch(images, "adjust_hue");
  if (!(shift >= -0.5 && shift <= 0.5)) {
    fail("adjust_hue", "expected a shift from -0.5 to 0.5, got ", shift);
  }
  const Planes planes(in);
  return each_image(in, [&](auto* x, int64_t) { turn_hue(x, planes, shift); });
}

Tensor rotate(const Tensor& images, double angle, const RotateOptions& options) {
  const Tensor in = checked_batch(images, "rotate", true);
  check_angle("rotate", angle);
  check_rotation("rotate", options);
  return rotated("rotate", in, options, [=] { return angle; });
}

Tensor erase(const Tensor& images, int64_t i, int64_t j, int64_t h, int64_t w,
             const std::vector<double>& value) {
  const Tensor in = checked_batch(images, "erase", true);
  const int64_t height = in.size(2), width = in.size(3);
  if (detail::is_outside(i, h, height) || detail::is_outside(j, w, width)) {
    fail("erase", "expected a rectangle within ", Shape({height, width}), ", got ", h, " by ", w,
         " from ", i, ", ", j, " on");
  }
  check_values("erase", "value", value, in.size(1));
  return each_image(in, [&](auto* x, int64_t) {
    erase_part(x, in, i, j, h, w, [&](int64_t c) { return value_of(value, c); });
  });
}

RandomRotation::RandomRotation(Spread degrees, RotateOptions options)
    : degrees_(degrees), options_(std::move(options)) {
  const char* op = "RandomRotation";
  check_angle(op, degrees_.low);
  check_angle(op, degrees_.high);
  if (!degrees_.is_range) {
    if (degrees_.high < 0) fail(op, "expected degrees from 0, or a range, got ", degrees_.high);
    degrees_ = {-degrees_.high, degrees_.high};
  }
  if (degrees_.low > degrees_.high || std::isinf(degrees_.high - degrees_.low)) {
    fail(op, "expected a range {low, high} of degrees, got ", degrees_.low, " and ", degrees_.high);
  }
  check_rotation(op, options_);
}

Tensor RandomRotation::operator()(const Tensor& batch, Generator& generator) const {
  const Tensor in = checked_batch(batch, "RandomRotation", true);
  return rotated("RandomRotation", in, options_, [&] { return draw(degrees_, generator); });
}

ColorJitter::ColorJitter(const ColorJitterOptions& options)
    : ranges_{options.brightness, options.contrast, options.saturation, options.hue} {
  const char* names[] = {"brightness", "contrast", "saturation", "hue"};
  for (std::size_t k = 0; k < 4; ++k) {
    Spread& range = ranges_[k];
    const bool hue = k == 3;
    if (!range.is_range) {
      const double b = range.high;
      if (!(b >= 0) || std::isinf(b)) {
        fail("ColorJitter", "expected a ", names[k], " from 0, or a range, got ", b);
      }
      range = hue ? Spread(-b, b) : Spread(std::max(0.0, 1 - b), 1 + b);
    }
    const double least = hue ? -0.5 : 0;
    if (!(range.low >= least && range.low <= range.high) || std::isinf(range.high) ||
        (hue && range.high > 0.5)) {
      fail("ColorJitter", "expected a range of ", names[k],
           hue ? " within -0.5 and 0.5" : " from 0, finite", ", got ", range.low, " and ",
           range.high);
    }
  }
}

Tensor ColorJitter::operator()(const Tensor& batch, Generator& generator) const {
  const Tensor in = coloured_batch(batch, "ColorJitter");
  const Planes planes(in);
  return each_image(in, [&](auto* x, int64_t) {
    std::size_t order[4] = {0, 1, 2, 3};
    for (std::size_t k = 3; k > 0; --k) std::swap(order[k], order[generator.below(k + 1)]);
    double amounts[4];
    for (std::size_t k = 0; k < 4; ++k) amounts[k] = draw(ranges_[k], generator);
    for (const std::size_t k : order) {
      const double still = k == 3 ? 0 : 1;
      if (ranges_[k].low == still && ranges_[k].high == still) continue;
      if (k == 0) brighten(x, planes, amounts[k]);
      if (k == 1) contrast(x, planes, amounts[k]);
      if (k == 2) saturate(x, planes, amounts[k]);
      if (k == 3) turn_hue(x, planes, amounts[k]);
    }
  });
}

Grayscale::Grayscale(int64_t num_output_channels) : channels_(num_output_channels) {
  if (channels_ != 1 && channels_ != 3) {
    fail("Grayscale", "expected 1 or 3 output channels, got ", channels_);
  }
}

Tensor Grayscale::operator()(const Tensor& batch, Generator&) const {
  return rgb_to_grayscale(coloured_batch(batch, "Grayscale"), channels_);
}

RandomGrayscale::RandomGrayscale(double p) : p_(p) { check_probability("RandomGrayscale", p); }

Tensor RandomGrayscale::operator()(const Tensor& batch, Generator& generator) const {
  const Tensor in = coloured_batch(batch, "RandomGrayscale");
  const Planes planes(in);
  return each_image(in, [&](auto* x, int64_t) {
    if (generator.uniform() < p_) to_grey(x, planes);
  });
}

RandomErasing::RandomErasing(RandomErasingOptions options) : options_(std::move(options)) {
  const char* op = "RandomErasing";
  check_probability(op, options_.p);
  const auto& [least, most] = options_.scale;
  if (!(least >= 0 && least <= most && most <= 1)) {
    fail(op, "expected a scale {low, high} within 0 and 1, got ", least, " and ", most);
  }
  const auto& [flat, tall] = options_.ratio;
  if (!(flat > 0 && flat <= tall) || std::isinf(tall)) {
    fail(op, "expected a ratio {low, high} above 0 and finite, got ", flat, " and ", tall);
  }
  if (options_.value.empty()) fail(op, "expected a value, got none");
}

Tensor RandomErasing::operator()(const Tensor& batch, Generator& generator) const {
  const Tensor in = checked_batch(batch, "RandomErasing", true);
  check_values("RandomErasing", "value", options_.value, in.size(1));
  const auto height = static_cast<double>(in.size(2)), width = static_cast<double>(in.size(3));
  const Spread scale(options_.scale.first, options_.scale.second);
  const Spread ratio(elementary::log(options_.ratio.first), elementary::log(options_.ratio.second));
  return each_image(in, [&](auto* x, int64_t) {
    if (generator.uniform() >= options_.p) return;
    for (int attempt = 0; attempt < 10; ++attempt) {
      const double area = height * width * draw(scale, generator);
      const double aspect = elementary::exp(draw(ratio, generator));
      const double tall = std::nearbyint(std::sqrt(area * aspect));
      const double wide = std::nearbyint(std::sqrt(area / aspect));
      if (!(tall < height && wide < width)) continue;
      const auto h = static_cast<int64_t>(tall), w = static_cast<int64_t>(wide);
      const auto i =
          static_cast<int64_t>(generator.below(static_cast<uint64_t>(in.size(2) - h) + 1));
      const auto j =
          static_cast<int64_t>(generator.below(static_cast<uint64_t>(in.size(3) - w) + 1));
      erase_part(x, in, i, j, h, w, [&](int64_t c) {
        return options_.noise ? generator.normal() : value_of(options_.value, c);
      });
      return;
    }
  });
}

Cutout::Cutout(int64_t length, CutoutOptions options)
    : length_(length), options_(std::move(options)) {
  if (length_ < 1) fail("Cutout", "expected a length from 1, got ", length_);
  if (options_.holes < 1 || options_.holes > 1000) {
    fail("Cutout", "expected from 1 to 1000 holes, got ", options_.holes);
  }
  if (options_.value.empty()) fail("Cutout", "expected a value, got none");
}

Tensor Cutout::operator()(const Tensor& batch, Generator& generator) const {
  const Tensor in = checked_batch(batch, "Cutout", true);
  check_values("Cutout", "value", options_.value, in.size(1));
  const auto part = [&](int64_t cells) {
    return detail::drawn_stretch(cells, length_ / 2, length_ - length_ / 2, generator);
  };
  return each_image(in, [&](auto* x, int64_t) {
    for (int64_t hole = 0; hole < options_.holes; ++hole) {
      const std::pair<int64_t, int64_t> rows = part(in.size(2)), columns = part(in.size(3));
      erase_part(x, in, rows.first, columns.first, rows.second, columns.second,
                 [&](int64_t c) { return value_of(options_.value, c); });
    }
  });
}

}  // namespace norma::data
