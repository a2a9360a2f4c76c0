#include "norma/data/file_reader.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <system_error>

#include "norma/core/error.h"
#include "norma/io/file_path.h"
#include "norma/io/foreign_file.h"

namespace norma::data::detail {

FileReader::FileReader(const char* op, const std::string& path)
    : op_(op), path_(path), shown_(quoted_path(path)), buffer_(65536) {
  check_path(op, path_);
  platform::FileInfo info;
  if (platform::look_at(path_, info) == 0 && info.kind != platform::FileType::Regular) {
    const bool folder = info.kind == platform::FileType::Folder;
    fail(op, "expected a file, got ", folder ? "the directory" : "the special file", " ", shown_);
  }
  if (const int error = platform::open_to_read(path_, file_)) {
    fail(op, "expected a readable file, got ", shown_, ": ",
         std::generic_category().message(error));
  }
  if (const int error = platform::look_at(file_, info)) {
    refuse("expected a size, got " + std::generic_category().message(error));
  }
  disk_bytes_ = info.size;

  compressed_ = fill() && stream_.avail_in > 1 && buffer_[0] == 0x1f && buffer_[1] == 0x8b;
  if (compressed_ && inflateInit2(&stream_, 15 + 16) != Z_OK) {
    refuse("expected memory for inflating, got none");
  }
  head_.resize(512);
  head_.resize(decode(reinterpret_cast<unsigned char*>(head_.data()), head_.size()));
}

// Reads on where the buffer is used up; false at the end of the file.
bool FileReader::fill() {
  if (stream_.avail_in > 0) return true;
  stream_.next_in = buffer_.data();
  std::size_t got = 0;
  if (platform::read_some(file_, buffer_.data(), buffer_.size(), next_, got) != 0) {
    refuse("expected to read on, got a read error", "is the disk in order?");
  }
  next_ += got;
  stream_.avail_in = static_cast<uInt>(got);
  return stream_.avail_in > 0;
}

std::size_t FileReader::read(void* out, std::size_t count) {
  const std::size_t known = std::min(count, head_.size() - head_read_);
  head_.copy(static_cast<char*>(out), known, head_read_);
  head_read_ += known;
  if (known == count) return count;
  return known + decode(static_cast<unsigned char*>(out) + known, count - known);
}

std::size_t FileReader::decode(unsigned char* target, std::size_t count) {
  std::size_t done = 0;
  while (done < count && fill()) {
    done += compressed_ ? inflate(target + done, count - done) : copy(target + done, count - done);
  }
  if (done < count && compressed_ && !finished_) {
    refuse("expected complete gzip data, got a file that ends too early",
           "copy or download it again");
  }
  return done;
}

std::size_t FileReader::copy(unsigned char* out, std::size_t count) {
  const std::size_t taken = std::min<std::size_t>(stream_.avail_in, count);
  std::memcpy(out, stream_.next_in, taken);
  stream_.next_in += taken;
  stream_.avail_in -= static_cast<uInt>(taken);
  return taken;
}

std::size_t FileReader::inflate(unsigned char* out, std::size_t count) {
  // One gzip file may hold several members, one after the other.
  if (finished_ && (*stream_.next_in != 0x1f || inflateReset(&stream_) != Z_OK)) {
    refuse("expected the end of the file after the gzip data, got more bytes");
  }
  const auto wanted = static_cast<uInt>(std::min<std::size_t>(count, 1u << 30));
  stream_.next_out = out;
  stream_.avail_out = wanted;
  const int status = ::inflate(&stream_, Z_NO_FLUSH);
  finished_ = status == Z_STREAM_END;
  if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
    refuse(text("expected valid gzip data, got corrupt data (",
                stream_.msg ? stream_.msg : zError(status), ")"),
           "copy or download it again");
  }
  return wanted - stream_.avail_out;
}

std::string FileReader::read_rest(uint64_t limit, const std::string& hint) {
  const auto too_long = [&](const auto& got) {
    refuse(text("expected at most ", limit, " bytes, got ", got), hint);
  };
  if (!compressed() && disk_bytes() > limit) too_long(disk_bytes());
  std::string contents;
  std::size_t size = 0;
  uint64_t capacity = std::min(limit, compressed() ? uint64_t{1} << 20 : disk_bytes()) + 1;
  for (;;) {
    try {
      contents.resize(static_cast<std::size_t>(capacity));
    } catch (const std::bad_alloc&) {
      refuse(text("expected memory for ", capacity, " bytes, got none"));
    }
    size += read(contents.data() + size, contents.size() - size);
    if (size < capacity) break;
    if (size > limit) too_long("more");
    capacity = std::min(limit + 1, 2 * capacity);
  }
  contents.resize(size);
  return contents;
}

void FileReader::refuse_foreign(const char* expected) const {
  const ForeignFile foreign = foreign_file(head_);
  if (foreign.what) refuse(text("expected ", expected, ", got ", foreign.what), foreign.way_out);
}

void FileReader::refuse(const std::string& message, const std::string& hint) const {
  fail(op_, message, " in ", shown_, hint.empty() ? "" : "; " + hint);
}

}  // namespace norma::data::detail
