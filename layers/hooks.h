// What hooks on modules get and give.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "norma/core/hook.h"
#include "norma/core/tensor.h"

namespace norma::nn {

class [[gnu::visibility("default")]] Module;

/// The call of a module that a hook is told of.
class HookedCall {
 public:
  /// The module's place in the model whose call this is part of, such as "features.0"; "" at the
  /// top.
  const std::string& path() const { return path_; }
  /// Its class.
  const std::string& type() const { return type_; }
  /// The module. In backward it may be gone, with every handle on it: that is an error.
  Module& module() const;

 private:
  friend class Module;
  HookedCall(Module& module, std::string path);
  std::string path_, type_;
  Module* running_ = nullptr;  // while forward runs
  std::weak_ptr<void> state_;  // Module::State
};

/// See `Module::register_forward_pre_hook`.
using ForwardPreHook =
    Hook<std::vector<Tensor>(const HookedCall& call, const std::vector<Tensor>& inputs)>;
/// See `Module::register_forward_hook`.
using ForwardHook = Hook<std::vector<Tensor>(
    const HookedCall& call, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs)>;
/// See `Module::register_full_backward_pre_hook`.
using BackwardPreHook =
    Hook<std::vector<Tensor>(const HookedCall& call, const std::vector<Tensor>& grad_outputs)>;
/// See `Module::register_full_backward_hook`.
using BackwardHook =
    Hook<std::vector<Tensor>(const HookedCall& call, const std::vector<Tensor>& grad_inputs,
                             const std::vector<Tensor>& grad_outputs)>;

namespace detail {
struct ModuleHooks final : norma::detail::HookTable {
  norma::detail::HookList<ForwardPreHook> before;
  norma::detail::HookList<ForwardHook> after;
  norma::detail::HookList<BackwardPreHook> before_backward;
  norma::detail::HookList<BackwardHook> after_backward;
  void remove(uint64_t id) override;
  bool empty() const {
    return before.empty() && after.empty() && before_backward.empty() && after_backward.empty();
  }
};
}  // namespace detail

}  // namespace norma::nn
