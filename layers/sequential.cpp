#include "norma/layers/sequential.h"

#include <unordered_map>
#include <utility>

#include "norma/layers/fuse_norm_relu.h"
#include "norma/layers/module_state.h"

namespace norma::nn {

Tensor Sequential::forward(const Tensor& input) { return run(input); }

Tensor Sequential::forward_donated(Tensor&& input) {
  return is_exactly<Sequential>(*this) ? run(std::move(input)) : forward(input);
}

Tensor Sequential::run(Tensor value) {
  const NamedModules& children = child_list();
  for (std::size_t i = 0; i < children.size(); ++i) {
    Module& module = *children[i].second;
    Module* const next = i + 1 < children.size() ? children[i + 1].second.get() : nullptr;
    if (next && is_norm_and_relu(module, *next)) {
      value = norm_and_relu(static_cast<BatchNorm&>(module), *next, std::move(value));
      ++i;
    } else {
      value = module(std::move(value));
    }
  }
  return value;
}

Sequential& Sequential::push_back(std::shared_ptr<Module> module) {
  return with_memory(
      0, [&]() -> Sequential& { return push_back(std::to_string(size()), std::move(module)); });
}

Sequential& Sequential::push_back(const std::string& name, std::shared_ptr<Module> module) {
  add_child(name, std::move(module));
  return *this;
}

Sequential& Sequential::replace(int64_t index, std::shared_ptr<Module> module) {
  replace_child(position(index), std::move(module));
  return *this;
}

Sequential Sequential::clone_structure() const {
  return with_memory(0, [&] {
    Sequential copy;
    std::unordered_map<const void*, std::shared_ptr<Module>> twins;
    for (const auto& [name, child] : child_list()) {
      std::shared_ptr<Module>& twin = twins[child->id()];
      if (!twin && is_exactly<Sequential>(*child)) {
        const auto& row = static_cast<const Sequential&>(*child);
        twin = std::make_shared<Sequential>(row.clone_structure());
      } else if (!twin) {
        twin = child->clone_module();
      }
      copy.push_back(name, twin);
    }
    return copy;
  });
}

Sequential Sequential::clone() const {
  if (!is_exactly<Sequential>(*this)) Module::clone_module();  // would lose the derived class
  Sequential copy = clone_structure();
  if (copy.modules().size() != modules().size() ||
      copy.parameters().size() != parameters().size()) {
    fail("clone",
         "expected modules that stand on their own, got some that share a module or a "
         "parameter across two of them; build a fresh model and call its "
         "load_state_dict(old.state_dict())");
  }
  copy.copy_state_from(*this);
  return copy;
}

std::shared_ptr<Module> Sequential::clone_module() const {
  return with_memory(0, [&] { return std::make_shared<Sequential>(clone()); });
}

}  // namespace norma::nn
