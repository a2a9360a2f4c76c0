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

}  // namespace norma
