// Reads a file from front to back, plain or gzip. For the readers of this folder.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace norma::data::detail {

/// Gzip is told from plain by the first bytes, not by the name. Every error is a `norma::Error`
/// that begins with the operation given and ends with the path.
class FileReader {
 public:
  FileReader(const char* op, std::string path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  bool compressed() const;
  /// Bytes on the disk: of the contents if plain, of their compressed form otherwise.
  uint64_t disk_bytes() const;
  /// The most bytes that the contents can have: deflate packs at most 1032 bytes into one. Checked
  /// before memory is set aside for what a header promises.
  uint64_t max_bytes() const;

  /// Up to `count` bytes; fewer only at the end of the file. Gzip data that are cut short, corrupt
  /// or followed by something else are refused.
  std::size_t read(void* out, std::size_t count);
  /// The rest of the file, which must not exceed `limit` bytes.
  std::string read_rest(uint64_t limit);

  /// Throws `[op] message in "path"` and, where given, `; hint`.
  [[noreturn]] void refuse(const std::string& message, const std::string& hint = "") const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace norma::data::detail
