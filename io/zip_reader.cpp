#include "norma/io/zip_reader.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "norma/core/byte_order.h"

namespace norma {

namespace {

constexpr uint32_t kLocalHeader = 0x04034b50, kDirectoryEntry = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kEnd64Locator = 0x07064b50;
constexpr uint64_t kLocalBytes = 30, kEntryBytes = 46;
constexpr uint64_t kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr uint64_t kMaxDirectoryBytes = 100'000'000;
constexpr uint64_t kMaxDeflateRatio = 1032;
constexpr uint16_t kStored = 0, kDeflated = 8, kEncrypted = 1;
constexpr const char* kBeyond = "reaches beyond the place that the zip directory leaves for it";
constexpr const char* kCutShort = "; the file was cut short or is no zip archive";

uint16_t u16(const char* bytes) { return load_number<uint16_t>(bytes); }
uint32_t u32(const char* bytes) { return load_number<uint32_t>(bytes); }
uint64_t u64(const char* bytes) { return load_number<uint64_t>(bytes); }

struct Directory {
  uint64_t start = 0, bytes = 0, count = 0;
};

// The record at the end of the file, behind which there is a comment of at most 65535 bytes.
uint64_t find_end(const InputFile& file) {
  const uint64_t tail_bytes = std::min<uint64_t>(file.size(), kEndBytes + 65535);
  std::string tail(tail_bytes, '\0');
  file.read(tail.data(), file.size() - tail_bytes, tail_bytes);
  for (uint64_t left = kEndBytes; left <= tail_bytes; ++left) {
    const char* record = tail.data() + (tail_bytes - left);
    if (u32(record) == kEnd && u16(record + 20) == left - kEndBytes) return file.size() - left;
  }
  file.refuse("expected a zip archive with a directory at its end, got none", kCutShort);
}

Directory find_directory(const InputFile& file) {
  const uint64_t end = find_end(file);
  std::array<char, kEnd64Bytes> record{};
  file.read(record.data(), end, kEndBytes);
  Directory directory{u32(&record[16]), u32(&record[12]), u16(&record[10])};
  uint64_t disks = u16(&record[4]) | u16(&record[6]);
  uint64_t limit = end;
  const bool large = directory.start == UINT32_MAX || directory.bytes == UINT32_MAX ||
                     directory.count == UINT16_MAX || disks == UINT16_MAX;
  if (large) {
    std::array<char, kLocatorBytes> locator{};
    if (end >= kLocatorBytes) file.read(locator.data(), end - kLocatorBytes, kLocatorBytes);
    const uint64_t at = u64(&locator[8]);
    if (u32(&locator[0]) != kEnd64Locator || end - kLocatorBytes < kEnd64Bytes ||
        at > end - kLocatorBytes - kEnd64Bytes)
      file.refuse("expected a ZIP64 record before the end of the zip archive, got none");
    file.read(record.data(), at, kEnd64Bytes);
    if (u32(&record[0]) != kEnd64)
      file.refuse("expected a ZIP64 record before the end of the zip archive, got other bytes");
    directory = {u64(&record[48]), u64(&record[40]), u64(&record[32])};
    disks = u32(&record[16]) | u32(&record[20]);
    limit = at;
  }
  if (disks != 0) file.refuse("expected a zip archive in one file, got a part of one");
  if (directory.start > limit || directory.bytes > limit - directory.start)
    file.refuse("expected the directory of the zip archive before byte ", limit, ", got ",
                directory.bytes, " bytes from byte ", directory.start, " on", kCutShort);
  if (directory.bytes > kMaxDirectoryBytes)
    file.refuse("expected a zip directory of at most ", kMaxDirectoryBytes, " bytes, got ",
                directory.bytes);
  return directory;
}

// Fills in what a directory entry says in its ZIP64 field, which holds only what did not fit.
void read_large_fields(std::string_view extra, ZipEntry& entry) {
  const auto is_large = [](uint64_t value) { return value == UINT32_MAX; };
  if (!is_large(entry.size) && !is_large(entry.packed_size) && !is_large(entry.header)) return;
  while (extra.size() >= 4) {
    const uint16_t id = u16(extra.data()), bytes = u16(extra.data() + 2);
    extra.remove_prefix(4);
    if (bytes > extra.size()) break;
    if (id != 1) {
      extra.remove_prefix(bytes);
      continue;
    }
    extra = extra.substr(0, bytes);
    for (uint64_t* field : {&entry.size, &entry.packed_size, &entry.header}) {
      if (!is_large(*field)) continue;
      if (extra.size() < 8) break;
      *field = u64(extra.data());
      extra.remove_prefix(8);
    }
    return;
  }
  entry.problem = "has a size for the ZIP64 field that it does not have";
}

}  // namespace

ZipArchive::ZipArchive(const InputFile& file) : file_(file) {
  const Directory directory = find_directory(file);
  read_directory(directory.start, directory.bytes, directory.count);
  check_places(directory.start);
}

void ZipArchive::read_directory(uint64_t start, uint64_t bytes, uint64_t count) {
  std::string text(bytes, '\0');
  file_.read(text.data(), start, bytes);
  std::string_view rest = text;
  while (rest.size() >= kEntryBytes && u32(rest.data()) == kDirectoryEntry) {
    const char* fields = rest.data();
    const uint64_t name_bytes = u16(fields + 28), extra_bytes = u16(fields + 30);
    const uint64_t total = kEntryBytes + name_bytes + extra_bytes + u16(fields + 32);
    if (total > rest.size()) break;
    ZipEntry& entry = entries_.emplace_back();
    entry.flags = u16(fields + 8);
    entry.method = u16(fields + 10);
    entry.crc = u32(fields + 16);
    entry.packed_size = u32(fields + 20);
    entry.size = u32(fields + 24);
    entry.header = u32(fields + 42);
    entry.name = rest.substr(kEntryBytes, name_bytes);
    read_large_fields(rest.substr(kEntryBytes + name_bytes, extra_bytes), entry);
    rest.remove_prefix(total);
  }
  if (!rest.empty() || entries_.size() != count)
    file_.refuse("expected ", count, " entries in the zip directory, got ", entries_.size(),
                 " in order; the file is damaged");
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (const auto [first, is_new] = by_name_.emplace(entries_[i].name, i); !is_new)
      entries_[i].problem = entries_[first->second].problem = "appears twice";
}

// Reads the entry's own header, which must say what the directory says.
void ZipArchive::find_data(ZipEntry& entry, uint64_t directory_start) const {
  if (entry.header > directory_start ||
      directory_start - entry.header < kLocalBytes + entry.name.size()) {
    entry.problem = kBeyond;
    return;
  }
  std::array<char, kLocalBytes> header{};
  std::string name(entry.name.size(), '\0');
  file_.read(header.data(), entry.header, kLocalBytes);
  file_.read(name.data(), entry.header + kLocalBytes, name.size());
  entry.data = entry.header + kLocalBytes + name.size() + u16(&header[28]);
  if (u32(&header[0]) != kLocalHeader || u16(&header[8]) != entry.method ||
      u16(&header[26]) != name.size() || name != entry.name)
    entry.problem = "is another one in its own header than in the zip directory";
}

void ZipArchive::check_places(uint64_t directory_start) {
  std::vector<ZipEntry*> order;
  for (ZipEntry& entry : entries_) {
    if (!entry.problem) find_data(entry, directory_start);
    if (!entry.problem) order.push_back(&entry);
  }
  std::sort(order.begin(), order.end(),
            [](const ZipEntry* a, const ZipEntry* b) { return a->header < b->header; });
  for (std::size_t i = 0; i < order.size(); ++i) {
    ZipEntry& entry = *order[i];
    const uint64_t limit = i + 1 < order.size() ? order[i + 1]->header : directory_start;
    if (entry.data > limit || entry.packed_size > limit - entry.data) entry.problem = kBeyond;
  }
}

const ZipEntry* ZipArchive::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &entries_[found->second];
}

struct ZipEntryReader::Inflater {
  z_stream stream{};
  std::array<unsigned char, 65536> packed;
  bool ended = false;

  ~Inflater() { inflateEnd(&stream); }
};

ZipEntryReader::ZipEntryReader(const ZipArchive& archive, const ZipEntry& entry)
    : file_(archive.file()), entry_(entry), next_(entry.data), crc_(crc32(0, nullptr, 0)) {
  if (entry.problem) file_.refuse("the zip entry ", in_quotes(entry.name), " ", entry.problem);
  if (entry.flags & kEncrypted) refuse("expected no encryption");
  if (entry.method != kStored && entry.method != kDeflated)
    refuse("expected it stored or deflated, got the method of compression ", entry.method);
  if (entry.method == kStored ? entry.size != entry.packed_size
                              : entry.size / kMaxDeflateRatio > entry.packed_size)
    refuse("expected ", entry.size, " bytes, got ", entry.packed_size, ", which cannot hold them");
  if (entry.method == kDeflated) {
    inflater_ = std::make_unique<Inflater>();
    if (inflateInit2(&inflater_->stream, -15) != Z_OK) refuse("no memory to inflate it");
  }
}

ZipEntryReader::~ZipEntryReader() = default;

void ZipEntryReader::read(void* data, uint64_t count) {
  auto* bytes = static_cast<unsigned char*>(data);
  if (inflater_) {
    inflate(bytes, count);
  } else {
    file_.read(data, next_, count);
    next_ += count;
  }
  done_ += count;
  if (count > 0) crc_ = crc32_z(crc_, bytes, count);
}

void ZipEntryReader::inflate(unsigned char* data, uint64_t count) {
  z_stream& stream = inflater_->stream;
  const uint64_t packed_end = entry_.data + entry_.packed_size;
  uint64_t left = count;
  // Once more after the last byte, so that the mark of the end is read.
  const bool last = count == entry_.size - done_;
  while (left > 0 || (last && !inflater_->ended)) {
    if (stream.avail_in == 0 && next_ < packed_end) {
      const uint64_t piece = std::min<uint64_t>(packed_end - next_, inflater_->packed.size());
      file_.read(inflater_->packed.data(), next_, piece);
      next_ += piece;
      stream.next_in = inflater_->packed.data();
      stream.avail_in = static_cast<uInt>(piece);
    }
    unsigned char beyond = 0;
    const uint64_t wanted = std::min<uint64_t>(left, 1u << 30);
    stream.next_out = left > 0 ? data + (count - left) : &beyond;
    stream.avail_out = left > 0 ? static_cast<uInt>(wanted) : 1;
    const int status = ::inflate(&stream, Z_NO_FLUSH);
    if (left > 0)
      left -= wanted - stream.avail_out;
    else if (stream.avail_out == 0)
      refuse("expected ", entry_.size, " bytes, got more");
    inflater_->ended = status == Z_STREAM_END;
    if (inflater_->ended && left > 0) refuse("expected ", entry_.size, " bytes, got fewer");
    if (status != Z_OK && status != Z_STREAM_END) refuse("expected deflated data, got others");
  }
}

void ZipEntryReader::finish() {
  if (inflater_ && entry_.size == 0) inflate(nullptr, 0);
  if (inflater_ && (next_ != entry_.data + entry_.packed_size || inflater_->stream.avail_in != 0))
    refuse("expected the end after the deflated data, got more bytes");
  if (crc_ != entry_.crc)
    refuse(
        "expected other bytes, as the CRC-32 says; the file is damaged, or was saved while "
        "torch.serialization.set_crc32_options(False) was in force");
}

}  // namespace norma
