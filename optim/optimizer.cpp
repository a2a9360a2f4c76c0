#include "norma/optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "norma/autograd/grad_mode.h"
#include "norma/core/factory.h"
#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"
#include "norma/core/threads.h"

namespace norma::optim {

Optimizer::Optimizer(const char* type, std::vector<StateField> fields)
    : type_(type), fields_(std::move(fields)) {
  if (fields_.size() > kMostFields)
    fail(type, "expected at most ", kMostFields, " state fields, got ", fields_.size());
}

// --- Step ---

Optimizer::Elements::Elements(int64_t group_index, void* p, const TensorImpl* grad, int64_t begin)
    : group(group_index),
      p_(p),
      g_(grad->data()),
      begin_(begin),
      numel_(grad->numel),
      dtype_(grad->dtype) {}

Optimizer::Elements Optimizer::Elements::part(int64_t from, int64_t to) const {
  const int64_t offset = from * item_size(dtype_);
  Elements part = *this;
  part.p_ = static_cast<char*>(p_) + offset;
  part.g_ = static_cast<const char*>(g_) + offset;
  for (void*& data : part.states_)
    if (data) data = static_cast<char*>(data) + offset;
  part.numel_ = to - from;
  return part;
}

// And that the state is of the parameters' shapes: set_data() may have given them another.
void Optimizer::check_gradients() const {
  const Tensor* states = state_.data();
  for (int64_t g = 0; g < group_count(); ++g) {
    if (std::isnan(lr(g))) {
      fail(type_, "expected a learning rate for group ", g, ", got nan; from set_lr() or a ",
           "scheduler?");
    }
    for (const Tensor& parameter : group_parameters_[static_cast<std::size_t>(g)]) {
      const Tensor* const own = states;
      states += fields_.size();
      const TensorImpl* p = impl_of(parameter);
      if (!p->grad.defined()) continue;
      const TensorImpl* grad = impl_of(p->grad);
      if (grad->dtype != p->dtype || grad->sizes != p->sizes) {
        fail(type_, "expected a gradient of shape ", p->sizes, " and dtype ", p->dtype,
             ", got shape ", grad->sizes, " and dtype ", grad->dtype);
      }
      for (std::size_t f = 0; f < fields_.size(); ++f) {
        if (!own[f].defined() || fields_[f].is_number()) continue;
        const Shape& sizes = impl_of(own[f])->sizes;
        if (sizes == p->sizes) continue;
        fail(type_, "expected a parameter of shape ", sizes, ", as its ", fields_[f].name, " is, ",
             "got one of shape ", p->sizes, "; make the optimizer anew after set_data()");
      }
    }
  }
}

void Optimizer::attach_state(Tensor* own, const Needed& needed, const TensorImpl& parameter,
                             Elements& elements, MissingState& made) const {
  std::size_t slot = 0;
  for (std::size_t f = 0; f < fields_.size(); ++f) {
    if (!needed[f]) continue;
    const bool number = fields_[f].is_number(), fresh = !own[f].defined();
    const bool product = fields_[f].kind == StateField::Product;
    const Tensor* tensor = &own[f];
    if (fresh || (!number && impl_of(*tensor)->dtype != parameter.dtype)) {
      made.emplace_back(&own[f], !fresh   ? tensor->to(parameter.dtype)
                                 : number ? full({}, product ? 1.0 : 0.0)
                                          : full(parameter.sizes, initial_value(f, elements.group),
                                                 {.dtype = parameter.dtype}));
      tensor = &made.back().second;
    }
    if (number) {
      (product ? elements.product_ : elements.counter_) = values_of<float>(*tensor);
    } else {
      elements.fresh |= fresh;
      elements.states_[slot++] = impl_of(*tensor)->data();
    }
  }
}

void Optimizer::count_update(Elements& elements) const {
  if (elements.counter_) elements.count = *elements.counter_ += 1;
  if (elements.product_)
    elements.product = *elements.product_ *=
        static_cast<float>(factor(elements.count, elements.group));
}

Tensor Optimizer::step(const std::function<Tensor()>& closure) {
  if (!closure) fail(type_, "expected a closure that returns the loss, got none");
  Tensor loss;
  {
    const autograd::EnableGradGuard recorded;
    loss = closure();
  }
  step();
  return loss;
}

void Optimizer::step() {
  check_gradients();
  NoGradGuard no_grad;
  std::vector<std::pair<Tensor, Tensor>> strided;  // parameters with gaps, and their packed copies
  std::vector<Tensor> packed;                      // keeps packed gradients alive
  MissingState made;
  int64_t total = 0;
  // What may fail comes before anything changes.
  with_memory(0, [&] {
    updates_.clear();
    Tensor* next_state = state_.data();
    for (int64_t g = 0; g < group_count(); ++g) {
      Needed needed = {};
      for (std::size_t f = 0; f < fields_.size(); ++f) needed[f] = needs(f, g);
      for (const Tensor& parameter : group_parameters_[static_cast<std::size_t>(g)]) {
        Tensor* const own_state = std::exchange(next_state, next_state + fields_.size());
        TensorImpl* p = impl_of(parameter);
        if (!p->grad.defined()) continue;
        const TensorImpl* grad = impl_of(p->grad);
        if (!grad->contiguous) {
          packed.push_back(p->grad.contiguous());
          grad = impl_of(packed.back());
        }
        void* values = p->data();
        if (!p->contiguous) {
          strided.emplace_back(parameter.detach(), parameter.contiguous());
          values = impl_of(strided.back().second)->data();
        }
        updates_.push_back(Elements(g, values, grad, total));
        if (p->contiguous) updates_.back().changed_ = p;
        attach_state(own_state, needed, *p, updates_.back(), made);
        total += p->numel;
      }
    }
  });
  for (auto& [place, tensor] : made) *place = std::move(tensor);
  for (Elements& elements : updates_) {
    if (elements.changed_) elements.changed_->storage->bump_version();
    count_update(elements);
  }

  constexpr int64_t kGrain = 32768;
  parallel_for(total, kGrain, [this](int64_t begin, int64_t end) {
    for (const Elements& all : updates_) {
      const int64_t from = std::max(begin - all.begin_, int64_t{0});
      const int64_t to = std::min(end - all.begin_, all.numel_);
      if (from >= to) continue;
      if (to - from == all.numel_) {
        update(all);
      } else {
        update(all.part(from, to));
      }
    }
  });
  for (auto& [parameter, values] : strided) parameter.copy_(values);
}

void Optimizer::zero_grad(bool set_to_none) {
  for (const auto& group : group_parameters_) {
    for (const Tensor& parameter : group) {
      Tensor& grad = impl_of(parameter)->grad;
      if (!grad.defined()) continue;
      if (set_to_none) {
        grad = Tensor();
      } else {
        grad = grad.detach();
        grad.zero_();
      }
    }
  }
}

void Optimizer::check_group(int64_t group, const char* op) const {
  if (group >= 0 && group < group_count()) return;
  fail(op, "expected a parameter group in [0, ", group_count(), "), got ", group);
}

const std::vector<Tensor>& Optimizer::parameters(int64_t group) const {
  check_group(group, "Optimizer::parameters");
  return group_parameters_[static_cast<std::size_t>(group)];
}

// --- Groups ---

void Optimizer::set_lr(double lr) {
  for (int64_t group = 0; group < group_count(); ++group) set_lr(group, lr);
}

std::vector<double> Optimizer::rates() const {
  return with_memory(0, [&] {
    std::vector<double> result;
    for (int64_t group = 0; group < group_count(); ++group) result.push_back(lr(group));
    return result;
  });
}

namespace {

auto momentum_among(std::map<std::string, double>& numbers) {
  const auto found = numbers.find("momentum");
  return found != numbers.end() ? found : numbers.find("betas.0");
}

}  // namespace

std::optional<double> Optimizer::momentum(int64_t group) const {
  check_group(group, type_);
  return with_memory(0, [&] {
    Numbers numbers = group_numbers(group);
    const auto found = momentum_among(numbers);
    return found != numbers.end() ? std::optional(found->second) : std::nullopt;
  });
}

void Optimizer::set_momentum(int64_t group, double momentum) {
  check_group(group, type_);
  with_memory(0, [&] {
    Numbers numbers = group_numbers(group);
    const auto found = momentum_among(numbers);
    if (found == numbers.end()) fail(type_, "expected an optimizer with momentum or beta1");
    found->second = momentum;
    set_group_numbers(group, numbers);
  });
}

double Optimizer::initial_lr(int64_t group) {
  check_group(group, "Optimizer::initial_lr");
  double& initial = initial_lrs_[static_cast<std::size_t>(group)];
  if (std::isnan(initial)) initial = lr(group);
  return initial;
}

void Optimizer::add_parameters(std::vector<Tensor> parameters) {
  with_memory(0, [&] {
    const char* op = type_;
    if (parameters.empty())
      fail(op,
           "optimizer got an empty parameter list; expected at least one parameter: a module has "
           "those that its constructor registers, with register_module or register_parameter");
    std::unordered_set<const TensorImpl*> known;
    for (const auto& group : group_parameters_)
      for (const Tensor& parameter : group) known.insert(impl_of(parameter));
    const std::size_t in_other_groups = known.size();
    std::unordered_set<const TensorImpl*> own;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const Tensor& parameter = parameters[i];
      const std::string which = text("parameter ", i);
      if (!parameter.defined()) fail(op, "expected tensors, got an undefined one as ", which);
      if (!is_floating(parameter.dtype()))
        fail(op, "expected floating parameters, got ", which, " of dtype ", parameter.dtype());
      if (!parameter.is_leaf())
        fail(op, "can't optimize a non-leaf Tensor: ", which, " of shape ", parameter.sizes(),
             " was made by ", parameter.grad_fn_name(),
             "; pass the leaf it was made from, or detach().requires_grad_() it");
      if (in_other_groups > 0 && known.count(impl_of(parameter)) > 0)
        fail(op, "some parameters appear in more than one parameter group: ", which, " of shape ",
             parameter.sizes());
      if (!own.insert(impl_of(parameter)).second)
        fail(op, "expected every parameter once, got ", which, " of shape ", parameter.sizes(),
             " twice in one parameter group");
    }
    state_.resize(state_.size() + parameters.size() * fields_.size());
    group_parameters_.push_back(std::move(parameters));
    initial_lrs_.push_back(std::numeric_limits<double>::quiet_NaN());
  });
}

// --- State ---

// What belongs at one place of `state_`.
struct Optimizer::Slot {
  std::string name;  // "state.0.momentum_buffer"
  const Tensor* parameter;
  const StateField* field;
  bool taken = false;  // by a tensor of the state that is checked
};

std::vector<Optimizer::Slot> Optimizer::slots() const {
  std::vector<Slot> result;
  std::size_t number = 0;
  for (const auto& group : group_parameters_) {
    for (const Tensor& parameter : group) {
      for (const StateField& field : fields_)
        result.push_back({text("state.", number, ".", field.name), &parameter, &field});
      ++number;
    }
  }
  return result;
}

OptimizerState OptimizerState::clone() const {
  return with_memory(0, [&] {
    OptimizerState copy = *this;
    copy.tensors = nn::clone(tensors);
    return copy;
  });
}

NamedTensors Optimizer::state_tensors() const {
  NamedTensors result;
  const std::vector<Slot> all = slots();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (state_[i].defined()) result.emplace_back(all[i].name, state_[i]);
  return result;
}

OptimizerState Optimizer::state_dict() const {
  return with_memory(0, [&] {
    OptimizerState result;
    result.type = type_;
    result.tensors = state_tensors();
    for (int64_t g = 0; g < group_count(); ++g) {
      const auto i = static_cast<std::size_t>(g);
      result.groups.push_back(group_numbers(g));
      if (!std::isnan(initial_lrs_[i])) result.groups.back()["initial_lr"] = initial_lrs_[i];
      result.group_sizes.push_back(static_cast<int64_t>(group_parameters_[i].size()));
    }
    return result;
  });
}

void Optimizer::check_layout(const OptimizerState& state, const std::string& op) const {
  if (state.type != type_)
    fail(op, "expected the state of an optimizer ", type_, ", got one of ", in_quotes(state.type));
  const std::size_t groups = group_parameters_.size();
  if (state.groups.size() != groups || state.group_sizes.size() != groups)
    fail(op, "loaded state dict has a different number of parameter groups: expected ", groups,
         ", got ", state.groups.size(),
         state.groups.size() == state.group_sizes.size()
             ? ""
             : text(" with ", state.group_sizes.size(), " sizes"));
  for (std::size_t g = 0; g < groups; ++g) {
    const auto expected = static_cast<int64_t>(group_parameters_[g].size());
    if (state.group_sizes[g] != expected)
      fail(op, "loaded state dict contains a parameter group that doesn't match the size of ",
           "optimizer's group: expected ", expected, " parameters in group ", g, ", got ",
           state.group_sizes[g]);
  }
}

void Optimizer::check_tensors(const NamedTensors& tensors, const std::string& op) const {
  std::vector<Slot> all = slots();
  std::unordered_map<std::string_view, Slot*> by_name;
  for (Slot& slot : all) by_name[slot.name] = &slot;
  std::unordered_set<const Tensor*> with_state;
  std::vector<std::string> unexpected, repeated;
  std::string problems;
  for (const auto& [name, tensor] : tensors) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      unexpected.push_back(name);
      continue;
    }
    Slot& slot = *found->second;
    with_state.insert(slot.parameter);
    const bool number = slot.field->is_number();
    const Shape sizes = number ? Shape{} : slot.parameter->sizes();
    if (slot.taken) {
      repeated.push_back(name);
    } else if (!tensor.defined() || !is_floating(tensor.dtype())) {
      problems += "\n\texpected a floating tensor for " + name + ".";
    } else if (tensor.sizes() != sizes) {
      problems += text(
          "\n\tsize mismatch for ", name, ": copying a tensor with shape ", tensor.sizes(),
          " from checkpoint, ",
          number ? "expected one number." : text("the shape of the parameter is ", sizes, "."));
    } else if (number) {
      const double value = tensor.item<double>();
      const bool counter = slot.field->kind == StateField::Counter;
      if (!std::isfinite(value) || (counter && !(value >= 0 && value == std::floor(value))))
        problems += text("\n\texpected a ", counter ? "whole number >= 0" : "finite number",
                         " for ", name, ", got ", shortest(value), ".");
    }
    slot.taken = true;
  }
  if (!unexpected.empty())
    problems += "\n\tUnexpected key(s) in state: " + quoted_list(unexpected) + ".";
  if (!repeated.empty()) problems += "\n\tRepeated key(s) in state: " + quoted_list(repeated) + ".";
  for (const Slot& slot : all)
    if (with_state.contains(slot.parameter) && !slot.taken && slot.field->kind != StateField::Extra)
      problems += "\n\tMissing key in state: \"" + slot.name + "\".";
  if (!problems.empty()) fail(op, "Error(s) in loading state_dict for ", type_, ":", problems);
}

void Optimizer::check_state_dict(const OptimizerState& state) const {
  with_memory(0, [&] {
    const std::string op = text(type_, "::load_state_dict");
    check_layout(state, op);
    for (Numbers numbers : state.groups) {
      numbers.erase("initial_lr");
      check_group_numbers(numbers);
    }
    check_tensors(state.tensors, op);
  });
}

void Optimizer::set_tensors(const NamedTensors& tensors) {
  std::unordered_map<std::string, Tensor> loaded(tensors.begin(), tensors.end());
  NoGradGuard no_grad;
  std::vector<Tensor> taken;
  for (const Slot& slot : slots()) {
    Tensor& tensor = taken.emplace_back();
    const auto found = loaded.find(slot.name);
    if (found == loaded.end()) continue;
    const DType dtype = slot.field->is_number() ? kFloat32 : slot.parameter->dtype();
    tensor = new_tensor(found->second.sizes(), dtype);
    tensor.copy_(found->second.detach());
  }
  state_ = std::move(taken);
}

void Optimizer::load_state_dict(const OptimizerState& state) {
  with_memory(0, [&] {
    check_state_dict(state);
    set_tensors(state.tensors);
    for (int64_t g = 0; g < group_count(); ++g) {
      const auto i = static_cast<std::size_t>(g);
      Numbers numbers = state.groups[i];
      const auto initial = numbers.extract("initial_lr");
      initial_lrs_[i] = initial ? initial.mapped() : std::numeric_limits<double>::quiet_NaN();
      set_group_numbers(g, numbers);
    }
    schedules_ = {.stepped = true, .left = rates(), .replaced = {}};
  });
}

// --- Options ---

void take_own(const OptionFields& fields) {
  for (const OptionField& field : fields)
    if (field.own) field.set(*field.own);
}

void check_limits(const OptionFields& fields, const char* type) {
  for (const OptionField& field : fields)
    if (const OptionLimit& limit = field.limit; limit.valid && !limit.valid(field.get()))
      fail(type, "Invalid ", limit.what, ": ", shortest(field.get()), "; expected ",
           limit.expected);
}

std::map<std::string, double> to_numbers(const OptionFields& fields) {
  std::map<std::string, double> numbers;
  for (const OptionField& field : fields) numbers[field.name] = field.get();
  return numbers;
}

void from_numbers(const OptionFields& fields, const std::map<std::string, double>& numbers,
                  const std::string& type) {
  const std::string op = type + "::load_state_dict";
  std::unordered_set<std::string> known;
  for (const OptionField& field : fields) {
    known.insert(field.name);
    const auto found = numbers.find(field.name);
    if (found == numbers.end()) fail(op, "expected the option \"", field.name, "\" in every group");
    const double value = found->second;
    if (field.flag != nullptr && value != 0 && value != 1)
      fail(op, "expected ", field.name, " 0 or 1, got ", shortest(value));
    field.set(value);
  }
  for (const auto& [key, value] : numbers)
    if (known.count(key) == 0) fail(op, "expected options of ", type, ", got ", in_quotes(key));
}

WeightDecaySplit split_weight_decay(const nn::Module& module, double weight_decay) {
  return with_memory(0, [&] {
    WeightDecaySplit split{{}, {}, weight_decay};
    for (const Tensor& parameter : module.parameters())
      (parameter.dim() >= 2 ? split.decayed : split.spared).push_back(parameter);
    return split;
  });
}

}  // namespace norma::optim
