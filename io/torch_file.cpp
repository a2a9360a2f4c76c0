#include "norma/io/torch_file.h"

#include <charconv>
#include <cstring>
#include <unordered_set>

#include "norma/io/input_file.h"
#include "norma/io/pickle.h"
#include "norma/io/safetensors_header.h"
#include "norma/io/torch_tensor.h"
#include "norma/io/zip_reader.h"

namespace norma {

using pickle::Id;
using pickle::Kind;
using pickle::Object;

namespace {

constexpr std::size_t kMaxDepth = 64;
// A few bytes of a pickle can repeat a name or a string without end.
constexpr std::size_t kMaxNameBytes = 100'000'000;
constexpr int kMaxVersion = 10;

enum class Container { Other, Zip, Pickle };

// A safetensors file starts with the length of its header, which may be any eight bytes, and '{'.
Container container_of(std::string_view head) {
  if (head.size() > 8 && std::string_view("{ \t\r\n").find(head[8]) != std::string_view::npos) {
    uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, head.data(), 8);
    if (header_bytes <= safetensors::kMaxHeaderBytes) return Container::Other;
  }
  if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06")) return Container::Zip;
  if (head.size() > 1 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5)
    return Container::Pickle;
  return Container::Other;
}

std::string read_record(const ZipArchive& archive, const ZipEntry& entry, uint64_t most) {
  ZipEntryReader reader(archive, entry);
  if (entry.size > most)
    archive.file().refuse("expected the record ", quoted(entry.name), " with at most ", most,
                          " bytes, got ", entry.size);
  std::string text(entry.size, '\0');
  reader.read(text.data(), text.size());
  reader.finish();
  return text;
}

// The folder that holds everything, with a slash; PyTorch names it after the file.
std::string find_folder(const ZipArchive& archive) {
  std::string folder;
  for (const ZipEntry& entry : archive.entries()) {
    const std::size_t slash = entry.name.find('/');
    if (slash == std::string::npos || entry.name.substr(slash) != "/data.pkl") continue;
    if (!folder.empty())
      archive.file().refuse("expected one folder with a record data.pkl, got ", quoted(folder),
                            " and ", quoted(entry.name.substr(0, slash + 1)));
    folder = entry.name.substr(0, slash + 1);
  }
  if (folder.empty())
    archive.file().refuse(
        "expected a zip archive that torch.save wrote, with a record data.pkl in a folder, got ",
        archive.entries().empty() ? std::string("an empty one")
                                  : "one with " + quoted(archive.entries().front().name));
  return folder;
}

void check_records(const ZipArchive& archive, const std::string& folder) {
  const InputFile& file = archive.file();
  if (archive.find(folder + "constants.pkl"))
    file.refuse(
        "expected what torch.save writes, got a TorchScript archive; in Python, "
        "torch.save(torch.jit.load(path).state_dict(), new_path) writes its state");
  if (const ZipEntry* entry = archive.find(folder + "byteorder")) {
    const std::string order = read_record(archive, *entry, 100);
    if (order != "little")
      file.refuse("expected the byte order \"little\", got ", quoted(order),
                  "; load and save it again on a little-endian machine");
  }
  if (const ZipEntry* entry = archive.find(folder + "version")) {
    const std::string text = read_record(archive, *entry, 100);
    int version = 0;
    std::from_chars(text.data(), text.data() + text.size(), version);
    if (version < 1 || version > kMaxVersion)
      file.refuse("expected a file format of version 1 to ", kMaxVersion, ", got ", quoted(text));
  }
}

std::string text_of(const Object& object) {
  char digits[40];
  std::to_chars_result end{digits, {}};
  switch (object.kind) {
    case Kind::Bool:
      return object.integer ? "True" : "False";
    case Kind::Int:
      return std::to_string(object.integer);
    case Kind::BigInt:
      return std::to_string(static_cast<uint64_t>(object.integer));
    case Kind::Float:
      end = std::to_chars(digits, digits + sizeof digits, object.real);
      return {digits, end.ptr};
    case Kind::String:
    case Kind::Global:
      return std::string(object.text);
    default:
      return "None";
  }
}

// Visits the containers without recursion; calls `leaf(id, name)` with every other object and its
// dotted name.
template <class Leaf>
void walk(const InputFile& file, const pickle::Value& value, Leaf&& leaf) {
  struct Level {
    Id id;
    std::size_t next, name_bytes;
  };
  std::vector<Level> levels;
  std::string name;
  std::size_t name_bytes = 0;
  const auto enter = [&](Id id) {
    // An object costs something under the shortest name, too.
    name_bytes += name.size() + value[id].text.size() + 32;
    if (name_bytes > kMaxNameBytes)
      file.refuse("expected names and strings of at most ", kMaxNameBytes,
                  " bytes in all, got more");
    const Kind kind = value[id].kind;
    if (kind != Kind::Dict && kind != Kind::List && kind != Kind::Tuple) return leaf(id, name);
    if (levels.size() == kMaxDepth)
      file.refuse("expected containers in at most ", kMaxDepth, " levels, got more at ",
                  quoted(name));
    levels.push_back({id, 0, name.size()});
  };
  enter(value.root);
  while (!levels.empty()) {
    Level& level = levels.back();
    const Object& container = value[level.id];
    name.resize(level.name_bytes);
    if (level.next == container.items.size()) {
      levels.pop_back();
      continue;
    }
    if (!name.empty()) name += '.';
    if (container.kind == Kind::Dict) {
      const Object& key = value[container.items[level.next++]];
      if (key.kind != Kind::String && key.kind != Kind::Int)
        file.refuse("expected strings or whole numbers as keys, got ", pickle::describe(key),
                    name.empty() ? "" : " in " + quoted(name));
      name += text_of(key);
    } else {
      name += std::to_string(level.next);
    }
    enter(container.items[level.next++]);
  }
}

}  // namespace

TensorFile load_torch(const std::string& path) {
  const InputFile file("torch", path);
  switch (container_of(file.head(9))) {
    case Container::Zip:
      break;
    case Container::Pickle:
      file.refuse(
          "expected the zip archive that torch.save writes since PyTorch 1.6, got a pickle without "
          "one; in Python, torch.save(torch.load(path), new_path) writes it anew");
    case Container::Other:
      file.refuse("expected the zip archive that torch.save writes, got other bytes");
  }
  const ZipArchive archive(file);
  const std::string folder = find_folder(archive);
  check_records(archive, folder);
  const std::string bytes =
      read_record(archive, *archive.find(folder + "data.pkl"), pickle::kMaxBytes);
  const pickle::Value value = pickle::read(bytes, torch_file::allowed_names(), file);

  torch_file::TensorReader reader(archive, folder, value);
  std::vector<std::pair<std::string, torch_file::Plan>> plans;
  std::unordered_set<std::string> names;
  TensorFile result;
  walk(file, value, [&](Id id, const std::string& name) {
    if (!names.insert(name).second) file.refuse("the name ", quoted(name), " appears twice");
    const Kind kind = value[id].kind;
    if (kind == Kind::StoredId)
      file.refuse("expected a tensor as ", quoted(name), ", got a storage without one");
    if (kind == Kind::Call)
      plans.emplace_back(name, reader.plan(id, name));
    else
      result.metadata[name] = text_of(value[id]);
  });
  for (const auto& [name, plan] : plans) result.tensors.emplace_back(name, reader.read(plan));
  return result;
}

bool is_torch_file(const std::string& path) {
  return container_of(InputFile("load", path).head(9)) != Container::Other;
}

}  // namespace norma
