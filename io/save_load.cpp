#include "norma/io/save_load.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "norma/core/memory.h"
#include "norma/io/checkpoint.h"
#include "norma/io/input_file.h"
#include "norma/io/read_tensors.h"
#include "norma/io/saved_state.h"
#include "norma/layers/lazy.h"

namespace norma {

namespace {

// "model.", "ema.": prefixes under which the file holds every key of the module.
std::string fitting_prefixes(const NamedTensors& wanted, const NamedTensors& found) {
  std::set<std::string_view> names;
  for (const auto& entry : found) names.insert(entry.first);
  std::vector<std::string> prefixes;
  if (wanted.empty()) return "";
  const std::string& first = wanted.front().first;
  for (const auto& [name, value] : found) {
    if (name.size() <= first.size() || !name.ends_with("." + first)) continue;
    const std::string prefix = name.substr(0, name.size() - first.size());
    bool fits = true;
    for (const auto& entry : wanted)
      fits = fits &&
             (names.contains(prefix + entry.first) || entry.first.ends_with("num_batches_tracked"));
    if (fits) prefixes.push_back(prefix);
  }
  return quoted_list(prefixes);
}

// The first parts of all names, each once: "model", "optimizer", "epoch".
std::string first_parts(const TensorFile& file) {
  constexpr std::size_t kMost = 12;
  std::set<std::string> seen;
  std::string list;
  const auto add = [&](const std::string& name) {
    const std::string part = name.substr(0, name.find('.'));
    if (!seen.insert(part).second || seen.size() > kMost + 1) return;
    list += (list.empty() ? "" : ", ") + (seen.size() > kMost ? "…" : in_quotes(part));
  };
  for (const auto& entry : file.tensors) add(entry.first);
  for (const auto& entry : file.metadata) add(entry.first);
  for (const auto& entry : file.skipped) add(entry.first);
  return list.empty() ? "nothing" : list;
}

// "model." for "model", too.
std::string whole_prefix(const LoadOptions& options) {
  const bool ends = options.prefix.empty() || options.prefix.ends_with('.');
  return ends ? options.prefix : options.prefix + '.';
}

// Takes the prefix off; entries without it go.
TensorFile behind(const TensorFile& file, const std::string& prefix) {
  if (prefix.empty()) return file;
  TensorFile part;
  for (const auto& [name, value] : file.tensors)
    if (name.starts_with(prefix)) part.tensors.emplace_back(name.substr(prefix.size()), value);
  for (const auto& [name, value] : file.metadata)
    if (name.starts_with(prefix)) part.metadata[name.substr(prefix.size())] = value;
  for (const auto& [name, what] : file.skipped)
    if (name.starts_with(prefix)) part.skipped[name.substr(prefix.size())] = what;
  if (const auto whole = file.skipped.find(prefix.substr(0, prefix.size() - 1));
      whole != file.skipped.end())
    fail("load", "expected tensors as ", in_quotes(whole->first), ", got ", whole->second, "; ",
         kWayOut);
  if (part.tensors.empty() && part.skipped.empty())
    fail("load", "expected tensors whose names begin with ", in_quotes(prefix),
         ", got none; the file has ", first_parts(file));
  return part;
}

bool has_none(const NamedTensors& wanted, const NamedTensors& found) {
  std::set<std::string_view> names;
  for (const auto& entry : found) names.insert(entry.first);
  for (const auto& entry : wanted)
    if (names.contains(entry.first)) return false;
  return true;
}

}  // namespace

void save(const nn::Module& module, const std::string& path) {
  with_memory(0, [&] {
    const NamedTensors state =
        with_file_name("save", path, [&] { return saved_state("save", module); });
    save_safetensors(state, path);
  });
}

void save(const nn::Module& module, std::ostream& stream) {
  with_memory(0, [&] { save_safetensors(saved_state("save", module), stream); });
}

void save(const nn::Module& module, std::vector<std::byte>& bytes) {
  with_memory(0, [&] { save_safetensors(saved_state("save", module), bytes); });
}

namespace {

struct Contents {
  bool from_torch;
  TensorFile file;
};

Contents read_all(const Source& source, const Asked& asked = {}) {
  InputFile file("load", source);
  const bool from_torch = is_torch_file(file);
  file.set_op(from_torch ? "torch" : "safetensors");
  return {from_torch, from_torch ? read_torch(file, asked) : read_safetensors(file, asked)};
}

// For what the module asks for, whatever else there is.
void require_tensors(const NamedTensors& wanted, const TensorFile& part) {
  for (const auto& entry : wanted)
    if (const auto found = part.skipped.find(entry.first); found != part.skipped.end())
      fail("load", "expected a tensor as ", in_quotes(entry.first), ", got ", found->second, "; ",
           kWayOut);
}

LoadResult load_from(const Source& source, nn::Module& module, const LoadOptions& options) {
  const std::vector<nn::Module*> all = module.modules();
  // What lazy layers want, check_state_dict finds out.
  const bool is_lazy = std::any_of(all.begin(), all.end(), [](const nn::Module* m) {
    return dynamic_cast<const nn::LazyLayer*>(m) != nullptr;
  });
  const NamedTensors wanted = is_lazy ? NamedTensors() : module.state_dict();
  const std::string prefix = whole_prefix(options);
  std::set<std::string, std::less<>> names;
  for (const auto& entry : wanted) names.insert(prefix + entry.first);
  const auto read = read_all(source, [&](std::string_view name) {
    return options.strict || is_lazy ? name.starts_with(prefix) : names.contains(name);
  });
  return with_file_name("load", source.name, [&] {
    const auto& [from_torch, file] = read;
    if (!from_torch && options.prefix.empty() && file.metadata.count(kCheckpointKey) > 0)
      fail("load",
           "expected the state of a module alone, got a checkpoint; read it with "
           "load_checkpoint(path, {.module = &module}), or the module alone with load(module, "
           "path, {.prefix = \"model.\"})");
    const TensorFile part = behind(file, prefix);
    if (!options.strict) {
      LoadResult result = module.load_state_dict(part.tensors, false);
      for (const auto& entry : part.skipped) result.skipped.push_back(entry.first);
      return result;
    }
    require_tensors(wanted, part);
    if (!is_lazy && has_none(wanted, part.tensors)) {
      const std::string prefixes = fitting_prefixes(wanted, file.tensors);
      if (!prefixes.empty())
        fail("load", "expected the keys of the module, got them behind ", prefixes,
             "; load(module, path, {.prefix = …}) takes a part of a file. It has ",
             first_parts(file));
    }
    module.check_state_dict(part.tensors);
    // A safetensors file's metadata are notes; these are entries of the dict itself.
    if (from_torch && !part.metadata.empty())
      fail("load", "expected tensors alone, got ", in_quotes(part.metadata.begin()->first), " = ",
           in_quotes(part.metadata.begin()->second), "; {.strict = false} loads the tensors");
    if (!part.skipped.empty())
      fail("load", "expected tensors alone, got ", list_skipped(part),
           "; {.strict = false} loads the tensors");
    return module.load_state_dict(part.tensors);
  });
}

}  // namespace

TensorFile load_tensors(const std::string& path) {
  return with_memory(0, [&] { return read_all({path}).file; });
}

TensorFile load_tensors(std::span<const std::byte> bytes) {
  return with_memory(0, [&] { return read_all(in_memory(bytes)).file; });
}

TensorFile load_tensors(std::istream& stream) {
  return with_memory(0, [&] {
    const std::string bytes = rest_of("load", stream);
    return read_all(in_stream(bytes)).file;
  });
}

LoadResult load(nn::Module& module, const std::string& path, const LoadOptions& options) {
  return with_memory(0, [&] { return load_from({path}, module, options); });
}

LoadResult load(nn::Module& module, std::span<const std::byte> bytes, const LoadOptions& options) {
  return with_memory(0, [&] { return load_from(in_memory(bytes), module, options); });
}

LoadResult load(nn::Module& module, std::istream& stream, const LoadOptions& options) {
  return with_memory(0, [&] {
    const std::string bytes = rest_of("load", stream);
    return load_from(in_stream(bytes), module, options);
  });
}

}  // namespace norma
