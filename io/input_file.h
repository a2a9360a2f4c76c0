// Reading a file at any place, and errors that name it. For Norma's own sources.
#pragma once
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "norma/core/error.h"
#include "norma/core/platform/files.h"
#include "norma/io/file_path.h"

namespace norma {

/// A file, or bytes in memory, which must live as long as they are read.
struct Source {
  std::string name;  ///< the path, or for messages only
  std::optional<std::span<const std::byte>> bytes = {};
};

Source in_memory(std::span<const std::byte> bytes);
Source in_stream(const std::string& bytes);
/// All that the stream still has, for `in_stream`.
std::string rest_of(const char* op, std::istream& stream);

/// A regular file, open for reading, or bytes in memory. Every failure throws `[op] name: …`.
class InputFile {
 public:
  /// What a file may cost, in bytes of memory and in steps of work: so many times its size, and
  /// what small files may cost besides.
  static constexpr uint64_t kCostFactor = 200, kFreeCost = 16 << 20;

  InputFile(const char* op, const Source& source);
  InputFile(const char* op, const std::string& path) : InputFile(op, Source{path}) {}

  const std::string& name() const { return name_; }
  uint64_t size() const { return size_; }
  /// Fills `data` with the `count` bytes from `offset` on, all of which must be there.
  void read(void* data, uint64_t offset, uint64_t count) const;
  /// The first bytes, at most `count`.
  std::string head(uint64_t count) const;
  /// To be called before memory is taken, or work done, that a few bytes of the file can ask for;
  /// refuses files that ask for more than they may cost.
  void spend(uint64_t cost) const {
    if (cost > left_) refuse_cost();
    left_ -= cost;
  }
  [[noreturn]] void refuse(const auto&... pieces) const {
    fail(op_, shown_path(name_), ": ", pieces...);
  }
  /// What errors are about from now on.
  void set_op(const char* op) { op_ = op; }

 private:
  void open();
  [[noreturn]] void refuse_cost() const;

  const char* op_;
  std::string name_;
  const std::byte* memory_ = nullptr;  // null for a file
  platform::File file_;
  uint64_t size_ = 0;
  mutable uint64_t left_ = 0;  // of what it may cost
};

/// Runs `body`; an Error comes out as `[op] path: its message`.
template <class F>
auto with_file_name(const char* op, const std::string& path, F&& body) {
  try {
    return body();
  } catch (const Error& error) {
    const std::string_view what = error.what();
    fail(op, shown_path(path), ": ", what.substr(error.op().size() + 3));  // without "[op] "
  }
}

}  // namespace norma
