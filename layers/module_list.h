// ModuleList: modules by number.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "norma/layers/module_row.h"

namespace norma::nn {

/// Modules by number, for a forward that calls them itself:
/// ```cpp
/// nn::ModuleList layers;
/// for (int i = 0; i < 4; ++i) layers.append(nn::Linear(8, 8));
/// register_module("layers", layers);
/// // …
/// for (nn::Module& layer : layers) x = relu(layer(x));
/// ```
/// The names of the children are their numbers, "layers.0.weight". It cannot be called itself.
class ModuleList : public Callable<ModuleList, ModuleRow> {
 public:
  ModuleList() = default;
  template <class... Modules>
  requires(sizeof...(Modules) > 0 && (detail::ModuleOrPointer<Modules> && ...) &&
           !detail::is_copy_of<ModuleList, Modules...>) explicit ModuleList(Modules&&... modules) {
    (append(std::forward<Modules>(modules)), ...);
    if constexpr (sizeof...(Modules) > 1) draw_in_order({!std::is_lvalue_reference_v<Modules>...});
  }
  /// `ModuleList(std::vector<nn::Linear>{…})`; of pointers, too.
  template <detail::ModuleOrPointer M>
  explicit ModuleList(const std::vector<M>& modules) {
    extend(modules);
  }

  Tensor forward(const Tensor& input) override;

  template <ModuleValue M>
  ModuleList& append(M&& module) {
    return append(kept(std::forward<M>(module)));
  }
  ModuleList& append(std::shared_ptr<Module> module);
  /// libtorch's name of it.
  template <detail::ModuleOrPointer M>
  ModuleList& push_back(M&& module) {
    return append(std::forward<M>(module));
  }
  /// Appends the modules of another row: the same ones, not copies.
  ModuleList& extend(const ModuleRow& other);
  template <detail::ModuleOrPointer M>
  ModuleList& extend(const std::vector<M>& modules) {
    for (const M& module : modules) append(module);
    return *this;
  }
  /// Before the one at `index`, which may be `size()`; negative ones count from the end. Those
  /// behind it get the next numbers. Errors: an index out of range, a null pointer.
  template <ModuleValue M>
  ModuleList& insert(int64_t index, M&& module) {
    return insert(index, kept(std::forward<M>(module)));
  }
  ModuleList& insert(int64_t index, std::shared_ptr<Module> module);
  /// PyTorch's `list[index] = module`. Errors: as of `insert`.
  template <ModuleValue M>
  ModuleList& replace(int64_t index, M&& module) {
    return replace(index, kept(std::forward<M>(module)));
  }
  ModuleList& replace(int64_t index, std::shared_ptr<Module> module);
  /// Takes the module at `index` out and returns it. Errors: an index out of range.
  std::shared_ptr<Module> pop(int64_t index = -1);

  /// A deep copy. Errors: a module without `clone()`.
  ModuleList clone() const;
  std::shared_ptr<Module> clone_module() const override;
};

}  // namespace norma::nn
