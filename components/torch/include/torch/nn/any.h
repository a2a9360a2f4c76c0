// AnyModule: a module of any class, called with what its forward takes.
#pragma once
#include <any>
#include <functional>
#include <span>

#include "torch/nn/module.h"

namespace torch::nn {

/// libtorch says with it which arguments have defaults; here that is found out without.
#define FORWARD_HAS_DEFAULT_ARGS(...) static_assert(true)

class AnyModule {
 public:
  using Values = std::span<std::any>;
  AnyModule() = default;
  template <class M>
  requires(!std::same_as<std::remove_cvref_t<M>, AnyModule>) AnyModule& operator=(M&& module) {
    return *this = AnyModule(std::forward<M>(module));
  }
  template <std::derived_from<Module> Impl>
  explicit AnyModule(std::shared_ptr<Impl> impl)
      : module_(impl),
        call_([impl](Values values) -> std::any {
          if constexpr (requires { call(&Impl::forward, *impl, values); }) {
            return call(&Impl::forward, *impl, values);
          } else {  // overloaded, or a template as that of Sequential
            return impl->forward(take<Tensor>(values.front()));
          }
        }),
        clone_([impl] { return AnyModule(std::dynamic_pointer_cast<Impl>(impl->clone())); }) {}
  template <class Impl>
  requires std::derived_from<std::remove_cvref_t<Impl>, Module>
  explicit AnyModule(Impl&& impl)
      : AnyModule(std::make_shared<std::remove_cvref_t<Impl>>(std::forward<Impl>(impl))) {}
  template <class Impl>
  explicit AnyModule(const ModuleHolder<Impl>& holder) : AnyModule(holder.ptr()) {}

  template <class Result = Tensor, class... Args>
  Result forward(Args&&... args) const {
    std::array<std::any, sizeof...(Args)> values{std::any(std::forward<Args>(args))...};
    return take<Result>(any_forward(values));
  }
  std::any any_forward(Values values) const {
    ptr();  // refuses an empty one
    return call_(values);
  }
  template <class M>
  auto& get() const {
    if (auto* const found = ptr()->as<M>()) return *found;
    norma::fail("AnyModule", "expected another class than ", module_->name());
  }
  /// A value that must be of this type.
  template <class T>
  static T take(std::any value) {
    if (T* const found = std::any_cast<T>(&value)) return std::move(*found);
    norma::fail("AnyModule", "expected a ", class_name(typeid(T)), ", got a ",
                class_name(value.type()), " between two modules");
  }
  const std::shared_ptr<Module>& ptr() const {
    if (is_empty()) norma::fail("AnyModule", "expected a module, got an empty AnyModule");
    return module_;
  }
  template <class M>
  std::shared_ptr<M> ptr() const {
    return std::dynamic_pointer_cast<M>(ptr());
  }
  const std::type_info& type_info() const {
    const Module& module = *ptr();
    return typeid(module);
  }
  bool is_empty() const { return !module_; }
  AnyModule clone() const { return is_empty() ? AnyModule() : clone_(); }

 private:
  template <class Impl, class Result, class Class, class... Args>
  static std::any call(Result (Class::*)(Args...), Impl& impl, Values values) {
    return call_first<std::tuple<Args...>>(impl, values, std::index_sequence_for<Args...>());
  }
  /// With as many arguments as there are values, where the others have defaults.
  template <class Args, class Impl, std::size_t... i>
  static std::any call_first(Impl& impl, Values values, std::index_sequence<i...>) {
    if constexpr (requires { impl.forward(std::declval<std::tuple_element_t<i, Args>>()...); }) {
      if (values.size() == sizeof...(i)) {
        return impl.forward(take<std::remove_cvref_t<std::tuple_element_t<i, Args>>>(values[i])...);
      }
    }
    if constexpr (sizeof...(i) > 0) {
      return call_first<Args>(impl, values, std::make_index_sequence<sizeof...(i) - 1>());
    }
    norma::fail("AnyModule", "expected the arguments of forward of ", impl.name(), ", got ",
                values.size());
  }

  std::shared_ptr<Module> module_;
  std::function<std::any(Values)> call_;
  std::function<AnyModule()> clone_;
};

/// A module with its name in a Sequential.
struct NamedAnyModule {
  template <class M>
  NamedAnyModule(std::string key, M&& module)
      : name(std::move(key)), any(std::forward<M>(module)) {}
  std::string name;
  AnyModule any;
};

}  // namespace torch::nn
