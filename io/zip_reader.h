// Reading zip archives: stored and deflated entries, ZIP64. For Norma's own sources. Not libzip or
// minizip: one dependency more, and limits for hostile files would still have to be checked here.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "norma/io/input_file.h"

namespace norma {

struct ZipEntry {
  std::string name;
  uint64_t size = 0;         ///< of the contents
  uint64_t packed_size = 0;  ///< in the file
  uint64_t header = 0;       ///< where its local header starts
  uint64_t data = 0;         ///< where its bytes start
  uint32_t crc = 0;
  uint16_t method = 0;  ///< 0 stored, 8 deflated
  uint16_t flags = 0;
  const char* problem = nullptr;  ///< why it cannot be read, "appears twice"; null for none
};

/// The directory of an archive, all of it checked against the length of the file: entries lie
/// inside, share no byte and no name, and their local headers agree; those for which this is not so
/// have a `problem`. Memory is reserved for the directory alone, and only as much as the file has.
/// Sizes are those of the directory, so that entries with a data descriptor need none. `file` must
/// outlive it.
class ZipArchive {
 public:
  explicit ZipArchive(const InputFile& file);
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  const InputFile& file() const { return file_; }
  const std::vector<ZipEntry>& entries() const { return entries_; }
  /// Null when there is no such entry.
  const ZipEntry* find(const std::string& name) const;

 private:
  void read_directory(uint64_t start, uint64_t bytes, uint64_t count);
  void find_data(ZipEntry& entry, uint64_t directory_start) const;
  void check_places(uint64_t directory_start);

  const InputFile& file_;
  std::vector<ZipEntry> entries_;
  std::map<std::string_view, std::size_t> by_name_;  // no hash: a file may have names that collide
};

/// The contents of one entry from front to back. One with a problem is refused, as are encryption,
/// other methods of compression, and a size that deflate cannot reach, so that `entry.size` may be
/// reserved once the reader is made.
class ZipEntryReader {
 public:
  ZipEntryReader(const ZipArchive& archive, const ZipEntry& entry);
  ~ZipEntryReader();
  ZipEntryReader(const ZipEntryReader&) = delete;
  ZipEntryReader& operator=(const ZipEntryReader&) = delete;

  /// The next bytes; `entry.size` in all, no more.
  void read(void* data, uint64_t count);
  /// To be called after the last byte: checks that it was the last, and the CRC-32 of all.
  void finish();

 private:
  struct Inflater;
  [[noreturn]] void refuse(const auto&... pieces) const {
    file_.refuse("zip entry ", in_quotes(entry_.name), ": ", pieces...);
  }
  void inflate(unsigned char* data, uint64_t count);

  const InputFile& file_;
  const ZipEntry& entry_;
  uint64_t next_, done_ = 0;  // next packed byte, bytes handed out
  unsigned long crc_ = 0;
  std::unique_ptr<Inflater> inflater_;  // null for stored entries
};

}  // namespace norma
