// Writing a file so that a reader sees the old one or the new one, never a part. For Norma's own
// sources.
#pragma once
#include <cstddef>
#include <string>

namespace norma {

/// A new file beside `path`, which takes its place on `commit()`: after all bytes are on the disk,
/// by one rename. Without `commit()` it is removed, and an existing file at `path` stays as it was.
/// A symbolic link is followed. Every failure throws `[save] path: …` with the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t size);
  void commit();

 private:
  [[noreturn]] void refuse(const std::string& action, int error) const;

  std::string path_;       // as the user gave it
  std::string target_;     // without links
  std::string temporary_;  // "" when there is none
  int descriptor_ = -1;
};

}  // namespace norma
