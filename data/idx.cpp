#include "norma/data/idx.h"

#include <algorithm>
#include <array>
#include <bit>
#include <filesystem>
#include <initializer_list>
#include <vector>

#include "norma/core/tensor_impl.h"
#include "norma/data/file_reader.h"

namespace norma::data {

namespace {

using detail::FileReader;

template <class T>
T big_endian(const unsigned char* bytes) {
  static_assert(std::endian::native == std::endian::little);
  std::array<unsigned char, sizeof(T)> native;
  std::reverse_copy(bytes, bytes + sizeof(T), native.begin());
  return std::bit_cast<T>(native);
}

// Fills a tensor of type T with elements of type Stored. Returns how many bytes there were.
template <class Stored, class T = Stored>
uint64_t read_elements(FileReader& file, const Tensor& to) {
  const auto count = static_cast<uint64_t>(to.numel());
  T* out = to.data_ptr<T>();
  if constexpr (sizeof(T) == 1) return file.read(out, count);
  unsigned char buffer[32768];
  constexpr uint64_t kChunk = sizeof(buffer) / sizeof(Stored);
  uint64_t bytes = 0;
  for (uint64_t done = 0; done < count;) {
    const uint64_t wanted = std::min(kChunk, count - done);
    const std::size_t got = file.read(buffer, wanted * sizeof(Stored));
    bytes += got;
    if (got < wanted * sizeof(Stored)) break;
    for (uint64_t i = 0; i < wanted; ++i) {
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
    file.refuse(text("expected 1 to 8 dimensions, got ", dims));
  }
  if (file.read(header + 4, 4 * dims) < 4 * dims) {
    file.refuse(text("expected ", dims, " sizes in the header, got fewer"));
  }

  Shape sizes;
  uint64_t bytes = type->bytes;
  bool overflow = false;
  for (uint64_t d = 0; d < dims; ++d) {
    const auto size = big_endian<uint32_t>(header + 4 + 4 * d);
    sizes.push_back(size);
    overflow |= __builtin_mul_overflow(bytes, uint64_t{size}, &bytes);
  }
  const std::string what = text(type->name, " ", sizes);
  const uint64_t header_bytes = 4 + 4 * dims;
  // Eight bytes in memory may come from one in the file.
  if (overflow || bytes > uint64_t{1} << 59) {
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

// The path of the file under the first of its usual names that exists.
std::string find_file(const std::string& dir, const std::string& stem, const std::string& rank) {
  for (const char* mark : {"-", "."}) {
    for (const char* ending : {"", ".gz"}) {
      std::string path =
          (std::filesystem::path(dir) / (stem + mark + "idx" + rank + "-ubyte" + ending)).string();
      std::error_code error;
      if (std::filesystem::exists(path, error)) return path;
    }
  }
  fail("mnist", "expected the file ", stem, "-idx", rank, "-ubyte (or ", stem, ".idx", rank,
       "-ubyte, plain or .gz), got none of them in \"", dir,
       "\"; download MNIST there, or use synthetic_digits()");
}

}  // namespace

Tensor read_idx(const std::string& path) { return read("read_idx", path); }

Dataset mnist(const std::string& dir, bool train) {
  const std::string part = train ? "train" : "t10k";
  const std::string image_path = find_file(dir, part + "-images", "3");
  const std::string label_path = find_file(dir, part + "-labels", "1");
  const auto check_kind = [](const Tensor& t, int64_t rank, const char* kind,
                             const std::string& path) {
    if (t.dtype() == kUInt8 && t.dim() == rank) return;
    fail("mnist", "expected ", kind, ", got ", t.dtype(), " ", t.sizes(), " in \"", path, "\"");
  };
  const Tensor labels = read("mnist", label_path);
  check_kind(labels, 1, "labels, uint8 [N]", label_path);
  const Tensor images = read("mnist", image_path);
  check_kind(images, 3, "images, uint8 [N, rows, cols]", image_path);
  if (images.size(0) != labels.size(0)) {
    fail("mnist", "expected one label per image, got ", images.size(0), " images in \"", image_path,
         "\" and ", labels.size(0), " labels in \"", label_path, "\"");
  }
  const auto* values = labels.data_ptr<uint8_t>();
  const auto* wrong = std::find_if(values, values + labels.numel(), [](int v) { return v > 9; });
  if (wrong != values + labels.numel()) {
    fail("mnist", "expected labels from 0 to 9, got ", *wrong, " for image ", wrong - values,
         " in \"", label_path, "\"; read other label sets with read_idx");
  }
  return {images.unsqueeze(1), labels.to(kInt64)};
}

}  // namespace norma::data
