// What the copies of a module share. For Norma's own sources.
#pragma once
#include <atomic>
#include <optional>
#include <typeinfo>
#include <unordered_map>
#include <unordered_set>

#include "norma/core/memory.h"
#include "norma/core/random.h"
#include "norma/layers/module.h"

namespace norma::nn {

struct Module::State {
  State();
  class Sizes;
  /// What stands for the calling thread in `thread`.
  static const void* here();

  // Looked at in every call.
  std::shared_ptr<Module> replacement;  // all handles on this state call it instead
  std::atomic<bool> is_known = false;   // it stands in a module, or is cared for by itself
  std::atomic<const Module*> original = nullptr;  // the handle it was made with, while that lives
  std::atomic<bool> is_checked = false;           // a layer's members are what is registered
  std::shared_ptr<detail::ModuleHooks> hooks;     // null until the first is registered
  bool training = true;

  NamedTensors parameters, buffers;  // undefined tensors: names of absent ones
  NamedModules children;
  std::unordered_map<std::string, const char*> kinds;  // by name: "parameter", "buffer", "child"
  std::string name;             // under which it was first registered, "" at the top
  bool is_replacement = false;  // clones of its parent take it over as it is
  bool awaits_sizes = false;    // its parameters are not known yet
  std::optional<DType> dtype;   // of such a module, where `to` gave it one

  // Of the handles that modules keep: size and type, and whether their class is a user's.
  std::size_t handle_size = 0;
  const std::type_info* handle_type = nullptr;
  bool is_users = false;

  // When it was made: as which module of which thread, and where the thread's generator was.
  const void* thread;
  uint64_t number;
  const Generator* generator;
  Generator::State born;

  /// Parameters and buffers.
  NamedTensors tensors() const {
    NamedTensors all = parameters;
    all.insert(all.end(), buffers.begin(), buffers.end());
    return all;
  }
};

/// The second halves of a list of pairs.
template <class Second>
std::vector<Second> values(std::vector<std::pair<std::string, Second>> named) {
  std::vector<Second> list;
  with_memory(0, [&] { list.reserve(named.size()); });
  for (auto& entry : named) list.push_back(std::move(entry.second));
  return list;
}

/// "path.name"
inline std::string join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

// Without recursion: models may be deep.
template <class Visit>
void Module::walk(bool with_paths, const Visit& visit) const {
  std::unordered_set<const State*> seen;
  std::vector<std::pair<std::string, const Module*>> next = {{"", this}};
  while (!next.empty()) {
    const auto [path, module] = std::move(next.back());
    next.pop_back();
    if (!seen.insert(&module->state()).second) continue;
    visit(path, *module);
    const NamedModules& below = module->child_list();
    for (auto child = below.rbegin(); child != below.rend(); ++child) {
      const Module* below_it = child->second.get();
      while (below_it->state_ && below_it->state_->replacement) {
        below_it = below_it->state_->replacement.get();
      }
      next.emplace_back(with_paths ? join(path, child->first) : "", below_it);
    }
  }
}

/// Whether it is one of these classes; not one derived from them, which may have its own forward.
template <class... Classes>
bool is_exactly(const Module& module) {
  const std::type_info& type = typeid(module);
  return ((type == typeid(Classes)) || ...);
}

/// Whether its class is none of Norma's.
bool is_users_class(const Module& module);

/// Class name of a type without namespaces.
std::string short_name(const std::type_info& type);

}  // namespace norma::nn
