#include "norma/io/safetensors.h"

#include <algorithm>
#include <exception>
#include <new>
#include <ostream>
#include <string_view>
#include <utility>

#include "norma/core/byte_order.h"
#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"
#include "norma/io/atomic_file.h"
#include "norma/io/file_kind.h"
#include "norma/io/input_file.h"
#include "norma/io/read_tensors.h"
#include "norma/io/safetensors_header.h"
#include "norma/io/stored_type.h"

namespace norma {

using safetensors::Entry;
using safetensors::Header;
using safetensors::refuse;

namespace {

// Null for a dtype that Norma has no place for.
const StoredType* stored_type(const Entry& entry) {
  for (const StoredType& known : stored_types())
    if (known.safetensors == entry.dtype) return &known;
  return nullptr;
}

// The format's name of the type that is stored as it lies in memory.
std::string_view stored_dtype(DType dtype) {
  for (const StoredType& type : stored_types())
    if (type.dtype == dtype && type.bytes == item_size(dtype)) return type.safetensors;
  return {};
}

TensorFile read_checked(const InputFile& file, const Asked& asked) {
  const FileKind kind = kind_of(file);
  if (kind.format == Format::Torch || kind.format == Format::TorchPickle)
    file.refuse(
        "expected a safetensors file, got what torch.save writes, which load and load_torch "
        "read");
  if (kind.format == Format::Other)
    file.refuse("expected a safetensors file or one of torch.save, got ", kind.what);
  if (file.size() < 8)
    file.refuse("expected at least 8 bytes, got ", file.size(),
                "; this is neither a safetensors file nor one of torch.save");
  uint64_t header_bytes = 0;
  file.read(&header_bytes, 0, 8);
  swap_little_endian(&header_bytes, 1, 8);
  if (header_bytes > safetensors::kMaxHeaderBytes)
    file.refuse("expected a header of at most ", safetensors::kMaxHeaderBytes,
                " bytes, got a length of ", header_bytes,
                "; this is neither a safetensors file nor one of torch.save");
  if (header_bytes > file.size() - 8)
    file.refuse("expected a header of ", header_bytes, " bytes, got a file of ", file.size(),
                "; the file was cut short");
  std::string json(header_bytes, '\0');
  file.read(json.data(), 8, header_bytes);
  const uint64_t data_start = 8 + header_bytes;
  Header header = safetensors::parse_header(json, file.size() - data_start, file.name());

  TensorFile result;
  result.metadata = std::move(header.metadata);
  const auto is_asked = [&](const Entry& entry) { return !asked || asked(entry.name); };
  for (const Entry& entry : header.entries)
    if (!entry.problem.empty() && is_asked(entry)) file.refuse(entry.problem);
  for (Entry& entry : header.entries) {
    if (!entry.problem.empty()) {
      result.skipped[entry.name] = "a tensor that cannot be read: " + entry.problem;
      continue;
    }
    const StoredType* type = stored_type(entry);
    if (!type || entry.shape.size() > Shape::kMaxDims) {
      result.skipped[entry.name] = type ? text("a tensor of ", entry.shape.size(), " dimensions")
                                        : text("a tensor of the dtype ", in_quotes(entry.dtype));
      continue;
    }
    Shape sizes;
    for (uint64_t size : entry.shape) sizes.push_back(static_cast<int64_t>(size));
    uint64_t at = data_start + entry.begin;
    Tensor tensor = read_elements(*type, sizes, [&](void* data, uint64_t bytes) {
      file.read(data, at, bytes);
      at += bytes;
    });
    result.tensors.emplace_back(std::move(entry.name), std::move(tensor));
  }
  if (result.tensors.empty()) refuse_skipped(file, result);
  return result;
}

}  // namespace

TensorFile read_safetensors(const InputFile& file, const Asked& asked) {
  return with_memory(static_cast<int64_t>(file.size()), [&] { return read_checked(file, asked); });
}

TensorFile load_safetensors(const std::string& path) {
  return with_memory(0, [&] { return read_safetensors(InputFile("safetensors", path)); });
}

namespace {

// A file that is to be written: `head` is its beginning up to the bytes of the tensors.
struct Draft {
  std::string head;
  std::vector<Tensor> tensors;
  uint64_t size = 0;
};

Draft make_draft(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata,
                 const std::string& name) {
  std::vector<const std::pair<std::string, Tensor>*> order;
  for (const auto& named : tensors) {
    if (!named.second.defined())
      refuse(name, "expected a tensor for ", in_quotes(named.first), ", got an undefined one");
    order.push_back(&named);
  }
  // Wide types first: every tensor then lies at a multiple of its element size.
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    const int ra = safetensors::dtype_rank(stored_dtype(a->second.dtype()));
    const int rb = safetensors::dtype_rank(stored_dtype(b->second.dtype()));
    return ra != rb ? ra > rb : a->first < b->first;
  });
  Draft draft;
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
    draft.tensors.push_back(tensor.detach());
  }
  const std::string json = safetensors::format_header(header, name);
  uint64_t header_bytes = json.size();
  swap_little_endian(&header_bytes, 1, 8);
  draft.head.assign(reinterpret_cast<const char*>(&header_bytes), 8);
  draft.head += json;
  draft.size = draft.head.size() + offset;
  return draft;
}

// Calls write(data, size) for one piece after the other.
void write_pieces(const Draft& draft, auto&& write) {
  write(static_cast<const void*>(draft.head.data()), draft.head.size());
  for (const Tensor& tensor : draft.tensors) {
    const Tensor packed = as_stored(tensor);
    const auto bytes = static_cast<std::size_t>(packed.numel() * item_size(packed.dtype()));
    write(static_cast<const void*>(impl_of(packed)->data()), bytes);
  }
}

}  // namespace

void save_safetensors(const NamedTensors& tensors, const std::string& path,
                      const std::map<std::string, std::string>& metadata) {
  with_memory(0, [&] {
    const Draft draft = make_draft(tensors, metadata, path);
    AtomicFile file(path);
    write_pieces(draft, [&](const void* data, std::size_t size) { file.write(data, size); });
    file.commit();
  });
}

void save_safetensors(const NamedTensors& tensors, std::ostream& stream,
                      const std::map<std::string, std::string>& metadata) {
  with_memory(0, [&] {
    const Draft draft = make_draft(tensors, metadata, "a stream");
    uint64_t written = 0;
    const auto check = [&](bool good) {
      if (!good)
        fail("save", "expected a stream that takes ", draft.size,
             " bytes, got one that failed after ", written);
    };
    try {
      check(stream.good());
      write_pieces(draft, [&](const void* data, std::size_t size) {
        stream.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
        check(stream.good());
        written += size;
      });
      stream.flush();
    } catch (const Error&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception&) {  // of a stream that was told to throw
    }
    check(stream.good() && written == draft.size);
  });
}

void save_safetensors(const NamedTensors& tensors, std::vector<std::byte>& bytes,
                      const std::map<std::string, std::string>& metadata) {
  with_memory(0, [&] {
    const Draft draft = make_draft(tensors, metadata, "memory");
    std::vector<std::byte> result;
    with_memory(static_cast<int64_t>(draft.size), [&] { result.reserve(draft.size); });
    write_pieces(draft, [&](const void* data, std::size_t size) {
      const auto* first = static_cast<const std::byte*>(data);
      if (size > 0) result.insert(result.end(), first, first + size);
    });
    bytes = std::move(result);
  });
}

}  // namespace norma
