#include "norma/io/torch_file.h"

#include <charconv>
#include <set>
#include <utility>

#include "norma/core/memory.h"
#include "norma/io/file_kind.h"
#include "norma/io/input_file.h"
#include "norma/io/pickle.h"
#include "norma/io/read_tensors.h"
#include "norma/io/torch_tensor.h"
#include "norma/io/zip_reader.h"

namespace norma {

using pickle::Id;
using pickle::Kind;
using pickle::Object;

namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr int kMaxVersion = 10;

std::string read_record(const ZipArchive& archive, const ZipEntry& entry, uint64_t most) {
  ZipEntryReader reader(archive, entry);
  if (entry.size > most)
    archive.file().refuse("expected the record ", in_quotes(entry.name), " with at most ", most,
                          " bytes, got ", entry.size);
  archive.file().spend(entry.size);
  std::string text(entry.size, '\0');
  reader.read(text.data(), text.size());
  reader.finish();
  return text;
}

// What a zip archive is that torch.save did not write.
std::string other_archive(const ZipArchive& archive) {
  if (archive.entries().empty()) return "an empty one";
  constexpr std::pair<std::string_view, const char*> kKnown[] = {
      {".npy",
       "one of arrays of NumPy (.npz); in Python, torch.save({name: torch.from_numpy(array) for "
       "name, array in numpy.load(path).items()}, new_path)"},
      {"model.weights.h5", "a model of Keras; in Python, save its weights with safetensors"},
      {".safetensors", "one with a safetensors file in it; unpack it first"},
      {".pt", "one with another archive in it; unpack it first"},
      {".pth", "one with another archive in it; unpack it first"}};
  for (const ZipEntry& entry : archive.entries())
    for (const auto& [ending, what] : kKnown)
      if (entry.name.ends_with(ending)) return what;
  return "one with " + in_quotes(archive.entries().front().name);
}

// The folder that holds everything, with a slash; PyTorch names it after the file.
std::string find_folder(const ZipArchive& archive) {
  std::string folder;
  for (const ZipEntry& entry : archive.entries()) {
    const std::size_t slash = entry.name.find('/');
    if (slash == std::string::npos || entry.name.substr(slash) != "/data.pkl") continue;
    if (!folder.empty() && !entry.name.starts_with(folder))
      archive.file().refuse("expected one folder with a record data.pkl, got ", in_quotes(folder),
                            " and ", in_quotes(entry.name.substr(0, slash + 1)));
    folder = entry.name.substr(0, slash + 1);
  }
  if (folder.empty())
    archive.file().refuse(
        "expected a zip archive that torch.save wrote, with a record data.pkl in a folder, got ",
        other_archive(archive));
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
      file.refuse("expected the byte order \"little\", got ", in_quotes(order),
                  "; load and save it again on a little-endian machine");
  }
  if (const ZipEntry* entry = archive.find(folder + "version")) {
    const std::string text = read_record(archive, *entry, 100);
    int version = 0;
    std::from_chars(text.data(), text.data() + text.size(), version);
    if (version < 1 || version > kMaxVersion)
      file.refuse("expected a file format of version 1 to ", kMaxVersion, ", got ",
                  in_quotes(text));
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
      end = std::to_chars(digits, digits + sizeof digits, object.real());
      return {digits, end.ptr};
    case Kind::String:
    case Kind::Global:
      return std::string(object.text);
    default:
      return "None";
  }
}

// Whether an object is text, or a number that text_of writes.
bool is_text(const Object& object) { return object.kind <= Kind::String; }

// One entry of a file. `id` is no container.
struct Entry {
  Id id;
  const std::string& name;
  const char* problem;  // why it cannot be read; or null
};

bool is_container(const Object& object) {
  return object.kind == Kind::Dict || object.kind == Kind::List || object.kind == Kind::Tuple;
}

// Visits the containers without recursion; calls `visit` with the entries under their dotted names.
template <class Visit>
void walk(const InputFile& file, const pickle::Value& value, Visit&& visit) {
  struct Level {
    Id id;
    std::size_t next, name_bytes;
  };
  std::vector<Level> levels;
  std::string name;
  const auto enter = [&](Id id) {
    // An entry costs something under the shortest name, too.
    file.spend(name.size() + value[id].text.size() + 150);
    if (!is_container(value[id])) return visit(Entry{id, name, nullptr});
    for (const Level& level : levels)
      if (level.id == id) return visit(Entry{id, name, "a container that holds itself"});
    if (levels.size() == kMaxDepth)
      return visit(Entry{id, name, "a container in more than 64 others"});
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
    if (container.kind != Kind::Dict) {
      name += std::to_string(level.next);
      enter(container.items[level.next++]);
      continue;
    }
    const Object& key = value[container.items[level.next]];
    const Id entry = container.items[level.next + 1];
    level.next += 2;
    file.spend(key.text.size());
    if (is_text(key)) {
      name += text_of(key);
      enter(entry);
    } else {
      name += text('[', level.next / 2 - 1, ']');
      file.spend(name.size() + 150);
      visit(Entry{entry, name, "an entry whose key is neither text nor number"});
    }
  }
}

// Sorts out what a pickle describes; everything is checked before the tensors are read.
TensorFile read_entries(const ZipArchive& archive, const std::string& folder,
                        const pickle::Value& value, const Asked& asked) {
  torch_file::TensorReader reader(archive, folder, value);
  std::vector<std::pair<std::string, torch_file::Plan>> plans;
  std::set<std::string> others;  // names that are not in the metadata
  TensorFile result;
  const auto skip = [&](const std::string& name, std::string what) {
    archive.file().spend(name.size() + what.size() + 100);
    result.skipped[name] = std::move(what);
  };
  const auto unless_skipped = [&](const std::string& name, const auto& step) {
    try {
      step();
    } catch (const torch_file::NoPlace& tensor) {
      skip(name, tensor.what);
    } catch (const Error& error) {
      if (!asked || asked(name)) throw;
      skip(name, unreadable(archive.file(), error));
    }
  };
  walk(archive.file(), value, [&](const Entry& entry) {
    const Object& object = value[entry.id];
    const bool noted = !entry.problem && (is_text(object) || torch_file::is_dtype(object));
    const bool is_new =
        noted ? !others.contains(entry.name) &&
                    result.metadata.emplace(entry.name, text_of(object)).second
              : others.insert(entry.name).second && !result.metadata.contains(entry.name);
    if (!is_new) return skip(entry.name, "several entries that have this name");
    if (noted) return;
    if (entry.problem) return skip(entry.name, entry.problem);
    if (!torch_file::rebuilds_tensor(object)) return skip(entry.name, pickle::describe(object));
    archive.file().spend(entry.name.size() + sizeof(torch_file::Plan) + 500);
    unless_skipped(entry.name,
                   [&] { plans.emplace_back(entry.name, reader.plan(entry.id, entry.name)); });
  });
  for (const auto& [name, what] : result.skipped) result.metadata.erase(name);
  for (const auto& entry : plans) {
    if (result.skipped.contains(entry.first)) continue;
    unless_skipped(entry.first,
                   [&] { result.tensors.emplace_back(entry.first, reader.read(entry.second)); });
  }
  return result;
}

TensorFile read_archive(const InputFile& file, const Asked& asked) {
  const FileKind kind = kind_of(file);
  if (kind.format != Format::Torch)
    file.refuse("expected the zip archive that torch.save writes, got ", kind.what);
  const ZipArchive archive(file);
  const std::string folder = find_folder(archive);
  check_records(archive, folder);
  const std::string bytes =
      read_record(archive, *archive.find(folder + "data.pkl"), pickle::kMaxBytes);
  TensorFile result = read_entries(archive, folder, pickle::read(bytes, file), asked);
  // The numbers of a file are something to read, too.
  if (result.tensors.empty() && result.metadata.empty())
    refuse_skipped(file, result, ", of which nothing was executed");
  return result;
}

}  // namespace

TensorFile read_torch(const InputFile& file, const Asked& asked) {
  return with_memory(static_cast<int64_t>(file.size()), [&] { return read_archive(file, asked); });
}

TensorFile load_torch(const std::string& path) {
  return with_memory(0, [&] { return read_torch(InputFile("torch", path)); });
}

bool is_torch_file(const InputFile& file) {
  const Format format = kind_of(file).format;
  return format == Format::Torch || format == Format::TorchPickle;
}

bool is_torch_file(const std::string& path) {
  return with_memory(0, [&] { return is_torch_file(InputFile("load", path)); });
}

}  // namespace norma
