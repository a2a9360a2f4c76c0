#include "norma/io/foreign_file.h"

#include <string>

#include "norma/tests/support/catch.h"

namespace {

std::string kind(const std::string& head) {
  const norma::ForeignFile file = norma::foreign_file(head);
  if (!file.what) return "unknown";
  CHECK(std::string(file.way_out).size() > 5);
  return file.what;
}

}  // namespace

TEST_CASE("files of other programs are known by their first bytes") {
  using std::string;
  CHECK(kind("version https://git-lfs.github.com/spec/v1\noid sha256:1") == "a Git LFS pointer");
  CHECK(kind("<!DOCTYPE HTML>") == "an HTML page");
  CHECK(kind("\xef\xbb\xbf\r\n <Html lang=de>") == "an HTML page");
  CHECK(kind("<?xml version='1.0'?>") == "an XML document");
  CHECK(kind("\xff\xfe" + string("a\0", 2)) == "text in UTF-16");
  CHECK(kind("\xfe\xff" + string("\0a", 2)) == "text in UTF-16");
  CHECK(kind(string("\xff\xfe\0\0a\0\0\0", 8)) == "text in UTF-32");
  CHECK(kind(string("1\0,\0002\0\n\0", 8)) == "text in UTF-16");
  CHECK(kind(string("\0001\0,\0002\0\n", 8)) == "text in UTF-16");
  CHECK(kind("PK\x03\x04....[Content_Types].xml") == "an Office file (.xlsx or the like)");
  CHECK(kind("PK\x03\x04....arr_0.npy") == "NumPy arrays (.npz)");
  CHECK(kind("PK\x03\x04....net/data.pkl") == "a file of torch.save");
  CHECK(kind("PK\x03\x04....a.txt") == "a ZIP archive");
  CHECK(kind("PK\x05\x06") == "a ZIP archive");
  CHECK(kind("\x93NUMPY\x01\x00") == "a NumPy array (.npy)");
  CHECK(kind("PAR1\x15") == "a Parquet file");
  CHECK(kind("\x89HDF\r\n\x1a\n") == "an HDF5 file");
  CHECK(kind("\x80\x04\x95") == "a Python pickle");
  CHECK(kind("\x1f\x8b\x08") == "gzip data");
  CHECK(kind("BZh91AY") == "a bzip2 archive");
  CHECK(kind(string("\xfd") + "7zXZ" + string(1, '\0')) == "an xz archive");
  CHECK(kind(string(257, 'a') + "ustar  data") == "a tar archive");
  CHECK(kind(string(256, 'a') + "ustar  data") == "unknown");
  CHECK(kind("\x89PNG\r\n\x1a\n") == "a PNG image");
}

TEST_CASE("texts and tensors are not taken for anything else") {
  for (const std::string& head :
       {std::string(), std::string("1,2\n3,4\n"), std::string("a"), std::string("<b>,1\n"),
        std::string("version,1\n"), std::string("\0\0\x08\x03\0\0\0\0\0\0\0\0", 12),
        std::string(64, '\0'), std::string("\x40\0\0\0\0\0\0\0{\"a\":", 13), std::string("PK,1\n"),
        std::string("\x80"), std::string("%,1\n")}) {
    CHECK(kind(head) == "unknown");
  }
}
