#include "norma/data/cifar.h"

#include <charconv>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "norma/core/tensor_impl.h"
#include "norma/data/file_reader.h"

namespace norma::data {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kPixels = 3 * 32 * 32;
constexpr int64_t kRecord = 1 + kPixels;
constexpr int64_t kMaxRecords = 10'000;

// "…/data_batch_1.bin", "….bin.gz", or "" if there is neither.
std::string existing(const fs::path& stem) {
  for (const char* ending : {".bin", ".bin.gz"}) {
    const std::string path = stem.string() + ending;
    std::error_code error;
    if (fs::exists(path, error)) return path;
  }
  return "";
}

struct TestFile {
  std::string path;
  int64_t records = 0;  // as the name says, 0 where it does not
};

// test_batch.bin, or else the largest test_batch_<count>.bin.
TestFile find_test_file(const std::string& dir) {
  if (std::string path = existing(fs::path(dir) / "test_batch"); !path.empty()) return {path, 0};
  TestFile best;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(dir, error)) {
    std::string name = entry.path().filename().string();
    const std::string prefix = "test_batch_";
    if (!name.starts_with(prefix)) continue;
    if (name.ends_with(".gz")) name.resize(name.size() - 3);
    if (!name.ends_with(".bin")) continue;
    const char* first = name.data() + prefix.size();
    const char* last = name.data() + name.size() - 4;
    int64_t count = 0;
    const auto [stop, status] = std::from_chars(first, last, count);
    if (first == last || stop != last || status != std::errc() || count < 1) continue;
    // A plain file comes before its compressed twin, whatever order the folder lists them in.
    const std::string path = entry.path().string();
    if (count > best.records || (count == best.records && path < best.path)) best = {path, count};
  }
  return best;
}

std::string read_records(const std::string& path, int64_t expected_records) {
  detail::FileReader file("cifar10", path);
  std::string records = file.read_rest(static_cast<uint64_t>(kMaxRecords * kRecord));
  const auto size = static_cast<int64_t>(records.size());
  const std::string got = text(", got ", size, " bytes");
  if (size == 0 || size % kRecord != 0) {
    file.refuse("expected whole records of 3073 bytes (30730000 bytes for the original file)" + got,
                "the file is cut short, or is no CIFAR-10 binary file");
  }
  if (expected_records != 0 && size != expected_records * kRecord) {
    file.refuse(text("expected ", expected_records * kRecord, " bytes for ", expected_records,
                     " records as in the name", got));
  }
  for (int64_t i = 0; i < size / kRecord; ++i) {
    const auto label = static_cast<unsigned char>(records[static_cast<std::size_t>(i * kRecord)]);
    if (label > 9) {
      file.refuse(text("expected labels from 0 to 9, got ", label, " in record ", i));
    }
  }
  return records;
}

}  // namespace

Dataset cifar10(const std::string& dir, bool train) {
  std::vector<std::string> parts;
  if (train) {
    for (int i = 1; i <= 5; ++i) {
      const std::string path = existing(fs::path(dir) / text("data_batch_", i));
      if (!path.empty()) parts.push_back(read_records(path, 0));
    }
  } else if (const TestFile file = find_test_file(dir); !file.path.empty()) {
    parts.push_back(read_records(file.path, file.records));
  }
  if (parts.empty()) {
    fail("cifar10", "expected ",
         train ? "data_batch_1.bin, …, data_batch_5.bin (at least one"
               : "test_batch.bin (or test_batch_1000.bin and the like",
         ", plain or .gz), got none of them in \"", dir,
         "\"; unpack the binary version of CIFAR-10 there");
  }

  int64_t count = 0;
  for (const std::string& part : parts) count += static_cast<int64_t>(part.size()) / kRecord;
  Tensor images = new_tensor({count, 3, 32, 32}, kUInt8);
  Tensor labels = new_tensor(count, kInt64);
  auto* pixels = images.data_ptr<uint8_t>();
  auto* label = labels.data_ptr<int64_t>();
  for (std::string& part : parts) {
    for (std::size_t at = 0; at < part.size(); at += static_cast<std::size_t>(kRecord)) {
      *label++ = static_cast<unsigned char>(part[at]);
      std::memcpy(pixels, part.data() + at + 1, static_cast<std::size_t>(kPixels));
      pixels += kPixels;
    }
    part = std::string();  // frees each part once it is copied
  }
  return {images, labels};
}

}  // namespace norma::data
