#include "norma/layers/module_hooks.h"

#include <utility>

#include "norma/autograd/in_place.h"
#include "norma/autograd/observer.h"
#include "norma/autograd/record_many.h"

namespace norma::nn {

void detail::ModuleHooks::remove(uint64_t id) {
  before.remove(id);
  after.remove(id);
  before_backward.remove(id);
  after_backward.remove(id);
}

HookedCall::HookedCall(Module& module, std::string path)
    : path_(std::move(path)), type_(module.type_name()), running_(&module), state_(module.state_) {}

Module& HookedCall::module() const {
  if (running_) return *running_;
  const auto state = std::static_pointer_cast<Module::State>(state_.lock());
  const Module* const original = state ? state->original.load() : nullptr;
  if (!original) {
    fail("HookedCall", "expected the ", type_, path_.empty() ? "" : " \"" + path_ + "\"",
         " to live until backward, got one that is gone, of which path() and type() remain; keep "
         "the model, or capture in the hook what it needs of it");
  }
  return const_cast<Module&>(*original);
}

namespace {

/// Takes over what a hook returned, unless that is nothing.
void take(const char* op, std::vector<Tensor>& tensors, std::vector<Tensor> returned,
          const char* what) {
  if (returned.empty()) return;
  if (returned.size() != tensors.size()) {
    fail(op, "expected a hook that returns ", tensors.size(), " ", what, " or nothing, got ",
         returned.size());
  }
  tensors = std::move(returned);
}

std::vector<Tensor> contents(const std::vector<Tensor*>& places) {
  std::vector<Tensor> tensors;
  tensors.reserve(places.size());
  for (const Tensor* place : places) tensors.push_back(*place);
  return tensors;
}

void put(const std::vector<Tensor*>& places, const std::vector<Tensor>& tensors) {
  for (std::size_t i = 0; i < places.size(); ++i) *places[i] = tensors[i];
}

/// Which of the tensors have gradients.
std::vector<std::size_t> differentiable(const std::vector<Tensor>& tensors) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (autograd::recording({&tensors[i]})) found.push_back(i);
  }
  return found;
}

/// `few` at their places in a list of `count`.
std::vector<Tensor> spread(const std::vector<Tensor>& few, const std::vector<std::size_t>& places,
                           std::size_t count) {
  std::vector<Tensor> all(count);
  for (std::size_t i = 0; i < places.size(); ++i) all[places[i]] = few[i];
  return all;
}

/// Puts an operation that changes nothing behind those of the tensors that have gradients.
template <class Backward>
void pass_through(const char* op, std::vector<Tensor>& tensors,
                  const std::vector<std::size_t>& which, Backward backward) {
  std::vector<Tensor> from, to;
  for (const std::size_t i : which) {
    const Tensor& x = tensors[i];
    from.push_back(x);
    to.push_back(autograd::make_view(x, x.sizes(), x.strides(), x.storage_offset()));
  }
  to = autograd::record_many(op, std::move(to), from, std::move(backward));
  for (std::size_t k = 0; k < which.size(); ++k) tensors[which[k]] = to[k];
}

}  // namespace

/// What the two operations of a call share.
struct Module::HookedRun::Backward {
  std::shared_ptr<detail::ModuleHooks> hooks;
  HookedCall call;
  std::size_t input_count;
  std::vector<std::size_t> inputs = {}, results = {};  // those that have gradients
  std::size_t result_count = 0;
  std::vector<Tensor> grad_results = {};  // from the one operation to the other

  std::vector<Tensor> on_results(const std::vector<Tensor>& arrived) {
    std::vector<Tensor> grads = spread(arrived, results, result_count);
    hooks->before_backward.each([&](const BackwardPreHook& hook) {
      take("register_full_backward_pre_hook", grads, hook(call, grads), "gradients of the results");
    });
    if (!inputs.empty()) {
      grad_results = grads;
      return grads;
    }
    const std::vector<Tensor> none(input_count);
    hooks->after_backward.each([&](const BackwardHook& hook) {
      for (const Tensor& grad : hook(call, none, grads)) {
        if (!grad.defined()) continue;
        fail("register_full_backward_hook", "expected a hook that returns nothing, since no input ",
             "of the ", call.type(), " needs a gradient, got one of shape ", grad.sizes());
      }
    });
    return grads;
  }

  std::vector<Tensor> on_inputs(const std::vector<Tensor>& arrived) {
    std::vector<Tensor> grads = spread(arrived, inputs, input_count);
    const std::vector<Tensor> behind = std::exchange(grad_results, {});
    if (behind.empty()) return grads;  // reached on a way around the results
    hooks->after_backward.each([&](const BackwardHook& hook) {
      take("register_full_backward_hook", grads, hook(call, grads, behind),
           "gradients of the inputs");
    });
    return grads;
  }
};

Module::HookedRun::HookedRun(const Module& module, std::string path)
    : hooks_(module.state().hooks), call_(const_cast<Module&>(module), std::move(path)) {}

std::vector<Tensor> Module::HookedRun::before(const std::vector<Tensor*>& places) {
  std::vector<Tensor> inputs = contents(places);
  if (!hooks_) return inputs;
  hooks_->before.each([&](const ForwardPreHook& hook) {
    take("register_forward_pre_hook", inputs, hook(call_, inputs), "inputs");
  });
  if (!hooks_->before_backward.empty() || !hooks_->after_backward.empty()) watch_inputs(inputs);
  put(places, inputs);
  return inputs;
}

void Module::HookedRun::watch_inputs(std::vector<Tensor>& inputs) {
  backward_ = std::make_shared<Backward>(Backward{hooks_, call_, inputs.size()});
  backward_->call.running_ = nullptr;
  backward_->inputs = differentiable(inputs);
  pass_through("module_inputs", inputs, backward_->inputs,
               [own = backward_](const std::vector<Tensor>& g, autograd::InputGrads& d) {
                 const std::vector<Tensor> grads = own->on_inputs(g);
                 for (std::size_t k = 0; k < own->inputs.size(); ++k)
                   d[static_cast<int>(k)] = grads[own->inputs[k]];
               });
}

void Module::HookedRun::after(const std::vector<Tensor>& inputs,
                              const std::vector<Tensor*>& places) {
  if (!hooks_) return;
  std::vector<Tensor> results = contents(places);
  hooks_->after.each([&](const ForwardHook& hook) {
    take("register_forward_hook", results, hook(call_, inputs, results), "results");
  });
  if (backward_) watch_results(results);
  put(places, results);
}

void Module::HookedRun::watch_results(std::vector<Tensor>& results) {
  backward_->results = differentiable(results);
  backward_->result_count = results.size();
  pass_through("module_results", results, backward_->results,
               [own = backward_](const std::vector<Tensor>& g, autograd::InputGrads& d) {
                 const std::vector<Tensor> grads = own->on_results(g);
                 for (std::size_t k = 0; k < own->results.size(); ++k)
                   d[static_cast<int>(k)] = grads[own->results[k]];
               });
}

namespace {

template <class Function>
HookHandle add_hook(const char* op, std::shared_ptr<detail::ModuleHooks>& hooks,
                    norma::detail::HookList<Function> detail::ModuleHooks::*list, Function hook) {
  if (!hooks) hooks = with_memory(0, [] { return std::make_shared<detail::ModuleHooks>(); });
  return {hooks, (hooks.get()->*list).add(op, std::move(hook))};
}

}  // namespace

HookHandle Module::register_forward_pre_hook(ForwardPreHook hook) {
  return add_hook("register_forward_pre_hook", state().hooks, &detail::ModuleHooks::before,
                  std::move(hook));
}
HookHandle Module::register_forward_hook(ForwardHook hook) {
  return add_hook("register_forward_hook", state().hooks, &detail::ModuleHooks::after,
                  std::move(hook));
}
HookHandle Module::register_full_backward_pre_hook(BackwardPreHook hook) {
  return add_hook("register_full_backward_pre_hook", state().hooks,
                  &detail::ModuleHooks::before_backward, std::move(hook));
}
HookHandle Module::register_full_backward_hook(BackwardHook hook) {
  return add_hook("register_full_backward_hook", state().hooks,
                  &detail::ModuleHooks::after_backward, std::move(hook));
}

bool Module::has_hooks() const { return state_ && state().hooks && !state().hooks->empty(); }

bool Module::is_followed() const { return autograd::is_watched() || has_hooks(); }

void Module::wrong_replacement(const std::type_info& own, const Module& other) const {
  fail(short_name(own), "expected a module in whose place stands another of its class, got a ",
       other.type_name(), ", which cannot be called with these arguments");
}

}  // namespace norma::nn
