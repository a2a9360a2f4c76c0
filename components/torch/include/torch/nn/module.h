// Module, its holder, and Cloneable: libtorch's classes around Norma's modules.
#pragma once
#include <cxxabi.h>

#include "torch/arg.h"
#include "torch/ordered_dict.h"
#include "torch/serialize.h"

namespace torch::nn {

/// The name of a class, as in the source.
inline std::string class_name(const std::type_info& type) {
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, nullptr), std::free);
  return text ? text.get() : type.name();
}

/// A Norma module that has what a `Module` registers, and no forward of its own.
struct Registry : norma::nn::Module {
  using Module::add_child;
  using Module::child_list;
  using Module::copy_state_from;
  using Module::register_buffer;
  using Module::register_parameter;
  using Module::replace_child;
  using Module::set_children;
  std::string type_name() const override { return type; }
  std::string type = "Module";
};

/// libtorch's base of models. Parameters, buffers, modes and names are those of the Norma module
/// `core()`, with which all of Norma works: `norma::save(net.core(), path)`.
class Module : public std::enable_shared_from_this<Module> {
  template <class T>
  using Dict = OrderedDict<std::string, T>;

 public:
  explicit Module(std::string name = "") : name_(std::move(name)) {}
  virtual ~Module() = default;

  norma::nn::Module& core() const { return *core_; }
  const std::string& name() const {
    if (name_.empty()) name_ = class_name(typeid(*this));
    return name_;
  }

  virtual void train(bool on = true) {
    for (auto& child : children_) child.value()->train(on);
    core_->train(on);
  }
  void eval() { train(false); }
  bool is_training() const { return core_->is_training(); }

  std::vector<Tensor> parameters(bool recurse = true) const {
    return named_parameters(recurse).values();
  }
  Dict<Tensor> named_parameters(bool recurse = true) const {
    return dict(core_->named_parameters(), recurse);
  }
  std::vector<Tensor> buffers(bool recurse = true) const { return named_buffers(recurse).values(); }
  Dict<Tensor> named_buffers(bool recurse = true) const {
    return dict(core_->named_buffers(), recurse);
  }
  std::vector<std::shared_ptr<Module>> children() const { return children_.values(); }
  Dict<std::shared_ptr<Module>> named_children() const { return children_; }
  /// Of a module that a shared_ptr or a holder owns, where it is to be among them.
  Dict<std::shared_ptr<Module>> named_modules(const std::string& prefix = "",
                                              bool self = true) const {
    Dict<std::shared_ptr<Module>> all;
    if (self) all.insert(prefix, const_cast<Module*>(this)->shared_from_this());
    walk(prefix, [&](const std::string& path, Module& module) {
      all.insert(path, module.shared_from_this());
    });
    return all;
  }
  std::vector<std::shared_ptr<Module>> modules(bool self = true) const {
    return named_modules("", self).values();
  }
  /// `function(module)` or `function(path, module)` for this module and all below it.
  template <class Function>
  void apply(const Function& function, const std::string& prefix = "") const {
    const auto visit = [&](const std::string& path, Module& module) {
      if constexpr (std::is_invocable_v<const Function&, const std::string&, Module&>) {
        function(path, module);
      } else if constexpr (std::is_invocable_v<const Function&, Module&>) {
        function(module);
      } else if constexpr (std::is_invocable_v<const Function&, std::shared_ptr<Module>>) {
        function(module.shared_from_this());
      } else {
        function(path, module.shared_from_this());
      }
    };
    visit(prefix, const_cast<Module&>(*this));
    walk(prefix, visit);
  }
  /// This module as an M, a holder or an Impl; null if it is none.
  template <class M>
  auto* as() const {
    auto* const self = const_cast<Module*>(this);
    if constexpr (requires { typename M::ContainedType; }) {
      return dynamic_cast<typename M::ContainedType*>(self);
    } else {
      return dynamic_cast<M*>(self);
    }
  }

  void to(Dtype dtype, bool = false) { core_->to(dtype); }
  void to(const Device&, bool = false) {}
  void to(const Device&, Dtype dtype, bool = false) { core_->to(dtype); }
  void zero_grad(bool /*set_to_none*/ = true) { core_->zero_grad(); }
  virtual void save(serialize::OutputArchive& archive) const {
    for (const auto& [name, tensor] : core_->state_dict()) archive.write(name, tensor);
  }
  virtual void load(serialize::InputArchive& archive) { core_->load_state_dict(archive.tensors); }
  virtual std::shared_ptr<Module> clone(const std::optional<Device>& = {}) const {
    norma::fail("clone", "expected a torch::nn::Cloneable, got a ", name());
  }
  virtual void pretty_print(std::ostream& out) const {
    label();
    out << core_->str();
  }

  Tensor register_parameter(const std::string& name, const Tensor& tensor, bool trained = true) {
    return (*core_.*&Registry::register_parameter)(name, tensor, trained);
  }
  Tensor register_buffer(const std::string& name, const Tensor& tensor) {
    return (*core_.*&Registry::register_buffer)(name, tensor);
  }
  template <class M>
  std::shared_ptr<M> register_module(const std::string& name, std::shared_ptr<M> module) {
    (*core_.*&Registry::add_child)(name, module->core_);
    children_.insert(name, module);
    return module;
  }
  template <class M>
  std::shared_ptr<typename M::ContainedType> register_module(const std::string& name,
                                                             const M& holder) {
    return register_module(name, holder.ptr());
  }
  template <class M>
  std::shared_ptr<M> replace_module(const std::string& name, std::shared_ptr<M> module) {
    const std::size_t place = place_of(name);
    (*core_.*&Registry::replace_child)(place, module->core_);
    children_[place].value() = module;
    return module;
  }
  template <class M>
  auto replace_module(const std::string& name, const M& holder) {
    return replace_module(name, holder.ptr());
  }
  void unregister_module(const std::string& name) {
    const auto place = static_cast<std::ptrdiff_t>(place_of(name));
    auto below = (*core_.*&Registry::child_list)();
    below.erase(below.begin() + place);
    (*core_.*&Registry::set_children)(std::move(below));
    children_.erase(children_.begin() + place);
  }

 protected:
  Dict<std::shared_ptr<Module>> children_;
  std::shared_ptr<norma::nn::Module> core_ = std::make_shared<Registry>();

 private:
  static Dict<Tensor> dict(const norma::NamedTensors& tensors, bool recurse) {
    Dict<Tensor> all;
    for (const auto& [name, tensor] : tensors) {
      if (recurse || name.find('.') == std::string::npos) all.insert(name, tensor);
    }
    return all;
  }
  std::size_t place_of(const std::string& name) const {
    for (std::size_t i = 0; i < children_.size(); ++i) {
      if (children_[i].key() == name) return i;
    }
    norma::fail("Module", "expected a module '", name, "'");
  }
  template <class Visit>
  void walk(const std::string& prefix, const Visit& visit) const {
    for (const auto& child : children_) {
      const std::string path = prefix.empty() ? child.key() : prefix + "." + child.key();
      visit(path, *child.value());
      child.value()->walk(path, visit);
    }
  }
  /// Tells Norma's modules the names of these classes.
  void label() const {
    if (auto* const registry = dynamic_cast<Registry*>(core_.get())) {
      std::string type = name().substr(name().rfind(':', name().find('<')) + 1);
      if (type.ends_with("Impl")) type.resize(type.size() - 4);
      registry->type = type;
    }
    for (const auto& child : children_) child.value()->label();
  }

  mutable std::string name_;
};

inline std::ostream& operator<<(std::ostream& out, const Module& module) {
  module.pretty_print(out);
  return out;
}

/// A shared handle on an Impl: `fc->weight`, `fc(x)`.
template <class Contained>
class ModuleHolder {
 public:
  using ContainedType = Contained;

  ModuleHolder() : impl_(std::make_shared<Contained>()) {}
  ModuleHolder(std::nullptr_t) {}
  ModuleHolder(std::shared_ptr<Contained> impl) : impl_(std::move(impl)) {}
  template <class Head, class... Tail>
  requires(sizeof...(Tail) > 0 ||
           !std::derived_from<std::remove_cvref_t<Head>,
                              ModuleHolder>) explicit ModuleHolder(Head&& head, Tail&&... tail)
      : impl_(std::make_shared<Contained>(std::forward<Head>(head), std::forward<Tail>(tail)...)) {}

  explicit operator bool() const noexcept { return !is_empty(); }
  bool is_empty() const noexcept { return !impl_; }
  const std::shared_ptr<Contained>& ptr() const {
    if (!impl_) norma::fail("ModuleHolder", "expected a module, got a holder of nullptr");
    return impl_;
  }
  Contained* get() const { return ptr().get(); }
  Contained* operator->() const { return get(); }
  Contained& operator*() const { return *get(); }
  template <class... Args>
  auto operator()(Args&&... args) const {
    return get()->forward(std::forward<Args>(args)...);
  }
  template <class Index>
  decltype(auto) operator[](const Index& index) const {
    return (*get())[index];
  }
  friend std::ostream& operator<<(std::ostream& out, const ModuleHolder& holder) {
    return out << static_cast<const Module&>(*holder);
  }

 private:
  std::shared_ptr<Contained> impl_;
};

#define TORCH_MODULE_IMPL(Name, Impl_)                  \
  class Name : public torch::nn::ModuleHolder<Impl_> {  \
   public:                                              \
    using torch::nn::ModuleHolder<Impl_>::ModuleHolder; \
    using Impl = Impl_;                                 \
  }
#define TORCH_MODULE(Name) TORCH_MODULE_IMPL(Name, Name##Impl)

/// Gives a module `clone()`: it makes its registered parts in `reset()`.
template <class Derived>
class Cloneable : public Module {
 public:
  using Module::Module;
  virtual void reset() = 0;
  std::shared_ptr<Module> clone(const std::optional<Device>& = {}) const override {
    const norma::RandomStateGuard guard;
    const auto copy = std::make_shared<Derived>(static_cast<const Derived&>(*this));
    Cloneable& made = *copy;
    made.children_.clear();
    made.core_ = std::make_shared<Registry>();
    made.reset();
    (*made.core_.*&Registry::copy_state_from)(*core_);
    return copy;
  }
};

}  // namespace torch::nn
