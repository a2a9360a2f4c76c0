#include "norma/io/input_file.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <istream>
#include <new>

namespace norma {

InputFile::InputFile(const char* op, const Source& source) : op_(op), name_(source.name) {
  if (source.bytes) {
    static constexpr std::byte kNone{};
    memory_ = source.bytes->empty() ? &kNone : source.bytes->data();
    size_ = source.bytes->size();
  } else {
    open();
  }
  if (__builtin_mul_overflow(size_, kCostFactor, &left_) ||
      __builtin_add_overflow(left_, kFreeCost, &left_))
    left_ = UINT64_MAX;
}

void InputFile::open() {
  check_path(op_, name_);
  if (const int error = platform::open_to_read(name_, file_))
    refuse("cannot open: ", std::strerror(error));
  platform::FileInfo info;
  if (platform::look_at(file_, info) != 0 || info.kind != platform::FileType::Regular) {
    if (info.kind == platform::FileType::Folder)
      refuse("expected a regular file, got a folder; give the path of a file in it");
    refuse("expected a regular file, got a device, pipe or socket; read those with a std::istream");
  }
  size_ = info.size;
}

void InputFile::read(void* data, uint64_t offset, uint64_t count) const {
  char* next = static_cast<char*>(data);
  if (memory_) {
    if (offset > size_ || count > size_ - offset) refuse("expected more bytes, got the end");
    if (count > 0) std::memcpy(next, memory_ + offset, count);
    return;
  }
  while (count > 0) {
    std::size_t got = 0;
    if (const int error = platform::read_some(file_, next, count, offset, got))
      refuse("cannot read: ", std::strerror(error));
    if (got == 0) refuse("the file became shorter while it was read");
    next += got;
    offset += got;
    count -= got;
  }
}

std::string InputFile::head(uint64_t count) const {
  std::string bytes(std::min(count, size_), '\0');
  read(bytes.data(), 0, bytes.size());
  return bytes;
}

void InputFile::refuse_cost() const {
  refuse("expected contents that take at most ", kCostFactor, " times the ", size_,
         " bytes of the file and ", kFreeCost,
         " more, got others: the file is damaged or hostile, or so tightly packed that it must be "
         "unpacked first");
}

Source in_memory(std::span<const std::byte> bytes) { return {"bytes in memory", bytes}; }

std::string rest_of(const char* op, std::istream& stream) {
  std::string bytes;
  if (!stream || !stream.rdbuf())
    fail(op, "expected a stream that can be read, got one that failed");
  try {  // past the stream itself, whose owner may want exceptions at its end
    char piece[8192];
    for (std::streamsize got; (got = stream.rdbuf()->sgetn(piece, sizeof piece)) > 0;)
      bytes.append(piece, static_cast<std::size_t>(got));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& failure) {
    fail(op, "expected a stream that can be read, got one that failed after ", bytes.size(),
         " bytes: ", failure.what());
  }
  return bytes;
}

Source in_stream(const std::string& bytes) { return {"a stream", std::as_bytes(std::span(bytes))}; }

}  // namespace norma
