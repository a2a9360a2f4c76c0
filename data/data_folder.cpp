#include "norma/data/data_folder.h"

#include <dirent.h>

#include <filesystem>
#include <memory>
#include <system_error>

#include "norma/core/text.h"

namespace norma::data::detail {

namespace fs = std::filesystem;

std::string find_in(const std::string& dir, const std::vector<std::string>& names) {
  std::error_code error;
  for (const std::string& name : names) {
    std::string path = (fs::path(dir) / name).string();
    if (fs::exists(path, error)) return path;
  }
  return "";
}

std::vector<std::string> names_in(const std::string& dir) {
  std::vector<std::string> names;
  // Not a std::filesystem::directory_iterator, which ends the program for want of memory.
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(dir.c_str()), &::closedir);
  if (!folder) return names;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

std::string folder_hint(const std::string& dir, std::initializer_list<FolderSign> signs,
                        std::string_view otherwise) {
  std::error_code error;
  if (!fs::exists(dir, error)) return "there is no such folder";
  if (!fs::is_directory(dir, error)) return "that is a file: give the folder it is in";
  for (const auto& [name, hint] : signs) {
    if (!name.ends_with('*')) {
      if (fs::exists(fs::path(dir) / name, error)) return std::string(hint);
      continue;
    }
    const std::string_view beginning = name.substr(0, name.size() - 1);
    for (const std::string& found : names_in(dir)) {
      if (found.starts_with(beginning)) return std::string(hint);
    }
  }
  return std::string(otherwise);
}

}  // namespace norma::data::detail
