#include "norma/layers/module_row.h"

#include <vector>

#include "norma/layers/module_state.h"

namespace norma::nn {

std::size_t ModuleRow::position(int64_t index) const {
  const int64_t position = index < 0 ? index + size() : index;
  if (position < 0 || position >= size()) {
    fail(type_name(), "expected an index below its size of ", size(), ", got ", index);
  }
  return static_cast<std::size_t>(position);
}

Module& ModuleRow::operator[](int64_t index) const { return *ptr(index); }

std::shared_ptr<Module> ModuleRow::ptr(int64_t index) const {
  return child_list()[position(index)].second;
}

void ModuleRow::wrong_type(const std::type_info& wanted, const Module& module,
                           int64_t index) const {
  const std::string name = short_name(wanted), type = module.type_name();
  fail(type_name() + "::at", "expected ", name, " at index ", index, ", got ",
       (type == name ? module.str() : type));
}

void ModuleRow::draw_in_order(std::initializer_list<bool> is_given) {
  with_memory(0, [&] {
    std::vector<Module*> given;
    for (std::size_t i = 0; i < is_given.size(); ++i) {
      if (std::data(is_given)[i]) given.push_back(child_list()[i].second.get());
    }
    Module::draw_in_order(given);
  });
}

}  // namespace norma::nn
