// Files in which a tensor is damaged: what is asked for is loaded, if it is another one.
#include <norma/norma.h>

#include <ctime>
#include <span>
#include <string>
#include <vector>

#include "norma/tests/io/support.h"
#include "norma/tests/io/zip_builder.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

struct Holder : nn::Module {
  explicit Holder(const std::string& name = "w") { register_buffer(name, zeros({2})); }
  std::vector<double> values() const { return to_vector(buffers()[0]); }
};

struct Case {
  std::string name, bytes;
  std::string reason;  // of what is damaged, "opt.w"
};

std::string plain_tensor(const std::string& key, int64_t offset = 0) {
  return p_tensor(p_storage("FloatStorage", 6, key), offset, p_ints({2}), p_ints({1}));
}

std::string pickle_with(const std::string& damaged) {
  return "\x80\x02" +
         p_dict({{p_string("opt"), p_dict({{p_string("w"), damaged}})},
                 {p_string("model"), p_dict({{p_string("w"), plain_tensor("0")}})}}) +
         ".";
}

std::vector<Case> torch_files() {
  std::string half(24, '\0');
  for (std::size_t i = 3; i < half.size(); i += 4) half[i] = '\x3f';  // six times 0.5
  const auto file = [&](const Packed& record, const std::string& damaged = plain_tensor("1")) {
    return zip_of(
        {{"x/data.pkl", pickle_with(damaged)}, {"x/data/0", half}, record, {"x/version", "3"}});
  };
  const Packed good{"x/data/1", half};
  Packed cut = packed("x/data/1", half);
  cut.data.resize(cut.data.size() - 2);
  const std::string whole = file(good);
  std::string elsewhere = whole, wide = whole;
  // The directory's entry of x/data/1: its place, and its size.
  const std::size_t entry = whole.rfind("x/data/1") - 46;
  elsewhere.replace(entry + 42, 4, le(70, 4));
  wide.replace(entry + 24, 4, le(0xFFFFFFFF, 4));
  return {
      {"wrong checksum", file({"x/data/1", half, 0, 0, UINT64_MAX, 1}), "as the CRC-32 says"},
      {"no record", file({"x/data/7", half}), "expected the record \"x/data/1\" in the file"},
      {"short record", file({"x/data/1", half.substr(4)}), "of 6 elements of float32, got 20"},
      {"cut in packing", file(cut), "expected deflated data, got others"},
      {"encrypted", file({"x/data/1", half, 0, 1}), "expected no encryption"},
      {"other name in its header", file({"x/data/1", half, 0, 0, UINT64_MAX, 0, "x/data/2"}),
       "is another one in its own header than in the zip directory"},
      {"place of another", elsewhere, "is another one in its own header"},
      {"no ZIP64 field", wide, "of 6 elements of float32, got 4294967295 bytes"},
      {"twice",
       zip_of({{"x/data.pkl", pickle_with(plain_tensor("1"))}, {"x/data/0", half}, good, good}),
       "appears twice"},
      {"outside its storage", file(good, plain_tensor("1", 5)), "elements inside its storage of 6"},
      {"no tuple", file(good, p_global("torch._utils", "_rebuild_tensor_v2") + ")R"),
       "expected 6 or 7 values, got 0"},
  };
}

std::string safetensors_with(const std::string& damaged, std::size_t data_bytes = 16) {
  const std::string model =
      R"({"model.w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"opt.w":)";
  std::string bytes = file_of(model + damaged + "}", data_bytes);
  for (std::size_t i = bytes.size() - data_bytes; i < bytes.size() - data_bytes + 8; i += 4)
    bytes[i + 3] = '\x3f';
  return bytes;
}

std::vector<Case> safetensors_files() {
  return {
      {"cut short", safetensors_with(R"({"dtype":"F32","shape":[2],"data_offsets":[8,16]})", 15),
       "expected 16 bytes of tensors, got 15; the file was cut short"},
      {"other size", safetensors_with(R"({"dtype":"F32","shape":[3],"data_offsets":[8,16]})"),
       "expected 12 bytes, got data_offsets [8, 16]"},
      {"backwards", safetensors_with(R"({"dtype":"F32","shape":[2],"data_offsets":[16,8]})"),
       "expected data_offsets in order, got [16, 8]"},
      {"too many elements",
       safetensors_with(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[8,16]})"),
       "has too many elements"},
      {"half a byte", safetensors_with(R"({"dtype":"F4","shape":[3],"data_offsets":[8,16]})"),
       "does not fill whole bytes"},
      {"far away", safetensors_with(R"({"dtype":"XX","shape":[],"data_offsets":[8,99]})"),
       "expected 99 bytes of tensors, got 16"},
  };
}

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto bytes = std::as_bytes(std::span(c.bytes));
    Holder net;
    CHECK(load(net, bytes, {.prefix = "model"}).empty());
    CHECK(net.values() == std::vector<double>{0.5, 0.5});
    // Asked for, it is refused,
    Holder other;
    const std::string refused = error_of([&] { load(other, bytes, {.prefix = "opt."}); });
    CAPTURE(refused);
    CHECK(has(refused, c.reason));
    CHECK(
        has(error_of([&] { load(other, bytes, {.strict = false, .prefix = "opt."}); }), c.reason));
    CHECK(has(error_of([&] { load_tensors(bytes); }), c.reason));
    CHECK(other.values() == std::vector<double>{0, 0});
    // and listed where the module has none of that name.
    Holder third("third");
    const LoadResult result = load(third, bytes, {.strict = false, .prefix = "opt."});
    CHECK(result.skipped == std::vector<std::string>{"w"});
    CHECK(result.missing == std::vector<std::string>{"third"});
  }
}

}  // namespace

TEST_CASE("a damaged tensor of torch.save stands beside those that are asked for") {
  check(torch_files());
}

TEST_CASE("a damaged tensor of a safetensors file stands beside those that are asked for") {
  check(safetensors_files());
}

TEST_CASE("tensors that overlap are both damaged") {
  const auto entry = [](int begin, int end) {
    return text("{\"dtype\":\"U8\",\"shape\":[", end - begin, "],\"data_offsets\":[", begin, ",",
                end, "]}");
  };
  const std::string file =
      file_of("{\"a.w\":" + entry(0, 8) + ",\"b.w\":" + entry(4, 20) + ",\"c.w\":" + entry(8, 16) +
                  ",\"d.w\":" + entry(20, 22) + "}",
              22);
  const auto bytes = std::as_bytes(std::span(file));
  Holder net;
  for (const char* prefix : {"a", "b", "c"}) {
    CAPTURE(prefix);
    CHECK(has(error_of([&] { load(net, bytes, {.prefix = prefix}); }), "overlap another tensor"));
  }
  CHECK(load(net, bytes, {.prefix = "d"}).empty());
}

TEST_CASE("a storage that cannot be read is not read for every tensor in it") {
  // Ten thousand tensors of a storage of one megabyte with a wrong checksum.
  const std::string record(1'000'000, 'x');
  std::string list = "](";
  const std::string one =
      p_tensor(p_storage("FloatStorage", 250'000, "1"), 0, p_ints({2}), p_ints({1}));
  for (int i = 0; i < 10'000; ++i) list += one;
  const std::string file = zip_of({{"x/data.pkl", pickle_with(list + "e")},
                                   {"x/data/0", std::string(24, '\x3f')},
                                   {"x/data/1", record, 0, 0, UINT64_MAX, 1}});
  Holder net;
  const std::clock_t start = std::clock();
  CHECK(load(net, std::as_bytes(std::span(file)), {.prefix = "model"}).empty());
#ifndef NORMA_SANITIZE  // 10,000 times the storage take half a minute
  CHECK(std::clock() - start < 3 * CLOCKS_PER_SEC);
#else
  static_cast<void>(start);
#endif
}

TEST_CASE("a checkpoint with a damaged optimiser still has its module") {
  nn::Linear net(2, 3);
  optim::SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  net(ones({1, 2})).sum().backward();
  sgd.step();
  std::vector<std::byte> bytes;
  save_checkpoint(bytes, {.module = &net, .optimizer = &sgd});
  std::string file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t at = file.find("[", file.find("[", file.find("optimizer.state.0")) + 1);
  file[at + 1] = '9';
  const auto damaged = std::as_bytes(std::span(file));
  nn::Linear fresh(2, 3);
  CHECK(has(error_of([&] { load_checkpoint(damaged, {.module = &fresh, .optimizer = &sgd}); }),
            "optimizer.state.0"));
  load_checkpoint(damaged, {.module = &fresh});
  CHECK(equal(fresh.weight, net.weight));
}

TEST_CASE("paths that are none, and those that are not to be seen") {
  const std::string zero("net.pt\0.txt", 11);
  CHECK(error_of([] { load_tensors(""); }) ==
        "[load] expected the path of a file, got an empty one");
  CHECK(error_of([&] { load_torch(zero); }) ==
        "[torch] \"net.pt\\x00.txt\": expected a path without zero bytes");
  CHECK(error_of([&] { data::read_idx(zero); }) ==
        "[read_idx] \"net.pt\\x00.txt\": expected a path without zero bytes");
  CHECK(error_of([] { data::read_csv(""); }) ==
        "[read_csv] expected the path of a file, got an empty one");
  CHECK(has(error_of([] { load_tensors("no\nfile\x1b[2J"); }),
            "[load] \"no\\nfile\\x1b[2J\": cannot open: No such file"));
  CHECK(has(error_of([] { data::read_idx("no\nfile"); }), "got \"no\\nfile\": No such file"));
  CHECK(error_of([] { load_tensors(std::string(70'000, 'n')); }).size() < 300);
}
