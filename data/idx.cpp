#include "norma/data/idx.h"

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <string_view>

#include "norma/core/byte_order.h"
#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"
#include "norma/data/data_folder.h"
#include "norma/data/file_reader.h"

namespace norma::data {

namespace {

using detail::FileReader;

template <class T>
T big_endian(const unsigned char* bytes) {
  return load_number<T, std::endian::big>(bytes);
}

// Fills a tensor of type T with elements of type Stored. Returns how many bytes there were.
template <class Stored, class T = Stored>
uint64_t read_elements(FileReader& file, const Tensor& to) {
  const auto count = static_cast<uint64_t>(to.numel());
  T* out = to.data_ptr<T>();
  if constexpr (sizeof(T) == 1) return file.read(out, count);
  unsigned char buffer[8192];
  constexpr uint64_t kChunk = sizeof(buffer) / sizeof(Stored);
  uint64_t bytes = 0;
  for (uint64_t done = 0; done < count;) {
    const uint64_t wanted = std::min(kChunk, count - done);
    const std::size_t got = file.read(buffer, wanted * sizeof(Stored));
    bytes += got;
    if (got < wanted * sizeof(Stored)) break;
    for (uint64_t i = 0; i < wanted; ++i) {
      // NOLINTNEXTLINE(bugprone-signed-char-misuse): these bytes have a sign
      out[done + i] = static_cast<T>(big_endian<Stored>(buffer + i * sizeof(Stored)));
    }
    done += wanted;
  }
  return bytes;
}

struct ElementType {
  unsigned char code;
  uint64_t bytes;  // in the file
  DType dtype;     // in memory
  const char* name;
  uint64_t (*read)(FileReader&, const Tensor&);
};

constexpr ElementType kElementTypes[] = {
    {0x08, 1, kUInt8, "uint8", read_elements<uint8_t>},
    {0x09, 1, kInt64, "int8", read_elements<int8_t, int64_t>},
    {0x0b, 2, kInt64, "int16", read_elements<int16_t, int64_t>},
    {0x0c, 4, kInt64, "int32", read_elements<int32_t, int64_t>},
    {0x0d, 4, kFloat32, "float32", read_elements<float>},
    {0x0e, 8, kFloat64, "float64", read_elements<double>}};

std::string hex(unsigned char value) {
  constexpr char digits[] = "0123456789abcdef";
  return text("0x", digits[value >> 4], digits[value & 15]);
}

Tensor read(const char* op, const std::string& path) {
  FileReader file(op, path);
  unsigned char header[4 + 4 * Shape::kMaxDims];
  file.refuse_foreign("an IDX file");
  if (file.read(header, 4) < 4) file.refuse("expected an IDX header of 4 bytes, got fewer");
  if (header[0] != 0 || header[1] != 0) {
    file.refuse("expected an IDX file, which begins with two zero bytes, got " + hex(header[0]) +
                " " + hex(header[1]));
  }
  const ElementType* type =
      std::find_if(std::begin(kElementTypes), std::end(kElementTypes),
                   [&](const ElementType& known) { return known.code == header[2]; });
  if (type == std::end(kElementTypes)) {
    file.refuse("expected the IDX element type 0x08, 0x09, 0x0b, 0x0c, 0x0d or 0x0e, got " +
                hex(header[2]));
  }
  const uint64_t dims = header[3];
  if (dims < 1 || dims > static_cast<uint64_t>(Shape::kMaxDims)) {
    file.refuse(text("expected 1 to ", Shape::kMaxDims, " dimensions, got ", dims));
  }
  if (file.read(header + 4, 4 * dims) < 4 * dims) {
    file.refuse(text("expected ", dims, " sizes in the header, got fewer"));
  }

  Shape sizes;
  // The second product leaves out sizes of 0, for strides are made of the others.
  uint64_t bytes = type->bytes, extent = type->bytes;
  bool overflow = false;
  for (uint64_t d = 0; d < dims; ++d) {
    const auto size = big_endian<uint32_t>(header + 4 + 4 * d);
    sizes.push_back(size);
    overflow |= __builtin_mul_overflow(extent, std::max<uint64_t>(size, 1), &extent);
    bytes = overflow ? 0 : bytes * size;
  }
  const std::string what = text(type->name, " ", sizes);
  const uint64_t header_bytes = 4 + 4 * dims;
  // Eight bytes in memory may come from one in the file.
  if (overflow || extent > uint64_t{1} << 59) {
    file.refuse("expected a size that fits in memory, got a header that promises " + what);
  }
  const std::string expected =
      text("expected ", header_bytes + bytes, " bytes for ", what, ", got ");
  const std::string hint = "the file is cut short, or the header is wrong";
  if (header_bytes + bytes > file.max_bytes()) {
    file.refuse(text(expected, file.compressed() ? "at most " : "", file.max_bytes()), hint);
  }
  if (!file.compressed() && header_bytes + bytes < file.disk_bytes()) {
    file.refuse(text(expected, file.disk_bytes()), "there are bytes after the data");
  }

  Tensor result = new_tensor(sizes, type->dtype);
  const uint64_t got = type->read(file, result);
  if (got < bytes) file.refuse(text(expected, header_bytes + got), hint);
  char extra;
  if (file.read(&extra, 1) != 0) file.refuse(expected + "more", "there are bytes after the data");
  return result;
}

using detail::FolderSign;

// The path of the file under the first of its usual names that exists.
std::string find_file(const char* op, const std::string& dir, const std::string& stem,
                      const std::string& rank, std::initializer_list<FolderSign> signs,
                      std::string_view otherwise) {
  const std::string dash = text(stem, "-idx", rank, "-ubyte"),
                    dot = text(stem, ".idx", rank, "-ubyte");
  std::string path = detail::find_in(dir, {dash, dash + ".gz", dot, dot + ".gz"});
  if (!path.empty()) return path;
  fail(op, "expected the file ", dash, " (or ", dot, ", plain or .gz), got none of them in ",
       in_quotes(dir), "; ", detail::folder_hint(dir, signs, otherwise));
}

// Images as they lie in the file [N, rows, cols], and labels from `least` to `most`.
Dataset read_pair(const char* op, const std::string& image_path, const std::string& label_path,
                  int least, int most, const char* hint) {
  const auto check_kind = [op](const Tensor& t, int64_t rank, const char* kind,
                               const std::string& path) {
    if (t.dtype() == kUInt8 && t.dim() == rank) return;
    fail(op, "expected ", kind, ", got ", t.dtype(), " ", t.sizes(), " in \"", path, "\"");
  };
  const Tensor labels = read(op, label_path);
  check_kind(labels, 1, "labels, uint8 [N]", label_path);
  const Tensor images = read(op, image_path);
  check_kind(images, 3, "images, uint8 [N, rows, cols]", image_path);
  if (images.size(0) != labels.size(0)) {
    fail(op, "expected one label per image, got ", images.size(0), " images in \"", image_path,
         "\" and ", labels.size(0), " labels in \"", label_path, "\"");
  }
  const auto* values = labels.data_ptr<uint8_t>();
  const auto* wrong =
      std::find_if(values, values + labels.numel(), [=](int v) { return v < least || v > most; });
  if (wrong != values + labels.numel()) {
    fail(op, "expected labels from ", least, " to ", most, ", got ", *wrong, " for image ",
         wrong - values, " in \"", label_path, "\"; ", hint);
  }
  return {images, labels.to(kInt64)};
}

struct Split {
  const char* name;
  int least, most;  // labels
};

constexpr Split kSplits[] = {{"byclass", 0, 61}, {"bymerge", 0, 46}, {"balanced", 0, 46},
                             {"letters", 1, 26}, {"digits", 0, 9},   {"mnist", 0, 9}};

const Split& find_split(const char* op, const std::string& name) {
  for (const Split& split : kSplits) {
    if (name == split.name) return split;
  }
  fail(op, "expected the split byclass, bymerge, balanced, letters, digits or mnist, got ",
       in_quotes(name));
}

}  // namespace

Tensor read_idx(const std::string& path) {
  return with_memory(0, [&] { return read("read_idx", path); });
}

Dataset mnist(const std::string& dir, bool train) {
  return with_memory(0, [&] {
    const std::string part = train ? "train" : "t10k";
    const auto find = [&](const char* which, const char* rank) {
      return find_file("mnist", dir, text(part, which), rank,
                       {{"emnist-*", "it has files of EMNIST: emnist(dir, \"digits\") reads them"},
                        {"raw", "give the folder raw in it"},
                        {"MNIST", "give the folder MNIST/raw in it"},
                        {"FashionMNIST", "give the folder FashionMNIST/raw in it"},
                        {"mnist.npz", "mnist.npz holds NumPy arrays: download the IDX files"},
                        {"mnist_train.csv", "read_csv() reads mnist_train.csv"},
                        {"data_batch_1.bin", "cifar10() reads CIFAR-10"}},
                       "download MNIST there, or use synthetic_digits()");
    };
    const std::string images = find("-images", "3"), labels = find("-labels", "1");
    Dataset set = read_pair("mnist", images, labels, 0, 9, "read other label sets with read_idx");
    set.inputs = set.inputs.unsqueeze(1);
    return set;
  });
}

Dataset emnist(const std::string& dir, const std::string& name, bool train) {
  return with_memory(0, [&] {
    const Split& split = find_split("emnist", name);
    const auto find = [&](const char* which, const char* rank) {
      return find_file("emnist", dir, text("emnist-", name, train ? "-train" : "-test", which),
                       rank,
                       {{"gzip", "give the folder gzip in it"},
                        {"raw", "give the folder raw in it"},
                        {"EMNIST", "give the folder EMNIST/raw in it"},
                        {"gzip.zip", "unpack gzip.zip"},
                        {"emnist-*", "other splits of EMNIST are there"},
                        {"train-images-idx3-ubyte*", "mnist() reads MNIST"}},
                       "download EMNIST there");
    };
    const std::string images = find("-images", "3"), labels = find("-labels", "1");
    Dataset set = read_pair("emnist", images, labels, split.least, split.most,
                            "is it the split that the name says?");
    set.inputs = set.inputs.transpose(1, 2).contiguous().unsqueeze(1);
    return set;
  });
}

std::vector<std::string> emnist_classes(const std::string& name) {
  return with_memory(0, [&] {
    const Split& split = find_split("emnist_classes", name);
    const std::string digits = "0123456789", upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                      lower = "abcdefghijklmnopqrstuvwxyz";
    std::vector<std::string> classes;
    std::string all = digits;
    if (split.least == 1) {
      classes = {"N/A"};
      all = lower;
    } else if (split.most == 61) {
      all += upper + lower;
    } else if (split.most == 46) {
      all += upper + "abdefghnqrt";
    }
    for (const char c : all) classes.emplace_back(1, c);
    return classes;
  });
}

}  // namespace norma::data
