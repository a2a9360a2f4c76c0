// A call of a module: its place in the errors and for observers, and what is noticed on the way.
#include <bit>
#include <cstring>
#include <typeinfo>
#include <utility>

#include "norma/autograd/observer.h"
#include "norma/core/error.h"
#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/dropout.h"
#include "norma/layers/loss.h"
#include "norma/layers/module_hooks.h"
#include "norma/layers/module_state.h"
#include "norma/layers/rnn_base.h"

namespace norma::nn {

Tensor Module::forward(const Tensor&) {
  fail(type_name(), "expected an override of `Tensor forward(const Tensor&)`, got none; ",
       type_name(), " gives or takes something else: call it in a forward of your own");
}

// The module whose forward runs on this thread, while it lives.
class Module::Running final : public autograd::Scope {
 public:
  explicit Running(const Module& module) : module_(module) {}
  void begin() {
    if (!module_.state_) return;
    const State& state = *module_.state_;
    if (outer() && !state.is_known.load(std::memory_order_relaxed)) check_known();
    const Module* original = state.original.load(std::memory_order_relaxed);
    if (original && original != &module_ && state.is_users) note_members();
    if (!state.is_checked.load(std::memory_order_relaxed)) check_held();
  }
  void end() const {
    if (members_) compare_members();
    if (held_ && module_.state_ && tensors_ == count())
      warn_lost(held_ & ~held(), "was given by forward");
  }
  void add_path(Error& error) const { error.add_module(name(), type()); }
  void tell(const Tensor& result, const autograd::Inputs& inputs) const {
    if (autograd::observer()) {
      autograd::ObserverPause().tell(&autograd::Observer::called, *this, result, inputs);
    }
  }
  const Module& module() const { return module_; }
  std::string path() const override;
  std::string type() const override { return module_.type_name(); }
  std::string name_of(const TensorImpl* tensor) const override;
  std::vector<Tensor> tensors() const override;

 private:
  std::string name() const;
  void check_known() const;
  void note_members();
  void compare_members() const;
  std::size_t count() const;
  uint64_t held(bool all = false) const;
  void check_held();
  void warn_lost(uint64_t lost, const char* change) const;

  const Module& module_;
  std::unique_ptr<std::string> members_;  // the bytes of the handle as they were before
  uint64_t held_ = 0;                     // what held() said, of so many tensors:
  std::size_t tensors_ = 0;
};

// Every scope is a Running.
const Module& Module::of(const autograd::Scope& scope) {
  return static_cast<const Running&>(scope).module();
}

template <class F>
auto Module::in_scope(F&& body) const {
  Running running(*this);
  try {
    return with_memory(0, [&] {
      running.begin();
      auto result = body(running);
      running.end();
      return result;
    });
  } catch (Error& error) {
    running.add_path(error);
    throw;
  }
}

Tensor Module::operator()(const Tensor& input) {
  if (state_ && state_->replacement) return (*state_->replacement)(input);
  if (state_ && state_->hooks) return hooked_call(input);
  return in_scope([&](const Running& call) {
    Tensor result = forward(input);
    call.tell(result, {&input});
    return result;
  });
}

Tensor Module::operator()(Tensor&& input) {
  if (autograd::is_watched() || (state_ && state_->hooks)) return (*this)(std::as_const(input));
  if (state_ && state_->replacement) return (*state_->replacement)(std::move(input));
  return in_scope([&](const Running&) { return forward_donated(std::move(input)); });
}

void Module::run_in_scope(void (*body)(void*), void* context, const Tensor* result,
                          std::initializer_list<const Tensor*> inputs) const {
  in_scope([&](const Running& call) {
    body(context);
    if (result) call.tell(*result, inputs);
    return true;
  });
}

void Module::run_steps(Steps& steps) const {
  in_scope([&](const Running& call) {
    HookedRun hooks(*this, call.path());
    const std::vector<Tensor> inputs = hooks.before(steps.inputs);
    steps.run();
    hooks.after(inputs, steps.results);
    call.tell(steps.results.empty() ? Tensor() : *steps.results[0], inputs);
    return true;
  });
}

Tensor Module::hooked_call(const Tensor& input) {
  Tensor given = input, result;
  Steps steps{.inputs = {&given}, .results = {&result}, .run = [&] { result = forward(given); }};
  run_steps(steps);
  return result;
}

// The name is relative to the module that made the call, which need not be the parent: a forward
// may run the layers of a Sequential one by one.
std::string Module::Running::name() const {
  const Module* caller = outer() ? &of(*outer()) : nullptr;
  std::string found = module_.state().name;
  if (!caller || caller->is_same(module_)) return found;
  for (const auto& [name, child] : caller->child_list()) {
    if (child->is_same(module_)) return name;
  }
  bool is_first = true;
  caller->walk(true, [&](const std::string& path, const Module& module) {
    if (is_first && module.is_same(module_)) found = path, is_first = false;
  });
  return found;
}

std::string Module::Running::path() const {
  const std::string above = outer() ? outer()->path() : "", own = name();
  return own.empty() ? above : join(above, own);
}

std::string Module::Running::name_of(const TensorImpl* tensor) const {
  for (const auto& [name, parameter] : module_.named_parameters()) {
    if (impl_of(parameter) == tensor) return "the parameter " + join(path(), name);
  }
  for (const auto& [name, buffer] : module_.named_buffers()) {
    if (impl_of(buffer) == tensor) return "the buffer " + join(path(), name);
  }
  return "";
}

std::vector<Tensor> Module::Running::tensors() const { return values(module_.state().tensors()); }

// What nobody cares for: it is in no module of those that run, and neither train() nor eval() nor
// its state was asked for by itself.
void Module::Running::check_known() const {
  State& state = *module_.state_;
  const auto nothing_to_lose = [](const Module& module) {
    return module.state().parameters.empty() &&
           (module.state().buffers.empty() || dynamic_cast<const Loss*>(&module)) &&
           !dynamic_cast<const DropoutBase*>(&module);
  };
  if (state.children.empty() && nothing_to_lose(module_)) return;
  for (const Scope* scope = outer(); scope; scope = scope->outer()) of(*scope).note_known();
  if (state.is_known.exchange(true)) return;
  bool is_harmless = true;
  module_.walk(false, [&](const std::string&, const Module& m) {
    is_harmless = is_harmless && nothing_to_lose(m);
  });
  if (is_harmless) return;
  const std::string path = outer()->path(), type = outer()->type(), own = module_.type_name();
  const std::string options = module_.extra_repr();
  if (warnings() == Warnings::Error) state.is_known = false;  // the next call says so again
  warn(own, "expected a registered module in the forward of ",
       path.empty() ? "the " + type : path + ", a " + type, ", got a ", own,
       options.empty() ? "" : "(" + options + ")",
       " that stands in no module: it is not trained, keeps its mode and is not saved; register it "
       "in the constructor of ",
       type, ", register_module(\"…\", …), or call its eval() if it is to stay as it is");
}

void Module::Running::note_members() {
  const std::type_info* type = module_.state_->handle_type;
  if (!type || *type != typeid(module_)) return;
  members_ = std::make_unique<std::string>(reinterpret_cast<const char*>(&module_),
                                           module_.state_->handle_size);
}

// The copy that a Sequential keeps runs; the module that it is a copy of is still there.
void Module::Running::compare_members() const {
  if (std::memcmp(members_->data(), static_cast<const void*>(&module_), members_->size()) == 0)
    return;
  const std::string own = module_.type_name(), at = name();
  warn(own, "expected a forward that leaves the members of a copy alone, got one that changed the ",
       own, " that is a copy", at.empty() ? "" : ", \"" + at + "\"",
       "; the one it was copied from does not see that, since copies share only what is "
       "registered: make the member a nn::Shared or register it as a buffer, give the module away "
       "with std::move, or reach the copy, as with at<",
       own, ">(i)");
}

std::size_t Module::Running::count() const {
  return module_.state_->parameters.size() + module_.state_->buffers.size();
}

// Which of the module's own parameters and buffers are members of the handle, a bit for each. Where
// the handle's size is not known, those that anything else than the registry holds.
uint64_t Module::Running::held(bool all) const {
  const State& state = *module_.state_;
  const bool is_sized = state.handle_type && *state.handle_type == typeid(module_);
  const auto* const begin = reinterpret_cast<const char*>(&module_);
  const auto is_member = [&](const TensorImpl* tensor) {
    if (!is_sized) return tensor->use_count() > 1;
    constexpr std::size_t kSize = sizeof(void*);
    for (std::size_t at = 0; at + kSize <= state.handle_size; at += kSize) {
      if (std::memcmp(begin + at, &tensor, kSize) == 0) return true;
    }
    return false;
  };
  uint64_t bits = 0, bit = 1;
  for (const NamedTensors* list : {&state.parameters, &state.buffers}) {
    for (const auto& entry : *list) {
      if (entry.second.defined() && (all || is_member(impl_of(entry.second)))) bits |= bit;
      bit <<= 1;
    }
  }
  return bits;
}

// The members of a layer are what it registered, always; those of a user's class what they were.
void Module::Running::check_held() {
  tensors_ = count();
  if (tensors_ == 0 || tensors_ > 64) return;
  if (is_users_class(module_)) {
    held_ = held();
    return;
  }
  // Of recurrent layers, as many members as they have layers are not in the handle itself.
  if (!dynamic_cast<const RNNBase*>(&module_)) warn_lost(held(true) & ~held(), "was given");
  module_.state_->is_checked = true;
}

void Module::Running::warn_lost(uint64_t lost, const char* change) const {
  if (lost == 0) return;
  const State& state = *module_.state_;
  const auto i = static_cast<std::size_t>(std::countr_zero(lost)), first = state.parameters.size();
  const bool is_buffer = i >= first;
  const std::string& name = (is_buffer ? state.buffers[i - first] : state.parameters[i]).first;
  warn(
      module_.type_name(), "expected the member that is the ", is_buffer ? "buffer" : "parameter",
      " \"", name, "\" to stay that tensor, got another that it ", change,
      ": the registered one, which is trained, saved and shared by copies, keeps its values; write "
      "them into it with ",
      name, ".copy_(…)", is_buffer ? "" : ", under a NoGradGuard");
}

}  // namespace norma::nn
