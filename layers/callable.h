// Callable: modules whose forward takes what it needs, and gives what it likes.
#pragma once
#include <concepts>
#include <type_traits>
#include <utility>

#include "norma/layers/module.h"

namespace norma::nn {

namespace detail {
template <class Own, class... Args>
concept Forwards = requires(Own& own, Args&&... args) {
  own.forward(std::forward<Args>(args)...);
};
template <class... Args>
concept OneTensor = sizeof...(Args) == 1 && (std::convertible_to<Args, const Tensor&> && ...);
/// Whether `Tensor forward(const Tensor&)` of Module is what a call with one tensor means.
template <class Own>
concept OverridesForward = requires {
  static_cast<Tensor (Own::*)(const Tensor&)>(&Own::forward);
};
/// Calls that Module makes by itself: a forward that is not public is virtual, too.
template <class Own, class... Args>
concept CalledByModule = OneTensor<Args...> &&(OverridesForward<Own> || !Forwards<Own, Args...>);
}  // namespace detail

/// Gives a module a call operator for its own `forward`, with any arguments and any result:
/// ```cpp
/// struct Attention : nn::Callable<Attention> {
///   using Module::forward;  // for compilers that warn where it is hidden
///   std::pair<Tensor, Tensor> forward(const Tensor& q, const Tensor& k, double scale = 1.0);
/// };
/// auto [values, weights] = Attention()(x, y);
/// ```
/// Such a call is one of the module, like that of `Tensor forward(const Tensor&)`: errors name its
/// path, observers are told, hooks run. The result is returned by value.
/// `Cloneable<Own>` is a `Callable<Own>`. `operator->` gives the class itself, as libtorch's
/// holders do. Not inherited: a class derived from an `Other` that is callable, with another
/// forward, derives from `Callable<Own, Other>`.
template <class Derived, class Base = Module>
class Callable : public Base {
 public:
  using Base::Base;

  template <class... Args>
  requires(detail::OneTensor<Args...> || detail::Forwards<Derived, Args...>) auto operator()(
      Args&&... args) {
    if constexpr (detail::CalledByModule<Derived, Args...>) {
      return this->Module::operator()(std::forward<Args>(args)...);
    } else {
      return Module::call(
          Module::template callee<Derived>(*this),
          [](Derived& self, auto&&... values) {
            return self.forward(std::forward<decltype(values)>(values)...);
          },
          std::forward<Args>(args)...);
    }
  }

  Derived* operator->() { return static_cast<Derived*>(this); }
  const Derived* operator->() const { return static_cast<const Derived*>(this); }
};

}  // namespace norma::nn
