// The number of an open file. For Norma's own sources.
#pragma once
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace norma {

/// The descriptor of an open file, which it closes; -1 is none.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (is_open()) ::close(number_);
  }
  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

/// Writes all bytes to the file, from the offset `at` on; 0, or the number of the error.
int write_all(const Descriptor& file, const void* data, std::size_t size, uint64_t at);

}  // namespace norma
