#include "norma/testing/check_module.h"

#include <algorithm>
#include <exception>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/observer.h"
#include "norma/autograd/ops.h"
#include "norma/core/memory.h"
#include "norma/core/random.h"
#include "norma/io/save_load.h"
#include "norma/layers/dropout.h"
#include "norma/layers/loss.h"
#include "norma/testing/borrowed_module.h"
#include "norma/testing/check_gradients.h"
#include "norma/testing/compare.h"

namespace norma::testing {

namespace {

using Tensors = std::vector<Tensor>;

// Two ways to the same sum, in float64.
constexpr Tolerances kRounding = {1e-7, 1e-7};

std::string in(bool training) { return training ? "train(): " : "eval(): "; }

/// Notes the leaves and modules that forward uses and nobody registered.
class Unregistered : public autograd::Observer {
 public:
  Unregistered(const nn::Module& module, Tensors known)
      : modules_(module.modules()), known_(std::move(known)) {}

  void result(const char* op, const Tensor&, autograd::Inputs inputs) override {
    for (int i = 0; i < inputs.size(); ++i) {
      const Tensor& input = inputs[i];
      if (input.defined() && input.is_leaf() && input.requires_grad() && !is_known(input)) {
        known_.push_back(input);
        leaves_.emplace_back(input, op);
      }
    }
  }

  void called(const autograd::Scope& scope, const Tensor&, autograd::Inputs) override {
    const nn::Module& module = nn::Module::of(scope);
    const auto is_this = [&](const nn::Module* other) { return other->is_same(module); };
    if (std::any_of(modules_.begin(), modules_.end(), is_this)) return;
    const Tensors parameters = module.parameters();
    const bool loses = !parameters.empty() ||
                       (!module.buffers().empty() && !dynamic_cast<const nn::Loss*>(&module)) ||
                       dynamic_cast<const nn::DropoutBase*>(&module);
    if (!loses) return;
    calls_.push_back("forward calls a " + scope.type() + " that is no registered module");
    for (const Tensor& parameter : parameters) {
      std::erase_if(leaves_, [&](const auto& leaf) { return leaf.first.is_same(parameter); });
    }
  }

  std::vector<std::string> found() const {
    std::vector<std::string> all = calls_;
    for (const auto& [leaf, op] : leaves_) {
      all.push_back(text("forward uses, for ", op, ", a tensor of shape ", leaf.sizes(),
                         " that requires a gradient and is no registered parameter"));
    }
    return all;
  }

 private:
  bool is_known(const Tensor& tensor) const {
    return std::any_of(known_.begin(), known_.end(),
                       [&](const Tensor& other) { return other.is_same(tensor); });
  }

  std::vector<nn::Module*> modules_;
  Tensors known_;
  std::vector<std::pair<Tensor, std::string>> leaves_;
  std::vector<std::string> calls_;
};

class WarningsGuard {
 public:
  explicit WarningsGuard(Warnings what) { set_warnings(what); }
  ~WarningsGuard() { set_warnings(before_); }
  WarningsGuard(const WarningsGuard&) = delete;
  WarningsGuard& operator=(const WarningsGuard&) = delete;

 private:
  const Warnings before_ = warnings();
};

Tensors copies(const Tensors& tensors, std::optional<DType> dtype = std::nullopt) {
  Tensors list;
  for (const Tensor& x : tensors) {
    list.push_back(x.defined() ? as_floating(x.detach(), dtype).clone() : x);
  }
  return list;
}

/// The same values, as operations give them.
Tensors with_history(Tensors tensors) {
  for (Tensor& x : tensors) {
    if (x.defined() && is_floating(x.dtype())) x = x.requires_grad_().mul(1);
  }
  return tensors;
}

/// The same values, with as much unused memory between them.
Tensor with_gaps(const Tensor& x) {
  return x.defined() && x.dim() > 0 ? stack({x, x}, -1).select(-1, 0) : x;
}

class ModuleCheck {
 public:
  ModuleCheck(nn::Module& module, const detail::ModuleCall& call, const Tensors& inputs,
              const CheckModuleOptions& options)
      : borrowed_(module), call_(call), inputs_(copies(inputs)), options_(options) {}

  std::vector<std::string> run(detail::Clone clone) {
    bool works[2] = {}, in_float64[2] = {};
    for (const bool training : {false, true}) {
      const std::string warning = first_warning(training);
      works[training] = attempt(in(training), [&] { check_call(training); });
      if (works[training] && !is_unregistered_ && !warning.empty()) {
        fault(in(training) + warning);
      }
    }
    for (const bool training : {false, true}) {
      if (works[training]) in_float64[training] = check_dtype(training);
    }
    if (options_.gradients) check_gradients(in_float64[false], in_float64[true]);
    if (in_float64[false]) {
      if (options_.batch_dim) attempt("batch independence: ", [&] { check_batch(); });
      attempt("inputs with gaps in memory: ", [&] { check_layout(); });
    }
    if (works[false]) {
      attempt("state round trip: ", [&] { check_state(); });
      if (options_.clone) attempt("clone(): ", [&] { check_clone(clone, works[true]); });
    }
    return std::move(faults_);
  }

 private:
  nn::Module& module() const { return borrowed_.module(); }
  void fault(const std::string& sentence) { faults_.push_back(sentence); }

  /// Whether `check` came to its end; what it throws is a fault.
  template <class Check>
  bool attempt(const std::string& what, const Check& check) {
    try {
      check();
      return true;
    } catch (const std::exception& error) {
      fault(what + error.what());
      return false;
    }
  }

  /// Every call draws the same random numbers, unless others are asked for.
  Tensors call(const Tensors& inputs, bool other_numbers = false) const {
    return call_of(module(), inputs, other_numbers);
  }
  Tensors call_of(nn::Module& any, const Tensors& inputs, bool other_numbers = false) const {
    const RandomStateGuard guard;
    if (other_numbers) default_generator().reserve(1000);
    Tensors results = call_(any, inputs);
    for (Tensor& result : results) {
      if (result.defined()) result = result.detach().clone();
    }
    return results;
  }
  /// From the original state.
  Tensors fresh_call(bool training, std::optional<DType> dtype = std::nullopt) {
    borrowed_.begin(training, dtype);
    return call(copies(inputs_, dtype));
  }

  /// What the library itself warns of.
  std::string first_warning(bool training) {
    const WarningsGuard as_errors(Warnings::Error);
    try {
      fresh_call(training);
    } catch (const Error& error) {
      return error.what();
    } catch (const std::exception&) {
      return "";  // comes again without warnings
    }
    return "";
  }

  void check_call(bool training) {
    borrowed_.begin(training);
    const std::string elsewhere = borrowed_.first_not_in_mode(training);
    if (!elsewhere.empty()) fault(in(training) + "does not reach " + elsewhere);
    const Tensors before = borrowed_.values(), inputs = copies(inputs_);
    Tensors known = inputs;
    for (const auto& entry : borrowed_.entries()) known.push_back(entry.tensor);
    Unregistered unregistered(module(), known);
    const Tensors first = [&] {
      const autograd::ObserverGuard guard(unregistered);
      return call(inputs);
    }();
    for (const std::string& found : unregistered.found()) {
      // Once, unless it happens in training alone.
      is_unregistered_ = true;
      const auto is_this = [&](const std::string& other) { return other == in(false) + found; };
      if (std::none_of(faults_.begin(), faults_.end(), is_this)) fault(in(training) + found);
    }
    if (first.empty()) fault(in(training) + "forward returns no tensor");
    if (!grad_enabled()) {
      set_grad_enabled(true);
      fault(in(training) + "forward leaves the recording of gradients switched off");
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (short_difference({inputs[i]}, {inputs_[i]}).empty()) continue;
      fault(text(in(training), "forward changes input ", i));
    }
    const std::string mode = elsewhere.empty() ? borrowed_.first_not_in_mode(training) : "";
    if (!mode.empty()) fault(in(training) + "forward changes the mode of " + mode);
    const std::string changed = borrowed_.first_changed(before, training);
    if (!changed.empty()) return fault(in(training) + "forward changes " + changed);
    // eval() has no state to begin anew with, and draws nothing.
    if (training) borrowed_.begin(training);
    const std::string again =
        short_difference(call(with_history(copies(inputs_)), !training), first);
    const std::string recorded = borrowed_.first_with_history();
    if (!recorded.empty()) {
      fault(in(training) + "forward leaves " + recorded +
            " with the operations that it came from; update it under NoGradGuard");
    }
    if (again.empty()) return;
    fault(in(training) + "a second call" + (training ? " from the same seed and state" : "") +
          " gives another result, " + again +
          (training ? "; forward keeps a state that is not registered"
                    : "; forward draws random numbers, or keeps a state that is not registered"));
  }

  /// Whether forward works in float64.
  bool check_dtype(bool training) {
    return attempt("dtype, in " + in(training) + "with parameters and inputs in float64, ", [&] {
      require_dtype(training, kFloat64);
      std::optional<DType> own;
      const auto is_other = [&](const Tensor& x) {
        if (!x.defined() || !is_floating(x.dtype())) return false;
        if (!own) own = x.dtype();
        return x.dtype() != *own;
      };
      bool is_mixed = std::any_of(inputs_.begin(), inputs_.end(), is_other);
      for (const auto& entry : borrowed_.entries()) is_mixed |= is_other(entry.original);
      if (own && *own != kFloat64 && !is_mixed) require_dtype(training, *own);
    });
  }

  void require_dtype(bool training, DType dtype) {
    const Tensors results = fresh_call(training, dtype);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const Tensor& result = results[i];
      if (!result.defined() || !is_floating(result.dtype()) || result.dtype() == dtype) continue;
      fault(text("dtype: in ", in(training), "parameters and inputs are ", dtype, ", result ", i,
                 " is ", result.dtype()));
    }
  }

  void check_gradients(bool in_eval, bool in_train) {
    GradientOptions options = {!options_.allow_unused, options_.max_elements, options_.gradcheck};
    for (const bool training : {true, false}) {
      if (!(training ? in_train : in_eval)) continue;
      attempt("gradients, in " + in(training), [&] {
        for (const std::string& found :
             gradient_faults(borrowed_, call_, copies(inputs_, kFloat64), training, options)) {
          fault("gradients, in " + in(training) + found);
        }
      });
      options.requires_use = false;
      // A layer that has no modes needs to be asked once.
      if (!training || !in_eval) continue;
      const Tensors result = fresh_call(true, kFloat64);
      if (short_difference(fresh_call(false, kFloat64), result).empty()) return;
    }
  }

  // Inputs and results that have as many samples as the first input.
  bool has_samples(const Tensor& x, int64_t count) const {
    return x.defined() && x.dim() > *options_.batch_dim && x.size(*options_.batch_dim) == count;
  }

  void check_batch() {
    const int64_t dim = *options_.batch_dim;
    const Tensors inputs = copies(inputs_, kFloat64);
    const auto first =
        std::find_if(inputs.begin(), inputs.end(), [](const Tensor& x) { return x.defined(); });
    const int64_t count = first->size(dim);
    const Tensors whole = fresh_call(false, kFloat64);
    const auto sample = [&](Tensors list, int64_t i) {
      for (Tensor& x : list) {
        if (has_samples(x, count)) x = x.narrow(dim, i, 1);
      }
      return list;
    };
    if (std::none_of(whole.begin(), whole.end(),
                     [&](const Tensor& x) { return has_samples(x, count); })) {
      return fault(text("batch independence: no result has the ", count,
                        " samples of the first input along dimension ", dim,
                        "; batch_dim = std::nullopt leaves this out"));
    }
    for (int64_t i = 0; i < count; ++i) {
      Tensors expected = sample(whole, i), actual = call(copies(sample(inputs, i)));
      for (std::size_t k = 0; k < whole.size() && actual.size() == whole.size(); ++k) {
        if (!has_samples(whole[k], count)) expected[k] = actual[k] = Tensor();
      }
      const std::string found = short_difference(actual, expected, kRounding);
      if (found.empty()) continue;
      return fault(text("batch independence: in eval(), sample ", i,
                        " alone gives another result than in its batch, ", found));
    }
  }

  void check_layout() {
    const Tensors expected = fresh_call(false, kFloat64);
    Tensors inputs = copies(inputs_, kFloat64);
    for (Tensor& input : inputs) input = with_gaps(input);
    const std::string found = short_difference(call(inputs), expected, kRounding);
    if (found.empty()) return;
    fault("inputs with gaps in memory: they give another result than the same values without, " +
          found);
  }

  void check_state() {
    if (borrowed_.entries().empty()) return;
    const Tensors expected = fresh_call(false), before = borrowed_.values();
    std::vector<std::byte> bytes;
    save(module(), bytes);
    borrowed_.scramble();
    try {
      call(copies(inputs_));  // for modules that keep what they computed
    } catch (const std::exception&) {
      // The values are absurd.
    }
    load(module(), bytes);
    const std::string changed = borrowed_.first_changed(before, false);
    if (!changed.empty()) return fault("state round trip: " + changed + " is not loaded as saved");
    const std::string found = short_difference(call(copies(inputs_)), expected);
    if (found.empty()) return;
    fault(
        "state round trip: after other values were used and the saved ones loaded, eval() gives "
        "another result, " +
        found + "; forward keeps what it computed before");
  }

  void check_clone(detail::Clone clone, bool trains) {
    if (clone == detail::Clone::None) return;
    const std::string type = module().type_name();
    if (clone == detail::Clone::OfBase) {
      return fault("clone(): is that of a base class of " + type + "; derive from nn::Cloneable<" +
                   type + ", Base> and give it `" + type + " fresh() const`");
    }
    borrowed_.begin(true);
    std::shared_ptr<nn::Module> copy;
    try {
      copy = module().clone_module();
    } catch (const Error& error) {
      if (clone == detail::Clone::Unknown && error.op() == "clone") return;
      throw;
    }
    if (copy->type_name() != type) {
      return fault("clone(): gives a " + copy->type_name() + ", not a " + type);
    }
    if (const std::string found = shared_with(*copy); !found.empty()) {
      return fault("clone(): shares " + found);
    }
    if (const std::string found = unlike(*copy); !found.empty()) return fault("clone(): " + found);
    compare_clone(*copy, fresh_call(false), false);
    if (trains) compare_clone(*copy, fresh_call(true), true);
  }

  void compare_clone(nn::Module& copy, const Tensors& expected, bool training) {
    copy.train(training);
    const std::string found = short_difference(call_of(copy, copies(inputs_)), expected);
    if (found.empty()) return;
    fault("clone(): in " + in(training) + "gives another result than the original, " + found +
          "; something of it is not registered, or fresh() has other options");
  }

  std::string shared_with(const nn::Module& copy) const {
    for (const auto& [path, below] : copy.named_modules()) {
      for (const nn::Module* own : module().modules()) {
        if (own->is_same(*below)) return path.empty() ? "everything" : "the module " + path;
      }
    }
    for (const auto& [name, tensor] : copy.state_dict()) {
      for (const auto& entry : borrowed_.entries()) {
        if (tensor.numel() > 0 && tensor.raw_data() == entry.tensor.raw_data()) {
          return "the memory of " + BorrowedModule::name(entry);
        }
      }
    }
    return "";
  }

  // A clone's parameters and buffers, flags and modes.
  std::string unlike(const nn::Module& copy) const {
    const NamedTensors have = copy.state_dict(), want = module().state_dict();
    for (std::size_t i = 0; i < std::max(have.size(), want.size()); ++i) {
      if (i >= have.size() || i >= want.size() || have[i].first != want[i].first) {
        return "its state has other names";
      }
      const std::string found = short_difference({have[i].second}, {want[i].second});
      if (!found.empty()) return want[i].first + " differs, " + found;
      if (have[i].second.requires_grad() != want[i].second.requires_grad()) {
        return "requires_grad of " + want[i].first + " differs";
      }
    }
    for (const auto& [path, below] : copy.named_modules()) {
      if (!below->is_training()) return "the mode of " + path + " differs";
    }
    return "";
  }

  BorrowedModule borrowed_;
  const detail::ModuleCall& call_;
  const Tensors inputs_;
  const CheckModuleOptions& options_;
  std::vector<std::string> faults_;
  bool is_unregistered_ = false;
};

void check_inputs(const Tensors& inputs, const CheckModuleOptions& options) {
  const auto first =
      std::find_if(inputs.begin(), inputs.end(), [](const Tensor& x) { return x.defined(); });
  if (first == inputs.end()) fail("check_module", "expected example inputs, got none");
  if (!options.batch_dim) return;
  const int64_t dim = *options.batch_dim;
  if (dim < 0) fail("check_module", "expected batch_dim >= 0, got ", dim);
  if (first->dim() > dim && first->size(dim) >= 2) return;
  fail("check_module", "expected an input with at least two samples along dimension ", dim,
       ", got one of shape ", first->sizes(),
       "; batch_dim = std::nullopt leaves the samples' independence out");
}

}  // namespace

namespace detail {

std::vector<std::string> module_faults(nn::Module& module, const ModuleCall& call, Clone clone,
                                       const Tensors& inputs, const CheckModuleOptions& options) {
  return with_memory(0, [&] {
    check_inputs(inputs, options);
    const RandomStateGuard numbers;
    const WarningsGuard silent(Warnings::Off);
    const autograd::EnableGradGuard recording;
    return ModuleCheck(module, call, inputs, options).run(clone);
  });
}

void wrong_number_of_inputs(const nn::Module& module, std::size_t count) {
  fail("check_module", "expected inputs that ", module.type_name(), " can be called with, got ",
       count, count == 1 ? " tensor" : " tensors",
       "; give check_module a function that calls it, after the module");
}

}  // namespace detail

void require_no_faults(const nn::Module& module, const std::vector<std::string>& faults) {
  if (faults.empty()) return;
  std::string list;
  for (const std::string& found : faults) list += "\n- " + found;
  fail("check_module", "expected a module without faults, got ", faults.size(),
       faults.size() == 1 ? " fault" : " faults", " in ", module.type_name(), ":", list);
}

}  // namespace norma::testing
