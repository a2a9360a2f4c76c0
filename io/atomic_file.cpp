#include "norma/io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "norma/core/error.h"

namespace norma {

namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

void AtomicFile::refuse(const std::string& action, int error) const {
  fail("save", path_, ": cannot ", action, ": ", std::strerror(error));
}

AtomicFile::AtomicFile(const std::string& path) : path_(path), target_(path) {
  struct stat existing {};
  const bool exists = ::stat(path.c_str(), &existing) == 0;
  if (exists && !S_ISREG(existing.st_mode))
    fail("save", path, ": expected a regular file or none, got ",
         S_ISDIR(existing.st_mode) ? "a folder" : "a device, pipe or socket");
  if (exists) {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                           &std::free);
    if (!real) refuse("resolve the path", errno);
    target_ = real.get();
  }
  static std::atomic<unsigned> counter{0};
  for (;;) {
    const std::string name = text(target_, ".tmp-", ::getpid(), "-", counter++);
    descriptor_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ >= 0) {
      temporary_ = name;
      break;
    }
    if (errno != EEXIST) refuse("create a file in its folder", errno);
  }
  // Keeps the old file's permissions; without the right to, the new file has the default ones.
  if (exists && ::fchmod(descriptor_, existing.st_mode & 07777) != 0) errno = 0;
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, std::size_t size) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(descriptor_, next, std::min<std::size_t>(size, SSIZE_MAX));
    if (written < 0) {
      if (errno == EINTR) continue;
      refuse("write", errno);
    }
    next += written;
    size -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) refuse("flush", errno);
  const int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0) refuse("close", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) refuse("replace the old file", errno);
  temporary_.clear();
  // Makes the new name itself survive a power cut. Some file systems have no such call.
  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  const bool failed = ::fsync(folder) != 0 && errno != EINVAL && errno != ENOTSUP;
  const int error = errno;
  ::close(folder);
  if (failed) refuse("flush the folder", error);
}

}  // namespace norma
