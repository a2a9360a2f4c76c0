#include "norma/core/platform/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

namespace norma::platform {

namespace {

int number_of(const File& file) { return static_cast<int>(file.get()); }

// The error of a call that returns -1.
int error_of(int result) { return result < 0 ? errno : 0; }

int keep(int descriptor, File& file) {
  const int error = error_of(descriptor);
  file = File(descriptor);
  return error;
}

void tell(const struct stat& found, FileInfo& info) {
  info.kind = S_ISREG(found.st_mode)   ? FileType::Regular
              : S_ISDIR(found.st_mode) ? FileType::Folder
                                       : FileType::Other;
  info.read_only = (found.st_mode & 0222) == 0;
  info.removed = found.st_nlink == 0;
  info.size = static_cast<uint64_t>(found.st_size);
  info.device = static_cast<uint64_t>(found.st_dev);
  info.number = static_cast<uint64_t>(found.st_ino);
  info.mode = found.st_mode;
  info.owner = found.st_uid;
  info.group = found.st_gid;
}

std::vector<std::string> names_of(DIR* open) {
  std::vector<std::string> names;
  // Not a std::filesystem::directory_iterator, which ends the program for want of memory.
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(open, &::closedir);
  if (!folder) return names;
  while (const dirent* entry = ::readdir(folder.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

File::~File() {
  if (is_open()) ::close(static_cast<int>(number_));
}

int look_at(const File& file, FileInfo& info) {
  struct stat found {};
  if (::fstat(number_of(file), &found) != 0) return errno;
  tell(found, info);
  return 0;
}

int look_at(const std::string& path, FileInfo& info) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return errno;
  tell(found, info);
  return 0;
}

bool exists(const std::string& path) {
  FileInfo info;
  return look_at(path, info) == 0;
}

int open_to_read(const std::string& path, File& file) {
  return keep(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), file);
}

int open_to_change(const std::string& path, File& file) {
  return keep(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666), file);
}

int create_new(const std::string& path, File& file) {
  return keep(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), file);
}

std::string full_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> full(::realpath(path.c_str(), nullptr), &std::free);
  return full ? full.get() : path;
}

std::vector<std::string> names_in(const std::string& dir) {
  return names_of(::opendir(dir.c_str()));
}

int read_some(const File& file, void* data, std::size_t count, uint64_t at, std::size_t& got) {
  for (;;) {
    const ssize_t result = ::pread(number_of(file), data, std::min<std::size_t>(count, SSIZE_MAX),
                                   static_cast<off_t>(at));
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) return errno;
    got = static_cast<std::size_t>(result);
    return 0;
  }
}

int write_all(const File& file, const void* data, std::size_t size, uint64_t at) {
  // Beyond the limit the system would kill the process by a signal.
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      (at > limit.rlim_cur || size > limit.rlim_cur - at))
    return EFBIG;
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const std::size_t part = std::min<std::size_t>(size, SSIZE_MAX);
    const ssize_t count = ::pwrite(number_of(file), next, part, static_cast<off_t>(at));
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

int truncate(const File& file, uint64_t length) {
  return error_of(::ftruncate(number_of(file), static_cast<off_t>(length)));
}

int sync(const File& file) {
  while (::fsync(number_of(file)) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

Lock try_lock(const File& file) {
  if (::flock(number_of(file), LOCK_EX | LOCK_NB) == 0) return Lock::Ours;
  return errno == EWOULDBLOCK ? Lock::Others : Lock::Unknown;
}

std::string unlikely_name() {
  // Machines and containers that share a folder may have equal process numbers.
  uint32_t chance = 0;
  if (::getentropy(&chance, sizeof chance) != 0) chance = 0;
  return std::to_string(::getpid()) + "-" + std::to_string(chance);
}

int Folder::open(const std::string& path, const Folder* start) {
#ifdef O_PATH
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;
#else
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
#endif
  const int from = start ? number_of(start->handle_) : AT_FDCWD;
  return keep(::openat(from, path.c_str(), kFlags), handle_);
}

int Folder::look_at(const std::string& name, FileInfo& info, bool follow) const {
  struct stat found {};
  const int flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
  if (::fstatat(number_of(handle_), name.c_str(), &found, flags) != 0) return errno;
  tell(found, info);
  return 0;
}

int Folder::read_link(const std::string& name, std::string& target) const {
  char content[PATH_MAX];
  const ssize_t length = ::readlinkat(number_of(handle_), name.c_str(), content, sizeof content);
  if (length < 0) return errno;
  target.assign(content, static_cast<std::size_t>(length));
  return 0;
}

int Folder::may_write(const std::string& name) const {
  return error_of(::faccessat(number_of(handle_), name.c_str(), W_OK, AT_EACCESS));
}

int Folder::create(const std::string& name, bool secret, File& file) const {
  return keep(::openat(number_of(handle_), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                       secret ? 0600 : 0666),
              file);
}

int Folder::open_to_lock(const std::string& name, File& file) const {
  // NFS locks only what is open for writing.
  constexpr int kFlags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  if (keep(::openat(number_of(handle_), name.c_str(), O_RDWR | kFlags), file) == 0) return 0;
  return keep(::openat(number_of(handle_), name.c_str(), O_RDONLY | kFlags), file);
}

int Folder::remove(const std::string& name) const {
  return error_of(::unlinkat(number_of(handle_), name.c_str(), 0));
}

int Folder::replace(const std::string& from, const std::string& to) const {
  const int folder = number_of(handle_);
  return error_of(::renameat(folder, from.c_str(), folder, to.c_str()));
}

int Folder::sync() const {
  const File folder(::openat(number_of(handle_), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() || ::fsync(number_of(folder)) == 0) return 0;
  return errno == EINVAL || errno == ENOTSUP ? 0 : errno;
}

std::vector<std::string> Folder::names() const {
  const int list = ::openat(number_of(handle_), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (list < 0) return {};
  DIR* const folder = ::fdopendir(list);
  if (!folder) ::close(list);
  return names_of(folder);
}

void before_replace(File&) {}

void take_over_rights(const File& file, const FileInfo& old) {
  const int number = number_of(file);
  const bool owner = ::fchown(number, old.owner, old.group) == 0;
  const bool group = owner || ::fchown(number, static_cast<uid_t>(-1), old.group) == 0;
  mode_t mode = old.mode & (owner ? 07777 : 01777);
  // What a group may do, no other one may that could not before.
  if (!group) mode = (mode & ~mode_t{070}) | (mode & 007) << 3;
  if (::fchmod(number, mode) != 0) errno = 0;
}

std::pair<std::string, std::string> folder_and_name(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, std::max<std::size_t>(slash, 1)), path.substr(slash + 1)};
}

}  // namespace norma::platform
