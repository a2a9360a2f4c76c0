// ModuleDict: modules by key.
#pragma once
#include <initializer_list>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "norma/layers/callable.h"

namespace norma::nn {

/// Modules by key, in the order of insertion. Keys are names of children: not empty, without dots.
/// ```cpp
/// nn::ModuleDict heads({{"digit", nn::Linear(8, 10)}, {"parity", nn::Linear(8, 2)}});
/// register_module("heads", heads);
/// // …
/// Tensor digit = heads["digit"](x);
/// ```
/// It cannot be called itself.
class ModuleDict : public Callable<ModuleDict> {
 public:
  /// A key and its module, as lists of them in braces are made of.
  struct Entry {
    template <ModuleValue M>
    Entry(std::string name, M&& value)
        : key(std::move(name)), module(kept(std::forward<M>(value))) {}
    Entry(std::string name, std::shared_ptr<Module> value)
        : key(std::move(name)), module(std::move(value)) {}
    std::string key;                 ///< not empty, without dots
    std::shared_ptr<Module> module;  ///< as `insert` takes it
  };
  ModuleDict() = default;
  explicit ModuleDict(std::initializer_list<Entry> entries) { update(entries); }

  Tensor forward(const Tensor& input) override;

  /// PyTorch's `dict[key] = module`: adds it, or puts it in the place of the one with that key.
  /// Errors: a key that is empty or has a dot, a null pointer.
  template <ModuleValue M>
  ModuleDict& insert(const std::string& key, M&& module) {
    return insert(key, kept(std::forward<M>(module)));
  }
  ModuleDict& insert(const std::string& key, std::shared_ptr<Module> module);
  ModuleDict& update(std::initializer_list<Entry> entries);  ///< inserts all
  /// With the modules of another one: the same ones, not copies.
  ModuleDict& update(const ModuleDict& other);
  /// Takes a module out and returns it. Errors: no such key.
  std::shared_ptr<Module> pop(const std::string& key);
  void clear();  ///< takes all out

  int64_t size() const { return static_cast<int64_t>(child_list().size()); }
  bool empty() const { return child_list().empty(); }
  bool contains(const std::string& key) const;       ///< whether it has this key
  Module& operator[](const std::string& key) const;  ///< throws without it
  /// The module with this key as an `M`: `heads.at<nn::Linear>("digit").weight`. Errors: none of
  /// this key, one of another class.
  template <AnyModule M = Module>
  M& at(const std::string& key) const {
    Module& module = (*this)[key];
    if (auto* found = dynamic_cast<M*>(&module)) return *found;
    wrong_type(typeid(M), module, key);
  }
  std::vector<std::string> keys() const;                ///< in the order of insertion
  std::vector<std::shared_ptr<Module>> values() const;  ///< the modules, in that order
  /// Both, in that order.
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> items() const;
  /// `for (const auto& [key, module] : heads) y.push_back((*module)(x));`
  NamedModules::const_iterator begin() const { return child_list().begin(); }
  NamedModules::const_iterator end() const { return child_list().end(); }

  /// A deep copy. Errors: a module without `clone()`.
  ModuleDict clone() const;
  std::shared_ptr<Module> clone_module() const override;

 private:
  NamedModules::const_iterator find(const std::string& key) const;
  std::size_t position(const std::string& key) const;
  [[noreturn]] void wrong_type(const std::type_info& wanted, const Module& module,
                               const std::string& key) const;
};

}  // namespace norma::nn
