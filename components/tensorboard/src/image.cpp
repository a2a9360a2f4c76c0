#include <png.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "contents.h"
#include "norma/autograd/grad_mode.h"
#include "norma/core/factory.h"

namespace norma::tensorboard {

namespace {

constexpr int64_t kPicturesInRow = 8;

/// The dimensions in the order of `wanted`, which are all that `formats` has.
Tensor arranged(const char* op, const Tensor& image, const std::string& dataformats,
                std::string_view wanted) {
  std::string formats = dataformats;
  for (char& c : formats) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::vector<int64_t> order;
  for (char c : wanted) {
    const std::size_t at = formats.find(c);
    if (at == std::string::npos || formats.size() != wanted.size())
      fail(op, "expected dataformats of H and W, with C, and with N and C, in any order, got ",
           in_quotes(dataformats));
    order.push_back(static_cast<int64_t>(at));
  }
  if (image.dim() != static_cast<int64_t>(formats.size()))
    fail(op, "expected an image of the dimensions ", formats, ", got shape ", image.sizes());
  return image.permute(order);
}

/// N pictures [N, C, H, W] as one [C, rows * H, columns * W].
Tensor grid_of(const char* op, const Tensor& pictures) {
  const int64_t n = pictures.size(0), c = pictures.size(1);
  const int64_t h = pictures.size(2), w = pictures.size(3);
  if (c != 1 && c != 3) fail(op, "expected pictures of 1 or 3 channels, got ", c);
  if (n == 0) fail(op, "expected at least one picture, got none");
  const int64_t columns = std::min(n, kPicturesInRow), rows = (n + columns - 1) / columns;
  Tensor grid = zeros({c, rows * h, columns * w}, {.dtype = pictures.dtype()});
  for (int64_t i = 0; i < n; ++i)
    grid.narrow(1, i / columns * h, h).narrow(2, i % columns * w, w).copy_(pictures.select(0, i));
  return grid;
}

std::string png_of(const char* op, const std::vector<uint8_t>& pixels, int64_t height,
                   int64_t width, bool has_alpha) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = has_alpha ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB;
  std::string png;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  png.resize(size);
  if (!png_image_write_to_memory(&image, png.data(), &size, 0, pixels.data(), 0, nullptr))
    fail(op, "cannot write the picture as PNG: ", image.message);
  png.resize(size);
  return png;
}

}  // namespace

Summary::Image image_of(const char* op, const Tensor& image, const std::string& dataformats) {
  const NoGradGuard no_grad;
  if (!image.defined()) fail(op, "expected an image, got an undefined tensor");
  const bool many = dataformats.size() == 4, coloured = many || dataformats.size() == 3;
  Tensor x = arranged(op, image.detach(), dataformats, many ? "NCHW" : coloured ? "CHW" : "HW");
  if (many) x = grid_of(op, x);
  if (!coloured) x = x.unsqueeze(0);
  const int64_t channels = x.size(0), height = x.size(1), width = x.size(2);
  if (channels != 1 && channels != 3 && channels != 4)
    fail(op, "expected an image of 1, 3 or 4 channels, got ", channels);
  constexpr int64_t kLongest = 65500;
  if (height < 1 || width < 1 || height > kLongest || width > kLongest)
    fail(op, "expected an image of 1 to ", kLongest, " rows and columns, got ", height, " x ",
         width);

  const float scale = x.dtype() == kUInt8 ? 1 : 255;
  const Tensor values = x.permute({1, 2, 0}).to(kFloat32).contiguous();
  const float* next = values.data_ptr<float>();
  const int64_t shown = channels == 1 ? 3 : channels;
  std::vector<uint8_t> pixels(static_cast<std::size_t>(height * width * shown));
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const float value = *next * scale;
    pixels[i] = value >= 255 ? 255 : value > 0 ? static_cast<uint8_t>(value) : 0;
    if (channels != 1 || i % 3 == 2) ++next;
  }
  Summary::Image result;
  result.set_height(static_cast<int32_t>(height));
  result.set_width(static_cast<int32_t>(width));
  result.set_colorspace(static_cast<int32_t>(shown));
  result.set_encoded_image_string(png_of(op, pixels, height, width, shown == 4));
  return result;
}

}  // namespace norma::tensorboard
