// The JSON header of a safetensors file. For Norma's own sources.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "norma/core/error.h"

namespace norma::safetensors {

/// No larger header is read or written.
inline constexpr uint64_t kMaxHeaderBytes = 100'000'000;

/// One tensor of the file; bytes [begin, end) of the data that follow the header.
struct Entry {
  std::string name, dtype;
  std::vector<uint64_t> shape;
  uint64_t begin = 0, end = 0;
  std::string problem = {};  ///< what is wrong with it, "" for nothing
};

struct Header {
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
};

/// Bits per element of a dtype of the format, 0 for an unknown one; and its place in the order in
/// which writers sort (largest first).
int dtype_bits(std::string_view dtype);
int dtype_rank(std::string_view dtype);

/// Reads and checks a header that is followed by `data_bytes` bytes; entries come back in the order
/// of their bytes, those that do not fit their bytes, lie beyond the end or overlap with a problem.
/// Dtypes and numbers of dimensions may be any; of an unknown dtype, only the place of its bytes is
/// checked. Throws `[safetensors] path: …` for what concerns the whole header.
Header parse_header(std::string_view json, uint64_t data_bytes, const std::string& path);

/// The header in JSON, padded with spaces to a multiple of 8 bytes.
std::string format_header(const Header& header, const std::string& path);

/// "[2, 3]"; of more than 9 dimensions, the first 9 and how many more.
std::string shape_text(const std::vector<uint64_t>& shape);

/// Throws `[safetensors] path: message`, the message made of `pieces`.
[[noreturn]] void refuse(const std::string& path, const auto&... pieces) {
  fail("safetensors", path, ": ", pieces...);
}

}  // namespace norma::safetensors
