// What holds on every system that has files: with nothing but the standard library beside Norma.
#include <norma/norma.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "norma/core/platform/files.h"
#include "norma/io/atomic_file.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/temp_folder.h"

namespace fs = std::filesystem;
namespace nn = norma::nn;
using norma::Tensor;

namespace {

// In UTF-8, as paths are given to Norma.
const std::string kName = "\u00fcber-\u6a21\u578b-\u03b2";

std::u8string u8(const std::string& text) { return {text.begin(), text.end()}; }

struct NamedFolder {
  NamedFolder() { fs::create_directory(fs::path(u8(scratch.path())) / fs::path(u8(kName))); }
  std::string operator/(const std::string& name) const {
    return scratch.path() + "/" + kName + "/" + name;
  }
  // Names of files, in the order of their bytes.
  std::vector<std::string> list() const {
    auto names = norma::platform::names_in(scratch.path() + "/" + kName);
    std::sort(names.begin(), names.end());
    return names;
  }
  TempFolder scratch;
};

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(fs::path(u8(path)), std::ios::binary) << bytes;
}
std::string read(const std::string& path) {
  std::ifstream file(fs::path(u8(path)), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("files and folders with names of any language") {
  const NamedFolder folder;
  const std::string model = folder / (kName + ".safetensors"), table = folder / (kName + ".csv");
  nn::Linear saved(3, 2), loaded(3, 2);
  norma::save(saved, model);
  norma::load(loaded, model);
  CHECK(norma::equal(saved.weight, loaded.weight));
  {
    norma::History history(table);
    history.log({{"loss", 0.5}}, {.epoch = 0});
  }
  CHECK(norma::History(table).values("loss") == std::vector<double>({0.5}));
  CHECK(read(table) == "epoch,step,loss\n0,,0.5\n");
  CHECK(folder.list() == std::vector<std::string>({kName + ".csv", kName + ".safetensors"}));
  // Errors name it as it was given.
  CHECK(has(error_of([&] { norma::load(loaded, folder / "absent"); }), kName + "/absent"));
}

TEST_CASE("data sets from folders with names of any language") {
  const NamedFolder folder;
  const std::string images("\0\0\x08\x03\0\0\0\x01\0\0\0\x02\0\0\0\x02\x01\x02\x03\x04", 20);
  const std::string labels("\0\0\x08\x01\0\0\0\x01\x07", 9);
  write(folder / "images", images);
  write(folder / "labels", labels);
  const Tensor x = norma::data::read_idx(folder / "images");
  CHECK(norma::equal(x, norma::tensor({1, 2, 3, 4}).to(norma::kUInt8).reshape({1, 2, 2})));
  CHECK(norma::data::read_idx(folder / "labels").item<double>() == 7);
  CHECK(has(error_of([&] { norma::data::mnist(folder / "absent"); }), "there is no such folder"));
}

TEST_CASE("a save replaces the whole file or nothing") {
  const NamedFolder folder;
  const std::string path = folder / "file";
  write(path, "old");
  {
    norma::AtomicFile file(path);
    file.write("new", 3);
    CHECK(read(path) == "old");
    CHECK(folder.list().size() == 2);
  }
  CHECK(folder.list() == std::vector<std::string>({"file"}));
  CHECK(read(path) == "old");
  {
    norma::AtomicFile file(path);
    file.write("new", 3);
    file.commit();
    CHECK(read(path) == "new");
  }
  CHECK(folder.list() == std::vector<std::string>({"file"}));
}

TEST_CASE("what a killed save left is removed, what a running one has is not") {
  const NamedFolder folder;
  write(folder / ".norma-save-1-2-3.tmp", "left");
  norma::AtomicFile running(folder / "a");
  CHECK(folder.list().size() == 1);
  {
    norma::AtomicFile second(folder / "b");
    CHECK(folder.list().size() == 2);
  }
  running.write("a", 1);
  running.commit();
  CHECK(folder.list() == std::vector<std::string>({"a"}));
}

TEST_CASE("writers side by side: readers see one of the files, whole") {
  const NamedFolder folder;
  const std::string path = folder / "file";
  constexpr int kWriters = 4, kSaves = 20;
  const auto content = [](int writer) {
    return std::string(50'000, static_cast<char>('a' + writer));
  };
  write(path, content(0));
  std::atomic<int> failures{0};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      try {
        for (int i = 0; i < kSaves; ++i) {
          norma::AtomicFile file(path);
          const std::string bytes = content(writer);
          file.write(bytes.data(), bytes.size());
          file.commit();
        }
      } catch (const norma::Error&) {
        ++failures;
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    const std::string bytes = read(path);
    if (bytes.empty()) continue;  // some systems refuse to open it for a moment
    CHECK(bytes.size() == 50'000);
    CHECK(bytes.find_first_not_of(bytes[0]) == std::string::npos);
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(failures == 0);
  CHECK(folder.list() == std::vector<std::string>({"file"}));
}

TEST_CASE("a read-only file is not replaced") {
  const NamedFolder folder;
  const std::string path = folder / "file.csv";
  write(path, "");
  fs::permissions(fs::path(u8(path)),
                  fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write,
                  fs::perm_options::remove);
  CHECK(has(error_of([&] { norma::AtomicFile file(path); }),
            "cannot replace a file that is read-only: Permission denied"));
  CHECK(has(error_of([&] { norma::History history(path); }), "a file that is read-only"));
  fs::permissions(fs::path(u8(path)), fs::perms::owner_write, fs::perm_options::add);
}

TEST_CASE("one History has a file at a time, and goes on behind its last whole line") {
  const NamedFolder folder;
  const std::string path = folder / "h.csv";
  {
    norma::History first(path);
    first.log({{"a", 1.0}}, {.epoch = 0});
    CHECK(
        has(error_of([&] { norma::History second(path); }), "another History has this file open"));
    first.log({{"a", 2.0}, {"b", 3.0}}, {.epoch = 1});  // a new column: the file is written anew
    CHECK(
        has(error_of([&] { norma::History second(path); }), "another History has this file open"));
  }
  const std::string whole = "epoch,step,a,b\n0,,1,\n1,,2,3\n";
  CHECK(read(path) == whole);
  write(path, whole + "2,,");
  norma::History third(path);
  CHECK(third.rows() == 2);
  CHECK(read(path) == whole);
}

TEST_CASE("files of the system's folders, and what is no file") {
  const NamedFolder folder;
  CHECK(has(error_of([&] { norma::AtomicFile file(folder.scratch.path()); }), "got a folder"));
  CHECK(has(error_of([&] { norma::AtomicFile file(folder / "absent/file"); }),
            "cannot open the folder"));
  CHECK(has(error_of([&] { norma::AtomicFile file(folder / "absent/file"); }),
            "No such file or directory; make it first"));
  nn::Linear fc(1, 1);
  CHECK(has(error_of([&] { norma::load(fc, folder / "absent"); }), "No such file or directory"));
  CHECK(has(error_of([&] { norma::load(fc, folder.scratch.path()); }), "got a folder"));
}
