// Reading a file at any place, and errors that name it. For Norma's own sources.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "norma/core/error.h"

namespace norma {

/// A regular file, open for reading. Every failure throws `[op] path: …`.
class InputFile {
 public:
  InputFile(const char* op, const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  uint64_t size() const { return size_; }
  /// Fills `data` with the `count` bytes from `offset` on, all of which must be there.
  void read(void* data, uint64_t offset, uint64_t count) const;
  /// The first bytes, at most `count`.
  std::string head(uint64_t count) const;
  [[noreturn]] void refuse(const auto&... pieces) const { fail(op_, path_, ": ", pieces...); }

 private:
  const char* op_;
  std::string path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

/// Runs `body`; an Error comes out as `[op] path: its message`.
template <class F>
auto with_file_name(const char* op, const std::string& path, F&& body) {
  try {
    return body();
  } catch (const Error& error) {
    const std::string_view what = error.what();
    fail(op, path, ": ", what.substr(error.op().size() + 3));  // without "[op] "
  }
}

}  // namespace norma
