// Sequential: modules in a row.
#pragma once
#include <memory>
#include <string>
#include <utility>

#include "norma/layers/module_row.h"

namespace norma::nn {

/// Feeds its input through modules in order, each taking what the one before gave:
/// ```cpp
/// nn::Sequential net(nn::Linear(2, 32), nn::BatchNorm1d(32), nn::ReLU(), nn::Linear(32, 2));
/// ```
/// Children are named "0", "1", … (parameters "0.weight"), or by `push_back(name, module)`. Takes
/// built-in and user-written modules, temporaries and named ones, shared_ptrs to modules, and other
/// Sequentials. A module given by name is the same module, not a copy; `Sequential(other)` with a
/// single Sequential copies the handle, as with every class. An empty Sequential returns its input.
///
/// The initial values are those of modules made from left to right, although C++ leaves open which
/// argument in parentheses is made first. Where they cannot be drawn again in that order, because a
/// class computes with what it draws, it warns, under the compilers that need it. Braces,
/// `nn::Sequential net{…}`, make modules from left to right under every compiler.
class Sequential : public Callable<Sequential, ModuleRow> {
 public:
  Sequential() = default;
  template <class... Modules>
  requires(sizeof...(Modules) > 0 && (detail::ModuleOrPointer<Modules> && ...) &&
           !detail::is_copy_of<Sequential, Modules...>) explicit(sizeof...(Modules) == 1)
      Sequential(Modules&&... modules) {
    (push_back(std::forward<Modules>(modules)), ...);
    if constexpr (sizeof...(Modules) > 1) draw_in_order({!std::is_lvalue_reference_v<Modules>...});
  }

  Tensor forward(const Tensor& input) override;

  /// Appends under the next number, or under a name of its own. Errors: a name that is empty, has a
  /// dot or is there already, a null pointer.
  template <ModuleValue M>
  Sequential& push_back(M&& module) {
    return push_back(kept(std::forward<M>(module)));
  }
  template <ModuleValue M>
  Sequential& push_back(const std::string& name, M&& module) {
    return push_back(name, kept(std::forward<M>(module)));
  }
  Sequential& push_back(std::shared_ptr<Module> module);
  Sequential& push_back(const std::string& name, std::shared_ptr<Module> module);

  /// Puts another module in the place of the one at `index`, under its name: PyTorch's
  /// `net[index] = module`. Negative indices count from the end. Errors: an index out of range.
  template <ModuleValue M>
  Sequential& replace(int64_t index, M&& module) {
    return replace(index, kept(std::forward<M>(module)));
  }
  Sequential& replace(int64_t index, std::shared_ptr<Module> module);

  /// A deep copy. A module that stands in it twice is copied once. Errors: a module without
  /// `clone()`, modules that share one or a parameter.
  Sequential clone() const;
  std::shared_ptr<Module> clone_module() const override;

 protected:
  Tensor forward_donated(Tensor&& input) override;

 private:
  Tensor run(Tensor value);
  /// Clones of the modules, under their names; their state is copied where the copy ends.
  Sequential clone_structure() const;
};

}  // namespace norma::nn
