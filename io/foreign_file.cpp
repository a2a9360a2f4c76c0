#include "norma/io/foreign_file.h"

#include <string>

#include "norma/core/ascii.h"

namespace norma {

namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  ForeignFile file;
};

constexpr const char* kUnpack = "unpack it first";

const Magic kMagics[] = {
    {"version https://git-lfs.github.com/spec/"sv,
     {"a Git LFS pointer", "the file itself comes with git lfs pull"}},
    {"\xff\xfe\0\0"sv, {"text in UTF-32", "save it as UTF-8"}},
    {"\xff\xfe"sv, {"text in UTF-16", "save it as UTF-8"}},
    {"\xfe\xff"sv, {"text in UTF-16", "save it as UTF-8"}},
    {"\x1f\x8b"sv, {"gzip data", kUnpack}},
    {"BZh"sv, {"a bzip2 archive", kUnpack}},
    {"\xfd"
     "7zXZ\0"sv,
     {"an xz archive", kUnpack}},
    {"\x28\xb5\x2f\xfd"sv, {"a zstd archive", kUnpack}},
    {"7z\xbc\xaf\x27\x1c"sv, {"a 7z archive", kUnpack}},
    {"Rar!\x1a\x07"sv, {"a RAR archive", kUnpack}},
    {"\x93NUMPY"sv,
     {"a NumPy array (.npy)", "write it in Python as text (numpy.savetxt) or as safetensors"}},
    {"PAR1"sv, {"a Parquet file", "write it in Python as CSV (pandas.DataFrame.to_csv)"}},
    {"ARROW1"sv, {"an Arrow file", "write it in Python as CSV (pandas.DataFrame.to_csv)"}},
    {"\x89HDF\r\n\x1a\n"sv, {"an HDF5 file", "write its arrays in Python as CSV or safetensors"}},
    {"MATLAB 5.0 MAT-file"sv,
     {"a MATLAB file", "write its arrays in Python as CSV or safetensors"}},
    {"SQLite format 3\0"sv, {"an SQLite database", "export the table as CSV"}},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, {"an old Office file (.xls)", "save the sheet as CSV"}},
    {"%PDF-"sv, {"a PDF document", "get the data in another form"}},
    {"\x89PNG\r\n\x1a\n"sv, {"a PNG image", "it is no table or set of tensors"}},
    {"\xff\xd8\xff"sv, {"a JPEG image", "it is no table or set of tensors"}},
    {"GIF8"sv, {"a GIF image", "it is no table or set of tensors"}},
};

bool starts_markup(std::string_view head, std::string_view word) {
  if (head.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (lower(head[i]) != word[i]) return false;
  }
  return true;
}

bool contains(std::string_view head, std::string_view part) {
  return head.find(part) != std::string_view::npos;
}

// Latin text in UTF-16 without a mark at its beginning: every other byte is zero.
bool is_bare_utf16(std::string_view head) {
  if (head.size() < 8) return false;
  for (const std::size_t zero : {0u, 1u}) {
    bool all = true;
    for (std::size_t i = 0; i + 1 < head.size() && i < 64; i += 2) {
      const auto other = static_cast<unsigned char>(head[i + 1 - zero]);
      all = all && head[i + zero] == 0 &&
            (other >= 0x20 || other == '\n' || other == '\r' || other == '\t');
    }
    if (all) return true;
  }
  return false;
}

}  // namespace

ForeignFile foreign_file(std::string_view head) {
  if (head.starts_with("PK\x03\x04"sv) || head.starts_with("PK\x05\x06"sv)) {
    if (contains(head, "[Content_Types].xml"sv) || contains(head, "xl/"sv)) {
      return {"an Office file (.xlsx or the like)", "save the sheet as CSV"};
    }
    if (contains(head, ".npy"sv)) {
      return {"NumPy arrays (.npz)", "write them in Python as text (numpy.savetxt) or safetensors"};
    }
    if (contains(head, "/data.pkl"sv)) {
      return {"a file of torch.save", "norma::load_tensors reads it"};
    }
    return {"a ZIP archive", kUnpack};
  }
  for (const Magic& magic : kMagics) {
    if (head.starts_with(magic.bytes)) return magic.file;
  }
  if (head.size() >= 262 && head.substr(257, 5) == "ustar"sv) return {"a tar archive", kUnpack};
  // Pickles of protocol 2 to 5; others are text.
  if (head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5) {
    return {"a Python pickle", "write its arrays in Python as CSV or safetensors"};
  }
  if (is_bare_utf16(head)) return {"text in UTF-16", "save it as UTF-8"};
  std::string_view markup = head;
  if (markup.starts_with("\xef\xbb\xbf"sv)) markup.remove_prefix(3);
  while (!markup.empty() &&
         (markup[0] == ' ' || markup[0] == '\t' || markup[0] == '\r' || markup[0] == '\n')) {
    markup.remove_prefix(1);
  }
  if (starts_markup(markup, "<!doctype html"sv) || starts_markup(markup, "<html"sv) ||
      starts_markup(markup, "<head"sv) || starts_markup(markup, "<!--"sv)) {
    return {"an HTML page", "download the file itself, not the page about it"};
  }
  if (starts_markup(markup, "<?xml"sv)) {
    return {"an XML document", "it may be the answer of a server: download the file again"};
  }
  return {};
}

}  // namespace norma
