#include "norma/io/descriptor.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace norma {

int write_all(const Descriptor& file, const void* data, std::size_t size, uint64_t at) {
  // Beyond the limit the system would kill the process by a signal.
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      (at > limit.rlim_cur || size > limit.rlim_cur - at))
    return EFBIG;
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const std::size_t part = std::min<std::size_t>(size, SSIZE_MAX);
    const ssize_t count = ::pwrite(file.get(), next, part, static_cast<off_t>(at));
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    next += count;
    size -= static_cast<std::size_t>(count);
    at += static_cast<uint64_t>(count);
  }
  return 0;
}

}  // namespace norma
