#include "norma/io/atomic_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "norma/core/error.h"
#include "norma/io/file_path.h"

namespace norma {

namespace {

constexpr std::string_view kPrefix = ".norma-save-", kSuffix = ".tmp";
constexpr int kMostLinks = 40;  // as many as Linux follows

// "a/b" is "b" in "a".
std::pair<std::string, std::string> folder_and_name(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, std::max<std::size_t>(slash, 1)), path.substr(slash + 1)};
}

// Whether nobody holds the lock, which this process has from now on. Where there are no locks,
// nothing is ever found dead.
bool lock(const Descriptor& file) { return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0; }

// Whether `name` is still the file that is open, and not another of the same name.
bool is_called(const Descriptor& file, const Descriptor& folder, const std::string& name) {
  struct stat open {
  }, named{};
  return ::fstat(file.get(), &open) == 0 &&
         ::fstatat(folder.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

void take_over_owner_and_mode(const Descriptor& file, const struct stat& old) {
  const bool owner = ::fchown(file.get(), old.st_uid, old.st_gid) == 0;
  const bool group = owner || ::fchown(file.get(), static_cast<uid_t>(-1), old.st_gid) == 0;
  mode_t mode = old.st_mode & (owner ? 07777 : 01777);
  // What a group may do, no other one may that could not before.
  if (!group) mode = (mode & ~mode_t{070}) | (mode & 007) << 3;
  if (::fchmod(file.get(), mode) != 0) errno = 0;
}

}  // namespace

void AtomicFile::refuse(const std::string& action, int error, const char* hint) const {
  fail(op_, shown_path(path_), ": cannot ", action, ": ", std::strerror(error), hint);
}

AtomicFile::AtomicFile(const std::string& path, const char* op) : op_(op), path_(path) {
  check_path(op, path);
  find_target();
  struct stat old {};
  const bool exists = ::fstatat(folder_.get(), name_.c_str(), &old, 0) == 0;
  if (!exists && errno != ENOENT) refuse("look at the file", errno);
  if (exists) {
    // The mode counts for root, too, who may write nevertheless.
    const bool writable = (old.st_mode & 0222) != 0;
    if (!writable) errno = EACCES;
    if (!writable || ::faccessat(folder_.get(), name_.c_str(), W_OK, AT_EACCESS) != 0)
      refuse("replace a file that is read-only", errno,
             errno == EACCES ? "; allow it with chmod u+w, or save under another name" : "");
  }

  remove_leftovers();
  static std::atomic<unsigned> counter{0};
  while (temporary_.empty()) {
    // Machines and containers that share a folder may have equal process numbers.
    uint32_t chance = 0;
    if (::getentropy(&chance, sizeof chance) != 0) chance = 0;
    std::string name = text(kPrefix, ::getpid(), "-", counter++, "-", chance, kSuffix);
    Descriptor file(::openat(folder_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                             exists ? 0600 : 0666));
    if (!file.is_open() && errno == EEXIST) continue;
    if (!file.is_open()) refuse("create a file in its folder", errno);
    // Before the lock, another save may have taken it for a leftover.
    const bool ours = lock(file) || errno != EWOULDBLOCK;
    if (!ours || !is_called(file, folder_, name)) continue;
    file_ = std::move(file);
    temporary_ = std::move(name);
  }
  if (exists) take_over_owner_and_mode(file_, old);
}

// Goes from link to link until there is a file or nothing.
void AtomicFile::find_target() {
  struct stat existing {};
  if (::stat(path_.c_str(), &existing) == 0 && !S_ISREG(existing.st_mode))
    fail(op_, shown_path(path_), ": expected a regular file or none, got ",
         S_ISDIR(existing.st_mode) ? "a folder" : "a device, pipe or socket");
  std::string path = path_;
  int start = AT_FDCWD;
  for (int links = 0;; ++links) {
    const auto [folder, name] = folder_and_name(path);
    folder_ = Descriptor(::openat(start, folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (const int error = errno; !folder_.is_open())
      refuse(text("open the folder ", in_quotes(folder)), error,
             error == ENOENT ? "; make it first" : "");
    start = folder_.get();
    name_ = name;
    char content[PATH_MAX];
    const ssize_t length = ::readlinkat(start, name.c_str(), content, sizeof content);
    if (length < 0 && (errno == EINVAL || errno == ENOENT)) return;
    if (length < 0) refuse("look at the file", errno);
    if (links == kMostLinks) refuse("follow the link", ELOOP);
    path.assign(content, static_cast<std::size_t>(length));
  }
}

void AtomicFile::remove_leftovers() const {
  const int list = ::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (list < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(list), &::closedir);
  if (!folder) {
    ::close(list);
    return;
  }
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    // NFS locks only what is open for writing.
    constexpr int kFlags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    Descriptor found(::openat(folder_.get(), entry->d_name, O_RDWR | kFlags));
    if (!found.is_open())
      found = Descriptor(::openat(folder_.get(), entry->d_name, O_RDONLY | kFlags));
    struct stat info {};
    if (found.is_open() && ::fstat(found.get(), &info) == 0 && S_ISREG(info.st_mode) && lock(found))
      ::unlinkat(folder_.get(), entry->d_name, 0);
  }
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlinkat(folder_.get(), temporary_.c_str(), 0);
}

void AtomicFile::write(const void* data, std::size_t size) {
  if (const int error = write_all(file_, data, size, written_)) refuse("write", error);
  written_ += size;
}

Descriptor AtomicFile::commit() {
  while (::fsync(file_.get()) != 0)
    if (errno != EINTR) refuse("flush", errno);
  if (::renameat(folder_.get(), temporary_.c_str(), folder_.get(), name_.c_str()) != 0)
    refuse("replace the old file", errno);
  temporary_.clear();
  // Makes the new name itself survive a power cut. Some file systems have no such call.
  const Descriptor folder(::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.is_open() && ::fsync(folder.get()) != 0 && errno != EINVAL && errno != ENOTSUP)
    refuse("flush the folder", errno);
  return std::move(file_);
}

}  // namespace norma
