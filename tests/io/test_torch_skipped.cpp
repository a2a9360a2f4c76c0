// Files of torch.save that hold more than tensors (see make_torch_objects.py): the tensors are
// read, the rest is listed, and nothing in them is executed.
#include <norma/norma.h>

#include <map>

#include "norma/tests/io/support.h"
#include "norma/tests/io/zip_builder.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

const std::string kFolder = NORMA_IO_TESTS "torch_files/";

std::map<std::string, Tensor> by_name(const NamedTensors& tensors) {
  return {tensors.begin(), tensors.end()};
}

nn::Sequential small_model() { return nn::Sequential(nn::Linear(3, 2), nn::BatchNorm1d(2)); }

// What a pickle of {"w": value} has as "w", beside a tensor.
std::string skipped(const TempFolder& scratch, const std::string& value) {
  const std::string path = scratch / "skipped.pt";
  const std::string good = p_tensor(p_storage(), 0, p_ints({2}), p_ints({1}));
  write_bytes(path, torch_file_of("\x80\x02" +
                                  p_dict({{p_string("w"), value}, {p_string("v"), good}}) + "."));
  const TensorFile file = load_tensors(path);
  CHECK(file.tensors.size() == 1);
  CHECK(file.metadata.empty());
  CHECK(file.skipped.size() == 1);
  return file.skipped.count("w") ? file.skipped.at("w") : "nothing";
}

}  // namespace

TEST_CASE("Objects of every kind stand beside the tensors that are asked for") {
  for (const char* name : {"objects1.pt", "objects2.pt", "objects4.pt", "objects5.pt"}) {
    CAPTURE(name);
    const std::string path = kFolder + name;
    nn::Sequential model = small_model();
    CHECK(load(model, path, {.prefix = "model."}).empty());
    const TensorFile file = load_tensors(path);
    auto t = by_name(file.tensors);
    CHECK(equal(model.parameters().at(0).detach(), t.at("model.0.weight")));
    CHECK(to_vector(t.at("dict.a")) == std::vector<double>{1});
    CHECK(to_vector(t.at("list.0")) == std::vector<double>{2});
    CHECK(to_vector(t.at("default.x")) == std::vector<double>{3});
    CHECK(to_vector(t.at("ordered.inner.w")) == std::vector<double>{5});
    CHECK(to_vector(t.at("keyed.-1")) == std::vector<double>{6});
    CHECK(t.at("first.nine dimensions").dim() == 9);
    CHECK(file.tensors.size() == 13);

    std::map<std::string, std::string> metadata = file.metadata;
    std::erase_if(metadata, [](const auto& entry) { return entry.first.starts_with("first."); });
    CHECK(metadata == std::map<std::string, std::string>{{"dict.n", "2"},
                                                         {"list.1", "3"},
                                                         {"deque.0", "4"},
                                                         {"deque.1", "5"},
                                                         {"keyed.None", "1"},
                                                         {"keyed.True", "2"},
                                                         {"keyed.0.5", "3"},
                                                         {"same.0.b", "1"},
                                                         {"same.1.b", "1"},
                                                         {"dtype", "torch.bfloat16"}});
    CHECK(file.skipped.at("one.name") == "several entries that have this name");
    std::map<std::string, std::string> first;
    for (const auto& [key, what] : file.skipped)
      if (key.starts_with("first.")) first[key.substr(6)] = what;
    CHECK(first.size() + 1 == file.skipped.size());
    CHECK(first.at("counter") == "an object of \"collections.Counter\"");
    CHECK(first.at("namespace") == "an object of \"argparse.Namespace\"");
    CHECK(first.at("path") == "an object of \"pathlib.PurePosixPath\"");
    CHECK(first.at("set") == "a set");
    CHECK(first.at("frozen set") == "a set");
    CHECK(first.at("bytes") == "bytes");
    CHECK(first.at("complex") == "a complex number");
    CHECK(first.at("numpy number") == "a number of NumPy");
    CHECK(first.at("numpy array") == "an array of NumPy");
    CHECK(first.at("big") == "a whole number beyond 64 bits");
    CHECK(first.at("bigger") == "a whole number beyond 64 bits");
    CHECK(first.at("class") == "the name \"torch.nn.modules.linear.Linear\"");
    CHECK(first.at("module") == "an object of \"torch.nn.modules.container.Sequential\"");
    CHECK(first.at("sparse") == "a sparse tensor");
    CHECK(first.at("csr") == "a sparse tensor");
    CHECK(first.at("quantised") == "a quantised tensor");
    CHECK(first.at("complex tensor") == "a tensor with elements of \"torch.ComplexFloatStorage\"");
    CHECK(first.at("meta") == "a tensor of the device \"meta\", without values");
    CHECK(first.at("storage") == "a storage without a tensor");
    CHECK(first.count("nine dimensions") == 0);
    CHECK(first.at("loop.self") == "a container that holds itself");
    CHECK(first.at("ring.1") == "a container that holds itself");
    for (const char* key : {"color",
                            "level",
                            "flag",
                            "date",
                            "span",
                            "fraction",
                            "decimal",
                            "uuid",
                            "pattern",
                            "point",
                            "options",
                            "function",
                            "builtin",
                            "partial",
                            "range",
                            "slice",
                            "ellipsis",
                            "type",
                            "random",
                            "optimizer",
                            "criterion",
                            "device",
                            "size",
                            "numpy integer",
                            "numpy bool",
                            "numpy dtype",
                            "numpy state",
                            "byte array",
                            "simple namespace",
                            "conjugated",
                            "empty deque",
                            "keys.[0]",
                            "keys.[1]",
                            "keys.[2]"})
      CHECK(first.count(key) == 1);
    CHECK(first.count("bound method") == (std::string(name) == "objects1.pt" ? 0 : 1));
    CHECK(first.count("meter") == first.count("bound method"));
  }
}

TEST_CASE("Tensors with attributes, of classes of their own, and parameters are their values") {
  const TensorFile file = load_tensors(kFolder + "attributes.pt");
  CHECK(file.tensors.size() == 10);
  for (const auto& [name, tensor] : file.tensors) {
    CAPTURE(name);
    CHECK(equal(tensor, arange(6).to(kFloat32).reshape({2, 3})));
    CHECK(tensor.data_ptr<float>() == file.tensors[0].second.data_ptr<float>());
  }
  CHECK(file.skipped ==
        std::map<std::string, std::string>{{"sparse", "a sparse tensor"},
                                           {"sparse parameter", "a sparse tensor"}});
}

TEST_CASE("The float8 kinds are widened without loss") {
  const auto want = by_name(load_safetensors(kFolder + "float8.safetensors").tensors);
  const TensorFile file = load_tensors(kFolder + "float8.pt");
  CHECK(file.skipped == std::map<std::string, std::string>{
                            {"u64", "a tensor of the dtype \"torch.uint64\""},
                            {"f4", "a tensor of the dtype \"torch.float4_e2m1fn_x2\""}});
  REQUIRE(file.tensors.size() == 5);
  for (const auto& [name, tensor] : file.tensors) {
    CAPTURE(name);
    CHECK(tensor.dtype() == kFloat32);
    CHECK(differing_bits(want.at(name), tensor) == "");
    const std::vector<double> got = to_vector(tensor), wide = to_vector(want.at(name + ".wide"));
    for (std::size_t i = 0; i < 256; ++i) {
      CAPTURE(i);
      CHECK((std::isnan(got[i])
                 ? std::isnan(wide[i])
                 : got[i] == wide[i] && std::signbit(got[i]) == std::signbit(wide[i])));
    }
  }
}

TEST_CASE("load refuses what is asked for and is no tensor, and nothing else") {
  struct Holder : nn::Module {
    explicit Holder(const std::string& name) { register_buffer(name, zeros({2})); }
  };
  const std::string path = kFolder + "command.pt";
  Holder evil("evil"), weight("weight");
  CHECK(error_of([&] { load(evil, path); }) ==
        "[load] " + path +
            ": expected a tensor as \"evil\", got an object of \"posix.system\"; in Python, save "
            "plain tensors: model.state_dict(), tensor.float(), tensor.to_dense(), "
            "tensor.dequantize(), torch.from_numpy(array)");
  const LoadResult result = load(evil, path, false);
  CHECK(result.missing == std::vector<std::string>{"evil"});
  CHECK(result.skipped == std::vector<std::string>{"evil"});
  CHECK(!result.empty());
  CHECK(has(error_of([&] { load(weight, path); }),
            ": expected tensors alone, got an object of \"posix.system\" as \"evil\"; {.strict = "
            "false} loads the tensors"));
  CHECK(load(weight, path, false).skipped == std::vector<std::string>{"evil"});
  CHECK(to_vector(weight.buffers()[0]) == std::vector<double>{1, 1});

  const std::string objects = kFolder + "objects2.pt";
  CHECK(has(error_of([&] { load(evil, objects, {.prefix = "first.module"}); }),
            "expected tensors as \"first.module\", got an object of "
            "\"torch.nn.modules.container.Sequential\"; in Python, save plain tensors"));
  CHECK(!std::filesystem::exists("norma-executed-this"));
}

TEST_CASE("A file without anything that can be read says what it has") {
  const std::string path = kFolder + "whole_model.pt";
  CHECK(error_of([&] { load_tensors(path); }) ==
        "[torch] " + path +
            ": expected tensors that Norma can hold, got an object of "
            "\"torch.nn.modules.linear.Linear\", of which nothing was executed; in Python, save "
            "plain tensors: model.state_dict(), tensor.float(), tensor.to_dense(), "
            "tensor.dequantize(), torch.from_numpy(array)");
}

TEST_CASE("Opcodes of every protocol are read, and none is executed") {
  const TempFolder scratch;
  const std::string type = p_global("a", "B");
  CHECK(skipped(scratch, "(ios\nsystem\n") == "an object of \"os.system\"");
  CHECK(skipped(scratch, "(" + type + "K\x01o") == "an object of \"a.B\"");
  CHECK(skipped(scratch, type + ")}\x92") == "an object of \"a.B\"");
  CHECK(skipped(scratch, type + ")\x81}b") == "an object of \"a.B\"");
  CHECK(skipped(scratch, type + ")R(K\x01" + "e(K\x01K\x02u") ==
        "an object that is a list and a dict");
  CHECK(skipped(scratch, type + ")R(K\x01K\x02uK\x01" + "a") ==
        "an object that is a list and a dict");
  CHECK(skipped(scratch, p_string("f") + ")R") == "an object of an unnamed class");
  CHECK(skipped(scratch, p_string("m") + p_string("n") + "\x93") == "the name \"m.n\"");
  CHECK(skipped(scratch, "\x82\x01") == "an object of Python's extension registry");
  CHECK(skipped(scratch, "\x83" + le(1, 2)) == "an object of Python's extension registry");
  CHECK(skipped(scratch, "\x84" + le(1, 4)) == "an object of Python's extension registry");
  CHECK(skipped(scratch, "P5\n") == "a storage without a tensor");
  CHECK(skipped(scratch, "C\x01x") == "bytes");
  CHECK(skipped(scratch, "B" + le(1, 4) + "x") == "bytes");
  CHECK(skipped(scratch, "\x8e" + le(1, 8) + "x") == "bytes");
  CHECK(skipped(scratch, "\x96" + le(1, 8) + "x") == "bytes");
  CHECK(skipped(scratch, "\x97\x98") == "bytes outside of the pickle");
  CHECK(skipped(scratch, "\x8f(K\x01\x90") == "a set");
  CHECK(skipped(scratch, "(K\x01\x91") == "a set");
  CHECK(skipped(scratch, "\x8b" + le(20, 4) + std::string(20, '\1')) ==
        "a whole number beyond 64 bits");
  CHECK(skipped(scratch, "L123456789012345678901234567890L\n") == "a whole number beyond 64 bits");
  CHECK(skipped(scratch, "S'a\\n'\n") == "a string with escapes");
  CHECK(skipped(scratch, p_global(std::string("a\x1b[2J", 5), std::string(500, 'n'))) ==
        "the name \"a\\x1b[2J." + std::string(114, 'n') + "…\"");

  const std::string path = scratch / "numbers.pt";
  write_bytes(path, torch_file_of("(lp0\nI01\naI00\naI-7\naL12L\naL18446744073709551615L\naF0.5\na"
                                  "S'it'\naVword\naU\x02"
                                  "abaT" +
                                  le(2, 4) +
                                  "cda(I1\nI2\nd"
                                  "2"
                                  "0ag0\n0(NN1."));
  const TensorFile file = load_tensors(path);
  CHECK(file.metadata == std::map<std::string, std::string>{{"0", "True"},
                                                            {"1", "False"},
                                                            {"2", "-7"},
                                                            {"3", "12"},
                                                            {"4", "18446744073709551615"},
                                                            {"5", "0.5"},
                                                            {"6", "it"},
                                                            {"7", "word"},
                                                            {"8", "ab"},
                                                            {"9", "cd"},
                                                            {"10.1", "2"}});
}

TEST_CASE("A storage that two tensors see as different types is read as both") {
  const TempFolder scratch;
  const std::string path = scratch / "types.pt";
  const auto seen_as = [](const std::string& type) {
    return p_tensor(p_storage(type), 1, p_ints({2}), p_ints({1}));
  };
  write_bytes(path, torch_file_of(p_file(p_tuple({seen_as("FloatStorage"), seen_as("IntStorage"),
                                                  seen_as("FloatStorage")}))));
  const NamedTensors t = load_tensors(path).tensors;
  CHECK(to_vector(t.at(0).second) == std::vector<double>{0.5, 0.5});
  CHECK(to_vector(t.at(1).second) == std::vector<double>{0x3f000000, 0x3f000000});
  CHECK(t.at(0).second.data_ptr<float>() == t.at(2).second.data_ptr<float>());
}
