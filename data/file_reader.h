// Reads a file from front to back, plain or gzip. For the readers of this folder.
#pragma once
#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "norma/core/platform/files.h"

namespace norma::data::detail {

/// Gzip is told from plain by the first bytes, not by the name. Every error is a `norma::Error`
/// that begins with the operation given and ends with the path.
class FileReader {
 public:
  FileReader(const char* op, const std::string& path);
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  bool compressed() const { return compressed_; }
  /// Bytes on the disk: of the contents if plain, of their compressed form otherwise.
  uint64_t disk_bytes() const { return disk_bytes_; }
  /// The most bytes that the contents can have: deflate packs at most 1032 bytes into one. Checked
  /// before memory is set aside for what a header promises.
  uint64_t max_bytes() const { return compressed_ ? disk_bytes_ * 1032 : disk_bytes_; }

  /// Up to `count` bytes; fewer only at the end of the file. Gzip data that are cut short, corrupt
  /// or followed by something else are refused.
  std::size_t read(void* out, std::size_t count);
  /// The rest of the file, which must not exceed `limit` bytes; `hint` says what to do if it does.
  std::string read_rest(uint64_t limit, const std::string& hint = "");
  /// The first bytes of the contents, at most 512; `read` begins with them all the same.
  const std::string& head() const { return head_; }
  /// Refuses contents that `foreign_file` knows to be something else than `expected`.
  void refuse_foreign(const char* expected) const;

  /// Throws `[op] message in "path"` and, where given, `; hint`.
  [[noreturn]] void refuse(const std::string& message, const std::string& hint = "") const;

 private:
  bool fill();
  std::size_t decode(unsigned char* out, std::size_t count);
  std::size_t copy(unsigned char* out, std::size_t count);
  std::size_t inflate(unsigned char* out, std::size_t count);

  const char* op_;
  std::string path_, shown_;
  platform::File file_;
  uint64_t disk_bytes_ = 0, next_ = 0;  // its size, and where to read on
  bool compressed_ = false;
  bool finished_ = false;  // the last gzip member ended
  std::string head_;
  std::size_t head_read_ = 0;  // how much of it `read` has handed out

  std::vector<unsigned char> buffer_;  // not on the stack, of which a thread may have little
  // Ends also where the constructor of the reader throws.
  struct Stream : z_stream {
    Stream() : z_stream{} {}
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() { inflateEnd(this); }
  };
  Stream stream_;  // its next_in and avail_in: what of the buffer was not yet used
};

}  // namespace norma::data::detail
