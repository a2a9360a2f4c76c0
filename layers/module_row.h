// ModuleRow: what Sequential and ModuleList have in common.
#pragma once
#include <initializer_list>
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

/// Modules in a row, by number.
class ModuleRow : public Module {
 public:
  int64_t size() const { return static_cast<int64_t>(child_list().size()); }
  bool empty() const { return child_list().empty(); }
  /// The module at `index`; negative ones count from the end. Errors: none there.
  Module& operator[](int64_t index) const;
  /// A pointer to it.
  std::shared_ptr<Module> ptr(int64_t index) const;
  /// The module at `index` as an `M`: `net.at<nn::Linear>(0).weight`. Errors: one of another class.
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

 protected:
  ModuleRow() = default;
  /// The place of the module at `index`, from 0.
  std::size_t position(int64_t index) const;
  /// `is_given[i]`: whether child i was an argument that nobody else names.
  void draw_in_order(std::initializer_list<bool> is_given);

 private:
  [[noreturn]] void wrong_type(const std::type_info& wanted, const Module& module,
                               int64_t index) const;
};

}  // namespace norma::nn
