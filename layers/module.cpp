#include "norma/layers/module.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <typeinfo>
#include <unordered_set>
#include <utility>

#include "norma/autograd/observer.h"
#include "norma/core/error.h"
#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/module_state.h"

namespace norma::nn {

namespace {}  // namespace

std::string short_name(const std::type_info& type) {
  return with_memory(0, [&] {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> demangled(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
    std::string name = status == 0 ? demangled.get() : type.name();
    // The last "::" outside of any brackets ends the namespaces.
    int depth = 0;
    for (std::size_t i = name.size(); i-- > 1;) {
      const char c = name[i];
      if (c == '>' || c == ')' || c == '}') ++depth;
      if (c == '<' || c == '(' || c == '{') --depth;
      if (depth == 0 && c == ':' && name[i - 1] == ':') return name.substr(i + 1);
    }
    return name;
  });
}

bool is_users_class(const Module& module) {
  return !std::string_view(typeid(module).name()).starts_with("N5norma2nn");
}

namespace {
constinit thread_local uint64_t modules_made = 0;
}

const void* Module::State::here() { return &modules_made; }

Module::State::State()
    : thread(here()),
      number(++modules_made),
      generator(&default_generator()),
      born(generator->state()) {}

Module::Module() : state_(with_memory(0, [] { return std::make_shared<State>(); })) {
  state_->original = this;
}
Module::~Module() { leave(); }

Module::Module(const Module& other) : state_(other.state_) {}

Module::Module(Module&& other) noexcept : state_(std::move(other.state_)) {
  if (state_ && state_->original == &other) state_->original = this;
}

Module& Module::operator=(const Module& other) {
  if (this == &other) return *this;
  if (state_ != other.state_) leave();
  state_ = other.state_;
  return *this;
}

Module& Module::operator=(Module&& other) noexcept {
  if (this == &other) return *this;
  leave();
  state_ = std::move(other.state_);
  if (state_ && state_->original == &other) state_->original = this;
  return *this;
}

void Module::leave() {
  if (state_ && state_->original == this) state_->original = nullptr;
}

const Module::State* Module::state_to_keep(const std::type_info& type) const {
  state();  // refuses one that was moved from
  if (typeid(*this) != type) {
    const std::string own = type_name(), base = short_name(type);
    fail("Module", "expected a ", base, ", got a reference to one that is a ", own,
         ", whose copy would be a ", base, " alone; give the ", own,
         " itself, or a std::shared_ptr to it");
  }
  return state_.get();
}

void Module::note_kept(std::size_t size, const State* state) {
  if (state_.get() != state) {
    fail(
        "Module", "expected a copy of the ", type_name(), " that is the same module, got another ",
        "one: its copy or move constructor does not hand its argument on to the base class; leave ",
        "it to the compiler");
  }
  state_->handle_size = size;
  state_->handle_type = &typeid(*this);
}

Module::State& Module::state() const {
  if (!state_) {
    fail("Module", "expected a module, got one that was moved from; use the one it was moved to");
  }
  State* state = state_.get();
  while (state->replacement) state = state->replacement->state_.get();
  return *state;
}

const void* Module::id() const { return &state(); }

std::shared_ptr<Module> Module::replacement() const {
  std::shared_ptr<Module> found = state_ ? state_->replacement : nullptr;
  while (found && found->state_->replacement) found = found->state_->replacement;
  return found;
}

void Module::note_known() const {
  with_memory(0, [&] {
    walk(false, [](const std::string&, const Module& module) { module.state().is_known = true; });
  });
}

void Module::train(bool on) {
  state().training = on;
  state().is_known = true;
  state().is_checked = false;
  for (const auto& entry : state().children) entry.second->train(on);
}

bool Module::is_training() const { return state().training; }

const Module::NamedModules& Module::child_list() const { return state().children; }

bool Module::contains(const Module& other) const {
  return with_memory(0, [&] {
    bool found = false;
    walk(false, [&](const std::string&, const Module& module) { found |= module.is_same(other); });
    return found;
  });
}

std::vector<std::pair<std::string, std::shared_ptr<Module>>> Module::named_children() const {
  return with_memory(0, [&] {
    NamedModules result;
    std::unordered_set<const State*> seen;
    for (const auto& entry : child_list()) {
      if (seen.insert(&entry.second->state()).second) result.push_back(entry);
    }
    return result;
  });
}

std::vector<std::shared_ptr<Module>> Module::children() const { return values(named_children()); }

std::vector<std::pair<std::string, Module*>> Module::named_modules() const {
  return with_memory(0, [&] {
    std::vector<std::pair<std::string, Module*>> found;
    walk(true, [&](const std::string& path, const Module& module) {
      found.emplace_back(path, const_cast<Module*>(&module));
    });
    return found;
  });
}

std::vector<Module*> Module::modules() const {
  return with_memory(0, [&] {
    std::vector<Module*> found;
    walk(false, [&](const std::string&, const Module& module) {
      found.push_back(const_cast<Module*>(&module));
    });
    return found;
  });
}

void Module::apply(const std::function<void(Module&)>& function) {
  if (!function) fail("apply", "expected a function of a module, got none");
  for (const auto& child : children()) child->apply(function);
  function(*this);
}

// The tensors that `own` gives of each module in the tree, once each.
template <class Own>
NamedTensors Module::gather(bool with_paths, const Own& own) const {
  return with_memory(0, [&] {
    NamedTensors found;
    std::unordered_set<const TensorImpl*> seen;
    walk(with_paths, [&](const std::string& path, const Module& module) {
      module.require_sizes(path);
      if (&module != this) module.state().is_known = true;
      module.state().is_checked = false;
      for (const auto& [name, tensor] : own(module.state())) {
        if (!tensor.defined() || !seen.insert(impl_of(tensor)).second) continue;
        found.emplace_back(with_paths ? join(path, name) : "", tensor);
      }
    });
    return found;
  });
}

NamedTensors Module::named_parameters() const {
  return gather(
      true, [](const State& s) -> auto& { return s.parameters; });
}

NamedTensors Module::named_buffers() const {
  return gather(
      true, [](const State& s) -> auto& { return s.buffers; });
}

std::vector<Tensor> Module::parameters() const {
  return values(gather(
      false, [](const State& s) -> auto& { return s.parameters; }));
}

std::vector<Tensor> Module::buffers() const {
  return values(gather(
      false, [](const State& s) -> auto& { return s.buffers; }));
}

void Module::check_name(const char* op, const std::string& name) const {
  if (name.empty()) fail(op, "expected a name, got \"\" (in ", type_name(), ")");
  if (name.find('.') != std::string::npos) {
    fail(op, "expected a name without dots, got \"", name,
         "\"; dots separate the names of nested modules");
  }
  const auto known = state().kinds.find(name);
  if (known != state().kinds.end()) {
    fail(op, "expected a new name, got \"", name, "\", which ", type_name(), " already has as a ",
         known->second);
  }
}

Tensor Module::register_parameter(const std::string& name, Tensor tensor, bool requires_grad) {
  return with_memory(0, [&] {
    check_name("register_parameter", name);
    if (tensor.defined()) {
      if (!tensor.is_leaf()) {
        fail("register_parameter", "expected a leaf for \"", name, "\", got a result of ",
             tensor.grad_fn_name(), "; register its detach()");
      }
      tensor.requires_grad_(requires_grad);
    }
    state().kinds[name] = "parameter";
    state().parameters.emplace_back(name, tensor);
    return tensor;
  });
}

Tensor Module::register_buffer(const std::string& name, Tensor tensor) {
  return with_memory(0, [&] {
    check_name("register_buffer", name);
    state().kinds[name] = "buffer";
    state().buffers.emplace_back(name, tensor);
    return tensor;
  });
}

void Module::await_sizes() { state().awaits_sizes = true; }

void Module::require_sizes(const std::string& path) const {
  if (!state().awaits_sizes) return;
  const std::string name = path.empty() ? state().name : path;
  fail("parameters", "expected a model whose sizes are known, got a ", type_name(),
       name.empty() ? "" : " \"" + name + "\"",
       " that was never called; run a dry forward of the model, such as net(zeros({1, …})), before "
       "anything that asks for its parameters or its state");
}

void Module::become(std::shared_ptr<Module> module) {
  with_memory(0, [&] {
    State& mine = state();
    module->note_child(mine.name);
    module->state().is_known = mine.is_known.load();
    module->state().hooks = mine.hooks;
    mine.replacement = std::move(module);
  });
}

void Module::check_child(const std::string& name, const Module* module) const {
  if (!module) fail("register_module", "expected a module for \"", name, "\", got a null pointer");
  // One that stands nowhere is in no other module.
  if (state().name.empty() ? is_same(*module) : module->contains(*this)) {
    fail("register_module", "expected another module for \"", name, "\", got one that holds ",
         type_name(), " itself");
  }
}

void Module::note_child(const std::string& name) {
  State& s = state();
  if (s.name.empty()) s.name = name;
  s.is_users = is_users_class(*this);
}

void Module::add_child(const std::string& name, std::shared_ptr<Module> module) {
  with_memory(0, [&] {
    check_name("register_module", name);
    check_child(name, module.get());
    module->note_child(name);
    state().kinds[name] = "child";
    state().children.emplace_back(name, std::move(module));
  });
}

void Module::refuse_running(const std::string& name, const Module& child) {
  for (auto* scope = autograd::Scope::innermost(); scope; scope = scope->outer()) {
    if (!child.contains(of(*scope))) continue;
    fail("replace", "expected a module at \"", name, "\" that does not run, got the ",
         of(*scope).type_name(), " whose forward makes this call; replace it when that has ended");
  }
}

void Module::replace_child(std::size_t position, std::shared_ptr<Module> module) {
  with_memory(0, [&] {
    auto& [name, child] = state().children[position];
    check_child(name, module.get());
    refuse_running(name, *child);
    module->note_child(name);
    child = std::move(module);
  });
}

void Module::set_children(NamedModules children) {
  with_memory(0, [&] {
    State& mine = state();
    const auto stays = [&](const Module& old) {
      return std::any_of(children.begin(), children.end(),
                         [&](const auto& entry) { return entry.second->is_same(old); });
    };
    for (const auto& [name, child] : children) check_child(name, child.get());
    for (const auto& [name, child] : mine.children) {
      if (!stays(*child)) refuse_running(name, *child);
    }
    for (const auto& [name, child] : mine.children) {
      mine.kinds.erase(name);
      if (child->state().name == name && stays(*child)) child->state().name.clear();
    }
    for (const auto& [name, child] : children) {
      child->note_child(name);
      mine.kinds[name] = "child";
    }
    mine.children.swap(children);
  });
}

namespace {

/// The module above the end of the path and its place there; null where there is none.
template <class Children>
std::pair<Module*, std::size_t> find_place(Module& top, std::string_view path,
                                           const Children& children) {
  for (Module* parent = &top;;) {
    const std::string_view name = path.substr(0, path.find('.'));
    const auto& below = children(*parent);
    std::size_t i = 0;
    while (i < below.size() && below[i].first != name) ++i;
    if (i == below.size()) return {nullptr, 0};
    if (name.size() == path.size()) return {parent, i};
    path.remove_prefix(name.size() + 1);
    parent = below[i].second.get();
  }
}

}  // namespace

void Module::set_submodule(const std::string& path, std::shared_ptr<Module> module) {
  with_memory(0, [&] {
    const auto [parent, i] = find_place(
        *this, path, [](const Module& m) -> auto& { return m.child_list(); });
    if (parent) return replace(path, *parent->child_list()[i].second, std::move(module));
    fail("set_submodule", "expected the path of a module in ", type_name(), ", got \"", path, "\"");
  });
}

void Module::replace(const std::string& path, Module& old, std::shared_ptr<Module> module) {
  with_memory(0, [&] {
    check_child(path, module.get());
    // One that was replaced by what stands there comes back.
    std::shared_ptr<Module> stand_in;
    if (module->is_same(old)) stand_in = std::exchange(module->state_->replacement, nullptr);
    if (module->contains(old)) {
      module->state_->replacement = std::move(stand_in);
      fail("set_submodule", "expected another module for \"", path, "\", got one that holds the ",
           old.type_name(), " that stands there; give it a clone");
    }
    // One handle stands in one place: the rest of the tree, which may be large, is not searched.
    const auto place = find_place(
        *this, path, [](const Module& m) -> auto& { return m.child_list(); });
    std::vector<std::pair<Module*, std::size_t>> places;
    const auto* here = place.first ? &place.first->child_list()[place.second].second : nullptr;
    if (here && here->get() == &old && here->use_count() == 1 && old.state_.use_count() == 1)
      places.push_back(place);
    for (Module* parent : places.empty() ? modules() : std::vector<Module*>()) {
      const NamedModules& children = parent->child_list();
      for (std::size_t i = 0; i < children.size(); ++i) {
        if (children[i].second->is_same(old)) places.emplace_back(parent, i);
      }
    }
    const std::shared_ptr<State> kept = old.state_;  // may die with the handle in the tree
    State& state = old.state();
    try {
      for (const auto& [parent, position] : places) parent->replace_child(position, module);
    } catch (...) {
      module->state_->replacement = std::move(stand_in);
      throw;
    }
    module->state().is_replacement = true;
    state.replacement = std::move(module);
  });
}

std::shared_ptr<Module> Module::clone_module() const {
  const std::string type = type_name();
  fail("clone", "expected a class that can be cloned, got ", type, "; construct a fresh ", type,
       " and call its load_state_dict(old.state_dict()), or derive ", type, " from nn::Cloneable<",
       type, ">");
}

std::shared_ptr<Module> Module::cloned(Module* (*copy)(const Module& old)) const {
  return with_memory(0, [&] { return std::shared_ptr<Module>(copy(*this)); });
}

std::string Module::type_name() const { return short_name(typeid(*this)); }

}  // namespace norma::nn
