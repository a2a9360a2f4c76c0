#include "norma/data/data_folder.h"

#include <utility>

#include "norma/core/platform/files.h"
#include "norma/core/text.h"

namespace norma::data::detail {

std::string path_in(const std::string& dir, const std::string& name) {
  return dir.empty() || dir.ends_with('/') ? dir + name : dir + '/' + name;
}

std::string find_in(const std::string& dir, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    std::string path = path_in(dir, name);
    if (platform::exists(path)) return path;
  }
  return "";
}

std::vector<std::string> names_in(const std::string& dir) { return platform::names_in(dir); }

std::string folder_hint(const std::string& dir, std::initializer_list<FolderSign> signs,
                        std::string_view otherwise) {
  platform::FileInfo info;
  if (platform::look_at(dir, info) != 0) return "there is no such folder";
  if (info.kind != platform::FileType::Folder) return "that is a file: give the folder it is in";
  for (const auto& [name, hint] : signs) {
    if (!name.ends_with('*')) {
      if (platform::exists(path_in(dir, std::string(name)))) return std::string(hint);
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
