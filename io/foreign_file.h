// What a file is that is none of those Norma reads. For Norma's own sources.
#pragma once
#include <string_view>

namespace norma {

struct ForeignFile {
  const char* what = nullptr;     ///< "an HTML page", null for a kind that is not known here
  const char* way_out = nullptr;  ///< what to do with it
};

/// By the first bytes of the contents, some hundreds where there are as many: pointers of Git LFS,
/// web pages, archives, workbooks, text in UTF-16, files of NumPy, pickle, Parquet, HDF5 and more.
/// A kind that the caller reads itself is for the caller to recognise beforehand.
ForeignFile foreign_file(std::string_view head);

}  // namespace norma
