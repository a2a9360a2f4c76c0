// Finding the files of a data set in the folder that a user names. For the readers of this folder.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace norma::data::detail {

/// The path of what is called so in `dir`.
std::string path_in(const std::string& dir, const std::string& name);

/// The path of the first of these files that is in `dir`, or "".
std::string find_in(const std::string& dir, const std::vector<std::string>& names);

/// The names of what is in `dir`, as far as it can be read.
std::vector<std::string> names_in(const std::string& dir);

/// Whatever else a folder may hold, and what it tells: a name, or the beginning of one that ends
/// with '*'.
struct FolderSign {
  std::string_view name;
  std::string_view hint;
};

/// "no folder" where `dir` is none; else the hint of the first sign found in it; else `otherwise`.
std::string folder_hint(const std::string& dir, std::initializer_list<FolderSign> signs,
                        std::string_view otherwise);

}  // namespace norma::data::detail
