// An event file: records with checksums, appended one by one.
#pragma once
#include <cstdint>
#include <string>

namespace norma::tensorboard {

/// The CRC-32C of the bytes (RFC 3720, appendix B.4), rotated and shifted as records want it.
uint32_t masked_crc(const void* data, std::size_t size);

/// A record: length, checksum of the length, the bytes, their checksum; numbers little end first.
std::string record_of(const std::string& bytes);

/// A new file "events.out.tfevents.…" in a folder, which is made where it is missing.
class EventFile {
 public:
  EventFile(std::string op, const std::string& folder, const std::string& suffix);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  /// All of the record is in the file, or nothing.
  void append(const std::string& op, const std::string& bytes);
  void flush(const std::string& op) const;

 private:
  [[noreturn]] void refuse(const std::string& op, const char* action, int error) const;

  std::string path_;
  int file_ = -1;
  int64_t size_ = 0;
};

}  // namespace norma::tensorboard
