#include "norma/data/cifar.h"

#include <charconv>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"
#include "norma/data/data_folder.h"
#include "norma/data/file_reader.h"

namespace norma::data {

namespace {

constexpr std::size_t kPixels = 3 * 32 * 32;

// What the records of a data set look like.
struct Kind {
  const char* op;
  const char* name;
  std::size_t labels;       // bytes before the pixels
  int most[2];              // the largest value of each
  std::size_t max_records;  // as many as the original file has

  std::size_t record() const { return labels + kPixels; }
};

constexpr Kind kCifar10 = {"cifar10", "CIFAR-10", 1, {9, 0}, 10'000};
constexpr Kind kCifar100Train = {"cifar100", "CIFAR-100", 2, {19, 99}, 50'000};
constexpr Kind kCifar100Test = {"cifar100", "CIFAR-100", 2, {19, 99}, 10'000};

// "…/data_batch_1.bin", "….bin.gz", or "" if there is neither.
std::string existing(const std::string& dir, const std::string& stem) {
  return detail::find_in(dir, {stem + ".bin", stem + ".bin.gz"});
}

struct TestFile {
  std::string path;
  int64_t records = 0;  // as the name says, 0 where it does not
};

// test_batch.bin, or else the largest test_batch_<count>.bin.
TestFile find_test_file(const std::string& dir) {
  if (std::string path = existing(dir, "test_batch"); !path.empty()) return {path, 0};
  TestFile best;
  for (std::string name : detail::names_in(dir)) {
    const std::string path = detail::path_in(dir, name);
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
    if (count > best.records || (count == best.records && path < best.path)) best = {path, count};
  }
  return best;
}

std::string read_records(const Kind& kind, const std::string& path, int64_t expected_records) {
  detail::FileReader file(kind.op, path);
  const std::size_t record = kind.record(), whole = kind.max_records * record;
  const std::string what = text("a ", kind.name, " binary file");
  file.refuse_foreign(what.c_str());
  std::string records = file.read_rest(whole);
  const std::size_t size = records.size();
  const std::string got = text(", got ", size, " bytes");
  if (size == 0 || size % record != 0) {
    file.refuse(text("expected whole records of ", record, " bytes (", whole,
                     " bytes for the original file)", got),
                text("the file is cut short, or is no ", kind.name, " binary file"));
  }
  if (expected_records != 0 && size != static_cast<std::size_t>(expected_records) * record) {
    file.refuse(text("expected ", static_cast<std::size_t>(expected_records) * record,
                     " bytes for ", expected_records, " records as in the name", got));
  }
  for (std::size_t at = 0; at < size; at += record) {
    for (std::size_t k = 0; k < kind.labels; ++k) {
      const auto label = static_cast<unsigned char>(records[at + k]);
      if (label <= kind.most[k]) continue;
      const char* which = kind.labels == 1 ? "" : k == 0 ? "coarse " : "fine ";
      file.refuse(text("expected ", which, "labels from 0 to ", kind.most[k], ", got ", label,
                       " in record ", at / record),
                  text("it is no ", kind.name, " binary file, or damaged"));
    }
  }
  return records;
}

// Images, and the label at byte `which` of each record. Frees each part once it is copied.
Dataset join(const Kind& kind, std::vector<std::string> parts, std::size_t which) {
  std::size_t count = 0;
  for (const std::string& part : parts) count += part.size() / kind.record();
  Tensor images = new_tensor({static_cast<int64_t>(count), 3, 32, 32}, kUInt8);
  Tensor labels = new_tensor(static_cast<int64_t>(count), kInt64);
  auto* pixels = images.data_ptr<uint8_t>();
  auto* label = labels.data_ptr<int64_t>();
  for (std::string& part : parts) {
    for (std::size_t at = 0; at < part.size(); at += kind.record()) {
      *label++ = static_cast<unsigned char>(part[at + which]);
      std::memcpy(pixels, part.data() + at + kind.labels, kPixels);
      pixels += kPixels;
    }
    part = std::string();
  }
  return {images, labels};
}

}  // namespace

Dataset cifar10(const std::string& dir, bool train) {
  return with_memory(0, [&] {
    std::vector<std::string> parts;
    if (train) {
      for (int i = 1; i <= 5; ++i) {
        const std::string path = existing(dir, text("data_batch_", i));
        if (!path.empty()) parts.push_back(read_records(kCifar10, path, 0));
      }
    } else if (const TestFile file = find_test_file(dir); !file.path.empty()) {
      parts.push_back(read_records(kCifar10, file.path, file.records));
    }
    if (parts.empty()) {
      constexpr std::string_view kPython =
          "it has the Python version of CIFAR-10: download the binary version (for C programs)";
      fail("cifar10", "expected ",
           train ? "data_batch_1.bin, …, data_batch_5.bin (at least one"
                 : "test_batch.bin (or test_batch_1000.bin and the like",
           ", plain or .gz), got none of them in ", norma::in_quotes(dir), "; ",
           detail::folder_hint(
               dir,
               {{"data_batch_1", kPython},
                {"test_batch", kPython},
                {"cifar-10-batches-bin", "give the folder cifar-10-batches-bin in it"},
                {"cifar-10-batches-py", kPython},
                {"cifar-10-python.tar.gz", kPython},
                {"cifar-10-binary.tar.gz", "unpack cifar-10-binary.tar.gz"},
                {"fine_label_names.txt", "cifar100() reads CIFAR-100"},
                {"train.bin", "cifar100() reads CIFAR-100"}},
               "unpack the binary version of CIFAR-10 there"));
    }
    return join(kCifar10, std::move(parts), 0);
  });
}

Dataset cifar100(const std::string& dir, bool train, Cifar100Labels labels) {
  return with_memory(0, [&] {
    const std::string path = existing(dir, train ? "train" : "test");
    if (path.empty()) {
      constexpr std::string_view kPython =
          "it has the Python version of CIFAR-100: download the binary version (for C programs)";
      const char* name = train ? "train" : "test";
      fail("cifar100", "expected ", name, ".bin, plain or .gz, got none in ", norma::in_quotes(dir),
           "; ",
           detail::folder_hint(dir,
                               {{name, kPython},
                                {"cifar-100-binary", "give the folder cifar-100-binary in it"},
                                {"cifar-100-python", kPython},
                                {"cifar-100-python.tar.gz", kPython},
                                {"cifar-100-binary.tar.gz", "unpack cifar-100-binary.tar.gz"},
                                {"data_batch_1.bin", "cifar10() reads CIFAR-10"}},
                               "unpack the binary version of CIFAR-100 there"));
    }
    const Kind& kind = train ? kCifar100Train : kCifar100Test;
    std::vector<std::string> parts;
    parts.push_back(read_records(kind, path, 0));
    return join(kind, std::move(parts), labels == Cifar100Labels::Coarse ? 0 : 1);
  });
}

}  // namespace norma::data
