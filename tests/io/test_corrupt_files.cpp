// Files that are no good safetensors files: each is refused with a message that names it, nothing
// is read outside it, and no memory is reserved for what it claims.
#include <norma/norma.h>

#include <sys/stat.h>

#include "norma/tests/io/support.h"

using namespace norma;

namespace {

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

struct Case {
  std::string name, bytes, message;
};

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets,
                std::size_t data_bytes) {
  return file_of("{\"x\":" + entry(dtype, shape, offsets) + "}", data_bytes);
}

std::string two(const std::string& a, const std::string& b, std::size_t data_bytes) {
  return file_of("{\"a\":" + entry("F32", "[1]", a) + ",\"b\":" + entry("F32", "[1]", b) + "}",
                 data_bytes);
}

std::vector<Case> cases() {
  const std::string good = one("F32", "[2]", "[0,8]", 8);
  const std::string f32 = entry("F32", "[1]", "[0,4]");
  return {
      {"empty file", "", "expected a safetensors file or one of torch.save, got an empty file"},
      {"seven bytes", std::string(7, '\0'), "expected at least 8 bytes, got 7"},
      {"no header", u64(0), "expected a header that starts with '{'"},
      {"header past the end", u64(3) + "{}", "expected a header of 3 bytes, got a file of 10"},
      {"header too large", u64(100'000'001) + "{}",
       "expected a header of at most 100000000 bytes, got a length of 100000001"},
      {"header of 2^64-1 bytes", u64(~uint64_t{0}) + "{}", "got a length of 18446744073709551615"},
      {"other bytes", "\x89NORMA\r\n" + std::string(64, 'x'),
       "this is neither a safetensors file nor one of torch.save"},
      {"cut short", good.substr(0, good.size() - 1),
       "expected 8 bytes of tensors, got 7; the file was cut short"},
      {"trailing bytes", good + "abcd",
       "expected 8 bytes of tensors, got 12; the file has bytes that belong to no tensor"},
      {"data without tensors", file_of("{}", 1), "expected 0 bytes of tensors, got 1"},

      {"not JSON", file_of("{nonsense}"), "the header is no valid JSON at its byte 3"},
      {"JSON cut short", file_of("{\"x\":"), "the header is no valid JSON"},
      {"garbage after it", file_of("{} x"), "the header is no valid JSON"},
      {"two values", file_of("{}{}"), "the header is no valid JSON"},
      {"comment", file_of("{/* */}"), "the header is no valid JSON"},
      {"bad UTF-8", file_of("{\"\xff\":" + f32 + "}", 4), "the header is no valid JSON"},
      {"lone surrogate", file_of("{\"\\ud800\":" + f32 + "}", 4), "the header is no valid JSON"},
      {"zero byte", file_of(std::string("{}\0{", 4)), "it has a zero byte"},
      {"byte-order mark", file_of("\xef\xbb\xbf{}"), "expected a header that starts with '{'"},
      {"a list", file_of("[]"), "expected a header that starts with '{'"},
      {"deeply nested", file_of("{\"x\":" + std::string(1'000'000, '[')),
       "tensor \"x\": expected an object, got a list"},

      {"tensor no object", file_of("{\"x\":1}"), "tensor \"x\": expected an object, got a number"},
      {"tensor null", file_of("{\"x\":null}"), "tensor \"x\": expected an object, got null"},
      {"no dtype", file_of("{\"x\":{\"shape\":[],\"data_offsets\":[0,4]}}", 4),
       "tensor \"x\" has no dtype"},
      {"no shape", file_of("{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4),
       "tensor \"x\" has no shape"},
      {"no offsets", file_of("{\"x\":{\"dtype\":\"F32\",\"shape\":[]}}"),
       "tensor \"x\" has no data_offsets"},
      {"unknown field", file_of("{\"x\":{\"strides\":[1]}}"),
       "tensor \"x\" has an unknown field \"strides\""},
      {"dtype a number", file_of("{\"x\":{\"dtype\":32}}"),
       "tensor \"x\": expected a string as dtype, got a number"},
      {"dtype a list", file_of("{\"x\":{\"dtype\":[]}}"), "expected a string as dtype, got a list"},
      {"shape a number", file_of("{\"x\":{\"shape\":2}}"),
       "tensor \"x\": expected a list as shape, got a number"},
      {"shape an object", file_of("{\"x\":{\"shape\":{}}}"),
       "expected a list as shape, got an object"},
      {"shape a string", file_of("{\"x\":{\"shape\":\"2\"}}"), "expected a list as shape"},
      {"nested shape", file_of("{\"x\":{\"shape\":[[2]]}}"),
       "expected whole numbers from 0 on as shape, got a list"},
      {"null in shape", file_of("{\"x\":{\"shape\":[null]}}"), "as shape, got null"},
      {"bool in shape", file_of("{\"x\":{\"shape\":[true]}}"), "as shape, got a bool"},
      {"thirteen dimensions", one("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,4]", 4),
       "got a tensor of 13 dimensions as \"x\""},
      {"one offset", one("F32", "[1]", "[0]", 4), "tensor \"x\": expected two data_offsets"},
      {"three offsets", one("F32", "[1]", "[0,4,8]", 4), "tensor \"x\": expected two data_offsets"},

      {"negative size", one("F32", "[-1]", "[0,4]", 4),
       "expected whole numbers from 0 on as shape, got the number -1"},
      {"minus zero", one("F32", "[-0]", "[0,0]", 0), "as shape, got the number"},
      {"float size", one("F32", "[1.0]", "[0,4]", 4),
       "expected whole numbers from 0 on as shape, got the number 1.0"},
      {"exponent size", one("F32", "[1e3]", "[0,4000]", 4000), "got the number 1e3"},
      {"2^64 as size", one("F32", "[18446744073709551616]", "[0,0]", 0),
       "got the number 18446744073709551616"},
      {"negative offset", one("F32", "[1]", "[-4,0]", 4), "as data_offsets, got the number -4"},
      {"float offset", one("F32", "[1]", "[0,4.5]", 4), "as data_offsets, got the number 4.5"},

      {"sizes overflow", one("F32", "[4294967296,4294967296]", "[0,0]", 0),
       "the shape [4294967296, 4294967296] has too many elements"},
      {"bytes overflow", one("F64", "[2305843009213693952]", "[0,0]", 0), "has too many elements"},
      {"overflow behind a zero", one("F32", "[0,4294967296,4294967296]", "[0,0]", 0),
       "has too many elements"},
      {"2^64-1 as size", one("U8", "[18446744073709551615]", "[0,0]", 0), "has too many elements"},
      {"larger than the file", one("U8", "[4611686018427387904]", "[0,4611686018427387904]", 0),
       "the shape [4611686018427387904] has too many elements"},
      {"a terabyte", one("U8", "[1099511627776]", "[0,1099511627776]", 0),
       "expected 1099511627776 bytes of tensors, got 0"},
      {"wrong byte count", one("F32", "[2]", "[0,4]", 4),
       "tensor \"x\" of dtype F32 and shape [2]: expected 8 bytes, got data_offsets [0, 4]"},
      {"offsets reversed", one("F32", "[1]", "[4,0]", 4),
       "tensor \"x\": expected data_offsets in order, got [4, 0]"},
      {"starts with a hole", one("F32", "[1]", "[4,8]", 8),
       "tensor \"x\": expected data from byte 0 on, got data_offsets [4, 8] that leave a hole"},
      {"hole", two("[0,4]", "[8,12]", 12),
       "tensor \"b\": expected data from byte 4 on, got data_offsets [8, 12] that leave a hole"},
      {"overlap", two("[0,4]", "[2,6]", 6),
       "tensor \"b\": expected data from byte 4 on, got data_offsets [2, 6] that overlap another "
       "tensor"},
      {"twice the same bytes", two("[0,4]", "[0,4]", 4), "overlap another tensor"},

      {"duplicate tensor", file_of("{\"x\":" + f32 + ",\"x\":" + f32 + "}", 4),
       "the name \"x\" appears twice"},
      {"duplicate by escape", file_of("{\"x\":" + f32 + ",\"\\u0078\":" + f32 + "}", 4),
       "the name \"x\" appears twice"},
      {"duplicate field", file_of("{\"x\":{\"shape\":[1],\"shape\":[2]}}"),
       "tensor \"x\" has the field \"shape\" twice"},
      {"duplicate metadata", file_of("{\"__metadata__\":{},\"__metadata__\":{}}"),
       "the name \"__metadata__\" appears twice"},
      {"duplicate metadata key", file_of("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}"),
       "metadata key \"a\" appears twice"},
      {"metadata a number", file_of("{\"__metadata__\":{\"a\":1}}"),
       "metadata key \"a\": expected a string, got a number"},
      {"metadata nested", file_of("{\"__metadata__\":{\"a\":{}}}"),
       "metadata key \"a\": expected a string, got an object"},
      {"metadata a list", file_of("{\"__metadata__\":[]}"),
       "\"__metadata__\": expected an object, got a list"},

      {"unknown dtype", one("F33", "[1]", "[0,4]", 4),
       "expected tensors that Norma can hold, got a tensor of the dtype \"F33\" as \"x\""},
      {"lower case dtype", one("f32", "[1]", "[0,4]", 4), "a tensor of the dtype \"f32\" as"},
      {"U64", one("U64", "[1]", "[0,8]", 8), "a tensor of the dtype \"U64\" as \"x\""},
      {"C64", one("C64", "[1]", "[0,8]", 8), "a tensor of the dtype \"C64\" as \"x\""},
      {"half a byte", one("F4", "[3]", "[0,2]", 2), "does not fill whole bytes"},
      {"F4", one("F4", "[4]", "[0,2]", 2), "a tensor of the dtype \"F4\" as \"x\""},
      {"control characters", file_of("{\"a\\u0007b\":1}"),
       "tensor \"a\\x07b\": expected an object"},
      {"very long name", file_of("{\"" + std::string(119, 'n') + "üxyz\":1}"), "nnn…\": expected"},
  };
}

}  // namespace

TEST_CASE("Corrupt safetensors files are refused, each with its reason and its path") {
  const TempFolder scratch;
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const std::string path = scratch / "bad.safetensors";
    write_bytes(path, c.bytes);
    const int64_t bytes_before = live_storage_bytes();
    const std::string message = error_of([&] { load_safetensors(path); });
    CAPTURE(message);
    CHECK(has(message, "[safetensors] " + path + ": "));
    CHECK(has(message, c.message));
    CHECK(live_storage_bytes() == bytes_before);
  }
}

TEST_CASE("Every prefix and every changed byte of a good file is refused or read, never worse") {
  const TempFolder scratch;
  const std::string path = scratch / "file.safetensors";
  save_safetensors({{"a", ones({2, 3})}, {"b", arange(4)}}, path, {{"k", "v"}});
  const std::string good = read_bytes(path);
  const std::string other = scratch / "other.safetensors";
  for (std::size_t size = 0; size < good.size(); ++size) {
    write_bytes(other, good.substr(0, size));
    CHECK(has(error_of([&] { load_safetensors(other); }), other));
  }
  int refused = 0;
  for (std::size_t i = 0; i < good.size() - 56; ++i) {
    for (const char value : {'\0', '"', '9', '}', '\xff'}) {
      std::string bytes = good;
      if (bytes[i] == value) continue;
      bytes[i] = value;
      write_bytes(other, bytes);
      const std::string message = error_of([&] { load_safetensors(other); });
      if (message != "no error") ++refused;
    }
  }
  CHECK(refused > 500);
}

TEST_CASE("What is no regular file is refused") {
  const TempFolder scratch;
  const std::string missing = scratch / "missing.safetensors";
  CHECK(has(error_of([&] { load_safetensors(missing); }),
            "[safetensors] " + missing + ": cannot open: No such file or directory"));
  CHECK(has(error_of([&] { load_safetensors(scratch.path()); }),
            "expected a regular file, got a folder"));
  const std::string pipe = scratch / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(has(error_of([&] { load_safetensors(pipe); }),
            "expected a regular file, got a device, pipe or socket"));
}
