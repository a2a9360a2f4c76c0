// Event files: their bytes, where they are, and what is refused.
#include "event_file.h"

#include <norma/tensorboard/summary_writer.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstring>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/temp_folder.h"

using namespace norma;
using tensorboard::SummaryWriter;

namespace {

uint32_t masked(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; }

/// The bytes of each record, all of whose checksums must be right.
std::vector<std::string> records_of(const std::string& file) {
  std::vector<std::string> records;
  for (std::size_t at = 0; at < file.size();) {
    uint64_t length = 0;
    uint32_t length_crc = 0, crc = 0;
    REQUIRE(at + 12 <= file.size());
    std::memcpy(&length, file.data() + at, 8);
    std::memcpy(&length_crc, file.data() + at + 8, 4);
    CHECK(length_crc == tensorboard::masked_crc(file.data() + at, 8));
    REQUIRE(at + 16 + length <= file.size());
    records.push_back(file.substr(at + 12, length));
    std::memcpy(&crc, file.data() + at + 12 + length, 4);
    CHECK(crc == tensorboard::masked_crc(records.back().data(), length));
    at += 16 + length;
  }
  return records;
}

std::string only_file(const TempFolder& folder) { return folder / folder.list(); }

}  // namespace

TEST_CASE("checksums are those of RFC 3720, B.4") {
  std::string bytes(32, '\0');
  CHECK(tensorboard::masked_crc(bytes.data(), 32) == masked(0x8a9136aa));
  bytes.assign(32, '\xff');
  CHECK(tensorboard::masked_crc(bytes.data(), 32) == masked(0x62a8ab43));
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<char>(i);
  CHECK(tensorboard::masked_crc(bytes.data(), 32) == masked(0x46dd794e));
  CHECK(tensorboard::masked_crc("", 0) == masked(0));
}

TEST_CASE("an event file begins with its version, and has every event at once") {
  const TempFolder folder;
  SummaryWriter writer(folder.path(), ".suffix");
  const std::string name = folder.list();
  CHECK(name.starts_with("events.out.tfevents."));
  CHECK(name.ends_with(".suffix"));
  CHECK(writer.log_dir() == folder.path());
  std::vector<std::string> records = records_of(read_bytes(only_file(folder)));
  REQUIRE(records.size() == 1);
  CHECK(has(records[0], "brain.Event:2"));

  // Fields 1 (a double), 2 (a number) and 5 (a message) of the event; 1, 1 and 2 below it.
  writer.add_scalar("ab", 1.5, 300, 2.0);
  records = records_of(read_bytes(only_file(folder)));
  REQUIRE(records.size() == 2);
  const std::string expected(
      "\x09\0\0\0\0\0\0\0\x40\x10\xac\x02\x2a\x0b\x0a\x09\x0a\x02"
      "ab\x15\0\0\xc0\x3f",
      25);
  CHECK(records[1] == expected);
  for (int i = 0; i < 5; ++i) writer.add_scalar("ab", i);
  CHECK(records_of(read_bytes(only_file(folder))).size() == 7);
}

TEST_CASE("every writer has a file of its own, in folders that it makes") {
  const TempFolder folder;
  const SummaryWriter first(folder / "a/b"), second(folder / "a/b");
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "a/b"))
    files += entry.is_regular_file();
  CHECK(files == 2);

  const std::string here = std::filesystem::current_path().string();
  std::filesystem::current_path(folder.path());
  {
    const SummaryWriter third;
    CHECK(third.log_dir().starts_with("runs/"));
    CHECK(std::filesystem::is_directory(third.log_dir()));
  }
  std::filesystem::current_path(here);
}

TEST_CASE("an event that does not fit on the disk is not there in part") {
  const TempFolder folder;
  SummaryWriter writer(folder.path());
  const std::string path = only_file(folder), before = read_bytes(path);
  struct rlimit old {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
  struct rlimit small = old;
  small.rlim_cur = before.size() + 9;
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message = error_of([&] { writer.add_scalar("a", 1); });
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
  std::signal(SIGXFSZ, ignored);
  CHECK(message == "[SummaryWriter::add_scalar] " + path + ": cannot write: File too large");
  CHECK(read_bytes(path) == before);
  writer.add_scalar("a", 2);
  CHECK(records_of(read_bytes(path)).size() == 2);
}

TEST_CASE("what cannot be is refused, and nothing is written") {
  const TempFolder folder;
  SummaryWriter writer(folder.path());
  const std::string path = only_file(folder), before = read_bytes(path);
  const auto refusal = [&](const std::function<void()>& action) {
    const std::string message = error_of(action), start = "[SummaryWriter::";
    return message.starts_with(start) ? message.substr(start.size()) : message;
  };
  const Tensor picture = zeros({3, 4, 5});
  CHECK(refusal([&] { writer.add_scalar("", 1); }) ==
        "add_scalar] expected a tag, got an empty one");
  CHECK(refusal([&] { writer.add_scalar("a\xff", 1); }) ==
        "add_scalar] expected a tag in UTF-8, got \"a\\xff\"");
  CHECK(refusal([&] { writer.add_scalar("a", ones({2})); }).starts_with("[HistoryNumber] "));
  CHECK(refusal([&] {
          writer.add_scalars("a", {{"b\xff", 1}});
        }) == "add_scalars] expected names in UTF-8, got \"b\\xff\"");
  CHECK(refusal([&] { writer.add_text("a", "\xc3"); }) ==
        "add_text] expected text in UTF-8, got \"\\xc3\"");
  CHECK(refusal([&] {
          writer.add_histogram("a", zeros({0, 2}));
        }) == "add_histogram] expected at least one value, got a tensor of shape [0, 2]");
  CHECK(refusal([&] {
          writer.add_histogram("a", tensor({1.0, double(NAN), INFINITY}));
        }) == "add_histogram] expected finite values, got 2 of 3 that are not");
  CHECK(refusal([&] { writer.add_image("a", Tensor()); }) ==
        "add_image] expected an image, got an undefined tensor");
  CHECK(refusal([&] { writer.add_image("a", picture, {}, {}, "NCHW"); }) ==
        "add_image] expected an image of the dimensions NCHW, got shape [3, 4, 5]");
  CHECK(refusal([&] { writer.add_image("a", picture, {}, {}, "CCH"); }) ==
        "add_image] expected dataformats of H and W, with C, and with N and C, in any order, got "
        "\"CCH\"");
  CHECK(refusal([&] { writer.add_image("a", picture, {}, {}, ""); }) ==
        "add_image] expected dataformats of H and W, with C, and with N and C, in any order, got "
        "\"\"");
  CHECK(refusal([&] {
          writer.add_image("a", zeros({2, 4, 5}));
        }) == "add_image] expected an image of 1, 3 or 4 channels, got 2");
  CHECK(refusal([&] {
          writer.add_image("a", zeros({3, 0, 5}));
        }) == "add_image] expected an image of 1 to 65500 rows and columns, got 0 x 5");
  CHECK(refusal([&] {
          writer.add_images("a", zeros({2, 4, 5, 5}));
        }) == "add_images] expected pictures of 1 or 3 channels, got 4");
  CHECK(refusal([&] {
          writer.add_images("a", zeros({0, 3, 5, 5}));
        }) == "add_images] expected at least one picture, got none");
  CHECK(read_bytes(path) == before);
  writer.close();
  writer.close();
  writer.flush();
  CHECK(refusal([&] { writer.add_scalar("a", 1); }) ==
        "add_scalar] expected an open writer, got one that was closed");
}

TEST_CASE("folders that cannot be are named with the reason") {
  const TempFolder folder;
  folder.write("file", "");
  CHECK(error_of([&] { const SummaryWriter writer(folder / "file/run"); }) ==
        "[SummaryWriter] " + folder / "file/run" + ": cannot make the folder: Not a directory");
  CHECK(error_of([&] { const SummaryWriter writer(folder.path(), "a/b"); }) ==
        "[SummaryWriter] expected a suffix of a file's name, got \"a/b\"");
  CHECK(error_of([&] { const SummaryWriter writer(std::string("a\0b", 3)); }) ==
        "[SummaryWriter] \"a\\x00b\": expected a path without zero bytes");
}
