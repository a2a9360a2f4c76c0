#include "norma/data/file_reader.h"

#include "norma/tests/data/gzip.h"
#include "norma/tests/data/helpers.h"

using norma::data::detail::FileReader;

namespace {

std::string read_all(const std::string& path, uint64_t limit = 1u << 30) {
  FileReader file("test", path);
  return file.read_rest(limit);
}

// Hard to compress, so that every part of the gzip stream matters.
std::string noise(std::size_t size) {
  std::string bytes;
  for (uint32_t state = 1; bytes.size() < size;) {
    state = state * 1664525u + 1013904223u;
    bytes.push_back(static_cast<char>(state >> 24));
  }
  return bytes;
}

}  // namespace

TEST_CASE("a file reads the same plain and compressed, whatever its name") {
  const TempFolder scratch;
  for (const std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 300000u}) {
    const std::string bytes = noise(size);
    CHECK(read_all(scratch.write("plain.gz", bytes)) == bytes);
    CHECK(read_all(scratch.write("packed", gzip(bytes))) == bytes);
  }
  const std::string zeros(3'000'000, '\0');
  CHECK(read_all(scratch.write("zeros", gzip(zeros, 9))) == zeros);
  CHECK(FileReader("test", scratch / "zeros").compressed());
  CHECK_FALSE(FileReader("test", scratch / "plain.gz").compressed());
}

TEST_CASE("contents never exceed max_bytes") {
  const TempFolder scratch;
  const std::string zeros(10'000'000, '\0');
  const FileReader packed("test", scratch.write("zeros", gzip(zeros, 9)));
  CHECK(packed.max_bytes() >= zeros.size());
  CHECK(packed.max_bytes() == 1032 * packed.disk_bytes());
  const FileReader plain("test", scratch.write("plain", "1234"));
  CHECK(plain.max_bytes() == 4);
}

TEST_CASE("a gzip file may have several members, and nothing else after them") {
  const TempFolder scratch;
  CHECK(read_all(scratch.write("two", gzip("one ") + gzip("") + gzip("two"))) == "one two");
  CHECK(error_of([&] { read_all(scratch.write("tail", gzip("one") + "tail")); }) ==
        "[test] expected the end of the file after the gzip data, got more bytes in \"" +
            scratch / "tail" + "\"");
  CHECK(has(error_of([&] { read_all(scratch.write("tail", gzip("one") + "\x1f!")); }),
            "corrupt data"));
}

TEST_CASE("a gzip file cut short is refused wherever the cut is") {
  const TempFolder scratch;
  const std::string bytes = noise(100), packed = gzip(bytes);
  for (std::size_t length = 2; length < packed.size(); ++length) {
    const std::string path = scratch.write("cut", packed.substr(0, length));
    CHECK(error_of([&] { read_all(path); }) ==
          "[test] expected complete gzip data, got a file that ends too early in \"" + path +
              "\"; copy or download it again");
  }
}

TEST_CASE("a damaged gzip file is refused or gives the right bytes, never wrong ones") {
  const TempFolder scratch;
  const std::string bytes = noise(200), packed = gzip(bytes);
  int refused = 0;
  for (std::size_t i = 2; i < packed.size(); ++i) {
    std::string damaged = packed;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    const std::string path = scratch.write("damaged", damaged);
    std::string got = bytes;
    const std::string message = error_of([&] { got = read_all(path); });
    refused += message != "no error";
    CHECK((message == "no error" || has(message, "\"" + path + "\"")));
    CHECK(got == bytes);
  }
  CHECK(refused > 200);
  std::string damaged = packed;
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);
  const std::string path = scratch.write("damaged", damaged);
  CHECK(error_of([&] { read_all(path); }) ==
        "[test] expected valid gzip data, got corrupt data (incorrect data check) in \"" + path +
            "\"; copy or download it again");
}

TEST_CASE("read_rest keeps to its limit") {
  const TempFolder scratch;
  const std::string plain = scratch.write("plain", "12345"),
                    packed = scratch.write("packed", gzip("12345"));
  CHECK(read_all(plain, 5) == "12345");
  CHECK(read_all(packed, 5) == "12345");
  CHECK(error_of([&] { read_all(plain, 4); }) ==
        "[test] expected at most 4 bytes, got 5 in \"" + plain + "\"");
  CHECK(error_of([&] { read_all(packed, 4); }) ==
        "[test] expected at most 4 bytes, got more in \"" + packed + "\"");
  CHECK(has(error_of([&] {
              read_all(scratch.write("bomb", gzip(std::string(20'000'000, '\0'), 9)), 2'000'000);
            }),
            "expected at most 2000000 bytes, got more"));
}

TEST_CASE("what is no file is refused with its path") {
  const TempFolder scratch;
  CHECK(error_of([&] { read_all(scratch / "absent"); }) ==
        "[test] expected a readable file, got \"" + scratch / "absent" +
            "\": No such file or directory");
  CHECK(error_of([&] { read_all(scratch.path()); }) ==
        "[test] expected a file, got the directory \"" + scratch.path() + "\"");
  CHECK(error_of([&] { read_all("/dev/null"); }) ==
        "[test] expected a file, got the special file \"/dev/null\"");
}
