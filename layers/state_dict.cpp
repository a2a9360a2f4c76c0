// The parts of Module that change or copy values as a whole.
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "norma/autograd/grad_mode.h"
#include "norma/core/draws.h"
#include "norma/core/random.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/module.h"
#include "norma/layers/module_state.h"

namespace norma::nn {

namespace {

// Gives every handle on `tensor` another dtype. Graphs that still exist end at the old values.
void convert_in_place(Tensor tensor, DType dtype) {
  if (!tensor.defined() || tensor.dtype() == dtype) return;
  const NoGradGuard no_grad;
  const Tensor converted = tensor.detach().to(dtype).contiguous();
  // A view, or a result, becomes a leaf.
  impl_of(tensor)->base.reset();
  impl_of(tensor)->has_history = false;
  move_draws(tensor, converted);
  tensor.set_data(converted);
}

bool is_batch_counter(std::string_view name) {
  constexpr std::string_view kCounter = "num_batches_tracked";
  if (!name.ends_with(kCounter)) return false;
  return name.size() == kCounter.size() || name[name.size() - kCounter.size() - 1] == '.';
}

// What a load would do, found out before anything changes.
struct LoadPlan {
  LoadResult result;
  std::string mismatches;                                // in words
  std::vector<std::pair<Tensor, const Tensor*>> copies;  // no source: zero
};

LoadPlan plan_load(const Module& module, const NamedTensors& state) {
  std::map<std::string_view, const Tensor*> given;  // no hash: names of a file may collide
  for (const auto& [name, tensor] : state) {
    if (!tensor.defined())
      fail("load_state_dict", "expected a tensor for ", in_quotes(name), ", got an undefined one");
    if (!given.emplace(name, &tensor).second)
      fail("load_state_dict", "expected every key once, got ", in_quotes(name), " twice");
  }

  LoadPlan plan;
  std::set<std::string> known;
  for (auto& [name, target] : module.state_dict()) {
    known.insert(name);
    const auto found = given.find(name);
    if (found == given.end()) {
      if (is_batch_counter(name))
        plan.copies.emplace_back(target, nullptr);
      else
        plan.result.missing.push_back(name);
    } else if (found->second->sizes() != target.sizes()) {
      plan.result.mismatched.push_back(name);
      plan.mismatches += text(
          "\n\tsize mismatch for ", name, ": copying a param with shape ", found->second->sizes(),
          " from checkpoint, the shape in current model is ", target.sizes(), ".");
    } else {
      plan.copies.emplace_back(target, found->second);
    }
  }
  for (const auto& entry : state) {
    if (!known.contains(entry.first)) plan.result.unexpected.push_back(entry.first);
  }
  return plan;
}

void require_complete(const LoadPlan& plan, const Module& module) {
  if (plan.result.empty()) return;
  std::string message = "Error(s) in loading state_dict for " + module.type_name() + ":";
  if (!plan.result.missing.empty())
    message += "\n\tMissing key(s) in state_dict: " + quoted_list(plan.result.missing) + ".";
  if (!plan.result.unexpected.empty())
    message += "\n\tUnexpected key(s) in state_dict: " + quoted_list(plan.result.unexpected) + ".";
  fail("load_state_dict", message, plan.mismatches);
}

}  // namespace

/// Makes lazy layers what a state says, for as long as it lives, or for good once kept. What they
/// draw is overwritten: the generator stays where it is.
class Module::State::Sizes {
 public:
  Sizes() = default;
  Sizes(const Sizes&) = delete;
  Sizes& operator=(const Sizes&) = delete;
  ~Sizes() {
    for (State* lazy : found_) lazy->replacement = nullptr;
  }

  void find(const Module& module, const NamedTensors& state) {
    const RandomStateGuard guard;
    for (const auto& [path, lazy] : module.named_modules()) {
      State& own = lazy->state();
      if (!own.awaits_sizes) continue;
      found_.push_back(&own);
      lazy->find_sizes([&, start = path](const char* entry_name) -> const Tensor* {
        const std::string key = join(start, entry_name);
        for (const auto& entry : state) {
          if (entry.first == key && entry.second.defined()) return &entry.second;
        }
        return nullptr;
      });
      if (own.replacement && own.dtype) own.replacement->to(*own.dtype);
    }
  }
  void keep() { found_.clear(); }

 private:
  std::vector<State*> found_;
};

void Module::zero_grad() {
  for (Tensor& parameter : parameters()) parameter.set_grad(Tensor());
}

void Module::requires_grad_(bool on) {
  for (Tensor& parameter : parameters()) parameter.requires_grad_(on);
}

void Module::to(DType dtype) {
  with_memory(0, [&] {
    if (!is_floating(dtype)) {
      fail("to", "expected a floating dtype for a module, got ", dtype);
    }
    for (const Module* module : modules()) {
      if (module->state().awaits_sizes) module->state().dtype = dtype;
      for (const auto& [name, tensor] : module->state().tensors()) {
        if (tensor.defined() && is_floating(tensor.dtype())) convert_in_place(tensor, dtype);
      }
    }
  });
}

NamedTensors Module::state_dict() const {
  return with_memory(0, [&] {
    NamedTensors result;
    add_state("", result);
    return result;
  });
}

void Module::add_state(const std::string& prefix, NamedTensors& result) const {
  require_sizes(prefix.substr(0, prefix.empty() ? 0 : prefix.size() - 1));
  state().is_known = true;
  state().is_checked = false;
  for (const auto& [name, tensor] : state().tensors()) {
    if (tensor.defined()) result.emplace_back(prefix + name, tensor);
  }
  for (const auto& [name, child] : child_list()) child->add_state(prefix + name + ".", result);
}

NamedTensors clone(const NamedTensors& state) {
  return with_memory(0, [&] {
    NamedTensors copy;
    copy.reserve(state.size());
    for (const auto& [name, tensor] : state) {
      copy.emplace_back(name, tensor.defined() ? tensor.detach().clone() : tensor);
    }
    return copy;
  });
}

void Module::check_state_dict(const NamedTensors& state) const {
  with_memory(0, [&] {
    State::Sizes sizes;
    sizes.find(*this, state);
    require_complete(plan_load(*this, state), *this);
  });
}

LoadResult Module::load_state_dict(const NamedTensors& state, bool strict) {
  return with_memory(0, [&] {
    State::Sizes sizes;
    sizes.find(*this, state);
    LoadPlan plan = plan_load(*this, state);
    if (strict) require_complete(plan, *this);
    sizes.keep();
    const NoGradGuard no_grad;
    for (auto& [target, source] : plan.copies) {
      if (source)
        target.copy_(*source);
      else
        target.zero_();
      set_replaced(target);
    }
    return plan.result;
  });
}

void Module::copy_state_from(const Module& other) {
  with_memory(0, [&] {
    if (const auto theirs = other.replacement()) {
      state_->replacement = theirs->clone_module();
      return;
    }
    const NoGradGuard no_grad;
    const auto refuse_shared = [&](const std::string& what) {
      fail("clone", "expected fresh() to build a ", other.type_name(), " of its own, got one with ",
           what, " of the old one: a copy of a module is the same module; construct it anew");
    };
    if (is_same(other)) refuse_shared("the registered state");
    const auto refuse = [&](const std::string& what) {
      fail("clone", "expected fresh() to build a ", other.type_name(),
           " of the same structure, got another ", what);
    };
    const auto copy_tensors = [&](NamedTensors& mine, const NamedTensors& theirs) {
      if (mine.size() != theirs.size()) refuse("number of tensors");
      for (std::size_t i = 0; i < mine.size(); ++i) {
        Tensor& to = mine[i].second;
        const Tensor& from = theirs[i].second;
        if (mine[i].first != theirs[i].first || to.defined() != from.defined() ||
            (to.defined() && to.sizes() != from.sizes())) {
          refuse("tensor \"" + theirs[i].first + "\"");
        }
        if (!to.defined()) continue;
        if (to.is_same(from) || (to.numel() > 0 && impl_of(to)->data() == impl_of(from)->data())) {
          refuse_shared("the tensor \"" + theirs[i].first + "\"");
        }
        convert_in_place(to, from.dtype());
        to.copy_(from);
        if (to.requires_grad() != from.requires_grad()) to.requires_grad_(from.requires_grad());
      }
    };
    copy_tensors(state().parameters, other.state().parameters);
    copy_tensors(state().buffers, other.state().buffers);
    state().training = other.state().training;
    state().dtype = other.state().dtype;
    copy_extra_state(other);

    const NamedModules &mine = child_list(), &theirs = other.child_list();
    if (mine.size() != theirs.size()) refuse("number of children");
    for (std::size_t i = 0; i < mine.size(); ++i) {
      if (mine[i].first != theirs[i].first) refuse("child \"" + theirs[i].first + "\"");
      if (theirs[i].second->state().is_replacement) {
        replace(mine[i].first, *mine[i].second, theirs[i].second->clone_module());
      } else {
        mine[i].second->copy_state_from(*theirs[i].second);
      }
    }
  });
}

void Module::take_clones_of(const Module& other) {
  with_memory(0, [&] {
    if (const auto theirs = other.replacement()) {
      state_->replacement = theirs->clone_module();
      return;
    }
    std::unordered_map<const void*, std::shared_ptr<Module>> twins;
    for (const auto& [name, child] : other.child_list()) {
      std::shared_ptr<Module>& twin = twins[child->id()];
      if (!twin) twin = child->clone_module();
      twin->state().is_replacement = child->state().is_replacement;
      add_child(name, twin);
    }
    if (modules().size() != other.modules().size() ||
        parameters().size() != other.parameters().size()) {
      fail("clone",
           "expected modules that stand on their own, got some that share a module or a "
           "parameter across two of them; build a fresh model and call its "
           "load_state_dict(old.state_dict())");
    }
    state().training = other.state().training;
  });
}

}  // namespace norma::nn
