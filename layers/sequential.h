// Sequential: modules in a row.
#pragma once
#include <iterator>
#include <memory>
#include <string>
#include <typeinfo>

#include "norma/layers/callable.h"

namespace norma::nn {

namespace detail {
/// Whether a constructor argument list is that of a copy.
template <class Class, class... Args>
inline constexpr bool is_copy_of = false;
template <class Class, class Arg>
inline constexpr bool is_copy_of<Class, Arg> = std::same_as<Class, std::remove_cvref_t<Arg>>;

/// A module or a `std::shared_ptr` to one.
template <class M>
concept ModuleOrPointer = ModuleValue<M> || std::convertible_to<M, std::shared_ptr<Module>>;
}  // namespace detail

/// Feeds its input through modules in order, each taking what the one before gave:
///
///     nn::Sequential net(nn::Linear(2, 32), nn::BatchNorm1d(32), nn::ReLU(), nn::Linear(32, 2));
///
/// Children are named "0", "1", … (parameters "0.weight"), or by `push_back(name, module)`. Takes
/// built-in and user-written modules, temporaries and named ones, shared_ptrs to modules, and other
/// Sequentials. A module given by name is the same module, not a copy; `Sequential(other)` with a
/// single Sequential copies the handle, as with every class. An empty Sequential returns its input.
///
/// The initial values are those of modules made from left to right, although C++ leaves open which
/// argument in parentheses is made first. Where they cannot be drawn again in that order, because a
/// class computes with what it draws, it warns, under the compilers that need it. Braces,
/// `nn::Sequential net{…}`, make modules from left to right under every compiler.
class Sequential : public Callable<Sequential> {
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

  /// Appends under the next number, or under a name of its own.
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
  /// `net[index] = module`. Negative indices count from the end.
  template <ModuleValue M>
  Sequential& replace(int64_t index, M&& module) {
    return replace(index, kept(std::forward<M>(module)));
  }
  Sequential& replace(int64_t index, std::shared_ptr<Module> module);

  int64_t size() const { return static_cast<int64_t>(child_list().size()); }
  bool empty() const { return child_list().empty(); }
  /// The module at `index`; negative ones count from the end.
  Module& operator[](int64_t index) const;
  /// The module at `index` as an `M`: `net.at<nn::Linear>(0).weight`.
  template <AnyModule M>
  M& at(int64_t index) const {
    Module& module = (*this)[index];
    if (auto* found = dynamic_cast<M*>(&module)) return *found;
    wrong_type(typeid(M), module, index);
  }

  /// `for (nn::Module& layer : net)`
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Module;
    using difference_type = std::ptrdiff_t;
    using pointer = Module*;
    using reference = Module&;

    Iterator() = default;
    explicit Iterator(NamedModules::const_iterator position) : position_(position) {}
    Module& operator*() const { return *position_->second; }
    Module* operator->() const { return position_->second.get(); }
    Iterator& operator++() {
      ++position_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(position_++); }
    bool operator==(const Iterator&) const = default;

   private:
    NamedModules::const_iterator position_;
  };
  Iterator begin() const { return Iterator(child_list().begin()); }
  Iterator end() const { return Iterator(child_list().end()); }

  /// A deep copy; every module in it must have `clone()`. A module that stands in it twice is
  /// copied once.
  Sequential clone() const;
  std::shared_ptr<Module> clone_module() const override;

 protected:
  Tensor forward_donated(Tensor&& input) override;

 private:
  Tensor run(Tensor value);
  /// `is_given[i]`: whether child i was an argument that nobody else names.
  void draw_in_order(std::initializer_list<bool> is_given);
  /// Clones of the modules, under their names; their state is copied where the copy ends.
  Sequential clone_structure() const;
  std::size_t position(int64_t index) const;
  [[noreturn]] void wrong_type(const std::type_info& wanted, const Module& module,
                               int64_t index) const;
};

}  // namespace norma::nn
