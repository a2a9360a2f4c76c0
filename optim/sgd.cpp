#include "norma/optim/sgd.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <unordered_map>

#include "norma/autograd/grad_mode.h"
#include "norma/core/factory.h"
#include "norma/core/simd.h"
#include "norma/core/tensor_impl.h"
#include "norma/core/threads.h"
#include "norma/optim/number.h"

namespace norma::optim {

// Everything a step needs of one parameter; `begin` is its place among all elements of the step.
struct SGD::Update {
  void* p;
  const void* g;
  void* buf;  // null without momentum
  int64_t begin, numel;
  const SGDOptions* options;
  DType dtype;
  bool first;  // the buffer is new
};

namespace {

void check_options(const SGDOptions& options) {
  if (!(options.lr >= 0))
    fail("SGD", "Invalid learning rate: " + number(options.lr) + "; expected lr >= 0");
  if (!(options.momentum >= 0))
    fail("SGD", "Invalid momentum value: " + number(options.momentum) + "; expected momentum >= 0");
  if (!(options.weight_decay >= 0))
    fail("SGD", "Invalid weight_decay value: " + number(options.weight_decay) +
                    "; expected weight_decay >= 0");
  if (options.nesterov && (options.momentum <= 0 || options.dampening != 0))
    fail("SGD", "Nesterov momentum requires a momentum and zero dampening; got momentum " +
                    number(options.momentum) + " and dampening " + number(options.dampening));
}

enum class Rule { Plain, Momentum, Nesterov };

template <class T>
struct Factors {
  T sign, decay, momentum, rest, lr;
};

template <class T, Rule rule, bool decays>
void update(T* p, const T* g, T* buf, int64_t n, Factors<T> f) {
  simd([=]() NORMA_INLINE {
    for (int64_t i = 0; i < n; ++i) {
      T d = f.sign * g[i];
      if constexpr (decays) d += f.decay * p[i];
      if constexpr (rule != Rule::Plain) {
        const T velocity = f.momentum * buf[i] + f.rest * d;
        buf[i] = velocity;
        d = rule == Rule::Nesterov ? d + f.momentum * velocity : velocity;
      }
      p[i] -= f.lr * d;
    }
  });
}

template <class T, Rule rule>
void update(T* p, const T* g, T* buf, int64_t n, const Factors<T>& f) {
  if (f.decay != T(0)) {
    update<T, rule, true>(p, g, buf, n, f);
  } else {
    update<T, rule, false>(p, g, buf, n, f);
  }
}

// Elements [begin, begin + n) of one parameter.
template <class T>
void update(void* p_data, const void* g_data, void* buf_data, int64_t begin, int64_t n, bool first,
            const SGDOptions& o) {
  T* p = static_cast<T*>(p_data) + begin;
  const T* g = static_cast<const T*>(g_data) + begin;
  // A new buffer holds zeros: without dampening its first value is the gradient.
  const double rest = first ? 1.0 : 1.0 - o.dampening;
  const Factors<T> f{static_cast<T>(o.maximize ? -1 : 1), static_cast<T>(o.weight_decay),
                     static_cast<T>(o.momentum), static_cast<T>(rest), static_cast<T>(o.lr)};
  if (!buf_data) return update<T, Rule::Plain>(p, g, nullptr, n, f);
  T* buf = static_cast<T*>(buf_data) + begin;
  if (o.nesterov) {
    update<T, Rule::Nesterov>(p, g, buf, n, f);
  } else {
    update<T, Rule::Momentum>(p, g, buf, n, f);
  }
}

}  // namespace

SGD::SGD(std::vector<Tensor> params, const SGDOptions& options) : defaults_(options) {
  add_param_group({.params = std::move(params)});
}

SGD::SGD(std::vector<SGDParamGroup> groups, const SGDOptions& defaults) : defaults_(defaults) {
  if (groups.empty())
    fail("SGD", "optimizer got an empty parameter list; expected at least one parameter group");
  check_options(defaults);
  for (SGDParamGroup& group : groups) add_param_group(std::move(group));
}

SGD::~SGD() = default;

void SGD::add_param_group(SGDParamGroup group) {
  const SGDOptions options{.lr = group.lr.value_or(defaults_.lr),
                           .momentum = group.momentum.value_or(defaults_.momentum),
                           .dampening = group.dampening.value_or(defaults_.dampening),
                           .weight_decay = group.weight_decay.value_or(defaults_.weight_decay),
                           .nesterov = group.nesterov.value_or(defaults_.nesterov),
                           .maximize = group.maximize.value_or(defaults_.maximize)};
  check_options(options);
  add_parameters(std::move(group.params), "SGD");
  group_options_.push_back(options);
  momentum_buffers_.resize(static_cast<std::size_t>(parameter_count()));
  updates_.reserve(momentum_buffers_.size());
}

const SGDOptions& SGD::options(int64_t group) const {
  check_group(group, "SGD");
  return group_options_[static_cast<std::size_t>(group)];
}

void SGD::set_options(int64_t group, const SGDOptions& options) {
  check_group(group, "SGD");
  check_options(options);
  group_options_[static_cast<std::size_t>(group)] = options;
}

void SGD::set_lr(int64_t group, double lr) {
  check_group(group, "SGD");
  group_options_[static_cast<std::size_t>(group)].lr = lr;
}

void SGD::step() {
  for (const auto& group : group_parameters_) {
    for (const Tensor& parameter : group) {
      const TensorImpl* p = parameter.impl();
      if (!p->grad.defined()) continue;
      const TensorImpl* grad = p->grad.impl();
      if (grad->dtype == p->dtype && grad->sizes == p->sizes) continue;
      fail("SGD", "expected a gradient of shape " + p->sizes.str() + " and dtype " +
                      dtype_name(p->dtype) + ", got shape " + grad->sizes.str() + " and dtype " +
                      dtype_name(grad->dtype));
    }
  }

  NoGradGuard no_grad;
  updates_.clear();
  std::vector<std::pair<Tensor, Tensor>> strided;  // parameters with gaps, and their packed copies
  std::vector<Tensor> packed;                      // keeps packed gradients alive
  int64_t total = 0;
  std::size_t index = 0;
  for (std::size_t g = 0; g < group_parameters_.size(); ++g) {
    const SGDOptions& options = group_options_[g];
    for (const Tensor& parameter : group_parameters_[g]) {
      Tensor& buffer = momentum_buffers_[index++];
      TensorImpl* p = parameter.impl();
      if (!p->grad.defined()) continue;
      const TensorImpl* grad = p->grad.impl();
      if (!grad->contiguous) {
        packed.push_back(p->grad.contiguous());
        grad = packed.back().impl();
      }
      void* values = p->data();
      if (p->contiguous) {
        p->storage->bump_version();
      } else {
        strided.emplace_back(parameter.detach(), parameter.contiguous());
        values = strided.back().second.impl()->data();
      }
      const bool first = !buffer.defined();
      void* velocity = nullptr;
      if (options.momentum != 0) {
        if (first) {
          buffer = zeros(p->sizes, {.dtype = p->dtype});
        } else if (buffer.impl()->dtype != p->dtype) {
          buffer = buffer.to(p->dtype);
        }
        velocity = buffer.impl()->data();
      }
      updates_.push_back(
          {values, grad->data(), velocity, total, p->numel, &options, p->dtype, first});
      total += p->numel;
    }
  }

  constexpr int64_t kGrain = 32768;
  parallel_for(total, kGrain, [this](int64_t begin, int64_t end) {
    for (const Update& u : updates_) {
      const int64_t from = std::max(begin - u.begin, int64_t{0});
      const int64_t to = std::min(end - u.begin, u.numel);
      if (from >= to) continue;
      dispatch_floating(u.dtype, [&]<class T>() {
        update<T>(u.p, u.g, u.buf, from, to - from, u.first, *u.options);
      });
    }
  });
  for (auto& [parameter, values] : strided) parameter.copy_(values);
}

namespace {

std::string buffer_name(std::size_t index) {
  return "state." + std::to_string(index) + ".momentum_buffer";
}

std::map<std::string, double> to_numbers(const SGDOptions& o) {
  return {{"lr", o.lr},
          {"momentum", o.momentum},
          {"dampening", o.dampening},
          {"weight_decay", o.weight_decay},
          {"nesterov", o.nesterov ? 1.0 : 0.0},
          {"maximize", o.maximize ? 1.0 : 0.0}};
}

SGDOptions to_options(const std::map<std::string, double>& numbers) {
  return {.lr = numbers.at("lr"),
          .momentum = numbers.at("momentum"),
          .dampening = numbers.at("dampening"),
          .weight_decay = numbers.at("weight_decay"),
          .nesterov = numbers.at("nesterov") != 0,
          .maximize = numbers.at("maximize") != 0};
}

}  // namespace

OptimizerState SGD::state_dict() const {
  OptimizerState state;
  state.type = "SGD";
  for (std::size_t i = 0; i < momentum_buffers_.size(); ++i)
    if (momentum_buffers_[i].defined())
      state.tensors.emplace_back(buffer_name(i), momentum_buffers_[i]);
  for (std::size_t g = 0; g < group_options_.size(); ++g) {
    state.groups.push_back(to_numbers(group_options_[g]));
    if (!std::isnan(initial_lrs_[g])) state.groups.back()["initial_lr"] = initial_lrs_[g];
    state.group_sizes.push_back(static_cast<int64_t>(group_parameters_[g].size()));
  }
  return state;
}

void SGD::check_state_dict(const OptimizerState& state) const {
  const char* op = "SGD::load_state_dict";
  check_layout(state, "SGD", op);
  for (const auto& numbers : state.groups) {
    for (const auto& [key, value] : to_numbers({}))
      if (numbers.count(key) == 0) fail(op, "expected the option \"" + key + "\" in every group");
    for (const auto& [key, value] : numbers)
      if (key != "initial_lr" && to_numbers({}).count(key) == 0)
        fail(op, "expected options of SGD, got \"" + key + "\"");
    check_options(to_options(numbers));
  }
  std::unordered_map<std::string, const Tensor*> parameters;
  std::size_t index = 0;
  for (const auto& group : group_parameters_)
    for (const Tensor& parameter : group) parameters[buffer_name(index++)] = &parameter;
  std::string problems;
  for (const auto& [name, tensor] : state.tensors) {
    const auto found = parameters.find(name);
    if (found == parameters.end()) {
      problems += "\n\tUnexpected key in state: \"" + name + "\".";
    } else if (!found->second) {
      problems += "\n\tRepeated key in state: \"" + name + "\".";
    } else if (!tensor.defined() || !is_floating(tensor.dtype())) {
      problems += "\n\texpected a floating tensor for " + name + ".";
    } else if (!(tensor.sizes() == found->second->sizes())) {
      problems += "\n\tsize mismatch for " + name + ": copying a tensor with shape " +
                  tensor.sizes().str() + " from checkpoint, the shape of the parameter is " +
                  found->second->sizes().str() + ".";
    }
    if (found != parameters.end()) found->second = nullptr;
  }
  if (!problems.empty()) fail(op, "Error(s) in loading state_dict for SGD:" + problems);
}

void SGD::load_state_dict(const OptimizerState& state) {
  check_state_dict(state);
  std::unordered_map<std::string, Tensor> copies;
  for (const auto& [name, tensor] : state.tensors) copies[name] = tensor.detach();
  NoGradGuard no_grad;
  std::vector<Tensor> buffers;
  for (const auto& group : group_parameters_) {
    for (const Tensor& parameter : group) {
      const auto found = copies.find(buffer_name(buffers.size()));
      if (found == copies.end()) {
        buffers.emplace_back();
      } else {
        buffers.push_back(new_tensor(parameter.sizes(), parameter.dtype()));
        buffers.back().copy_(found->second);
      }
    }
  }
  momentum_buffers_ = std::move(buffers);
  for (std::size_t g = 0; g < group_options_.size(); ++g) {
    group_options_[g] = to_options(state.groups[g]);
    const auto initial = state.groups[g].find("initial_lr");
    initial_lrs_[g] = initial == state.groups[g].end() ? std::numeric_limits<double>::quiet_NaN()
                                                       : initial->second;
  }
}

std::vector<SGDParamGroup> split_weight_decay(const nn::Module& module, double weight_decay) {
  SGDParamGroup decayed{.weight_decay = weight_decay};
  SGDParamGroup spared{.weight_decay = 0.0};
  for (const Tensor& parameter : module.parameters())
    (parameter.dim() >= 2 ? decayed : spared).params.push_back(parameter);
  std::vector<SGDParamGroup> groups;
  for (SGDParamGroup* group : {&decayed, &spared})
    if (!group->params.empty()) groups.push_back(std::move(*group));
  return groups;
}

}  // namespace norma::optim
