#include "norma/data/transforms.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "norma/core/integers.h"
#include "norma/core/simd.h"
#include "norma/core/tensor_impl.h"
#include "norma/data/checked_batch.h"

namespace norma::data {

namespace detail {

// Only the calling thread works here: it is a DataLoader's worker as a rule, while the pool of
// threads belongs to the model.
Tensor checked_batch(const Tensor& batch, const char* op, bool images) {
  defined_impl(batch, op);
  const bool rank_fits = images ? batch.dim() == 4 : batch.dim() >= 2;
  if (!is_floating(batch.dtype()) || !rank_fits) {
    fail(op, "expected a floating batch ", images ? "[N, C, H, W]" : "[N, C, …]", ", got ",
         batch.dtype(), " ", batch.sizes(),
         is_floating(batch.dtype()) ? "" : "; convert_image_dtype() makes it floating");
  }
  return batch.detach().contiguous();
}

void check_probability(const char* op, double p) {
  if (!(p >= 0 && p <= 1)) fail(op, "expected a probability from 0 to 1, got ", p);
}

std::pair<int64_t, int64_t> drawn_stretch(int64_t cells, int64_t before, int64_t behind,
                                          Generator& generator) {
  const auto middle = static_cast<int64_t>(generator.below(static_cast<uint64_t>(cells)));
  const int64_t first = std::max<int64_t>(middle - before, 0);
  return {first, (behind > cells - middle ? cells : middle + behind) - first};
}

}  // namespace detail

using detail::checked_batch;

Tensor convert_image_dtype(const Tensor& images, DType dtype) {
  const char* op = "convert_image_dtype";
  defined_impl(images, op);
  if (!is_floating(dtype)) {
    fail(op, "expected kFloat32 or kFloat64 as the new dtype, got ", dtype);
  }
  if (is_floating(images.dtype())) return images.to(dtype);
  if (images.dtype() != kUInt8) {
    fail(op, "expected uint8 or floating images, got ", images.dtype(), " ", images.sizes(),
         "; to() converts without scaling");
  }
  const Tensor in = images.contiguous();
  Tensor out = new_tensor(in.sizes(), dtype);
  dispatch_floating(dtype, [&]<class T>() {
    const auto* x = in.data_ptr<uint8_t>();
    auto* y = out.data_ptr<T>();
    const int64_t n = in.numel();
    simd([=]() NORMA_INLINE {
      for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(x[i]) / T{255};
    });
  });
  return out;
}

Normalize::Normalize(std::vector<double> mean, std::vector<double> std)
    : mean_(std::move(mean)), std_(std::move(std)) {
  if (mean_.empty() || mean_.size() != std_.size()) {
    fail("Normalize", "expected one mean and one std per channel, got ", mean_.size(), " and ",
         std_.size());
  }
  for (const double m : mean_) {
    if (!std::isfinite(m)) fail("Normalize", "expected finite means, got ", m);
  }
  for (const double s : std_) {
    if (!(s > 0) || std::isinf(s)) {
      fail("Normalize", "expected every std above 0 and finite, got ", s);
    }
  }
}

Tensor Normalize::operator()(const Tensor& batch, Generator&) const {
  const Tensor in = checked_batch(batch, "Normalize", false);
  const int64_t channels = in.size(1);
  const auto given = static_cast<int64_t>(mean_.size());
  if (given != 1 && given != channels) {
    fail("Normalize", "expected a batch with ", given, " channels, got ", in.sizes());
  }
  Tensor out = new_tensor(in.sizes(), in.dtype());
  const int64_t planes = in.size(0) * channels;
  if (in.numel() == 0) return out;
  const int64_t plane = in.numel() / planes;
  dispatch_floating(in.dtype(), [&]<class T>() {
    for (int64_t p = 0; p < planes; ++p) {
      const auto c = static_cast<std::size_t>(given == 1 ? 0 : p % channels);
      const T mean = static_cast<T>(mean_[c]), std = static_cast<T>(std_[c]);
      const T* x = in.data_ptr<T>() + p * plane;
      T* y = out.data_ptr<T>() + p * plane;
      simd([=]() NORMA_INLINE {
        for (int64_t i = 0; i < plane; ++i) y[i] = (x[i] - mean) / std;
      });
    }
  });
  return out;
}

namespace {

// The pixel that pixel i of an image with its padding shows, of n.
int64_t shown_pixel(int64_t i, int64_t n, PaddingMode mode) {
  const int64_t last = n - 1;
  if (mode == PaddingMode::Replicate) return std::clamp<int64_t>(i, 0, last);
  return i < 0 ? -i : i > last ? 2 * last - i : i;
}

}  // namespace

RandomCrop::RandomCrop(const Shape& size, const RandomCropOptions& options)
    : fill_(options.fill), mode_(options.padding_mode) {
  const auto all = [](const Shape& values, int64_t least) {
    return std::all_of(values.begin(), values.end(), [=](int64_t v) { return v >= least; });
  };
  if ((size.size() != 1 && size.size() != 2) || !all(size, 1)) {
    fail("RandomCrop", "expected a size of one or two numbers (height, width) from 1, got ", size);
  }
  const Shape& p = options.padding;
  if ((p.size() != 1 && p.size() != 2 && p.size() != 4) || !all(p, 0)) {
    fail("RandomCrop", "expected a padding of one, two (left and right, top and bottom) or four ",
         "(left, top, right, bottom) numbers from 0, got ", p);
  }
  if (mode_ != PaddingMode::Constant && mode_ != PaddingMode::Reflect &&
      mode_ != PaddingMode::Replicate) {
    fail("RandomCrop", "expected PaddingMode::Constant, Reflect or Replicate");
  }
  height_ = size.front();
  width_ = size.back();
  left_ = p[0];
  top_ = p[p.size() == 1 ? 0 : 1];
  right_ = p.size() == 4 ? p[2] : left_;
  bottom_ = p.size() == 4 ? p[3] : top_;
}

Tensor RandomCrop::operator()(const Tensor& batch, Generator& generator) const {
  const Tensor in = checked_batch(batch, "RandomCrop", true);
  const int64_t count = in.size(0), channels = in.size(1), height = in.size(2), width = in.size(3);
  const auto padded = [](int64_t before, int64_t cells, int64_t behind) {
    return checked_padded("RandomCrop", "a padded image", before, cells, behind);
  };
  const int64_t tall = padded(top_, height, bottom_), wide = padded(left_, width, right_);
  if (height_ > tall || width_ > wide) {
    fail("RandomCrop", "expected images of at least ", Shape({height_, width_}), ", got ",
         Shape({tall, wide}), " with their padding; a larger .padding makes room");
  }
  const int64_t tallest = std::max(top_, bottom_), widest = std::max(left_, right_);
  const bool reflect = mode_ == PaddingMode::Reflect;
  if ((reflect && (tallest >= height || widest >= width)) ||
      (mode_ == PaddingMode::Replicate && (height == 0 || width == 0))) {
    fail("RandomCrop", "expected images ",
         reflect ? "larger than their padding" : "of at least one pixel", ", got ",
         Shape({height, width}), " and a padding of ", Shape({tallest, widest}));
  }
  Tensor out = new_tensor({count, channels, height_, width_}, in.dtype());
  if (out.numel() == 0) return out;
  dispatch_floating(in.dtype(), [&]<class T>() {
    const T fill = static_cast<T>(fill_);
    const T* image = in.data_ptr<T>();
    T* y = out.data_ptr<T>();
    for (int64_t n = 0; n < count; ++n) {
      // The window's corner in the image, which may lie in the padding.
      const auto draw = [&](int64_t room) {
        return static_cast<int64_t>(generator.below(static_cast<uint64_t>(room) + 1));
      };
      const int64_t first_row = draw(tall - height_) - top_;
      const int64_t first_col = draw(wide - width_) - left_;
      const int64_t before = std::clamp<int64_t>(-first_col, 0, width_);
      const int64_t after = std::clamp<int64_t>(first_col + width_ - width, 0, width_ - before);
      const int64_t inside = width_ - before - after;
      for (int64_t c = 0; c < channels; ++c, image += height * width) {
        for (int64_t r = first_row; r < first_row + height_; ++r, y += width_) {
          if (mode_ != PaddingMode::Constant) {
            const T* row = image + shown_pixel(r, height, mode_) * width;
            for (int64_t k = 0; k < width_; ++k) {
              y[k] = row[shown_pixel(first_col + k, width, mode_)];
            }
            continue;
          }
          if (r < 0 || r >= height || inside == 0) {
            std::fill_n(y, width_, fill);
            continue;
          }
          std::fill_n(y, before, fill);
          std::copy_n(image + r * width + first_col + before, inside, y + before);
          std::fill_n(y + before + inside, after, fill);
        }
      }
    }
  });
  return out;
}

namespace {

// Each image with probability p upside down, or left to right.
Tensor flipped(const Tensor& in, double p, Generator& generator, bool vertical) {
  const int64_t height = in.size(2), width = in.size(3), planes = in.size(1);
  Tensor out = new_tensor(in.sizes(), in.dtype());
  if (out.numel() == 0) return out;
  dispatch_floating(in.dtype(), [&]<class T>() {
    const T* x = in.data_ptr<T>();
    T* y = out.data_ptr<T>();
    for (int64_t n = 0; n < in.size(0); ++n) {
      const bool flip = generator.uniform() < p;
      for (int64_t r = 0; r < planes * height; ++r, y += width) {
        const int64_t row = flip && vertical ? r + height - 1 - 2 * (r % height) : r;
        const T* from = x + row * width;
        if (flip && !vertical) {
          std::reverse_copy(from, from + width, y);
        } else {
          std::copy_n(from, width, y);
        }
      }
      x += planes * height * width;
    }
  });
  return out;
}

}  // namespace

RandomHorizontalFlip::RandomHorizontalFlip(double p) : p_(p) {
  detail::check_probability("RandomHorizontalFlip", p);
}

Tensor RandomHorizontalFlip::operator()(const Tensor& batch, Generator& generator) const {
  return flipped(checked_batch(batch, "RandomHorizontalFlip", true), p_, generator, false);
}

RandomVerticalFlip::RandomVerticalFlip(double p) : p_(p) {
  detail::check_probability("RandomVerticalFlip", p);
}

Tensor RandomVerticalFlip::operator()(const Tensor& batch, Generator& generator) const {
  return flipped(checked_batch(batch, "RandomVerticalFlip", true), p_, generator, true);
}

}  // namespace norma::data
