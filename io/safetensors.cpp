#include "norma/io/safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "norma/core/tensor_impl.h"
#include "norma/io/atomic_file.h"
#include "norma/io/safetensors_header.h"

namespace norma {

using safetensors::Entry;
using safetensors::Header;
using safetensors::refuse;

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

namespace {

class InputFile {
 public:
  explicit InputFile(const std::string& path) : path_(path) {
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor_ < 0) refuse(path, std::string("cannot open: ") + std::strerror(errno));
    struct stat info {};
    if (::fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode)) {
      ::close(descriptor_);
      refuse(path, "expected a regular file");
    }
    size_ = static_cast<uint64_t>(info.st_size);
  }
  ~InputFile() { ::close(descriptor_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  uint64_t size() const { return size_; }
  void read(void* data, uint64_t offset, uint64_t count) const {
    char* next = static_cast<char*>(data);
    while (count > 0) {
      const ssize_t got = ::pread(descriptor_, next, count, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) refuse(path_, std::string("cannot read: ") + std::strerror(errno));
      if (got == 0) refuse(path_, "the file became shorter while it was read");
      next += got;
      offset += static_cast<uint64_t>(got);
      count -= static_cast<uint64_t>(got);
    }
  }

 private:
  const std::string& path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

float from_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1Fu;
  const uint32_t fraction = half & 0x3FFu;
  if (exponent == 0) {  // zero and subnormal numbers: fraction · 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

float from_bfloat16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// Reads `count` values of type From in pieces, so that memory is needed once only.
template <class From, class To, class Convert>
void read_converted(const InputFile& file, uint64_t offset, int64_t count, To* to,
                    Convert convert) {
  constexpr int64_t kPiece = 16384;
  std::vector<From> piece(static_cast<std::size_t>(std::min(count, kPiece)));
  for (int64_t done = 0; done < count; done += kPiece) {
    const int64_t n = std::min(count - done, kPiece);
    file.read(piece.data(), offset + static_cast<uint64_t>(done) * sizeof(From),
              static_cast<uint64_t>(n) * sizeof(From));
    for (int64_t i = 0; i < n; ++i) to[done + i] = convert(piece[static_cast<std::size_t>(i)]);
  }
}

constexpr const char* kReadable = "BOOL U8 I8 I16 U16 I32 U32 I64 F16 BF16 F32 F64";

// The dtype a tensor arrives in.
DType loaded_dtype(const Entry& entry, const std::string& path) {
  const std::string& d = entry.dtype;
  if (d == "F32" || d == "F16" || d == "BF16") return kFloat32;
  if (d == "F64") return kFloat64;
  if (d == "I64" || d == "I8" || d == "I16" || d == "I32" || d == "U16" || d == "U32")
    return kInt64;
  if (d == "BOOL") return kBool;
  if (d == "U8") return kUInt8;
  refuse(path, "tensor \"" + entry.name + "\" has the dtype " + d +
                   ", for which Norma has no place; expected one of " + kReadable);
}

Tensor read_tensor(const InputFile& file, const Entry& entry, uint64_t data_start, DType dtype) {
  Shape sizes;
  for (uint64_t size : entry.shape) sizes.push_back(static_cast<int64_t>(size));
  Tensor tensor = new_tensor(sizes, dtype);
  const int64_t n = tensor.numel();
  const uint64_t at = data_start + entry.begin;
  const std::string& d = entry.dtype;
  const auto widen = [&]<class From>(From) {
    read_converted<From>(file, at, n, tensor.data_ptr<int64_t>(),
                         [](From value) { return static_cast<int64_t>(value); });
  };
  if (d == "BOOL") {
    read_converted<uint8_t>(file, at, n, tensor.data_ptr<bool>(),
                            [](uint8_t value) { return value != 0; });
  } else if (d == "F16") {
    read_converted<uint16_t>(file, at, n, tensor.data_ptr<float>(), from_half);
  } else if (d == "BF16") {
    read_converted<uint16_t>(file, at, n, tensor.data_ptr<float>(), from_bfloat16);
  } else if (d == "I8") {
    widen(int8_t{});
  } else if (d == "I16") {
    widen(int16_t{});
  } else if (d == "U16") {
    widen(uint16_t{});
  } else if (d == "I32") {
    widen(int32_t{});
  } else if (d == "U32") {
    widen(uint32_t{});
  } else {
    file.read(tensor.raw_data(), at, entry.end - entry.begin);
  }
  return tensor;
}

const char* stored_dtype(DType dtype) {
  switch (dtype) {
    case DType::Bool:
      return "BOOL";
    case DType::UInt8:
      return "U8";
    case DType::Int64:
      return "I64";
    case DType::Float32:
      return "F32";
    case DType::Float64:
      break;
  }
  return "F64";
}

}  // namespace

TensorFile load_safetensors(const std::string& path) {
  const InputFile file(path);
  if (file.size() < 8)
    refuse(path, "expected at least 8 bytes, got " + std::to_string(file.size()) +
                     "; this is no safetensors file");
  uint64_t header_bytes = 0;
  file.read(&header_bytes, 0, 8);
  if (header_bytes > safetensors::kMaxHeaderBytes)
    refuse(path, "expected a header of at most " + std::to_string(safetensors::kMaxHeaderBytes) +
                     " bytes, got a length of " + std::to_string(header_bytes) +
                     "; this is no safetensors file");
  if (header_bytes > file.size() - 8)
    refuse(path, "expected a header of " + std::to_string(header_bytes) + " bytes, got a file of " +
                     std::to_string(file.size()) + "; the file was cut short");
  std::string json(header_bytes, '\0');
  file.read(json.data(), 8, header_bytes);
  const uint64_t data_start = 8 + header_bytes;
  Header header = safetensors::parse_header(json, file.size() - data_start, path);

  std::vector<DType> dtypes;
  for (const Entry& entry : header.entries) dtypes.push_back(loaded_dtype(entry, path));
  TensorFile result;
  result.metadata = std::move(header.metadata);
  for (std::size_t i = 0; i < dtypes.size(); ++i) {
    Entry& entry = header.entries[i];
    Tensor tensor = read_tensor(file, entry, data_start, dtypes[i]);
    result.tensors.emplace_back(std::move(entry.name), std::move(tensor));
  }
  return result;
}

void save_safetensors(const NamedTensors& tensors, const std::string& path,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<const std::pair<std::string, Tensor>*> order;
  for (const auto& named : tensors) {
    if (!named.second.defined())
      refuse(path, "expected a tensor for \"" + named.first + "\", got an undefined one");
    order.push_back(&named);
  }
  // Wide types first: every tensor then lies at a multiple of its element size.
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    const int ra = safetensors::dtype_rank(stored_dtype(a->second.dtype()));
    const int rb = safetensors::dtype_rank(stored_dtype(b->second.dtype()));
    return ra != rb ? ra > rb : a->first < b->first;
  });
  Header header;
  header.metadata = metadata;
  header.metadata["format"] = "pt";
  uint64_t offset = 0;
  for (const auto* named : order) {
    const Tensor& tensor = named->second;
    const auto bytes = static_cast<uint64_t>(tensor.numel() * item_size(tensor.dtype()));
    Entry& entry = header.entries.emplace_back();
    entry.name = named->first;
    entry.dtype = stored_dtype(tensor.dtype());
    for (int64_t size : tensor.sizes()) entry.shape.push_back(static_cast<uint64_t>(size));
    entry.begin = offset;
    entry.end = offset += bytes;
  }
  const std::string json = safetensors::format_header(header, path);
  const uint64_t header_bytes = json.size();

  AtomicFile file(path);
  file.write(&header_bytes, 8);
  file.write(json.data(), json.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Tensor packed = order[i]->second.detach().contiguous();
    file.write(packed.raw_data(), header.entries[i].end - header.entries[i].begin);
  }
  file.commit();
}

}  // namespace norma
