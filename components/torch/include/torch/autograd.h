// torch::autograd: gradients, and functions with a backward of one's own.
#pragma once
#include <variant>

#include "torch/types.h"

namespace torch {

/// A value of one of a few types, for `ctx->saved_data`.
struct IValue {
  using Number = norma::libtorch::Number;
  using List = std::vector<int64_t>;
  IValue() = default;
  template <class T>
  IValue(T value) {
    using As = std::conditional_t<std::is_arithmetic_v<T>, Number, T>;
    value_ = As(std::move(value));
  }
  double toDouble() const { return std::get<Number>(value_).toDouble(); }
  int64_t toInt() const { return std::get<Number>(value_).toLong(); }
  bool toBool() const { return std::get<Number>(value_).toBool(); }
  const Tensor& toTensor() const { return std::get<Tensor>(value_); }
  const std::string& toStringRef() const { return std::get<std::string>(value_); }
  const List& toIntVector() const { return std::get<List>(value_); }

 private:
  std::variant<std::monostate, Number, Tensor, std::string, List> value_;
};

namespace autograd {

using Variable = Tensor;
using tensor_list = std::vector<Tensor>;
using variable_list = std::vector<Tensor>;
using norma::autograd::grad;

inline void backward(const variable_list& tensors, const variable_list& gradients = {}) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    // All but the last leave to the next what they share.
    const Tensor gradient = gradients.empty() ? Tensor() : gradients.at(i);
    tensors[i].backward(gradient, /*retain_graph=*/i + 1 < tensors.size());
  }
}

/// What a Function's forward leaves for its backward.
class AutogradContext {
 public:
  void save_for_backward(variable_list tensors) { given_ = std::move(tensors); }
  variable_list get_saved_variables() const {
    variable_list tensors;
    for (const auto& saved : saved_) tensors.push_back(saved.defined() ? *saved : Tensor());
    return tensors;
  }
  std::unordered_map<std::string, IValue> saved_data;

 private:
  template <class T>
  friend class Function;
  variable_list given_;  // until forward is done: an operation may not own its result
  std::vector<norma::autograd::Saved> saved_;
};

/// An operation of one result with its own backward:
///
///     struct Double : torch::autograd::Function<Double> {
///       static Tensor forward(AutogradContext* ctx, Tensor x) { return x * 2; }
///       static tensor_list backward(AutogradContext* ctx, tensor_list g) { return {g[0] * 2}; }
///     };
///     y = Double::apply(x);
///
/// `backward` returns a gradient for every argument of `forward` that was given, an undefined one
/// for what is no tensor.
template <class Derived>
class Function {
 public:
  template <class... Args>
  static Tensor apply(Args&&... args) {
    const auto context = std::make_shared<AutogradContext>();
    std::vector<Tensor> inputs;
    std::vector<std::size_t> places;
    std::size_t count = 0;
    (note(inputs, places, count++, args), ...);
    Tensor result;
    {
      const NoGradGuard guard;
      result = Derived::forward(context.get(), std::forward<Args>(args)...);
      for (const Tensor& x : inputs) result = result.is_same(x) ? x.view(x.sizes()) : result;
    }
    for (const Tensor& x : std::exchange(context->given_, {})) {
      context->saved_.push_back(x.defined() ? norma::autograd::Saved(x) : norma::autograd::Saved());
    }
    return norma::autograd::record(
        "Function", result, inputs,
        [context, places, count](const Tensor& gradient, norma::autograd::InputGrads& grads) {
          const variable_list all = Derived::backward(context.get(), {gradient});
          if (all.size() < count) {
            norma::fail("Function", "expected gradients of ", count, " arguments, got ",
                        all.size());
          }
          for (int i = 0; i < grads.count(); ++i)
            grads[i] = all[places[static_cast<std::size_t>(i)]];
        });
  }

 private:
  template <class Arg>
  static void note(std::vector<Tensor>& inputs, std::vector<std::size_t>& places, std::size_t place,
                   const Arg& arg) {
    if constexpr (std::is_convertible_v<const Arg&, const Tensor&>) {
      inputs.push_back(arg);
      places.push_back(place);
    }
  }
};

}  // namespace autograd
}  // namespace torch
