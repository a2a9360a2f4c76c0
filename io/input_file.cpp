#include "norma/io/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace norma {

InputFile::InputFile(const char* op, const std::string& path) : op_(op), path_(path) {
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) refuse("cannot open: ", std::strerror(errno));
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor_);
    refuse("expected a regular file, got ",
           S_ISDIR(info.st_mode) ? "a folder" : "a device, pipe or socket");
  }
  size_ = static_cast<uint64_t>(info.st_size);
}

InputFile::~InputFile() { ::close(descriptor_); }

void InputFile::read(void* data, uint64_t offset, uint64_t count) const {
  char* next = static_cast<char*>(data);
  while (count > 0) {
    const ssize_t got = ::pread(descriptor_, next, count, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse("cannot read: ", std::strerror(errno));
    if (got == 0) refuse("the file became shorter while it was read");
    next += got;
    offset += static_cast<uint64_t>(got);
    count -= static_cast<uint64_t>(got);
  }
}

std::string InputFile::head(uint64_t count) const {
  std::string bytes(std::min(count, size_), '\0');
  read(bytes.data(), 0, bytes.size());
  return bytes;
}

std::string shown(std::string_view name) {
  constexpr std::size_t kLongest = 120;
  std::size_t length = std::min(name.size(), kLongest);
  // Cuts between characters, which have at most three bytes after their first.
  for (int i = 0; i < 3 && length > 0 && length < name.size() && (name[length] & 0xC0) == 0x80; ++i)
    --length;
  std::string text = "\"";
  // No control characters on a terminal: C0, DEL, and C1, which UTF-8 writes as C2 80 to C2 9F.
  for (std::size_t i = 0; i < length; ++i) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(name[at]); };
    const bool c1 = byte(i) == 0xC2 && i + 1 < length && byte(i + 1) < 0xA0;
    text += c1 || byte(i) < 0x20 || byte(i) == 0x7F ? '?' : name[i];
    if (c1) ++i;
  }
  return text + (length < name.size() ? "…\"" : "\"");
}

}  // namespace norma
