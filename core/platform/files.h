// Files. Paths are UTF-8 on every system; what fails returns the number of the error as errno has
// it, 0 otherwise.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace norma::platform {

/// An open file or folder, which it closes.
class File {
 public:
  static constexpr intptr_t kNone = -1;

  explicit File(intptr_t number = kNone) : number_(number) {}
  File(File&& other) noexcept : number_(std::exchange(other.number_, kNone)) {}
  File& operator=(File&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~File();
  intptr_t get() const { return number_; }  ///< as the system knows it
  bool is_open() const { return number_ != kNone; }

 private:
  intptr_t number_;
};

enum class FileType { Regular, Folder, Other };

/// What a system tells of a file.
struct FileInfo {
  FileType kind = FileType::Other;
  bool read_only = false;  ///< nobody may write, whatever this process may do nevertheless
  bool removed = false;    ///< open, but without a name
  uint64_t size = 0;
  uint64_t device = 0, number = 0;  ///< two files with the same ones are the same
  uint32_t mode = 0, owner = 0, group = 0;

  bool is_same(const FileInfo& other) const {
    return device == other.device && number == other.number;
  }
};

int look_at(const File& file, FileInfo& info);              ///< an open one
int look_at(const std::string& path, FileInfo& info);       ///< where links lead to
bool exists(const std::string& path);                       ///< as far as one can see
int open_to_read(const std::string& path, File& file);      ///< never waits for another process
int open_to_change(const std::string& path, File& file);    ///< for both; made where there is none
int create_new(const std::string& path, File& file);        ///< EEXIST where there is one
std::string full_path(const std::string& path);             ///< wherever the process goes meanwhile
std::vector<std::string> names_in(const std::string& dir);  ///< as far as it can be read

/// Up to `count` bytes from the offset `at` on; `got` is 0 only at the end of the file.
int read_some(const File& file, void* data, std::size_t count, uint64_t at, std::size_t& got);
/// All bytes, from the offset `at` on.
int write_all(const File& file, const void* data, std::size_t size, uint64_t at);
int truncate(const File& file, uint64_t length);
int sync(const File& file);  ///< what was written is on the disk, not on its way

enum class Lock { Ours, Others, Unknown };
/// Locks the file as long as it is open, unless somebody else has; Unknown: there are no locks.
Lock try_lock(const File& file);

/// A number that another process, another machine or the same one after a start has hardly had.
std::string unlikely_name();

/// A folder that is open: it stays the same one, whatever its path is by now.
class Folder {
 public:
  /// `path` is seen from `start`, or from where the process is.
  int open(const std::string& path, const Folder* start = nullptr);
  /// A file in it; `follow`: where links lead to.
  int look_at(const std::string& name, FileInfo& info, bool follow) const;
  /// ENOENT and EINVAL: there is no such link.
  int read_link(const std::string& name, std::string& target) const;
  /// Whether this process may write to the file.
  int may_write(const std::string& name) const;
  /// For writing; EEXIST where there is one. `secret`: for nobody else, as yet.
  int create(const std::string& name, bool secret, File& file) const;
  /// For a lock; no link.
  int open_to_lock(const std::string& name, File& file) const;
  int remove(const std::string& name) const;
  /// In one step: who opens `to` gets the old file or the new one, which may still be open.
  int replace(const std::string& from, const std::string& to) const;
  /// Makes names survive a power cut, where the file system has that.
  int sync() const;
  std::vector<std::string> names() const;

 private:
  File handle_;  // what the system needs of both
  std::string path_;
};

/// Closes a file that is about to be replaced, on a system that replaces no open one.
void before_replace(File& file);

/// Gives the file the owner, group and mode of an old one, as far as this process may.
void take_over_rights(const File& file, const FileInfo& old);

/// "a/b" is "b" in "a".
std::pair<std::string, std::string> folder_and_name(const std::string& path);

}  // namespace norma::platform
