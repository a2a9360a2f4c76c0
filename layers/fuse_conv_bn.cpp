// fuse_conv_bn finds the pairs of a layer and a norm (conv_bn_pairs.h). In a copy of the model it
// replaces the layer by one that computes both, and the norm by a FoldedNorm.
#include "norma/layers/fuse_conv_bn.h"

#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/random.h"
#include "norma/layers/conv_bn_pairs.h"
#include "norma/layers/module_state.h"

namespace norma::nn {

namespace {

/// Replaces a norm, as which it is printed: returns its input, and refuses to train.
class FoldedNorm final : public Cloneable<FoldedNorm> {
 public:
  FoldedNorm(std::string type, std::string options, int64_t rank)
      : type_(std::move(type)), options_(std::move(options)), rank_(rank) {}

  Tensor forward(const Tensor& input) override {
    if (is_training()) {
      fail(type_,
           "expected evaluation mode, got a norm that trains although fuse_conv_bn folded it into "
           "the layer before it; train the model that was folded, and fold that again");
    }
    if (input.defined() && input.dim() != rank_) {
      fail(type_, "expected ", rank_,
           "D input, as the layer gives that it was folded into, got input size ", input.sizes());
    }
    return input;
  }

  std::string type_name() const override { return type_; }
  std::string extra_repr() const override { return options_ + ", folded=True"; }
  FoldedNorm fresh() const { return FoldedNorm(type_, options_, rank_); }

 private:
  std::string type_, options_;
  int64_t rank_;
};

/// The layer that calls of `layer` go to.
template <class Layer>
Layer current(const char* op, const Layer& layer) {
  const std::shared_ptr<Module> other = layer.replacement();
  if (!other) return layer;
  if (const auto* found = dynamic_cast<const Layer*>(other.get())) return *found;
  fail(op, "expected a ", layer.type_name(), ", got one that a ", other->type_name(),
       " has replaced");
}

void check_evaluates(const char* op, const Module& module) {
  if (!module.is_training()) return;
  fail(op, "expected layers in evaluation mode, got a ", module.type_name(),
       " that trains; call eval() first: what is folded in are the running statistics");
}

void check_pair(const char* op, const Module& layer, const Tensor& weight, const BatchNorm& norm) {
  check_evaluates(op, layer);
  check_evaluates(op, norm);
  const std::string type = norm.type_name();
  if (norm.replacement()) {
    fail(op, "expected a ", type, " that does something, got one that was folded before");
  }
  if (!norm.running_mean.defined()) {
    fail(op, "expected a ", type,
         " with running statistics, got one with track_running_stats = false; it needs the "
         "statistics of every batch and cannot be folded");
  }
  const int64_t channels = weight.size(0);
  if (norm.num_features() != channels) {
    fail(op, "expected a ", type, " of the ", channels, " channels that the ", layer.type_name(),
         " gives, got one of ", norm.num_features());
  }
  const DType ours = weight.dtype(), theirs = norm.running_var.dtype();
  if (ours != theirs) {
    fail(op, "expected layers of one dtype, got ", ours, " and ", theirs,
         "; convert one with to()");
  }
}

template <class Conv>
Conv with_bias(const Conv& conv) {
  auto options = conv.options();
  options.bias = true;
  return Conv(conv.in_channels(), conv.out_channels(), conv.kernel_size(), options);
}
Linear with_bias(const Linear& linear) {
  return Linear(linear.in_features(), linear.out_features());
}

Tensor in_double(const Tensor& tensor, double absent) {
  return tensor.defined() ? tensor.to(kFloat64) : full(Shape{}, absent, {.dtype = kFloat64});
}

/// Gives `fused` the weight and bias by the formula of `fuse_conv_bn_eval`.
template <class Layer>
void fill(Layer& fused, const Layer& layer, const BatchNorm& norm) {
  const NoGradGuard no_grad;
  const Tensor deviation = (norm.running_var.to(kFloat64) + norm.options().eps).sqrt();
  // As in batch_norm: where nothing varies, the normalised value is 0.
  const Tensor scale = (in_double(norm.weight, 1.0) / deviation).masked_fill(deviation == 0.0, 0.0);
  Shape rows = Shape::filled(layer.weight.dim(), 1);
  rows[0] = -1;
  fused.weight.copy_(layer.weight.to(kFloat64) * scale.reshape(rows));
  fused.bias.copy_((in_double(layer.bias, 0.0) - norm.running_mean.to(kFloat64)) * scale +
                   in_double(norm.bias, 0.0));
}

/// `handle(x)` followed by `norm` as one layer.
template <class Layer>
Layer fused(const char* op, const Layer& handle, const BatchNorm& norm) {
  const Layer layer = current(op, handle);
  check_pair(op, layer, layer.weight, norm);
  const RandomStateGuard guard;
  Layer result = with_bias(layer);
  result.to(layer.weight.dtype());
  fill(result, layer, norm);
  result.weight.requires_grad_(layer.weight.requires_grad());
  result.bias.requires_grad_((layer.bias.defined() ? layer.bias : layer.weight).requires_grad());
  result.eval();
  return result;
}

std::shared_ptr<Module> fused_module(const Module& layer, const BatchNorm& norm) {
  const auto with_norm = [&]<class Layer>(const Layer* found) {
    return std::make_shared<Layer>(fused("fuse_conv_bn", *found, norm));
  };
  if (const auto* conv = dynamic_cast<const Conv2d*>(&layer)) return with_norm(conv);
  if (const auto* conv = dynamic_cast<const Conv1d*>(&layer)) return with_norm(conv);
  return with_norm(&dynamic_cast<const Linear&>(layer));
}

using Paths = std::unordered_map<std::string, std::shared_ptr<Module>>;

Paths paths_of(const Module& model) {
  Paths paths;
  for (const auto& [path, parent] : model.named_modules()) {
    for (auto& [name, child] : parent->named_children()) paths.emplace(join(path, name), child);
  }
  return paths;
}

const Module& module_at(const Paths& paths, const std::string& path) {
  const auto found = paths.find(path);
  if (found != paths.end()) return *found->second;
  fail("fuse_conv_bn", "expected a clone() with the same modules, got one without ", path);
}

/// Calls `body(module)`; an error names the module at `path`.
void named(const std::string& path, const Module& module, auto body) {
  try {
    body(module);
  } catch (Error& error) {
    error.add_module(path, module.type_name());
    throw;
  }
}

void check_evaluates(const Module& model) {
  for (const auto& [path, module] : model.named_modules()) {
    named(path, *module, [](const Module& m) { check_evaluates("fuse_conv_bn", m); });
  }
}

/// By path, what takes the places of the layers and norms of these pairs; changes nothing.
std::vector<std::pair<std::string, std::shared_ptr<Module>>> replacements(
    const Module& model, const std::vector<ConvBnPair>& pairs) {
  const Paths paths = paths_of(model);
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> all;
  for (const ConvBnPair& pair : pairs) {
    const Module& layer = module_at(paths, pair.layer);
    const auto& norm = static_cast<const BatchNorm&>(module_at(paths, pair.norm));
    const auto passes =
        std::make_shared<FoldedNorm>(norm.type_name(), norm.extra_repr(), foldable_rank(layer));
    passes->eval();
    named(pair.norm, norm, [&](const Module&) {
      all.emplace_back(pair.layer, fused_module(layer, norm));
      all.emplace_back(pair.norm, passes);
    });
  }
  return all;
}

void fold(Module& model, const std::vector<ConvBnPair>& pairs) {
  for (auto& [path, module] : replacements(model, pairs)) model.set_submodule(path, module);
}

std::shared_ptr<Module> folded(const Module& model, const std::vector<ConvBnPair>& pairs) {
  std::shared_ptr<Module> copy = model.clone_module();
  fold(*copy, pairs);
  return copy;
}

/// `body()`, after which the model's parameters and buffers are what they were.
auto with_state_kept(const Module& model, auto body) {
  struct Kept {
    Tensor tensor, values;
    bool requires_grad;
  };
  std::vector<Kept> all;
  for (const auto& [name, tensor] : model.state_dict()) {
    all.push_back({tensor, tensor.detach().clone(), tensor.requires_grad()});
  }
  const auto restore = [&] {
    const NoGradGuard no_grad;
    for (auto& [tensor, values, requires_grad] : all) {
      tensor.requires_grad_(requires_grad);
      if (!equal(tensor, values)) tensor.copy_(values);
    }
  };
  try {
    auto result = body();
    restore();
    return result;
  } catch (...) {
    restore();
    throw;
  }
}

/// The distance between 1 and the next number in the coarsest dtype of a model.
double rounding(const Module& model) {
  for (const Tensor& parameter : model.parameters()) {
    if (parameter.dtype() == kFloat32) return double{std::numeric_limits<float>::epsilon()};
  }
  return std::numeric_limits<double>::epsilon();
}

/// Throws if the folded model's output for the example is not `expected`.
void check_output(Module& folded, const Tensor& example, const Tensor& expected) {
  const NoGradGuard no_grad;
  const Tensor output = run_example(folded, example);
  const auto largest = [](const Tensor& values) { return values.abs().max().item<double>(); };
  const double difference = largest(output.to(kFloat64) - expected.to(kFloat64));
  const double size = largest(expected.to(kFloat64));
  if (difference <= 1e3 * rounding(folded) * size) return;
  fail("fuse_conv_bn",
       "expected the folded model to give for the example what the model gives, got values that "
       "differ by ",
       difference, " where the largest is ", size,
       "; what a layer gives is used besides its norm where no graph shows it (detach(), "
       "item(), NoGradGuard), or forward() gives something else each time: fold the pairs by "
       "hand, with fuse_conv_bn_eval");
}

}  // namespace

Conv2d fuse_conv_bn_eval(const Conv2d& conv, const BatchNorm2d& bn) {
  return fused("fuse_conv_bn_eval", conv, bn);
}

Conv1d fuse_conv_bn_eval(const Conv1d& conv, const BatchNorm1d& bn) {
  return fused("fuse_conv_bn_eval", conv, bn);
}

Linear fuse_linear_bn_eval(const Linear& linear, const BatchNorm1d& bn) {
  return fused("fuse_linear_bn_eval", linear, bn);
}

std::shared_ptr<Module> fuse_conv_bn(const Module& model) {
  return with_memory(0, [&] {
    check_evaluates(model);
    return folded(model, pairs_in_sequentials(model));
  });
}

std::shared_ptr<Module> fuse_conv_bn(const Module& model, const Tensor& example_input) {
  return with_memory(0, [&] {
    check_evaluates(model);
    // What runs is thrown away: a forward may change the state of its model.
    const auto [output, pairs] = find_pairs(*model.clone_module(), example_input);
    if (!pairs.empty()) check_output(*folded(model, pairs), example_input, output);
    return folded(model, pairs);
  });
}

void fuse_conv_bn_(Module& model) {
  with_memory(0, [&] {
    check_evaluates(model);
    fold(model, pairs_in_sequentials(model));
  });
}

void fuse_conv_bn_(Module& model, const Tensor& example_input) {
  with_memory(0, [&] {
    check_evaluates(model);
    const ExampleRun run = with_state_kept(model, [&] { return find_pairs(model, example_input); });
    const Paths before = paths_of(model);
    fold(model, run.pairs);
    try {
      with_state_kept(model, [&] { return check_output(model, example_input, run.output), true; });
    } catch (...) {
      for (const auto& [layer, norm] : run.pairs) {
        model.set_submodule(layer, before.at(layer));
        model.set_submodule(norm, before.at(norm));
      }
      throw;
    }
  });
}

}  // namespace norma::nn
