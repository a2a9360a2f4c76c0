#include "norma/core/platform/files.h"

#include <windows.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <random>

namespace norma::platform {

namespace {

HANDLE handle_of(const File& file) { return reinterpret_cast<HANDLE>(file.get()); }

std::wstring wide(const std::string& path) {
  const int size = static_cast<int>(path.size());
  std::wstring text(path.size(), L'\0');
  const int length = MultiByteToWideChar(CP_UTF8, 0, path.data(), size, text.data(), size);
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string narrow(const wchar_t* text, std::size_t length) {
  std::string path(3 * length, '\0');
  const int size = WideCharToMultiByte(CP_UTF8, 0, text, static_cast<int>(length), path.data(),
                                       static_cast<int>(path.size()), nullptr, nullptr);
  path.resize(static_cast<std::size_t>(size));
  return path;
}

int error_number(DWORD error) {
  switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
    case ERROR_BAD_PATHNAME:
      return ENOENT;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:
      return EEXIST;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
    case ERROR_WRITE_PROTECT:
      return EACCES;
    case ERROR_TOO_MANY_OPEN_FILES:
      return EMFILE;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
      return ENOSPC;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
      return ENOMEM;
    case ERROR_FILENAME_EXCED_RANGE:
      return ENAMETOOLONG;
    case ERROR_DIRECTORY:
      return ENOTDIR;
    default:
      return EIO;
  }
}

int last_error(bool succeeded) { return succeeded ? 0 : error_number(GetLastError()); }

// Others may read, write, rename and remove what is open here, as on other systems.
constexpr DWORD kShare = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

int open(const std::string& path, DWORD access, DWORD how, File& file, DWORD flags = 0) {
  const HANDLE handle = CreateFileW(wide(path).c_str(), access, kShare, nullptr, how,
                                    FILE_ATTRIBUTE_NORMAL | flags, nullptr);
  const int error = last_error(handle != INVALID_HANDLE_VALUE);
  file = File(reinterpret_cast<intptr_t>(handle));
  return error;
}

uint64_t join(DWORD high, DWORD low) { return uint64_t{high} << 32 | low; }

OVERLAPPED place(uint64_t at) {
  OVERLAPPED place{};
  place.Offset = static_cast<DWORD>(at);
  place.OffsetHigh = static_cast<DWORD>(at >> 32);
  return place;
}

bool is_separator(char c) { return c == '/' || c == '\\'; }

}  // namespace

File::~File() {
  if (is_open()) CloseHandle(reinterpret_cast<HANDLE>(number_));
}

int look_at(const File& file, FileInfo& info) {
  if (GetFileType(handle_of(file)) != FILE_TYPE_DISK) {
    info = {};
    return 0;
  }
  BY_HANDLE_FILE_INFORMATION found;
  if (!GetFileInformationByHandle(handle_of(file), &found)) return last_error(false);
  info.kind =
      found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? FileType::Folder : FileType::Regular;
  info.read_only = (found.dwFileAttributes & FILE_ATTRIBUTE_READONLY) != 0;
  info.removed = found.nNumberOfLinks == 0;
  info.size = join(found.nFileSizeHigh, found.nFileSizeLow);
  info.device = found.dwVolumeSerialNumber;
  info.number = join(found.nFileIndexHigh, found.nFileIndexLow);
  return 0;
}

int look_at(const std::string& path, FileInfo& info) {
  File file;
  // Without any access, which needs no rights; folders ask for the flag.
  if (const int error = open(path, 0, OPEN_EXISTING, file, FILE_FLAG_BACKUP_SEMANTICS))
    return error;
  return look_at(file, info);
}

bool exists(const std::string& path) {
  return GetFileAttributesW(wide(path).c_str()) != INVALID_FILE_ATTRIBUTES;
}

int open_to_read(const std::string& path, File& file) {
  return open(path, GENERIC_READ, OPEN_EXISTING, file, FILE_FLAG_BACKUP_SEMANTICS);
}

int open_to_change(const std::string& path, File& file) {
  const int error = open(path, GENERIC_READ | GENERIC_WRITE, OPEN_ALWAYS, file);
  // What is read-only opens here, too, and says so by itself.
  FileInfo info;
  if (error == EACCES && look_at(path, info) == 0 && info.read_only)
    return open_to_read(path, file);
  return error;
}

int create_new(const std::string& path, File& file) {
  return open(path, GENERIC_WRITE, CREATE_NEW, file);
}

std::string full_path(const std::string& path) {
  const std::wstring name = wide(path);
  std::wstring full(GetFullPathNameW(name.c_str(), 0, nullptr, nullptr), L'\0');
  const DWORD length =
      GetFullPathNameW(name.c_str(), static_cast<DWORD>(full.size()), full.data(), nullptr);
  return length == 0 || length >= full.size() ? path : narrow(full.data(), length);
}

std::vector<std::string> names_in(const std::string& dir) {
  std::vector<std::string> names;
  WIN32_FIND_DATAW found;
  const HANDLE search = FindFirstFileW(wide(dir + "/*").c_str(), &found);
  if (search == INVALID_HANDLE_VALUE) return names;
  do {
    std::string name = narrow(found.cFileName, std::char_traits<wchar_t>::length(found.cFileName));
    if (name != "." && name != "..") names.push_back(std::move(name));
  } while (FindNextFileW(search, &found));
  FindClose(search);
  return names;
}

int read_some(const File& file, void* data, std::size_t count, uint64_t at, std::size_t& got) {
  OVERLAPPED from = place(at);
  DWORD done = 0;
  const DWORD part = static_cast<DWORD>(std::min<std::size_t>(count, 1u << 30));
  const bool read = ReadFile(handle_of(file), data, part, &done, &from) != 0;
  got = done;
  return read || GetLastError() == ERROR_HANDLE_EOF ? 0 : last_error(false);
}

int write_all(const File& file, const void* data, std::size_t size, uint64_t at) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    OVERLAPPED to = place(at);
    DWORD done = 0;
    const DWORD part = static_cast<DWORD>(std::min<std::size_t>(size, 1u << 30));
    if (!WriteFile(handle_of(file), next, part, &done, &to)) return last_error(false);
    next += done;
    size -= done;
    at += done;
  }
  return 0;
}

int truncate(const File& file, uint64_t length) {
  FILE_END_OF_FILE_INFO end{};
  end.EndOfFile.QuadPart = static_cast<LONGLONG>(length);
  return last_error(
      SetFileInformationByHandle(handle_of(file), FileEndOfFileInfo, &end, sizeof end) != 0);
}

int sync(const File& file) { return last_error(FlushFileBuffers(handle_of(file)) != 0); }

// Nobody else can read or write what is locked here: a byte behind all that files have.
Lock try_lock(const File& file) {
  OVERLAPPED at = place(uint64_t{1} << 62);
  constexpr DWORD kHow = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
  if (LockFileEx(handle_of(file), kHow, 0, 1, 0, &at)) return Lock::Ours;
  const DWORD error = GetLastError();
  return error == ERROR_LOCK_VIOLATION || error == ERROR_IO_PENDING ? Lock::Others : Lock::Unknown;
}

std::string unlikely_name() {
  unsigned chance = 0;
  try {
    chance = std::random_device{}();
  } catch (const std::exception&) {
  }
  return std::to_string(GetCurrentProcessId()) + "-" + std::to_string(chance);
}

// A folder is known by its full path: no folder that something is open in can be renamed.
int Folder::open(const std::string& path, const Folder* start) {
  std::string full = full_path(start ? start->path_ + path : path);
  FileInfo info;
  if (const int error = platform::look_at(full, info)) return error;
  if (info.kind != FileType::Folder) return ENOTDIR;
  path_ = std::move(full);
  if (!is_separator(path_.back())) path_ += '\\';
  return 0;
}

int Folder::look_at(const std::string& name, FileInfo& info, bool) const {
  return platform::look_at(path_ + name, info);
}

// Links are what the system makes of them.
int Folder::read_link(const std::string&, std::string&) const { return EINVAL; }

int Folder::may_write(const std::string& name) const {
  File file;
  return platform::open(path_ + name, GENERIC_WRITE, OPEN_EXISTING, file);
}

int Folder::create(const std::string& name, bool, File& file) const {
  return platform::open(path_ + name, GENERIC_READ | GENERIC_WRITE, CREATE_NEW, file);
}

int Folder::open_to_lock(const std::string& name, File& file) const {
  return platform::open(path_ + name, GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING, file);
}

int Folder::remove(const std::string& name) const {
  return last_error(DeleteFileW(wide(path_ + name).c_str()) != 0);
}

int Folder::replace(const std::string& from, const std::string& to) const {
  const std::wstring old = wide(path_ + from), now = wide(path_ + to);
  // A file that somebody reads cannot be replaced until they close it.
  constexpr int kTrials = 100;
  for (int trial = 1;; ++trial) {
    if (MoveFileExW(old.c_str(), now.c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
      return 0;
    const DWORD error = GetLastError();
    if ((error != ERROR_ACCESS_DENIED && error != ERROR_SHARING_VIOLATION) || trial == kTrials)
      return error_number(error);
    Sleep(20);
  }
}

int Folder::sync() const { return 0; }  // MOVEFILE_WRITE_THROUGH did it

std::vector<std::string> Folder::names() const { return names_in(path_); }

void before_replace(File& file) { file = File(); }

void take_over_rights(const File&, const FileInfo&) {}  // a new file has those of its folder

std::pair<std::string, std::string> folder_and_name(const std::string& path) {
  std::size_t begin = path.size();
  while (begin > 0 && !is_separator(path[begin - 1]) && path[begin - 1] != ':') --begin;
  if (begin == 0) return {".", path};
  return {path.substr(0, begin), path.substr(begin)};
}

}  // namespace norma::platform
