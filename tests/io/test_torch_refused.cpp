// Files of torch.save that are damaged, hostile or hold what Norma has no place for: each is
// refused by name, nothing in them is executed, and no memory is reserved for what they claim.
#include <norma/norma.h>

#include "norma/tests/io/support.h"
#include "norma/tests/io/zip_builder.h"

using namespace norma;

namespace {

const std::string kFolder = NORMA_IO_TESTS "torch_files/";

struct Case {
  std::string name, bytes, message;
};

std::string pickled_tensor(int64_t offset, const std::vector<int64_t>& sizes,
                           const std::vector<int64_t>& strides) {
  return torch_file_of(p_file(p_tensor(p_storage(), offset, p_ints(sizes), p_ints(strides))));
}

std::string value_of(const std::string& value) { return torch_file_of(p_file(value)); }
std::string storage_of(const std::string& storage, std::size_t bytes = 24) {
  return torch_file_of(p_file(p_tensor(storage, 0, p_ints({2}), p_ints({1}))), bytes);
}
// A call of _rebuild_tensor_v2 with other values than it should have.
std::string call_of(const std::string& arguments) {
  return value_of(p_global("torch._utils", "_rebuild_tensor_v2") + arguments + "R");
}
std::string pickle_of(const std::string& pickle) { return torch_file_of("\x80\x02" + pickle); }

// `good` with other bytes at `at`.
std::string changed(std::string good, std::size_t at, const std::string& bytes) {
  return good.replace(at, bytes.size(), bytes);
}

std::vector<Case> pickles() {
  return {
      {"empty", torch_file_of(""), "the pickle is damaged at its byte 0: it ends too early"},
      {"no stop", pickle_of("N"), "it ends too early"},
      {"cut string", pickle_of("X" + le(10, 4) + "abc"), "it ends too early"},
      {"string of 4 GB", pickle_of("X" + le(0xFFFFFFFF, 4)), "it ends too early"},
      {"string of 2^64-1", pickle_of("\x8d" + le(~uint64_t{0}, 8)), "it ends too early"},
      {"endless name", pickle_of("cos"), "it ends too early"},
      {"frame", pickle_of("\x95" + le(1000, 8) + "."), "it ends too early"},
      {"protocol 6", torch_file_of("\x80\x06."),
       "expected a pickle of the protocols 0 to 5, got 6"},
      {"nothing", pickle_of("."), "it ends with other than one object"},
      {"two objects", pickle_of("NN."), "it ends with other than one object"},
      {"open mark", pickle_of("N(."), "it ends with other than one object"},
      {"empty stack", pickle_of("\x85"), "objects are missing"},
      {"below a mark", pickle_of("N(\x85"), "objects are missing"},
      {"no mark", pickle_of("t"), "a mark is missing"},
      {"unknown memo", pickle_of("h\x07"), "it names an object that it has not made"},
      {"memo of nothing", pickle_of("q\x01"), "objects are missing"},
      {"unknown opcode", pickle_of("\xff"), "it has the unknown opcode 255"},
      {"half a pair", pickle_of("}(NNNu."), "a dict has a key without a value"},
      {"append to a dict", pickle_of("}Na."), "expected entries for a list, got one for a dict"},
      {"set in a list", pickle_of("]NNs."), "expected entries for a dict, got one for a list"},
      {"name of a number", pickle_of("K\x01X" + le(1, 4) + "a\x93."), "a name is no string"},

      {"an object alone",
       pickle_of(p_global("posix", "system") + p_tuple({p_string("touch x")}) + "R."),
       "expected tensors that Norma can hold, got an object of \"posix.system\", of which nothing "
       "was executed; in Python, save plain tensors: model.state_dict()"},
      {"control characters", pickle_of(p_global("a\x1b[2J\xC2\x9B", "b") + "."),
       "got the name \"a\\x1b[2J\\u009b.b\""},
      {"object without a class", pickle_of("(o."), "the class of an object is missing"},
      {"index of letters", pickle_of("Ngx\n."), "an index is no number"},
      {"number of letters", pickle_of("Fx\n."), "a number is none"},
      {"string without quotes", pickle_of("Sx\n."), "a string has no quotes"},
      {"pop of nothing", pickle_of("0."), "a mark is missing"},
      {"attributes of nothing", pickle_of("}b."), "objects are missing"},

  };
}

std::vector<Case> tensors() {
  const std::string good = p_tensor(p_storage(), 0, p_ints({2}), p_ints({1}));
  const std::string hooks = p_global("collections", "OrderedDict") + ")R";
  const std::string two = p_ints({2}), one = p_ints({1});
  const int64_t huge = int64_t{1} << 62;
  const auto untyped = [&](const std::string& type, int64_t bytes, const std::string& dtype) {
    return value_of(p_global("torch._utils", "_rebuild_tensor_v3") +
                    p_tuple({p_tuple({p_string("storage"), type, p_string("0"), p_string("cpu"),
                                      p_int(bytes)}) +
                                 "Q",
                             p_int(0), two, one, "\x89", hooks, dtype}) +
                    "R");
  };
  const std::string raw = p_global("torch.storage", "UntypedStorage");
  return {
      {"no untyped storage",
       untyped(p_global("torch", "IntStorage"), 24, p_global("torch", "int32")),
       "expected an untyped storage, got the name \"torch.IntStorage\""},
      {"untyped of the wrong length", untyped(raw, 20, p_global("torch", "int32")),
       "expected a record \"x/data/0\" of 20 bytes of int32, got 24 bytes"},
      {"dtype a string", untyped(raw, 24, p_string("int32")),
       "expected a dtype, got the string \"int32\""},
      {"dtype a storage", untyped(raw, 24, p_global("torch", "IntStorage")),
       "expected a dtype, got the name \"torch.IntStorage\""},
      {"past the end", pickled_tensor(5, {2}, {1}),
       "tensor \"w\": expected elements inside its storage of 6, got size [2], stride [1] and "
       "offset 5"},
      {"offset past the end", pickled_tensor(6, {}, {}),
       "expected elements inside its storage of 6"},
      {"negative offset", pickled_tensor(-1, {2}, {1}), "stride [1] and offset -1"},
      {"large stride", pickled_tensor(0, {2, 2}, {5, 1}), "got size [2, 2], stride [5, 1]"},
      {"stride overflows", pickled_tensor(1, {3}, {huge}),
       "expected elements inside its storage of 6"},
      {"sum overflows", pickled_tensor(5, {2, 2}, {huge, huge}),
       "expected elements inside its storage"},
      {"offset overflows", pickled_tensor(INT64_MAX, {2}, {1}),
       "expected elements inside its storage"},
      {"too many elements", pickled_tensor(0, {huge, 8}, {0, 0}),
       "expected elements inside its storage"},
      {"too many bytes", pickled_tensor(0, {huge}, {0}), "expected elements inside its storage"},
      {"too many behind a zero", pickled_tensor(0, {0, huge, 8}, {0, 0, 0}),
       "inside its storage of 6"},
      {"negative size", pickled_tensor(0, {-1}, {1}),
       "expected whole numbers from 0 on as size, got the number -1"},
      {"negative stride", pickled_tensor(1, {2}, {-1}),
       "expected whole numbers from 0 on as stride, got the number -1"},
      {"fewer strides", pickled_tensor(0, {2, 1}, {1}),
       "expected a stride per dimension, got size [2, 1] and stride [1]"},
      {"thirteen dimensions",
       pickled_tensor(0, std::vector<int64_t>(13, 1), std::vector<int64_t>(13, 1)),
       "got a tensor of 13 dimensions as \"w\""},

      {"no values", call_of(")"), "tensor \"w\": expected 6 or 7 values, got 0"},
      {"eight values", call_of(p_tuple({p_storage(), p_int(0), two, one, "\x89", hooks, "}", "N"})),
       "expected 6 or 7 values, got 8"},
      {"no storage", call_of(p_tuple({"N", p_int(0), two, one, "\x89", hooks})),
       "expected a storage, got None"},
      {"offset a float",
       call_of(p_tuple({p_storage(), "G" + std::string(8, '\0'), two, one, "\x89", hooks})),
       "expected a whole number as offset, got a float"},
      {"offset of 2^63",
       call_of(p_tuple({p_storage(), "\x8a\x09" + le(uint64_t{1} << 63, 8) + le(0, 1), two, one,
                        "\x89", hooks})),
       "expected a whole number as offset, got a whole number beyond 2^63 - 1"},
      {"size a list", call_of(p_tuple({p_storage(), p_int(0), "]", one, "\x89", hooks})),
       "expected whole numbers from 0 on as size, got a list"},
      {"size of bools", call_of(p_tuple({p_storage(), p_int(0), "\x88\x85", one, "\x89", hooks})),
       "expected whole numbers from 0 on as size, got a bool"},
      {"gradient a string",
       call_of(p_tuple({p_storage(), p_int(0), two, one, p_string("yes"), hooks})),
       "expected a bool as requires_grad, got the string \"yes\""},
      {"negated",
       call_of(p_tuple(
           {p_storage(), p_int(0), two, one, "\x89", hooks, p_dict({{p_string("neg"), "\x88"}})})),
       "got a conjugated or negated view"},
      {"metadata a list", call_of(p_tuple({p_storage(), p_int(0), two, one, "\x89", hooks, "]"})),
       "expected a dict, got a list"},
      {"call of a dtype", value_of(p_global("torch", "float32") + ")R"),
       "got an object of \"torch.float32\" as \"w\""},
      {"parameter of nothing", value_of(p_global("torch._utils", "_rebuild_parameter") + ")R"),
       "expected 3 values of \"torch._utils._rebuild_parameter\", got 0"},
      {"parameter of None",
       value_of(p_global("torch._utils", "_rebuild_parameter") + p_tuple({"N", "\x88", hooks}) +
                "R"),
       "expected a tensor, got None"},
      {"id a string", call_of(p_tuple({p_string("0") + "Q", p_int(0), two, one, "\x89", hooks})),
       "expected a tuple that names a storage, got the string \"0\""},
      {"id of four", storage_of(p_tuple({p_string("storage"), "N", "N", "N"}) + "Q"),
       "expected a storage with type, key, device and length, got something else"},
      {"id of another kind", storage_of(p_tuple({p_string("module"), "N", "N", "N", "N"}) + "Q"),
       "expected a storage with type, key, device and length, got something else"},
      {"type a string",
       storage_of(
           p_tuple({p_string("storage"), p_string("f"), p_string("0"), p_string("cpu"), p_int(6)}) +
           "Q"),
       "expected a type of storage, got the string \"f\""},
      {"type a dtype", storage_of(p_storage("float32")),
       "expected a typed storage, got the name \"torch.float32\""},
      {"untyped storage",
       storage_of(p_tuple({p_string("storage"), p_global("torch.storage", "UntypedStorage"),
                           p_string("0"), p_string("cpu"), p_int(24)}) +
                  "Q"),
       "expected a typed storage, got the name \"torch.storage.UntypedStorage\""},
      {"key a number",
       storage_of(p_tuple({p_string("storage"), p_global("torch", "FloatStorage"), p_int(0),
                           p_string("cpu"), p_int(6)}) +
                  "Q"),
       "expected a string as key of a storage, got a whole number"},
      {"device None",
       storage_of(p_tuple({p_string("storage"), p_global("torch", "FloatStorage"), p_string("0"),
                           "N", p_int(6)}) +
                  "Q"),
       "expected a string as device of a storage, got None"},
      {"length None",
       storage_of(p_tuple({p_string("storage"), p_global("torch", "FloatStorage"), p_string("0"),
                           p_string("cpu"), "N"}) +
                  "Q"),
       "expected a whole number as length of a storage, got None"},
      {"no record", storage_of(p_storage("FloatStorage", 6, "1")),
       "expected the record \"x/data/1\" in the file, got none"},
      {"record elsewhere", storage_of(p_storage("FloatStorage", 6, "../data.pkl")),
       "expected the record \"x/data/../data.pkl\" in the file, got none"},
      {"short record", storage_of(p_storage(), 20),
       "expected a record \"x/data/0\" of 6 elements of float32, got 20 bytes"},
      {"long record", storage_of(p_storage(), 28), "of 6 elements of float32, got 28 bytes"},
      {"a terabyte", storage_of(p_storage("FloatStorage", int64_t{1} << 38)),
       "of 274877906944 elements of float32, got 24 bytes"},
      {"bytes overflow", storage_of(p_storage("DoubleStorage", int64_t{1} << 61), 0),
       "of 2305843009213693952 elements of float64, got 0 bytes"},
      {"negative length", storage_of(p_storage("FloatStorage", -6)), "of -6 elements of float32"},
  };
}

std::vector<Case> archives() {
  const std::string pickle = p_file("N");
  const std::string good = zip_of({{"x/data.pkl", pickle}, {"x/version", "3"}});
  const std::size_t end = good.size() - 22;
  const std::string packed = deflated(pickle);
  // The header and the contents of x/version are contents of x/data.pkl, too.
  const std::string version = zip_of({{"x/version", "3"}}).substr(0, 30 + 9 + 1);
  std::string nested = zip_of({{"x/data.pkl", version}, {"x/version", "3"}});
  nested = changed(nested, nested.size() - 22 - 9 - 4, le(30 + 10, 4));
  return {
      {"empty file", "", "expected the zip archive that torch.save writes, got an empty file"},
      {"text", "PK is no zip", "expected the zip archive that torch.save writes, got a text"},
      {"only the start", good.substr(0, 4),
       "expected a zip archive with a directory at its end, got none; the file was cut short or is "
       "no zip archive"},
      {"empty archive", zip_of({}), "with a record data.pkl in a folder, got an empty one"},
      {"other archive", zip_of({{"a.txt", "words"}}),
       "expected a zip archive that torch.save wrote, with a record data.pkl in a folder, got one "
       "with \"a.txt\""},
      {"no folder", zip_of({{"data.pkl", pickle}}), "got one with \"data.pkl\""},
      {"two folders", zip_of({{"x/data.pkl", pickle}, {"y/data.pkl", pickle}}),
       "expected one folder with a record data.pkl, got \"x/\" and \"y/\""},
      {"an entry twice", zip_of({{"x/data.pkl", pickle}, {"x/data.pkl", pickle}}),
       "the zip entry \"x/data.pkl\" appears twice"},
      {"another name", zip_of({{"x/data.pkl", pickle, 0, 0, UINT64_MAX, 0, "x/data.pyc"}}),
       "the zip entry \"x/data.pkl\" is another one in its own header than in the zip directory"},
      {"encrypted", zip_of({{"x/data.pkl", pickle, 0, 1}}),
       "zip entry \"x/data.pkl\": expected no encryption"},
      {"bzip2", zip_of({{"x/data.pkl", pickle, 12}}),
       "expected it stored or deflated, got the method of compression 12"},
      {"wrong length", zip_of({{"x/data.pkl", pickle, 0, 0, 5}}),
       "expected 5 bytes, got " + std::to_string(pickle.size()) + ", which cannot hold them"},
      {"wrong checksum", zip_of({{"x/data.pkl", pickle, 0, 0, UINT64_MAX, 1}}),
       "zip entry \"x/data.pkl\": expected other bytes, as the CRC-32 says; the file is damaged, "
       "or was saved while torch.serialization.set_crc32_options(False) was in force"},
      {"a bomb", zip_of({{"x/data.pkl", packed, 8, 0, 0xFFFFFFFE}}), "which cannot hold them"},
      {"deflated too long", zip_of({{"x/data.pkl", packed, 8, 0, pickle.size() - 1}}),
       "bytes, got more"},
      {"deflated too short", zip_of({{"x/data.pkl", packed, 8, 0, pickle.size() + 1}}),
       "bytes, got fewer"},
      {"deflated and more", zip_of({{"x/data.pkl", packed + "abc", 8, 0, pickle.size()}}),
       "expected the end after the deflated data, got more bytes"},
      {"deflated and cut",
       zip_of({{"x/data.pkl", packed.substr(0, packed.size() - 2), 8, 0, pickle.size()}}),
       "expected deflated data, got others"},
      {"not deflated", zip_of({{"x/data.pkl", "\xff\xff\xff\xff", 8, 0, 50}}),
       "expected deflated data, got others"},
      {"too large a pickle",
       zip_of({{"x/data.pkl", deflated(std::string(100'000'001, 'N')), 8, 0, 100'000'001}}),
       "expected the record \"x/data.pkl\" with at most 100000000 bytes, got 100000001"},
      {"in two parts", changed(good, end + 4, le(1, 2)),
       "expected a zip archive in one file, got a part of one"},
      {"more entries", changed(good, end + 10, le(3, 2)),
       "expected 3 entries in the zip directory, got 2 in order; the file is damaged"},
      {"long directory", changed(good, end + 12, le(100'000, 4)),
       "expected the directory of the zip archive before byte " + std::to_string(end) +
           ", got 100000 bytes from byte"},
      {"directory past the end", changed(good, end + 16, le(0xFFFFFFF0, 4)),
       "from byte 4294967280 on; the file was cut short"},
      {"ZIP64 without a record", changed(good, end + 16, le(0xFFFFFFFF, 4)),
       "expected a ZIP64 record before the end of the zip archive, got none"},
      {"ZIP64 with another record",
       changed(good, end + 16, le(0xFFFFFFFF, 4))
           .insert(end, le(0x07064b50, 4) + le(0, 4) + le(0, 8) + le(1, 4)),
       "expected a ZIP64 record before the end of the zip archive, got other bytes"},
      {"entry past the end", changed(good, end - 9 - 4, le(0xFFFFFFF0, 4)),
       "the zip entry \"x/version\" reaches beyond the place that the zip directory leaves for it"},
      {"an entry in another", changed(good, end - 9 - 4, le(10, 4)),
       "the zip entry \"x/version\" is another one in its own header than in the zip directory"},
      {"two entries in one place", changed(good, end - 9 - 4, le(0, 4)),
       "the zip entry \"x/version\" is another one in its own header than in the zip directory"},
      {"entries that overlap", nested,
       "the zip entry \"x/data.pkl\" reaches beyond the place that the zip directory leaves for "
       "it"},
      {"ZIP64 size without a field", changed(good, end - 9 - 22, le(0xFFFFFFFF, 4)),
       "the zip entry \"x/version\" has a size for the ZIP64 field that it does not have"},
      {"long name", changed(good, end - 9 - 18, le(5000, 2)), "got 1 in order"},
  };
}

void check_all(const std::vector<Case>& cases) {
  const TempFolder scratch;
  const std::string path = scratch / "bad.pt";
  for (const Case& c : cases) {
    CAPTURE(c.name);
    write_bytes(path, c.bytes);
    const int64_t bytes_before = live_storage_bytes();
    const std::string message = error_of([&] { load_torch(path); });
    CAPTURE(message);
    CHECK(has(message, "[torch] " + path + ": "));
    CHECK(has(message, c.message));
    CHECK(live_storage_bytes() == bytes_before);
  }
}

}  // namespace

TEST_CASE("What builds the bad files builds good ones") {
  const TempFolder scratch;
  const std::string path = scratch / "good.pt";
  const auto first = [&](const std::string& bytes) {
    write_bytes(path, bytes);
    return load_torch(path).tensors.at(0).second;
  };
  CHECK(equal(first(pickled_tensor(4, {2}, {1})), full({2}, 0.5)));
  CHECK(first(pickled_tensor(9, {0}, {1})).numel() == 0);
  CHECK(first(pickled_tensor(5, {int64_t{1} << 50}, {0})).numel() == int64_t{1} << 50);
  write_bytes(path, zip_of({{"x/data.pkl", deflated(p_file("N")), 8, 0, p_file("N").size()}}));
  CHECK(has(error_of([&] { load_torch(path); }), "as the CRC-32 says"));  // of the packed bytes
}

TEST_CASE("Pickles that are damaged or would do something are refused") { check_all(pickles()); }

TEST_CASE("Tensors that do not fit their storage are refused") { check_all(tensors()); }

TEST_CASE("Archives that are damaged or lie about sizes are refused") { check_all(archives()); }

TEST_CASE("A zip directory of more bytes than any has is not read") {
  const TempFolder scratch;
  const std::string path = scratch / "large.pt";
  write_bytes(path, "PK\x03\x04");
  std::filesystem::resize_file(path, 100'000'001);  // a hole, which takes no space
  std::ofstream(path, std::ios::binary | std::ios::app)
      << le(0x06054b50, 4) + le(0, 8) + le(100'000'001, 4) + le(0, 6);
  CHECK(has(error_of([&] { load_torch(path); }),
            "expected a zip directory of at most 100000000 bytes, got 100000001"));
}

TEST_CASE("What PyTorch can save and Norma has no place for is refused by name") {
  const auto refused = [&](const std::string& name) {
    const std::string message = error_of([&] { load_torch(kFolder + name); });
    CHECK(has(message, "[torch] " + kFolder + name + ": "));
    nn::Linear layer(2, 1);
    CHECK(error_of([&] { load(layer, kFolder + name); }) == message);
    return message;
  };
  CHECK(has(refused("whole_model.pt"), "got an object of \"torch.nn.modules.linear.Linear\""));
  CHECK(has(refused("complex.pt"),
            "got a tensor with elements of \"torch.ComplexFloatStorage\" as \"z\""));
  CHECK(has(refused("sparse.pt"), "got a sparse tensor as \"s\""));
  CHECK(has(refused("quantised.pt"), "got a quantised tensor as \"q\""));
  CHECK(has(refused("set.pt"), "got a set as \"seen\""));
  CHECK(has(refused("bytes.pt"), "got bytes as \"raw\""));
  CHECK(has(refused("storage.pt"), "got a storage without a tensor as \"storage\""));
  CHECK(has(refused("thirteen_dimensions.pt"), "got a tensor of 13 dimensions as \"deep\""));
  CHECK(has(refused("legacy.pt"),
            "expected the zip archive that torch.save writes, got a pickle without one, as before "
            "PyTorch 1.6; in Python, torch.save(torch.load(path), new_path) writes it anew"));
  CHECK(has(refused("script.pt"),
            "got a TorchScript archive; in Python, torch.save(torch.jit.load(path).state_dict(), "
            "new_path) writes its state"));
  CHECK(has(refused("big_endian.pt"), "expected the byte order \"little\", got \"big\""));
  CHECK(has(refused("version.pt"), "expected a file format of version 1 to 10, got \"11\\n\""));
  CHECK(has(refused("checksum.pt"), "expected other bytes, as the CRC-32 says"));
  CHECK(has(
      error_of([&] { load_safetensors(kFolder + "views.pt"); }),
      "expected a safetensors file, got what torch.save writes, which load and load_torch read"));
  CHECK(has(error_of([&] { load_torch(NORMA_IO_TESTS "model.safetensors"); }),
            "expected the zip archive that torch.save writes, got a safetensors file"));
  nn::Linear layer(2, 1);
  CHECK(has(error_of([&] { load(layer, kFolder + "none.pt"); }),
            "[load] " + kFolder + "none.pt: cannot open: No such file or directory"));
}

TEST_CASE("The kind of a file is told from its first bytes, also where they could be both") {
  const TempFolder scratch;
  const std::string path = scratch / "file";
  // The length of a header may read "PK\3\4" or begin like a pickle; the file is cut short here.
  for (const uint64_t length : {uint64_t{0x04034b50}, uint64_t{0x0280}}) {
    write_bytes(path, u64(length) + "{\"x\":");
    CHECK(!is_torch_file(path));
    CHECK(has(error_of([&] { load_tensors(path); }), "[safetensors] "));
    write_bytes(path, u64(length) + std::string(10, '\0'));
    CHECK(is_torch_file(path));
  }
}
