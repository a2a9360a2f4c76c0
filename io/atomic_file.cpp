#include "norma/io/atomic_file.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "norma/core/error.h"
#include "norma/io/file_path.h"

namespace norma {

namespace {

constexpr std::string_view kPrefix = ".norma-save-", kSuffix = ".tmp";
constexpr int kMostLinks = 40;  // as many as Linux follows

// Whether `name` is still the file that is open, and not another of the same name.
bool is_called(const platform::File& file, const platform::Folder& folder,
               const std::string& name) {
  platform::FileInfo open, named;
  return platform::look_at(file, open) == 0 && folder.look_at(name, named, false) == 0 &&
         open.is_same(named);
}

}  // namespace

void AtomicFile::refuse(const std::string& action, int error, const char* hint) const {
  fail(op_, shown_path(path_), ": cannot ", action, ": ", std::strerror(error), hint);
}

AtomicFile::AtomicFile(const std::string& path, const char* op) : op_(op), path_(path) {
  check_path(op, path);
  find_target();
  platform::FileInfo old;
  const int unseen = folder_.look_at(name_, old, true);
  if (unseen != 0 && unseen != ENOENT) refuse("look at the file", unseen);
  const bool exists = unseen == 0;
  if (exists) {
    // The mode counts for root, too, who may write nevertheless.
    const int error = old.read_only ? EACCES : folder_.may_write(name_);
    if (error != 0)
      refuse("replace a file that is read-only", error,
             error == EACCES ? "; allow it with chmod u+w, or save under another name" : "");
  }

  remove_leftovers();
  static std::atomic<unsigned> counter{0};
  while (temporary_.empty()) {
    std::string name = text(kPrefix, platform::unlikely_name(), "-", counter++, kSuffix);
    platform::File file;
    const int error = folder_.create(name, exists, file);
    if (error == EEXIST) continue;
    if (error != 0) refuse("create a file in its folder", error);
    // Before the lock, another save may have taken it for a leftover.
    if (platform::try_lock(file) == platform::Lock::Others || !is_called(file, folder_, name))
      continue;
    file_ = std::move(file);
    temporary_ = std::move(name);
  }
  if (exists) platform::take_over_rights(file_, old);
}

// Goes from link to link until there is a file or nothing.
void AtomicFile::find_target() {
  platform::FileInfo existing;
  if (platform::look_at(path_, existing) == 0 && existing.kind != platform::FileType::Regular)
    fail(op_, shown_path(path_), ": expected a regular file or none, got ",
         existing.kind == platform::FileType::Folder ? "a folder" : "a device, pipe or socket");
  std::string path = path_;
  const platform::Folder* start = nullptr;
  for (int links = 0;; ++links) {
    const auto [folder, name] = platform::folder_and_name(path);
    if (const int error = folder_.open(folder, start); error != 0)
      refuse(text("open the folder ", in_quotes(folder)), error,
             error == ENOENT ? "; make it first" : "");
    start = &folder_;
    name_ = name;
    const int error = folder_.read_link(name, path);
    if (error == EINVAL || error == ENOENT) return;
    if (error != 0) refuse("look at the file", error);
    if (links == kMostLinks) refuse("follow the link", ELOOP);
  }
}

void AtomicFile::remove_leftovers() const {
  for (const std::string& name : folder_.names()) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    platform::File found;
    platform::FileInfo info;
    if (folder_.open_to_lock(name, found) == 0 && platform::look_at(found, info) == 0 &&
        info.kind == platform::FileType::Regular &&
        platform::try_lock(found) == platform::Lock::Ours)
      folder_.remove(name);
  }
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) folder_.remove(temporary_);
}

void AtomicFile::write(const void* data, std::size_t size) {
  if (const int error = platform::write_all(file_, data, size, written_)) refuse("write", error);
  written_ += size;
}

platform::File AtomicFile::commit() {
  if (const int error = platform::sync(file_)) refuse("flush", error);
  if (const int error = folder_.replace(temporary_, name_)) refuse("replace the old file", error);
  temporary_.clear();
  if (const int error = folder_.sync()) refuse("flush the folder", error);
  return std::move(file_);
}

}  // namespace norma
