// What the copies of a module share. For Norma's own sources.
#pragma once
#include <typeinfo>
#include <unordered_map>

#include "norma/layers/module.h"

namespace norma::nn {

struct Module::State {
  bool training = true;
  NamedTensors parameters, buffers;  // undefined tensors: names of absent ones
  NamedModules children;
  std::unordered_map<std::string, const char*> kinds;  // by name: "parameter", "buffer", "child"
  std::string name;                     // under which it was first registered, "" at the top
  std::shared_ptr<Module> replacement;  // all handles on this state call it instead
  bool is_replacement = false;          // clones of its parent take it over as it is

  /// Parameters and buffers.
  NamedTensors tensors() const {
    NamedTensors all = parameters;
    all.insert(all.end(), buffers.begin(), buffers.end());
    return all;
  }
};

/// Whether it is one of these classes; not one derived from them, which may have its own forward.
template <class... Classes>
bool is_exactly(const Module& module) {
  const std::type_info& type = typeid(module);
  return ((type == typeid(Classes)) || ...);
}

/// Class name of a type without namespaces.
std::string short_name(const std::type_info& type);

}  // namespace norma::nn
