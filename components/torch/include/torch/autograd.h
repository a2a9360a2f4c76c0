// torch::autograd: gradients, and functions with a backward of one's own.
#pragma once
#include "torch/ivalue.h"

namespace torch {

namespace autograd {

using Variable = Tensor;
using tensor_list = std::vector<Tensor>;
using variable_list = std::vector<Tensor>;
using norma::autograd::grad;
using torch::GradMode;
struct AnomalyMode {
  static bool is_enabled() { return norma::is_anomaly_enabled(); }
  static void set_enabled(bool on, bool nan = true) {
    norma::set_detect_anomaly(on, {.check_nan = nan, .check_inf = false});
  }
};
struct DetectAnomalyGuard : norma::DetectAnomalyGuard {
  DetectAnomalyGuard(bool nan = true)
      : norma::DetectAnomalyGuard({.check_nan = nan, .check_inf = false}) {}
};

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
  void mark_non_differentiable(const variable_list& outputs) { fixed_ = outputs; }
  /// Throws: a result has memory of its own here.
  void mark_dirty(const variable_list& changed) {
    if (changed.empty()) return;
    norma::fail("mark_dirty", "expected a forward that leaves its arguments as they are, got ",
                changed.size(), " that it changed; return x.clone() with the changes");
  }
  void set_materialize_grads(bool on) { zeros_ = on; }
  std::unordered_map<std::string, IValue> saved_data;

 private:
  template <class T>
  friend class Function;
  variable_list fixed_, given_;  // until forward is done: an operation may not own its result
  std::vector<norma::autograd::Saved> saved_;
  bool zeros_ = true;  // for results of which nothing depends
};

/// An operation with its own backward, of one result, or of several as a tensor_list:
/// ```cpp
/// using torch::autograd::AutogradContext, torch::autograd::tensor_list;
/// struct Double : torch::autograd::Function<Double> {
///   static Tensor forward(AutogradContext* ctx, Tensor x) { return x * 2; }
///   static tensor_list backward(AutogradContext* ctx, tensor_list g) { return {g[0] * 2}; }
/// };
/// Tensor y = Double::apply(x);
/// ```
/// `backward` returns a gradient for every argument of `forward` that was given, an undefined one
/// for what is no tensor.
template <class Derived>
class Function {
 public:
  template <class... Args>
  static auto apply(Args&&... args) {
    const auto context = std::make_shared<AutogradContext>();
    std::vector<Tensor> inputs;
    std::vector<std::size_t> places;
    std::size_t count = 0;
    (note(inputs, places, count++, args), ...);
    variable_list results;
    {
      const NoGradGuard guard;
      results = list_of(Derived::forward(context.get(), args...));
      for (Tensor& result : results) {
        for (const Tensor& x : inputs) result = result.is_same(x) ? x.view(x.sizes()) : result;
      }
    }
    for (const Tensor& x : std::exchange(context->given_, {})) {
      context->saved_.push_back(x.defined() ? norma::autograd::Saved(x) : norma::autograd::Saved());
    }
    // Results that are marked non-differentiable stay out of the graph.
    variable_list outs;
    std::vector<std::size_t> traced;
    std::vector<std::pair<norma::Shape, norma::DType>> kinds;
    for (std::size_t i = 0; i < results.size(); ++i) {
      kinds.emplace_back(results[i].sizes(), results[i].dtype());
      const auto same = [&](const Tensor& x) { return x.is_same(results[i]); };
      if (std::any_of(context->fixed_.begin(), context->fixed_.end(), same)) continue;
      traced.push_back(i);
      outs.push_back(results[i]);
    }
    context->fixed_.clear();
    outs = norma::autograd::record_many(
        "Function", std::move(outs), inputs,
        [=](const variable_list& given, norma::autograd::InputGrads& grads) {
          variable_list all(kinds.size());
          for (std::size_t i = 0; i < given.size(); ++i) all[traced[i]] = given[i];
          for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i].defined() || !context->zeros_) continue;
            all[i] = norma::zeros(kinds[i].first, {.dtype = kinds[i].second});
          }
          all = Derived::backward(context.get(), std::move(all));
          if (all.size() < count) {
            norma::fail("Function", "expected gradients of ", count, " arguments, got ",
                        all.size());
          }
          for (int i = 0; i < grads.count(); ++i)
            grads[i] = all[places[static_cast<std::size_t>(i)]];
        });
    for (std::size_t i = 0; i < outs.size(); ++i) results[traced[i]] = outs[i];
    if constexpr (std::is_convertible_v<decltype(Derived::forward(nullptr, args...)), Tensor>) {
      return Tensor(results[0]);
    } else {
      return results;
    }
  }

 private:
  static variable_list list_of(const Tensor& result) { return {result}; }
  static variable_list list_of(variable_list results) { return results; }
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
