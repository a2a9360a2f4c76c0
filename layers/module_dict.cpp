#include "norma/layers/module_dict.h"

#include <algorithm>

#include "norma/layers/module_state.h"

namespace norma::nn {

Tensor ModuleDict::forward(const Tensor&) {
  fail(type_name(), "expected a module with a forward, got a dict, which has none; call a module ",
       "in it: dict[key](x)");
}

ModuleDict& ModuleDict::insert(const std::string& key, std::shared_ptr<Module> module) {
  if (contains(key)) {
    replace_child(position(key), std::move(module));
  } else {
    add_child(key, std::move(module));
  }
  return *this;
}

ModuleDict& ModuleDict::update(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) insert(entry.key, entry.module);
  return *this;
}

ModuleDict& ModuleDict::update(const ModuleDict& other) {
  for (const auto& [key, module] : other.items()) insert(key, module);
  return *this;
}

std::shared_ptr<Module> ModuleDict::pop(const std::string& key) {
  const auto at = static_cast<std::ptrdiff_t>(position(key));
  return with_memory(0, [&] {
    NamedModules all = child_list();
    std::shared_ptr<Module> gone = (all.begin() + at)->second;
    all.erase(all.begin() + at);
    set_children(std::move(all));
    return gone;
  });
}

void ModuleDict::clear() { set_children({}); }

ModuleDict::NamedModules::const_iterator ModuleDict::find(const std::string& key) const {
  return std::find_if(begin(), end(), [&](const auto& entry) { return entry.first == key; });
}

bool ModuleDict::contains(const std::string& key) const { return find(key) != end(); }

std::size_t ModuleDict::position(const std::string& key) const {
  const auto found = find(key);
  if (found != end()) return static_cast<std::size_t>(found - begin());
  const std::string known = quoted_list(keys());
  fail(type_name(), "expected one of its keys (", known.empty() ? "none" : known, "), got ",
       in_quotes(key));
}

Module& ModuleDict::operator[](const std::string& key) const {
  return *child_list()[position(key)].second;
}

void ModuleDict::wrong_type(const std::type_info& wanted, const Module& module,
                            const std::string& key) const {
  fail(type_name() + "::at", "expected ", short_name(wanted), " at ", in_quotes(key), ", got ",
       module.type_name());
}

std::vector<std::string> ModuleDict::keys() const {
  return with_memory(0, [&] {
    std::vector<std::string> list;
    for (const auto& entry : *this) list.push_back(entry.first);
    return list;
  });
}

std::vector<std::shared_ptr<Module>> ModuleDict::values() const { return nn::values(items()); }

std::vector<std::pair<std::string, std::shared_ptr<Module>>> ModuleDict::items() const {
  return with_memory(0, [&] { return child_list(); });
}

ModuleDict ModuleDict::clone() const {
  if (!is_exactly<ModuleDict>(*this)) Module::clone_module();  // would lose the derived class
  ModuleDict copy;
  copy.take_clones_of(*this);
  return copy;
}

std::shared_ptr<Module> ModuleDict::clone_module() const {
  return with_memory(0, [&] { return std::make_shared<ModuleDict>(clone()); });
}

}  // namespace norma::nn
