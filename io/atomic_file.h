// Writing a file so that a reader sees the old one or the new one, never a part. For Norma's own
// sources.
#pragma once
#include <cstdint>
#include <string>

#include "norma/core/platform/files.h"

namespace norma {

/// A new file in the folder of `path`, which takes the place of `path` on `commit()`: after all
/// bytes are on the disk, by one rename. Without `commit()` it is removed, and an existing file at
/// `path` stays as it was. Any number of threads and processes may do so at once: one of them comes
/// last.
///
/// Links are followed, also to a file that is not there yet. Mode, owner and group of an old file
/// are kept as far as the process may set them. A read-only file is not replaced. Of hard links,
/// this name gets the new file and the others keep the old one.
///
/// Until then the file is called ".norma-save-….tmp" and locked. What a process that was killed
/// left behind has such a name and no lock: the next AtomicFile in its folder removes it. Every
/// failure throws `[op] path: …` with the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path, const char* op = "save");
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t size);
  /// Returns the new file, which others find locked as long as it is kept.
  platform::File commit();

 private:
  void find_target();
  void remove_leftovers() const;
  [[noreturn]] void refuse(const std::string& action, int error, const char* hint = "") const;

  const char* const op_;
  std::string path_;         // as the user gave it
  platform::Folder folder_;  // where links led to, whatever the process calls it by now
  std::string name_;         // in the folder
  std::string temporary_;    // "" when there is none
  platform::File file_;      // open as long as there is a temporary, which it keeps locked
  uint64_t written_ = 0;
};

}  // namespace norma
