#include <norma/norma.h>

#include <cmath>
#include <limits>
#include <map>

#include "norma/tests/io/support.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

std::map<std::string, Tensor> by_name(const NamedTensors& tensors) {
  return {tensors.begin(), tensors.end()};
}

std::vector<int64_t> integers(const Tensor& tensor) {
  REQUIRE(tensor.dtype() == kInt64);
  return {tensor.data_ptr<int64_t>(), tensor.data_ptr<int64_t>() + tensor.numel()};
}

}  // namespace

TEST_CASE("safetensors: every dtype of a file written by Python arrives without loss") {
  const TensorFile file = load_safetensors(NORMA_IO_TESTS "dtypes.safetensors");
  CHECK(file.tensors.size() == 15);
  CHECK(file.metadata ==
        std::map<std::string, std::string>{{"format", "pt"}, {"note", "ünï \"quoted\""}});
  auto t = by_name(file.tensors);
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(t.at("f32").dtype() == kFloat32);
  CHECK(t.at("f32").sizes() == Shape({2, 3}));
  CHECK(to_vector(t.at("f32")) == std::vector<double>{1.5, -2.25, static_cast<double>(3e38f),
                                                      static_cast<double>(1e-45f), -0.0, infinity});
  CHECK(t.at("f64").dtype() == kFloat64);
  CHECK(to_vector(t.at("f64")) == std::vector<double>{0.1, 1e300, -5e-324});
  CHECK(t.at("f16").dtype() == kFloat32);
  CHECK(to_vector(t.at("f16")) ==
        std::vector<double>{0.0, -0.0, 1.0, -2.5, 65504.0, 6.103515625e-05, 5.960464477539063e-08,
                            -1.9073486328125e-06, infinity, -infinity, 0.333251953125});
  CHECK(std::signbit(to_vector(t.at("f16"))[1]));
  CHECK(t.at("bf16").dtype() == kFloat32);
  CHECK(to_vector(t.at("bf16"))[1] == -3.140625);
  CHECK(to_vector(t.at("bf16"))[3] == -infinity);
  CHECK(integers(t.at("i8")) == std::vector<int64_t>{-128, 127, -1});
  CHECK(integers(t.at("i16")) == std::vector<int64_t>{-32768, 32767});
  CHECK(t.at("i32").dtype() == kInt32);
  CHECK(integers(t.at("i32").to(kInt64)) == std::vector<int64_t>{-2147483648LL, 2147483647LL});
  CHECK(t.at("i32").sizes() == Shape({2, 1}));
  CHECK(integers(t.at("i64")) == std::vector<int64_t>{std::numeric_limits<int64_t>::min(),
                                                      std::numeric_limits<int64_t>::max()});
  CHECK(integers(t.at("u16")) == std::vector<int64_t>{0, 65535});
  CHECK(integers(t.at("u32")) == std::vector<int64_t>{4294967295LL});
  CHECK(t.at("u8").dtype() == kUInt8);
  CHECK(to_vector(t.at("u8")) == std::vector<double>{0, 200, 255});
  CHECK(t.at("bool").dtype() == kBool);
  CHECK(to_vector(t.at("bool")) == std::vector<double>{1, 0, 1});
  CHECK(t.at("scalar").dim() == 0);
  CHECK(t.at("scalar").item<int64_t>() == 7);
  CHECK(t.at("empty").sizes() == Shape({0, 3}));
  CHECK(t.at("größe \"1\"\\2").item<float>() == 4.0f);
}

TEST_CASE("safetensors: what is written comes back bit for bit") {
  const TempFolder scratch;
  const std::string path = scratch / "all.safetensors";
  manual_seed(3);
  NamedTensors tensors{{"b", randn({3, 5})},
                       {"a", randn({2, 2}, {.dtype = kFloat64})},
                       {"count", full({}, 1LL << 60, {.dtype = kInt64})},
                       {"mask", tensor({true, false, true})},
                       {"bytes", tensor(std::vector<uint8_t>{0, 128, 255})},
                       {"none", zeros({4, 0, 2})},
                       {"nan", tensor({std::nan(""), 1.0})},
                       {"\x01 \"quoted\" \\ ünï", randn({1})}};
  tensors.emplace_back("turned", tensors[0].second.transpose(0, 1));
  tensors.emplace_back("learnt", randn({2}).requires_grad_());
  save_safetensors(tensors, path, {{"note", "two\nlines"}, {"format", "other"}});
  const TensorFile file = load_safetensors(path);
  CHECK(file.metadata ==
        std::map<std::string, std::string>{{"format", "pt"}, {"note", "two\nlines"}});
  CHECK(same(sorted(file.tensors), sorted(tensors)));
  for (const auto& [name, value] : file.tensors) CHECK(!value.requires_grad());
}

TEST_CASE("safetensors: the bytes are those of the reference writer") {
  const TempFolder scratch;
  const std::string path = scratch / "exact.safetensors";
  save_safetensors({{"z", ones({2})},
                    {"m", full({}, 258, {.dtype = kInt64})},
                    {"c", tensor({true})},
                    {"a", zeros({0})}},
                   path);
  const std::string json =
      "{\"__metadata__\":{\"format\":\"pt\"},"
      "\"m\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
      "\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[8,8]},"
      "\"z\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]},"
      "\"c\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[16,17]}}";
  const std::string padded = json + std::string((8 - json.size() % 8) % 8, ' ');
  const std::string data("\x02\x01\0\0\0\0\0\0\0\0\x80\x3f\0\0\x80\x3f\x01", 17);
  CHECK(read_bytes(path) == u64(padded.size()) + padded + data);
  save_safetensors({}, path);
  CHECK(load_safetensors(path).tensors.empty());
}

TEST_CASE("safetensors: readers tolerate white space and need no metadata") {
  const TempFolder scratch;
  const std::string path = scratch / "white.safetensors";
  write_bytes(path,
              file_of(" \n{ \"x\" : {\"shape\":[2],\"data_offsets\":[0,8],\"dtype\":\"F32\"} }"
                      "\t  ",
                      8));
  CHECK(load_safetensors(path).tensors.at(0).second.sizes() == Shape({2}));
  write_bytes(path, file_of("{}"));
  CHECK(load_safetensors(path).tensors.empty());
}

TEST_CASE("safetensors: a byte other than 0 and 1 is true") {
  const TempFolder scratch;
  const std::string path = scratch / "bool.safetensors";
  std::string bytes =
      file_of("{\"x\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2);
  bytes.back() = '\x7f';
  write_bytes(path, bytes);
  CHECK(equal(load_safetensors(path).tensors.at(0).second, tensor({false, true})));
}

TEST_CASE("safetensors: what cannot be written is refused before the file is touched") {
  const TempFolder scratch;
  const std::string path = scratch / "kept.safetensors";
  write_bytes(path, "old");
  const auto refused = [&](const NamedTensors& tensors,
                           const std::map<std::string, std::string>& metadata = {}) {
    const std::string message = error_of([&] { save_safetensors(tensors, path, metadata); });
    CHECK(has(message, "[safetensors] " + path + ": "));
    CHECK(read_bytes(path) == "old");
    CHECK(scratch.list() == "kept.safetensors");
    return message;
  };
  CHECK(has(refused({{"x", Tensor()}}), "expected a tensor for \"x\", got an undefined one"));
  CHECK(has(refused({{"x", ones({1})}, {"x", ones({2})}}),
            "expected every name once, got \"x\" twice"));
  CHECK(has(refused({{"__metadata__", ones({1})}}), "expected another tensor name than"));
  CHECK(has(refused({{"\xff", ones({1})}}), "expected names and metadata in UTF-8"));
  CHECK(has(refused({}, {{"key", "\xc3"}}), "expected names and metadata in UTF-8"));
  CHECK(has(refused({}, {{"key", std::string(100'000'001, 'x')}}),
            "expected a header of at most 100000000 bytes"));
}
