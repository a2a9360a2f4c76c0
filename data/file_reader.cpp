#include "norma/data/file_reader.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "norma/core/error.h"

namespace norma::data::detail {

namespace {

constexpr uint64_t kMaxDeflateRatio = 1032;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

struct FileReader::State {
  const char* op;
  std::string path;
  std::unique_ptr<std::FILE, CloseFile> file;
  uint64_t disk_bytes = 0;
  bool compressed = false;

  std::array<unsigned char, 65536> buffer;  // what was read from the disk and not yet used
  std::size_t begin = 0, end = 0;
  z_stream stream{};
  bool inflating = false;  // `stream` needs inflateEnd
  bool finished = false;   // the last gzip member ended

  ~State() {
    if (inflating) inflateEnd(&stream);
  }
};

FileReader::FileReader(const char* op, std::string path) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.op = op;
  s.path = std::move(path);
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(s.path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    const char* kind = std::filesystem::is_directory(status) ? "the directory" : "the special file";
    fail(op, "expected a file, got ", kind, " \"", s.path, "\"");
  }
  s.file.reset(std::fopen(s.path.c_str(), "rb"));
  const int reason = errno;
  if (!s.file) {
    fail(op, "expected a readable file, got \"", s.path,
         "\": ", std::generic_category().message(reason));
  }
  const std::uintmax_t size = std::filesystem::file_size(s.path, error);
  if (error) refuse("expected a size, got " + error.message());
  s.disk_bytes = size;

  s.end = std::fread(s.buffer.data(), 1, s.buffer.size(), s.file.get());
  s.compressed = s.end >= 2 && s.buffer[0] == 0x1f && s.buffer[1] == 0x8b;
  if (s.compressed) {
    if (inflateInit2(&s.stream, 15 + 16) != Z_OK) refuse("expected memory for inflating, got none");
    s.inflating = true;
  }
}

FileReader::~FileReader() = default;

bool FileReader::compressed() const { return state_->compressed; }

uint64_t FileReader::disk_bytes() const { return state_->disk_bytes; }

uint64_t FileReader::max_bytes() const {
  const State& s = *state_;
  return s.compressed ? s.disk_bytes * kMaxDeflateRatio : s.disk_bytes;
}

std::size_t FileReader::read(void* out, std::size_t count) {
  State& s = *state_;
  auto* target = static_cast<unsigned char*>(out);
  std::size_t done = 0;
  while (done < count) {
    if (s.begin == s.end) {
      s.begin = 0;
      s.end = std::fread(s.buffer.data(), 1, s.buffer.size(), s.file.get());
      if (std::ferror(s.file.get())) {
        refuse("expected to read on, got a read error", "is the disk in order?");
      }
    }
    const std::size_t available = s.end - s.begin;
    if (!s.compressed) {
      if (available == 0) break;
      const std::size_t taken = std::min(available, count - done);
      std::memcpy(target + done, s.buffer.data() + s.begin, taken);
      s.begin += taken;
      done += taken;
      continue;
    }

    if (s.finished) {  // one gzip file may hold several members, one after the other
      if (available == 0) break;
      if (s.buffer[s.begin] != 0x1f || inflateReset(&s.stream) != Z_OK) {
        refuse("expected the end of the file after the gzip data, got more bytes");
      }
      s.finished = false;
    }
    if (available == 0) {
      refuse("expected complete gzip data, got a file that ends too early",
             "copy or download it again");
    }
    const std::size_t wanted = std::min<std::size_t>(count - done, 1u << 30);
    s.stream.next_in = s.buffer.data() + s.begin;
    s.stream.avail_in = static_cast<uInt>(available);
    s.stream.next_out = target + done;
    s.stream.avail_out = static_cast<uInt>(wanted);
    const int status = inflate(&s.stream, Z_NO_FLUSH);
    s.begin = s.end - s.stream.avail_in;
    done += wanted - s.stream.avail_out;
    if (status == Z_STREAM_END) {
      s.finished = true;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      refuse(text("expected valid gzip data, got corrupt data (",
                  s.stream.msg ? s.stream.msg : zError(status), ")"),
             "copy or download it again");
    }
  }
  return done;
}

std::string FileReader::read_rest(uint64_t limit) {
  const auto too_long = [&](const auto& got) {
    refuse(text("expected at most ", limit, " bytes, got ", got));
  };
  if (!compressed() && disk_bytes() > limit) too_long(disk_bytes());
  std::string contents;
  std::size_t size = 0;
  uint64_t capacity = std::min(limit, compressed() ? uint64_t{1} << 20 : disk_bytes()) + 1;
  for (;;) {
    contents.resize(static_cast<std::size_t>(capacity));
    size += read(contents.data() + size, contents.size() - size);
    if (size < capacity) break;
    if (size > limit) too_long("more");
    capacity = std::min(limit + 1, 2 * capacity);
  }
  contents.resize(size);
  return contents;
}

void FileReader::refuse(const std::string& message, const std::string& hint) const {
  fail(state_->op, message, " in \"", state_->path, "\"", hint.empty() ? "" : "; " + hint);
}

}  // namespace norma::data::detail
