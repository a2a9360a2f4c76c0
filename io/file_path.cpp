#include "norma/io/file_path.h"

#include <algorithm>
#include <climits>

#include "norma/core/error.h"

namespace norma {

void check_path(const char* op, const std::string& path) {
  if (path.empty()) fail(op, "expected the path of a file, got an empty one");
  if (path.find('\0') != std::string::npos)
    fail(op, shown_path(path), ": expected a path without zero bytes");
}

namespace {

bool is_plain(const std::string& path) {
  const auto unseen = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  return path.size() < PATH_MAX && std::none_of(path.begin(), path.end(), unseen);
}

}  // namespace

std::string shown_path(const std::string& path) { return is_plain(path) ? path : in_quotes(path); }

std::string quoted_path(const std::string& path) {
  return is_plain(path) ? text('"', path, '"') : in_quotes(path);
}

}  // namespace norma
