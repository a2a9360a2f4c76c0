#include "norma/layers/module.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <typeinfo>
#include <utility>

#include "norma/autograd/observer.h"
#include "norma/core/error.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/module_state.h"

namespace norma::nn {

namespace {

template <class List>
bool has_name(const List& list, const std::string& name) {
  return std::any_of(list.begin(), list.end(), [&](const auto& e) { return e.first == name; });
}

std::string join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

/// The second halves of a list of pairs.
template <class Second>
std::vector<Second> values(std::vector<std::pair<std::string, Second>> named) {
  std::vector<Second> list;
  list.reserve(named.size());
  for (auto& entry : named) list.push_back(std::move(entry.second));
  return list;
}

/// Whether the module is in a list of pairs of a name and a module.
bool holds(const auto& list, const Module& module) {
  return std::any_of(list.begin(), list.end(),
                     [&](const auto& entry) { return entry.second->is_same(module); });
}

/// The tensors that `own` gives of each module in the tree, once each.
NamedTensors gather(const Module& root, auto own) {
  NamedTensors found;
  for (const auto& [path, module] : root.named_modules()) {
    for (const auto& [name, tensor] : own(*module)) {
      const bool is_known =
          std::any_of(found.begin(), found.end(),
                      [&t = tensor](const auto& entry) { return entry.second.is_same(t); });
      if (tensor.defined() && !is_known) found.emplace_back(join(path, name), tensor);
    }
  }
  return found;
}

void walk(const std::string& path, Module* module,
          std::vector<std::pair<std::string, Module*>>& found) {
  if (holds(found, *module)) return;
  found.emplace_back(path, module);
  for (const auto& [name, child] : module->named_children())
    walk(join(path, name), child.get(), found);
}

std::string indented(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

}  // namespace

std::string short_name(const std::type_info& type) {
  int status = 0;
  char* demangled = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::string name = status == 0 ? demangled : type.name();
  std::free(demangled);
  // The last "::" outside of any brackets ends the namespaces.
  int depth = 0;
  for (std::size_t i = name.size(); i-- > 1;) {
    const char c = name[i];
    if (c == '>' || c == ')' || c == '}') ++depth;
    if (c == '<' || c == '(' || c == '{') --depth;
    if (depth == 0 && c == ':' && name[i - 1] == ':') return name.substr(i + 1);
  }
  return name;
}

Module::Module() : state_(std::make_shared<State>()) {}
Module::~Module() = default;

Module::State& Module::state() const {
  if (!state_) {
    fail("Module", "expected a module, got one that was moved from; use the one it was moved to");
  }
  State* state = state_.get();
  while (state->replacement) state = state->replacement->state_.get();
  return *state;
}

bool Module::is_same(const Module& other) const { return &state() == &other.state(); }

std::shared_ptr<Module> Module::replacement() const {
  std::shared_ptr<Module> found = state_ ? state_->replacement : nullptr;
  while (found && found->state_->replacement) found = found->state_->replacement;
  return found;
}

Tensor Module::forward(const Tensor&) {
  fail(type_name(), "expected an override of `Tensor forward(const Tensor&)`, got none; ",
       type_name(), " cannot be called with one tensor");
}

// The module whose forward runs on this thread, while it lives.
class Module::Running final : public autograd::Scope {
 public:
  explicit Running(const Module& module) : module_(module) {}
  void add_path(Error& error) const { error.add_module(name(), type()); }
  void tell(const Tensor& result, std::initializer_list<const Tensor*> inputs) const {
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
  const Module& module_;
};

// Every scope is a Running.
const Module& Module::of(const autograd::Scope& scope) {
  return static_cast<const Running&>(scope).module();
}

template <class F>
auto Module::in_scope(F&& body) const {
  const Running running(*this);
  try {
    return body(running);
  } catch (Error& error) {
    running.add_path(error);
    throw;
  }
}

Tensor Module::operator()(const Tensor& input) {
  if (state_ && state_->replacement) return (*state_->replacement)(input);
  return in_scope([&](const Running& call) {
    Tensor result = forward(input);
    call.tell(result, {&input});
    return result;
  });
}

Tensor Module::operator()(Tensor&& input) {
  if (autograd::is_watched()) return (*this)(std::as_const(input));
  if (state_ && state_->replacement) return (*state_->replacement)(std::move(input));
  return in_scope([&](const Running&) { return forward_donated(std::move(input)); });
}

void Module::run_in_scope(void (*body)(void*), void* context, const Tensor* result,
                          std::initializer_list<const Tensor*> inputs) const {
  in_scope([&](const Running& call) {
    body(context);
    if (result) call.tell(*result, inputs);
  });
}

// The name is relative to the module that made the call, which need not be the parent: a forward
// may run the layers of a Sequential one by one.
std::string Module::Running::name() const {
  const Module* caller = outer() ? &of(*outer()) : nullptr;
  if (caller && !caller->is_same(module_)) {
    for (const auto& [name, module] : caller->named_modules()) {
      if (module->is_same(module_)) return name;
    }
  }
  return module_.state().name;
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

void Module::train(bool on) {
  state().training = on;
  for (const auto& entry : state().children) entry.second->train(on);
}

bool Module::is_training() const { return state().training; }

const Module::NamedModules& Module::child_list() const { return state().children; }

std::vector<std::pair<std::string, std::shared_ptr<Module>>> Module::named_children() const {
  NamedModules result;
  for (const auto& entry : child_list()) {
    if (!holds(result, *entry.second)) result.push_back(entry);
  }
  return result;
}

std::vector<std::shared_ptr<Module>> Module::children() const { return values(named_children()); }

std::vector<std::pair<std::string, Module*>> Module::named_modules() const {
  std::vector<std::pair<std::string, Module*>> found;
  walk("", const_cast<Module*>(this), found);
  return found;
}

std::vector<Module*> Module::modules() const { return values(named_modules()); }

void Module::apply(const std::function<void(Module&)>& function) {
  for (const auto& child : children()) child->apply(function);
  function(*this);
}

NamedTensors Module::named_parameters() const {
  return gather(
      *this, [](const Module& m) -> auto& { return m.state().parameters; });
}

NamedTensors Module::named_buffers() const {
  return gather(
      *this, [](const Module& m) -> auto& { return m.state().buffers; });
}

std::vector<Tensor> Module::parameters() const { return values(named_parameters()); }
std::vector<Tensor> Module::buffers() const { return values(named_buffers()); }

void Module::check_name(const char* op, const std::string& name) const {
  if (name.empty()) fail(op, "expected a name, got \"\" (in ", type_name(), ")");
  if (name.find('.') != std::string::npos) {
    fail(op, "expected a name without dots, got \"", name,
         "\"; dots separate the names of nested modules");
  }
  const State& s = state();
  const char* kind = has_name(s.parameters, name) ? "parameter"
                     : has_name(s.buffers, name)  ? "buffer"
                     : has_name(s.children, name) ? "child"
                                                  : nullptr;
  if (kind) {
    fail(op, "expected a new name, got \"", name, "\", which ", type_name(), " already has as a ",
         kind);
  }
}

Tensor Module::register_parameter(const std::string& name, Tensor tensor, bool requires_grad) {
  check_name("register_parameter", name);
  if (tensor.defined()) {
    if (!tensor.is_leaf()) {
      fail("register_parameter", "expected a leaf for \"", name, "\", got a result of ",
           tensor.grad_fn_name(), "; register its detach()");
    }
    tensor.requires_grad_(requires_grad);
  }
  state().parameters.emplace_back(name, tensor);
  return tensor;
}

Tensor Module::register_buffer(const std::string& name, Tensor tensor) {
  check_name("register_buffer", name);
  state().buffers.emplace_back(name, tensor);
  return tensor;
}

void Module::check_child(const std::string& name, const Module* module) const {
  if (!module) fail("register_module", "expected a module for \"", name, "\", got a null pointer");
  if (holds(module->named_modules(), *this)) {
    fail("register_module", "expected another module for \"", name, "\", got one that holds ",
         type_name(), " itself");
  }
}

void Module::add_child(const std::string& name, std::shared_ptr<Module> module) {
  check_name("register_module", name);
  check_child(name, module.get());
  if (module->state().name.empty()) module->state().name = name;
  state().children.emplace_back(name, std::move(module));
}

void Module::replace_child(std::size_t position, std::shared_ptr<Module> module) {
  auto& [name, child] = state().children[position];
  check_child(name, module.get());
  if (module->state().name.empty()) module->state().name = name;
  child = std::move(module);
}

void Module::set_submodule(const std::string& path, std::shared_ptr<Module> module) {
  for (const auto& [name, old] : named_modules()) {
    if (name == path && old != this) return replace(path, *old, std::move(module));
  }
  fail("set_submodule", "expected the path of a module in ", type_name(), ", got \"", path, "\"");
}

void Module::replace(const std::string& path, Module& old, std::shared_ptr<Module> module) {
  check_child(path, module.get());
  if (holds(module->named_modules(), old)) {
    fail("set_submodule", "expected another module for \"", path, "\", got one that holds the ",
         old.type_name(), " that stands there; give it a clone");
  }
  std::vector<std::pair<Module*, std::size_t>> places;
  for (Module* parent : modules()) {
    const NamedModules& children = parent->child_list();
    for (std::size_t i = 0; i < children.size(); ++i) {
      if (children[i].second->is_same(old)) places.emplace_back(parent, i);
    }
  }
  const std::shared_ptr<State> kept = old.state_;  // may die with the handle in the tree
  State& state = old.state();
  for (const auto& [parent, position] : places) parent->replace_child(position, module);
  module->state().is_replacement = true;
  state.replacement = std::move(module);
}

std::shared_ptr<Module> Module::clone_module() const {
  const std::string type = type_name();
  fail("clone", "expected a class that can be cloned, got ", type, "; construct a fresh ", type,
       " and call its load_state_dict(old.state_dict()), or derive ", type, " from nn::Cloneable<",
       type, ">");
}

std::string Module::type_name() const { return short_name(typeid(*this)); }

std::string Module::str() const {
  if (const auto other = replacement()) return other->str();
  const std::string extra = extra_repr();
  std::string lines;
  for (const auto& [name, child] : child_list())
    lines += "\n  (" + name + "): " + indented(child->str());
  const bool one_line = lines.empty() && extra.find('\n') == std::string::npos;
  if (!extra.empty()) lines = (one_line ? extra : "\n  " + indented(extra)) + lines;
  return type_name() + "(" + lines + (one_line ? ")" : "\n)");
}

std::ostream& operator<<(std::ostream& out, const Module& module) { return out << module.str(); }

}  // namespace norma::nn
