// Packing zip archives and pickles by hand, right ones and wrong ones.
#pragma once
#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

/// `bytes` bytes of a number, little end first.
inline std::string le(uint64_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i, value >>= 8) text += static_cast<char>(value & 255);
  return text;
}

/// One entry and what may be wrong about it.
struct Packed {
  std::string name, data;
  uint32_t method = 0, flags = 0;
  uint64_t size = UINT64_MAX;  ///< in the directory; the length of the data otherwise
  uint32_t crc_off = 0;        ///< added to the right checksum
  std::string local_name = {};
  std::string contents = {};  ///< of a deflated entry, for its checksum
};

/// An archive of stored entries. `data` of a deflated entry is given deflated, `size` then counts.
inline std::string zip_of(const std::vector<Packed>& entries) {
  std::string file, directory;
  for (const Packed& entry : entries) {
    const uint64_t size = entry.size == UINT64_MAX ? entry.data.size() : entry.size;
    const std::string& contents = entry.contents.empty() ? entry.data : entry.contents;
    const auto crc = static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(contents.data()),
                                                 static_cast<uInt>(contents.size())) +
                                           entry.crc_off);
    const std::string& local = entry.local_name.empty() ? entry.name : entry.local_name;
    directory += le(0x02014b50, 4) + le(20, 2) + le(20, 2) + le(entry.flags, 2) +
                 le(entry.method, 2) + le(0, 4) + le(crc, 4) + le(entry.data.size(), 4) +
                 le(size, 4) + le(entry.name.size(), 2) + le(0, 12) + le(file.size(), 4) +
                 entry.name;
    // With a data descriptor: the local header says nothing about sizes.
    file += le(0x04034b50, 4) + le(20, 2) + le(entry.flags | 8, 2) + le(entry.method, 2) +
            le(0, 16) + le(local.size(), 2) + le(0, 2) + local + entry.data;
  }
  const std::string end = le(0x06054b50, 4) + le(0, 4) + le(entries.size(), 2) +
                          le(entries.size(), 2) + le(directory.size(), 4) + le(file.size(), 4) +
                          le(0, 2);
  return file + directory + end;
}

/// As the contents of a deflated entry.
inline std::string deflated(const std::string& data) {
  std::string packed(compressBound(static_cast<uLong>(data.size())) + 16, '\0');
  z_stream stream{};
  const bool begun = deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) == Z_OK;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (!begun || deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

/// An entry that is deflated rightly.
inline Packed packed(const std::string& name, const std::string& contents) {
  Packed entry{name, deflated(contents), 8};
  entry.size = contents.size();
  entry.contents = contents;
  return entry;
}

/// A file of torch.save with this pickle and one storage "0" of so many bytes.
inline std::string torch_file_of(const std::string& pickle, std::size_t storage_bytes = 24) {
  std::string storage(storage_bytes, '\0');
  for (std::size_t i = 3; i < storage_bytes; i += 4) storage[i] = '\x3f';
  return zip_of({{"x/data.pkl", pickle}, {"x/data/0", storage}, {"x/version", "3\n"}});
}

// --- Pieces of pickles ---
inline std::string p_string(const std::string& text) { return "X" + le(text.size(), 4) + text; }
inline std::string p_int(int64_t value) { return "\x8a\x08" + le(static_cast<uint64_t>(value), 8); }
inline std::string p_global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string p_tuple(const std::vector<std::string>& items) {
  std::string text = "(";
  for (const std::string& item : items) text += item;
  return text + "t";
}
inline std::string p_ints(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(p_int(value));
  return p_tuple(items);
}
inline std::string p_dict(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string text = "}(";
  for (const auto& [key, value] : entries) text += key + value;
  return text + "u";
}
inline std::string p_storage(const std::string& type = "FloatStorage", int64_t numel = 6,
                             const std::string& key = "0") {
  return p_tuple({p_string("storage"), p_global("torch", type), p_string(key), p_string("cpu"),
                  p_int(numel)}) +
         "Q";
}
inline std::string p_tensor(const std::string& storage, int64_t offset, const std::string& sizes,
                            const std::string& strides) {
  return p_global("torch._utils", "_rebuild_tensor_v2") +
         p_tuple({storage, p_int(offset), sizes, strides, "\x89",
                  p_global("collections", "OrderedDict") + ")R"}) +
         "R";
}
/// A pickle of {"w": value}.
inline std::string p_file(const std::string& value) {
  return "\x80\x02" + p_dict({{p_string("w"), value}}) + ".";
}
