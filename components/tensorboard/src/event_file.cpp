#include "event_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "norma/core/error.h"

namespace norma::tensorboard {

namespace {

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ 0x82F63B78u : value >> 1;
    table[i] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = crc_table();

void append_number(std::string& bytes, uint64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 255);
}

std::string host_name() {
  char name[256] = "localhost";
  static_cast<void>(::gethostname(name, sizeof name - 1));
  return name;
}

}  // namespace

uint32_t masked_crc(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  uint32_t crc = ~0u;
  for (std::size_t i = 0; i < size; ++i) crc = crc >> 8 ^ kCrcTable[(crc ^ bytes[i]) & 255];
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

std::string record_of(const std::string& bytes) {
  std::string record;
  append_number(record, bytes.size(), 8);
  append_number(record, masked_crc(record.data(), record.size()), 4);
  record += bytes;
  append_number(record, masked_crc(bytes.data(), bytes.size()), 4);
  return record;
}

EventFile::EventFile(std::string op, const std::string& folder, const std::string& suffix) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  path_ = folder;
  if (error) refuse(op, "make the folder", error.value());
  // TensorBoard reads the files of a folder in the order of their names.
  static std::atomic<int> counter{0};
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%010lld", static_cast<long long>(std::time(nullptr)));
  do {
    path_ = text(folder, "/events.out.tfevents.", seconds, ".", host_name(), ".", ::getpid(), ".",
                 counter++, suffix);
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file_ < 0 && errno == EEXIST);
  if (file_ < 0) refuse(op, "create the file", errno);
}

EventFile::~EventFile() {
  if (file_ >= 0) ::close(file_);
}

void EventFile::append(const std::string& op, const std::string& bytes) {
  const std::string record = record_of(bytes);
  for (std::size_t done = 0; done < record.size();) {
    const ssize_t count = ::pwrite(file_, record.data() + done, record.size() - done,
                                   static_cast<off_t>(size_ + static_cast<int64_t>(done)));
    if (count < 0 && errno == EINTR) continue;
    if (const int error = errno; count < 0) {
      static_cast<void>(::ftruncate(file_, static_cast<off_t>(size_)));
      refuse(op, "write", error);
    }
    done += static_cast<std::size_t>(count);
  }
  size_ += static_cast<int64_t>(record.size());
}

void EventFile::flush(const std::string& op) const {
  while (::fsync(file_) != 0)
    if (errno != EINTR) refuse(op, "flush", errno);
}

void EventFile::refuse(const std::string& op, const char* action, int error) const {
  fail(op, path_, ": cannot ", action, ": ", std::strerror(error));
}

}  // namespace norma::tensorboard
