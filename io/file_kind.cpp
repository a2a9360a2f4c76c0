#include "norma/io/file_kind.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "norma/core/byte_order.h"
#include "norma/io/foreign_file.h"
#include "norma/io/safetensors_header.h"

namespace norma {

namespace {

constexpr const char* kRewritten =
    "a text in UTF-16, or another file that was written as one; fetch it again as binary data";

struct Known {
  std::size_t at;
  std::string_view bytes;
  const char* what;
};

// Besides what foreign_file knows.
constexpr Known kKnown[] = {
    {0, "\xff\xfe", kRewritten},
    {0, "\xfe\xff", kRewritten},
    {0, "GGUF", "a GGUF file (llama.cpp); take the safetensors file that it was made of"},
    {4, "TFL3", "a TensorFlow Lite model; save its weights as safetensors"},
    {0,
     "\x7f"
     "ELF",
     "a program or library"}};

// ASCII, or mostly so and the rest in another encoding.
bool is_text(std::string_view head) {
  const auto ascii = [](char c) { return c >= ' ' || (c >= '\t' && c <= '\r'); };
  const auto printed = [&](char c) { return ascii(c) || static_cast<signed char>(c) < 0; };
  return !head.empty() && ascii(head[0]) && std::all_of(head.begin(), head.end(), printed) &&
         std::count_if(head.begin(), head.end(), ascii) * 2 > std::ssize(head);
}

const char* kind_of_text(std::string_view head) {
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && (head[first] == '{' || head[first] == '['))
    return "a text in JSON; the index of a model in several files names the .safetensors files to "
           "read, one by one";
  return "a text; was another file meant?";
}

// ONNX is a protobuf: its first field is the version of the format, its second the producer's name.
bool is_onnx(std::string_view head) {
  return head.size() > 4 && head[0] == '\x08' && head[1] > 0 && head[1] < 32 && head[2] == '\x12' &&
         static_cast<unsigned char>(head[3]) < 64 &&
         is_text(head.substr(4, static_cast<unsigned char>(head[3])));
}

// A safetensors file starts with the length of its header, which may be any eight bytes, and '{'.
bool is_safetensors(std::string_view head) {
  if (head.size() <= 8 || std::string_view("{ \t\r\n").find(head[8]) == std::string_view::npos)
    return false;
  return load_number<uint64_t>(head.data()) <= safetensors::kMaxHeaderBytes;
}

}  // namespace

FileKind kind_of(const InputFile& file) {
  const std::string head = file.head(512);
  if (head.empty()) return {Format::Other, "an empty file"};
  if (is_safetensors(head)) return {Format::Safetensors, "a safetensors file"};
  if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06"))
    return {Format::Torch, "a zip archive"};
  if (head.size() > 1 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5)
    return {Format::TorchPickle,
            "a pickle without one, as before PyTorch 1.6; in Python, "
            "torch.save(torch.load(path), new_path) writes it anew"};
  for (const Known& known : kKnown)
    if (head.size() >= known.at && std::string_view(head).substr(known.at).starts_with(known.bytes))
      return {Format::Other, known.what};
  if (const ForeignFile foreign = foreign_file(head); foreign.what)
    return {Format::Other, text(foreign.what, "; ", foreign.way_out)};
  if (is_onnx(head))
    return {Format::Other,
            "an ONNX model; in Python, save the weights of the model it was exported from"};
  if (is_text(head)) return {Format::Other, kind_of_text(head)};
  return {Format::Safetensors, "other bytes"};
}

}  // namespace norma
