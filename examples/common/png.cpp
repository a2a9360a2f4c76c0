#include "png.h"

#include <norma/norma.h>
#include <zlib.h>

#include <fstream>

namespace example {

namespace {

void append_u32(std::string& out, uint64_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 255);
}

// A part of a PNG file: length, four letters, contents, checksum.
std::string chunk(const std::string& type, const std::string& contents) {
  const std::string body = type + contents;
  std::string out;
  append_u32(out, contents.size());
  out += body;
  append_u32(out,
             crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())));
  return out;
}

}  // namespace

void write_png(const std::string& path, int width, int height, const std::vector<uint8_t>& pixels) {
  const std::size_t row = 3 * static_cast<std::size_t>(width);
  if (width < 1 || height < 1 || pixels.size() != row * static_cast<std::size_t>(height)) {
    norma::fail("write_png", "expected three bytes for each of " + std::to_string(width) + " x " +
                                 std::to_string(height) + " pixels, got " +
                                 std::to_string(pixels.size()) + " bytes");
  }
  // Each row is stored as its difference from the one above (filter 2), which packs well.
  std::string rows;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    if (i % row == 0) rows += '\2';
    rows += static_cast<char>(pixels[i] - (i < row ? 0 : pixels[i - row]));
  }
  uLongf packed_size = compressBound(rows.size());
  std::string packed(packed_size, '\0');
  compress2(reinterpret_cast<Bytef*>(packed.data()), &packed_size,
            reinterpret_cast<const Bytef*>(rows.data()), rows.size(), Z_BEST_COMPRESSION);
  packed.resize(packed_size);

  std::string header;
  append_u32(header, static_cast<uint64_t>(width));
  append_u32(header, static_cast<uint64_t>(height));
  header += std::string("\x8\x2\0\0\0", 5);  // 8 bits per channel, red green blue, nothing special
  std::ofstream file(path, std::ios::binary);
  file << "\x89PNG\r\n\x1a\n"
       << chunk("IHDR", header) << chunk("IDAT", packed) << chunk("IEND", "");
  file.close();
  if (!file) norma::fail("write_png", "expected a place to write to, got \"" + path + "\"");
}

}  // namespace example
