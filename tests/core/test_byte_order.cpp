// The order of bytes is the format's, on any machine. Where it is the machine's own, these tests
// say that nothing is turned round; on a big-endian one (scripts/cross.sh s390x) the opposite.
#include "norma/core/byte_order.h"
#include "norma/tests/support/catch.h"

using namespace norma;

TEST_CASE("numbers are read from bytes in the order that is asked for") {
  const unsigned char bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8};
  CHECK(load_number<uint8_t>(bytes) == 0x01);
  CHECK(load_number<uint16_t>(bytes) == 0x0201);
  CHECK(load_number<uint32_t>(bytes) == 0x04030201);
  CHECK(load_number<uint64_t>(bytes) == 0xf807060504030201);
  CHECK(load_number<int64_t>(bytes) == static_cast<int64_t>(0xf807060504030201));
  CHECK(load_number<uint16_t, std::endian::big>(bytes) == 0x0102);
  CHECK(load_number<uint64_t, std::endian::big>(bytes) == 0x01020304050607f8);
  const unsigned char one[] = {0, 0, 0x80, 0x3f}, minus_two[] = {0xc0, 0, 0, 0, 0, 0, 0, 0};
  CHECK(load_number<float>(one) == 1.0F);
  CHECK(load_number<double, std::endian::big>(minus_two) == -2.0);
}

TEST_CASE("numbers become little-endian in place, and what they were again") {
  uint32_t numbers[] = {0x04030201, 0x08070605};
  swap_little_endian(numbers, 2, 4);
  const auto* bytes = reinterpret_cast<const unsigned char*>(numbers);
  for (int i = 0; i < 8; ++i) CHECK(bytes[i] == i + 1);
  swap_little_endian(numbers, 2, 4);
  CHECK(numbers[0] == 0x04030201);
  CHECK(numbers[1] == 0x08070605);
}
