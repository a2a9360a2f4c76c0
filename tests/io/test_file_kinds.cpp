// Files that are something else are named as what they are, with the way out; and parts of files
// that Norma has no place for do not keep it from the others.
#include <norma/norma.h>

#include <fstream>
#include <map>
#include <span>
#include <sstream>

#include "norma/tests/io/support.h"
#include "norma/tests/io/zip_builder.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

std::string repeated(const std::string& text, std::size_t times) {
  std::string result;
  while (times-- > 0) result += text;
  return result;
}

std::string utf16(const std::string& text) {
  std::string result = "\xff\xfe";
  for (const char c : text) (result += c) += '\0';
  return result;
}

std::string tar() {
  std::string header(1024, '\0');
  header.replace(0, 8, "model.pt");
  return header.replace(257, 5, "ustar");
}

}  // namespace

TEST_CASE("Files that are something else are named, with the way out") {
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\n"
      "size 12345\n";
  const std::pair<std::string, const char*> cases[] = {
      {"", "got an empty file"},
      {pointer, "got a Git LFS pointer; the file itself comes with git lfs pull"},
      {"<!DOCTYPE html>\n<html><head></head></html>", "got an HTML page; download the file itself"},
      {"\n\n  <html lang=\"en\">", "got an HTML page; download the file itself"},
      {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "got an XML document"},
      {utf16("a,b\n1,2\n"), "got a text in UTF-16, or another file that was written as one"},
      {"\xfe\xff" + repeated(std::string("\0a", 2), 20), "got a text in UTF-16"},
      {"\xef\xbb\xbf<html>", "got an HTML page"},
      {"{\"metadata\": {}, \"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\"}}",
       "got a text in JSON; the index of a model in several files names the .safetensors files"},
      {"epoch,loss\n1,0.5\n", "got a text; was another file meant?"},
      {"404: Not Found", "got a text"},
      {std::string("\x1f\x8b\x08\0\0\0\0\0\x02\x03", 10), "got gzip data; unpack it first"},
      {tar(), "got a tar archive; unpack it first"},
      {"BZh91AY&SY", "got a bzip2 archive"},
      {std::string("\xfd"
                   "7zXZ\0\0",
                   7),
       "got an xz archive"},
      {"\x28\xb5\x2f\xfd\x04", "got a zstd archive"},
      {"\x89HDF\r\n\x1a\n" + std::string(40, '\0'), "got an HDF5 file; write its arrays in Python"},
      {"\x93NUMPY\x01", "got a NumPy array (.npy); write it in Python"},
      {"GGUF\x03", "got a GGUF file"},
      {std::string("\x1c\0\0\0TFL3", 8), "got a TensorFlow Lite model"},
      {std::string("\x08\x08\x12\x07pytorch\x1a\x05"
                   "1.13.0:",
                   20),
       "got an ONNX model; in Python"},
      {"\x89PNG\r\n\x1a\n", "got a PNG image"},
      {"\x7f"
       "ELF\x02",
       "got a program or library"},
      {std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15),
       "got a pickle without one, as before PyTorch 1.6; in Python"},
      {zip_of({{"weight.npy", "numbers"}}), "got one of arrays of NumPy (.npz); in Python"},
      {zip_of({{"config.json", "{}"}, {"model.weights.h5", "x"}}), "got a model of Keras"},
      {zip_of({{"a/model.safetensors", "x"}}), "with a safetensors file in it; unpack it first"},
      {zip_of({{"model.pt", "x"}}), "with another archive in it; unpack it first"},
      {zip_of({{"x\x1b[2J/readme", "x"}}), "got one with \"x\\x1b[2J/readme\""},
      {zip_of({{"x/data.pkl", "N."}, {"x/constants.pkl", ")."}}), "got a TorchScript archive"}};
  const TempFolder scratch;
  const std::string path = scratch / "model.pt";
  nn::Linear layer(2, 1);
  for (const auto& [bytes, expected] : cases) {
    CAPTURE(expected);
    write_bytes(path, bytes);
    const std::string message = error_of([&] { load_tensors(path); });
    CAPTURE(message);
    CHECK(has(message, path + ": expected "));
    CHECK(has(message, expected));
    CHECK(error_of([&] { load(layer, path); }) == message);
  }
  CHECK(has(error_of([&] { load_tensors(scratch.path()); }),
            "got a folder; give the path of a file in it"));
}

TEST_CASE("Tensors of a safetensors file that Norma has no place for are listed") {
  const TempFolder scratch;
  const std::string path = scratch / "mixed.safetensors";
  write_bytes(
      path,
      file_of(R"({"model.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
              R"("model.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
              R"("c":{"dtype":"C64","shape":[1],"data_offsets":[12,20]},)"
              R"("u":{"dtype":"U64","shape":[1],"data_offsets":[20,28]},)"
              R"("deep":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,2],"data_offsets":[28,30]},)"
              R"("four":{"dtype":"F4","shape":[2],"data_offsets":[30,31]},)"
              R"("new\u001b":{"dtype":"I\u001b2","shape":[7],"data_offsets":[31,32]},)"
              R"("eight":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[32,34]}})",
              32) +
          "\x38\x7e");
  const TensorFile file = load_tensors(path);
  CHECK(file.tensors.size() == 3);
  CHECK(to_vector(file.tensors.at(2).second) == std::vector<double>{1, 448});
  CHECK(file.skipped ==
        std::map<std::string, std::string>{{"c", "a tensor of the dtype \"C64\""},
                                           {"u", "a tensor of the dtype \"U64\""},
                                           {"deep", "a tensor of 13 dimensions"},
                                           {"four", "a tensor of the dtype \"F4\""},
                                           {"new\x1b", "a tensor of the dtype \"I\\x1b2\""}});
  nn::Linear layer(2, 1);
  CHECK(load(layer, path, {.prefix = "model."}).empty());
  CHECK(load(layer, path, {.strict = false, .prefix = "model."}).empty());
  CHECK(load(layer, path, false).skipped.size() == 5);
  struct Holder : nn::Module {
    explicit Holder(const std::string& name) { register_buffer(name, zeros({1})); }
  } holder("u");
  CHECK(
      error_of([&] { load(holder, path); }) ==
      "[load] " + path +
          ": expected a tensor as \"u\", got a tensor of the dtype \"U64\"; in Python, save plain "
          "tensors: model.state_dict(), tensor.float(), tensor.to_dense(), tensor.dequantize(), "
          "torch.from_numpy(array)");
}

TEST_CASE("No text of a file reaches a message as it is") {
  const TempFolder scratch;
  const std::string path = scratch / "escape.safetensors";
  nn::Linear layer(2, 1);
  const auto harmless = [&](const std::string& message) {
    CAPTURE(message);
    CHECK(message != "no error");
    CHECK(message.size() < 20'000);
    for (const char c : message)
      CHECK((c == '\n' || c == '\t' || (c != '\x7f' && c >= ' ') || c < 0));
    CHECK(!has(message, "\u202e"));
  };
  const std::string name = "\\u001b[2J\\u0007\\u202e" + std::string(300, 'n');
  const std::string tensor = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const std::string version = R"("__metadata__":{"norma.checkpoint":")";
  for (const std::string& json :
       {"{\"" + name + "\":" + tensor + "}",
        "{\"" + name + R"(":{"dtype":"U64","shape":[1],"data_offsets":[0,4]}})",
        "{\"" + name + R"(":{"dtype":")" + name + R"(","shape":[1],"data_offsets":[0,4]}})",
        "{\"" + name + R"(":{"dtype":1,"shape":[1],"data_offsets":[0,4]}})",
        "{\"" + name + R"(":{")" + name + "\":1}}",
        "{" + version + "1\"},\"" + name + "\":" + tensor + "}",
        "{" + version + name + "\"},\"x\":" + tensor + "}"}) {
    write_bytes(path, file_of(json, 4));
    harmless(error_of([&] { load(layer, path); }));
    harmless(error_of([&] { load(layer, path, {.prefix = "net"}); }));
    harmless(error_of([&] { load_checkpoint(path, {.module = &layer}); }));
  }
  std::string many;
  for (int i = 0; i < 10'000; ++i)
    many +=
        text(i ? "," : "", "\"n", i, name, R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})");
  write_bytes(path, file_of("{" + many + "}"));
  harmless(error_of([&] { load(layer, path); }));
}

TEST_CASE("Weights come from memory and from streams as from files") {
  const std::string folder = NORMA_IO_TESTS;
  for (const std::string& path : {folder + "model.safetensors", folder + "torch_files/model.pt",
                                  folder + "torch_files/deflated.pt"}) {
    CAPTURE(path);
    const std::string bytes = read_bytes(path);
    const NamedTensors want = load_tensors(path).tensors;
    CHECK(same(load_tensors(std::as_bytes(std::span(bytes))).tensors, want));
    std::ifstream file(path, std::ios::binary);
    CHECK(same(load_tensors(file).tensors, want));
    std::istringstream throwing(bytes);
    throwing.exceptions(std::ios::eofbit | std::ios::failbit | std::ios::badbit);
    CHECK(same(load_tensors(throwing).tensors, want));
  }
  nn::Linear from(3, 2), memory(3, 2), stream(3, 2);
  const TempFolder scratch;
  save(from, scratch / "net");
  const std::string bytes = read_bytes(scratch / "net");
  CHECK(load(memory, std::as_bytes(std::span(bytes))).empty());
  CHECK(same(memory.state_dict(), from.state_dict()));
  std::istringstream input("begin" + bytes);  // from where it stands
  input.seekg(5);
  CHECK(load(stream, input).empty());
  CHECK(same(stream.state_dict(), from.state_dict()));

  nn::Linear other(4, 2);
  CHECK(has(error_of([&] { load(other, std::as_bytes(std::span(bytes))); }),
            "[load] bytes in memory: Error(s) in loading state_dict for Linear:"));
  CHECK(has(error_of([&] { load_tensors(std::span<const std::byte>()); }),
            "[safetensors] bytes in memory: expected a safetensors file or one of torch.save, got "
            "an empty file"));
  std::istringstream half(bytes.substr(0, bytes.size() / 2));
  CHECK(has(error_of([&] { load(other, half); }), "[safetensors] a stream: expected "));
  std::ifstream none(scratch / "none");
  CHECK(error_of([&] { load_tensors(none); }) ==
        "[load] expected a stream that can be read, got one that failed");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(has(error_of([&] { load_tensors(std::as_bytes(std::span(bytes.data(), size))); }),
              "[safetensors] bytes in memory: "));
}
