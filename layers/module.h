// Module: the base of every layer and model.
#pragma once
#ifndef __cpp_rtti
#error "Norma's modules need run-time type information: compile this file without -fno-rtti"
#endif

#include <concepts>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "norma/core/error.h"
#include "norma/core/tensor.h"
#include "norma/layers/hooks.h"
#include "norma/layers/tensors_in.h"

namespace norma {
namespace autograd {
class Scope;
}

/// Tensors by dotted name, in registration order.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// The names that a load could not match. `mismatched`: their shapes differ. `skipped`: entries of
/// a file that are no tensors Norma can hold (see io/tensor_file.h).
struct LoadResult {
  std::vector<std::string> missing, unexpected, mismatched, skipped;  ///< see above
  /// Whether all names matched.
  bool empty() const {
    return missing.empty() && unexpected.empty() && mismatched.empty() && skipped.empty();
  }
};

namespace nn {

/// A module or a class derived from it.
template <class M>
concept AnyModule = std::derived_from<std::remove_cvref_t<M>, Module>;
/// One that can be stored by value: not a `Module&`, whose derived class is unknown.
template <class M>
concept ModuleValue = AnyModule<M> && !std::same_as<std::remove_cvref_t<M>, Module>;

/// The base class of layers and models. Derive, register parameters, buffers and children by name
/// in the constructor, override `forward`:
/// ```cpp
/// struct MLP : nn::Module {
///   nn::Linear fc;
///   MLP() : fc(4, 2) { register_module("fc", fc); }
///   Tensor forward(const Tensor& x) override { return relu(fc(x)); }
/// };
/// ```
/// - A *parameter* is learnt: it requires a gradient and goes to the optimiser.
/// - A *buffer* is state that is saved but not learnt: BatchNorm's running statistics.
/// - A *child* is a module inside this one; its names appear as `child.weight`.
///
/// A module object is a cheap handle: the registries and the training flag are shared by its
/// copies, so a copy is the same module. State of your own that changes after construction belongs
/// in a buffer or a `Shared` member; a copy whose forward changes others warns (`set_warnings`).
/// So does a forward that gives a registered member another tensor, as `mean = 0.9 * mean` does:
/// write `mean.mul_(0.9)`, or `mean.copy_(…)`. For a deep copy, see `Cloneable`.
///
/// What forward calls should be registered: a module with parameters, buffers or masks of Dropout
/// that is called within another one's forward and stands in no module is neither trained nor
/// saved, keeps its mode, and warns. One whose `train()` or `eval()` was called is left alone.
///
/// Members such as `fc.weight` are handles too: `fc.weight.copy_(values)` changes the layer,
/// `fc.weight = values` would only make this one handle point elsewhere. One that was moved from
/// throws where it is used.
class Module {
 public:
  Module();
  virtual ~Module();

// A class may have another forward() instead, of more arguments or results.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
  /// The computation. Call the module, not `forward`, so that errors name the module's path.
  virtual Tensor forward(const Tensor& input);
#pragma GCC diagnostic pop
  Tensor operator()(const Tensor& input);
  /// The same for a temporary, or a tensor given away with std::move: layers may overwrite it if it
  /// has no other owner.
  Tensor operator()(Tensor&& input);

  /// `net->train()` reads as `net.train()`.
  Module* operator->() { return this; }
  const Module* operator->() const { return this; }

  // --- Mode: what layers do; independent of requires_grad and of NoGradGuard ---
  /// Sets training behaviour (BatchNorm, Dropout) here and in every child. New modules train.
  virtual void train(bool on = true);
  /// `train(false)`.
  void eval() { train(false); }
  bool is_training() const;  ///< false after `eval()`

  // --- Inspection; names are dotted paths, order is that of registration, parents first ---
  /// All that are learnt. Errors of all that list them: a lazy layer that was never called.
  std::vector<Tensor> parameters() const;
  /// They by name.
  NamedTensors named_parameters() const;
  /// All that are saved but not learnt.
  std::vector<Tensor> buffers() const;
  /// They by name.
  NamedTensors named_buffers() const;
  /// Direct children.
  std::vector<std::shared_ptr<Module>> children() const;
  /// They by name.
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> named_children() const;
  /// This module and all below it; the pointers live as long as this module. A module registered
  /// twice appears once, as do shared parameters above.
  std::vector<Module*> modules() const;
  /// They by path, "" for this one.
  std::vector<std::pair<std::string, Module*>> named_modules() const;
  /// Replaces the module at `path` wherever it occurs below this one. Handles on the old module,
  /// such as members of classes, refer to the new one from then on: calls, names and values are the
  /// new module's, and only `fc.weight` and `fc.forward(x)` of such a handle remain the old one's.
  /// The old one may come back in the same way.
  /// Errors: no module at `path`, none given, one whose forward runs, and a new module that
  /// contains the old one or this.
  void set_submodule(const std::string& path, std::shared_ptr<Module> module);
  template <ModuleValue M>
  void set_submodule(const std::string& path, M&& module) {
    set_submodule(path, kept(std::forward<M>(module)));
  }
  /// The module that `set_submodule` replaced this one with; null if it did not.
  std::shared_ptr<Module> replacement() const;
  /// Calls `function` on every child, depth first, then on this module. Errors: none given.
  void apply(const std::function<void(Module&)>& function);

  // --- Values ---
  /// Drops the gradients of all parameters.
  void zero_grad();
  /// Switches trainability of all parameters.
  void requires_grad_(bool on = true);
  /// Converts floating parameters and buffers, for every handle on them; drops gradients. Make the
  /// optimiser after it. Errors: another dtype.
  void to(DType dtype);
  /// Parameters and buffers under PyTorch's keys. The tensors share memory with the module's, so
  /// training changes them: to keep them as they are, take `nn::clone(net.state_dict())`.
  NamedTensors state_dict() const;
  /// Copies values in, converted to this module's dtypes. Everything is checked before anything
  /// changes; one error lists every missing, unexpected and mismatched entry. `strict = false`
  /// loads what fits and returns the lists; undefined tensors and repeated names are errors. A
  /// missing `num_batches_tracked` (old checkpoints) counts as 0.
  LoadResult load_state_dict(const NamedTensors& state, bool strict = true);
  /// Throws what the strict load would throw, and changes nothing.
  void check_state_dict(const NamedTensors& state) const;

  // --- Hooks: functions that are called with every call, in the order of their registration, until
  // the handle's `remove()`. For all handles on the module; a clone has none. They are told the
  // module's path; an error of theirs is one of the call. Tensors are given as a list: those among
  // the arguments, and in a result that is a tuple or a vector. A hook that returns nothing, or an
  // empty list, changes nothing; one that returns a Tensor means a list of one ---
  /// Before forward: what it returns takes the place of the inputs. Errors of all four: no
  /// function; when it is called, another number of tensors returned.
  HookHandle register_forward_pre_hook(ForwardPreHook hook);
  /// After forward: what it returns takes the place of the results.
  HookHandle register_forward_hook(ForwardHook hook);
  /// When the gradients of the results are there, undefined for those that the loss does not depend
  /// on: what it returns takes their place.
  HookHandle register_full_backward_pre_hook(BackwardPreHook hook);
  /// When those of the inputs are there, too, undefined for inputs that need none: what it returns
  /// takes the place of the inputs'. Where no input needs a gradient it may return nothing.
  HookHandle register_full_backward_hook(BackwardHook hook);
  /// Whether there is any: such a module is not fused with others, and overwrites no temporary.
  bool has_hooks() const;

  /// A deep copy behind a pointer; classes without one (see `Cloneable`) throw.
  virtual std::shared_ptr<Module> clone_module() const;
  /// The compiler's way to say that a class has no `clone()`.
  template <class Class = void>
  void clone() const {
    static_assert(!std::is_void_v<Class>,
                  "this class has no clone(): derive it from nn::Cloneable<Own> and give it "
                  "`Own fresh() const`, or make a fresh model and call its "
                  "load_state_dict(old.state_dict()); what a Module& refers to, clone_module() "
                  "copies");
  }

  /// PyTorch's repr of the tree.
  std::string str() const;
  /// What stands between the parentheses in the repr: "in_features=2, out_features=3, bias=True".
  virtual std::string extra_repr() const { return ""; }
  /// The class name without namespaces.
  virtual std::string type_name() const;
  /// Whether two handles name the same module.
  bool is_same(const Module& other) const { return id() == other.id(); }
  /// The same for all handles on a module: a key for maps.
  const void* id() const;
  /// The module whose call an `autograd::Observer` is told of.
  static const Module& of(const autograd::Scope& scope);

 protected:
  struct State;

  // For derived classes only: `nn::Module m = net;` would slice the object.
  Module(const Module& other);
  Module(Module&& other) noexcept;
  Module& operator=(const Module& other);
  Module& operator=(Module&& other) noexcept;

  using NamedModules = std::vector<std::pair<std::string, std::shared_ptr<Module>>>;

  /// Registers a leaf, which will require a gradient; returns it. An undefined tensor registers an
  /// absent parameter (`bias = false`), which is never listed. Results of operations, integers
  /// that would require a gradient, and empty, dotted and repeated names are refused.
  Tensor register_parameter(const std::string& name, Tensor tensor, bool requires_grad = true);
  /// Registers a tensor that is saved but not learnt; returns it. Names are refused as above.
  Tensor register_buffer(const std::string& name, Tensor tensor);
  /// From now on, every handle on this module is `module`, as after `set_submodule`.
  void become(std::shared_ptr<Module> module);
  /// Until it becomes another one, this module refuses to list parameters: its sizes are not known.
  void await_sizes();
  /// Asked by `load_state_dict` of such modules: whether the entries told the sizes, and it became
  /// another one. `entry` gives the tensor that is loaded under one of the module's names, or null.
  virtual bool find_sizes(const std::function<const Tensor*(const char*)>& /*entry*/) {
    return false;
  }
  /// Called when the argument is a temporary. Built-in layers overwrite it; a derived class may
  /// have its own forward(), so for those it is not used.
  virtual Tensor forward_donated(Tensor&& input) { return forward(input); }

  /// Keeps a copy of the handle; returns the one given, so that both of these work:
  /// `register_module("fc", fc)` and `fc(register_module("fc", nn::Linear(4, 2)))`. Refuses
  /// what `add_child` refuses.
  template <ModuleValue M>
  M register_module(const std::string& name, M&& module) {
    add_child(name, kept(std::as_const(module)));
    return std::forward<M>(module);
  }
  template <AnyModule M>
  std::shared_ptr<M> register_module(const std::string& name, std::shared_ptr<M> module) {
    add_child(name, module);
    return module;
  }
  /// The handle that a registry keeps of `module`. Refuses what would not be the same module.
  template <ModuleValue M>
  static std::shared_ptr<Module> kept(M&& module) {
    using Class = std::remove_cvref_t<M>;
    const State* const state = module.state_to_keep(typeid(Class));
    return with_memory(0, [&] {
      auto handle = std::make_shared<Class>(std::forward<M>(module));
      handle->note_kept(sizeof(Class), state);
      return handle;
    });
  }
  /// Registers a child; null, names as above, and one that holds this module are refused.
  void add_child(const std::string& name, std::shared_ptr<Module> module);
  /// Puts another module in the place of a child, under its name.
  void replace_child(std::size_t position, std::shared_ptr<Module> module);
  /// The direct children, by name.
  const NamedModules& child_list() const;
  /// Makes these the children, in this order; names that stand here twice are the caller's fault.
  void set_children(NamedModules children);
  /// Gives modules that were made as arguments of one call, in any order, the random numbers that
  /// they would have drawn if they had been made in this one. Warns where that cannot be done.
  static void draw_in_order(const std::vector<Module*>& arguments);

  /// Runs `body` and adds this module's path to an Error that leaves it: for other functions of a
  /// module than forward. It is no call, so hooks are not. `inputs`: for detect_anomaly's messages.
  template <class F>
  auto with_path(F&& body, std::initializer_list<const Tensor*> inputs = {}) const {
    std::optional<std::invoke_result_t<F>> result;
    auto run = [&] { result.emplace(body()); };
    const Tensor* tensor = nullptr;
    if constexpr (std::is_same_v<std::invoke_result_t<F>, Tensor>) tensor = &result.emplace();
    run_in_scope([](void* f) { (*static_cast<decltype(run)*>(f))(); }, &run, tensor, inputs);
    return std::move(*result);
  }
  /// What `Callable` calls: `forward(self, args...)`, as `self`.
  template <class Own, class Forward, class... Args>
  static auto call(Own& self, const Forward& forward, Args&&... args) {
    using Result = std::remove_cvref_t<std::invoke_result_t<const Forward&, Own&, Args...>>;
    const Module& module = self;
    std::optional<Result> result;
    if (!module.is_followed()) {
      auto run = [&] { result.emplace(forward(self, std::forward<Args>(args)...)); };
      module.run_in_scope([](void* f) { (*static_cast<decltype(run)*>(f))(); }, &run, nullptr, {});
    } else {
      std::tuple<detail::Followed<Args>...> copies(args...);
      Steps steps;
      const auto note = [](auto& value, std::vector<Tensor*>& list) {
        detail::each_tensor(value, [&](Tensor& tensor) { list.push_back(&tensor); });
      };
      std::apply([&](auto&... all) { (note(all, steps.inputs), ...); }, copies);
      steps.run = [&] {
        std::apply(
            [&](auto&... all) { result.emplace(forward(self, static_cast<Args&&>(all)...)); },
            copies);
        note(*result, steps.results);
      };
      module.run_steps(steps);
    }
    return std::move(*result);
  }
  /// The module that a call of `self` reaches: itself, or what it was replaced with.
  template <class Own>
  static Own& callee(Module& self) {
    if (const auto other = self.replacement()) {
      if (auto* own = dynamic_cast<Own*>(other.get())) return *own;
      self.wrong_replacement(typeid(Own), *other);
    }
    return static_cast<Own&>(self);
  }

  /// Deep copy of tensors, modes and requires_grad flags from a module of the same structure.
  void copy_state_from(const Module& other);
  /// What clone_module() of a class gives: one piece of code for all, since there are many.
  std::shared_ptr<Module> cloned(Module* (*copy)(const Module& old)) const;
  /// For a module that is nothing but its children: takes deep copies of those of another one. A
  /// module that stands there twice is copied once.
  void take_clones_of(const Module& other);
  /// Called by `copy_state_from` for every module of the tree: for state that is in no registry.
  virtual void copy_extra_state(const Module& /*other*/) {}

 private:
  friend class HookedCall;
  struct Argument;
  class HookedRun;
  /// A call in parts, with hooks before and after. `run` fills in `results`.
  struct Steps {
    std::vector<Tensor*> inputs, results = {};
    std::function<void()> run = {};
  };
  void run_steps(Steps& steps) const;
  Tensor hooked_call(const Tensor& input);
  /// Whether hooks or observers want to see its calls.
  bool is_followed() const;
  [[noreturn]] void wrong_replacement(const std::type_info& own, const Module& other) const;
  class Running;
  template <class F>
  auto in_scope(F&& body) const;
  /// `result`: where the body leaves it, for observers; may be null.
  void run_in_scope(void (*body)(void*), void* context, const Tensor* result,
                    std::initializer_list<const Tensor*> inputs) const;
  State& state() const;
  const State* state_to_keep(const std::type_info& type) const;
  void note_kept(std::size_t size, const State* state);
  void note_child(const std::string& name);
  void require_sizes(const std::string& path) const;
  void note_known() const;
  void leave();
  /// Calls `visit(path, module)` for this module and all below it, parents first, each once.
  template <class Visit>
  void walk(bool with_paths, const Visit& visit) const;
  bool contains(const Module& other) const;
  template <class Own>
  NamedTensors gather(bool with_paths, const Own& own) const;
  void add_state(const std::string& prefix, NamedTensors& result) const;
  void print(std::string& out, std::size_t depth) const;
  void replace(const std::string& path, Module& old, std::shared_ptr<Module> module);
  void check_name(const char* op, const std::string& name) const;
  void check_child(const std::string& name, const Module* module) const;
  static void refuse_running(const std::string& name, const Module& child);

  std::shared_ptr<State> state_;
};

std::ostream& operator<<(std::ostream& out, const Module& module);  ///< prints `module.str()`

/// A deep copy of a state, which training leaves alone:
/// ```cpp
/// best = nn::clone(net.state_dict());
/// net.load_state_dict(best);  // once the loss on held-out data grows
/// ```
NamedTensors clone(const NamedTensors& state);

/// A member of a module that its copies share: `nn::Shared<Tensor> last;`, set by `last = x`, read
/// by `*last` and `last->sizes()`.
template <class T>
class Shared {
 public:
  explicit(false) Shared(T value = T())
      : value_(with_memory(0, [&] { return std::make_shared<T>(std::move(value)); })) {}
  Shared(const Shared&) = default;  // a move copies: what a module was moved from keeps its part
  Shared& operator=(const Shared&) = default;
  /// For all copies.
  Shared& operator=(T value) {
    *value_ = std::move(value);
    return *this;
  }
  T& operator*() const { return *value_; }        ///< what all copies have
  T* operator->() const { return value_.get(); }  ///< what all copies have

 private:
  std::shared_ptr<T> value_;
};

}  // namespace nn
}  // namespace norma
