// Cloneable: deep copies of modules.
#pragma once
#include <memory>
#include <typeinfo>

#include "norma/core/random.h"
#include "norma/layers/callable.h"

namespace norma::nn {

/// Gives a module `clone()`, a deep copy: own tensors with the same values, the same training and
/// `requires_grad` flags, no gradients. The class says how to build a fresh module with the same
/// options, with the same names and shapes inside:
/// ```cpp
/// struct Net : nn::Cloneable<Net> {
///   int64_t width;
///   nn::Linear fc;
///   explicit Net(int64_t w) : width(w), fc(w, 2) { register_module("fc", fc); }
///   Net fresh() const { return Net(width); }
///   Tensor forward(const Tensor& x) override { return fc(x); }
/// };
/// ```
/// This is not inherited: a class derived from a Conv2d derives from `Cloneable<Own, nn::Conv2d>`,
/// `Base` being the class in between. The random numbers that `fresh()` draws for initial values do
/// not advance the default generator.
template <class Derived, class Base = Module>
class Cloneable : public Callable<Derived, Base> {
 public:
  using Callable<Derived, Base>::Callable;

  /// The deep copy. Errors: an object of a class derived from `Derived`.
  Derived clone() const {
    static_assert(
        requires(const Derived& old) {
          { old.fresh() } -> std::same_as<Derived>;
        },
        "a class derived from nn::Cloneable<Own> needs `Own fresh() const`, which makes a new Own "
        "with the same options");
    // It would lose that class. NOLINTNEXTLINE(bugprone-parent-virtual-call): Module's says so
    if (typeid(*this) != typeid(Derived)) this->Module::clone_module();
    const RandomStateGuard guard;
    Derived copy = static_cast<const Derived&>(*this).fresh();
    copy.copy_state_from(*this);
    return copy;
  }

  std::shared_ptr<Module> clone_module() const override {
    return this->cloned([](const Module& old) -> Module* {
      return new Derived(static_cast<const Derived&>(old).clone());
    });
  }
};

}  // namespace norma::nn
