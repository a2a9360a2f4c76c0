// Writes pictures as PNG. Not libpng: zlib is here already, and a PNG is no more than three chunks.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace example {

/// `pixels` holds rows from top to bottom, each pixel red, green, blue.
void write_png(const std::string& path, int width, int height, const std::vector<uint8_t>& pixels);

}  // namespace example
