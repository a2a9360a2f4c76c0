#include "norma/data/data_folder.h"

#include <filesystem>
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
  std::error_code error;
  // Not a loop over a range, whose ++ throws.
  for (fs::directory_iterator at(dir, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
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
