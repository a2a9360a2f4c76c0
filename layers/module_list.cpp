#include "norma/layers/module_list.h"

#include <utility>

#include "norma/layers/module_state.h"

namespace norma::nn {

namespace {

using NamedModules = std::vector<std::pair<std::string, std::shared_ptr<Module>>>;

NamedModules numbered(NamedModules modules) {
  for (std::size_t i = 0; i < modules.size(); ++i) modules[i].first = std::to_string(i);
  return modules;
}

}  // namespace

Tensor ModuleList::forward(const Tensor&) {
  fail(type_name(), "expected a module with a forward, got a list, which has none; call the ",
       "modules in it: for (nn::Module& layer : list) x = layer(x)");
}

ModuleList& ModuleList::append(std::shared_ptr<Module> module) {
  return with_memory(0, [&]() -> ModuleList& {
    add_child(std::to_string(size()), std::move(module));
    return *this;
  });
}

ModuleList& ModuleList::extend(const ModuleRow& other) {
  for (int64_t i = 0, count = other.size(); i < count; ++i) append(other.ptr(i));
  return *this;
}

ModuleList& ModuleList::insert(int64_t index, std::shared_ptr<Module> module) {
  const int64_t at = index < 0 ? index + size() : index;
  if (at < 0 || at > size()) {
    fail(type_name(), "expected an index from ", -size(), " to its size of ", size(), ", got ",
         index);
  }
  return with_memory(0, [&]() -> ModuleList& {
    NamedModules all = child_list();
    all.emplace(all.begin() + at, "", std::move(module));
    set_children(numbered(std::move(all)));
    return *this;
  });
}

ModuleList& ModuleList::replace(int64_t index, std::shared_ptr<Module> module) {
  replace_child(position(index), std::move(module));
  return *this;
}

std::shared_ptr<Module> ModuleList::pop(int64_t index) {
  const auto at = static_cast<std::ptrdiff_t>(position(index));
  return with_memory(0, [&] {
    NamedModules all = child_list();
    std::shared_ptr<Module> gone = (all.begin() + at)->second;
    all.erase(all.begin() + at);
    set_children(numbered(std::move(all)));
    return gone;
  });
}

ModuleList ModuleList::clone() const {
  if (!is_exactly<ModuleList>(*this)) Module::clone_module();  // would lose the derived class
  ModuleList copy;
  copy.take_clones_of(*this);
  return copy;
}

std::shared_ptr<Module> ModuleList::clone_module() const {
  return with_memory(0, [&] { return std::make_shared<ModuleList>(clone()); });
}

}  // namespace norma::nn
