// A call of a module that has hooks. For Norma's own sources.
#pragma once
#include "norma/layers/module_state.h"

namespace norma::nn {

/// The hooks around one call. Those on gradients are two operations that change nothing, one on the
/// inputs and one on the results: their backward functions call the hooks.
class Module::HookedRun {
 public:
  HookedRun(const Module& module, std::string path);
  /// Calls the hooks before forward; puts what they return into the places, and returns it.
  std::vector<Tensor> before(const std::vector<Tensor*>& places);
  void after(const std::vector<Tensor>& inputs, const std::vector<Tensor*>& places);

 private:
  struct Backward;
  void watch_inputs(std::vector<Tensor>& inputs);
  void watch_results(std::vector<Tensor>& results);

  std::shared_ptr<detail::ModuleHooks> hooks_;  // null without
  HookedCall call_;
  std::shared_ptr<Backward> backward_;  // null without hooks on gradients
};

}  // namespace norma::nn
