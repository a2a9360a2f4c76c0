// What the copies of a module share. For Norma's own sources.
#pragma once
#include <typeinfo>

#include "norma/layers/module.h"

namespace norma::nn {

struct Module::State {
  bool training = true;
  NamedTensors parameters, buffers;  // undefined tensors: names of absent ones
  NamedModules children;
  std::string name;  // under which it was first registered, "" at the top
};

/// Class name of a type without namespaces.
std::string short_name(const std::type_info& type);

}  // namespace norma::nn
