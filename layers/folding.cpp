#include "norma/layers/folding.h"

#include <utility>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/random.h"
#include "norma/layers/conv.h"
#include "norma/layers/linear.h"
#include "norma/layers/module_state.h"

namespace norma::nn::folding {

namespace {

/// Stands where a norm stood: gives back what it is given, and refuses to train. Printed and named
/// in errors as the norm.
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

void check(const char* op, const Module& layer, const Tensor& weight, const BatchNorm& norm) {
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

/// Fills `fused` with what computes `layer` and then `norm`.
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

/// The module at `path`.
const Module& module_at(const Module& model, const std::string& path) {
  for (const auto& [name, module] : model.named_modules()) {
    if (name == path) return *module;
  }
  fail("fuse_conv_bn", "expected a clone() with the same modules, got one without ", path);
}

template <class Layer>
std::shared_ptr<Module> fused_module(const Module& layer, const BatchNorm& norm) {
  return std::make_shared<Layer>(fused("fuse_conv_bn", static_cast<const Layer&>(layer), norm));
}

}  // namespace

int64_t rank(const Module& layer) {
  return is_exactly<Conv2d>(layer)   ? 4
         : is_exactly<Conv1d>(layer) ? 3
         : is_exactly<Linear>(layer) ? 2
                                     : 0;
}

bool is_norm(const Module& module) {
  return is_exactly<BatchNorm1d, BatchNorm2d>(module) &&
         static_cast<const BatchNorm&>(module).running_mean.defined();
}

bool is_pair(const Module& layer, const Module& norm) {
  return rank(layer) > 0 && is_norm(norm) &&
         is_exactly<Conv2d>(layer) == is_exactly<BatchNorm2d>(norm);
}

void check_evaluates(const char* op, const Module& module) {
  if (!module.is_training()) return;
  fail(op, "expected layers in evaluation mode, got a ", module.type_name(),
       " that trains; call eval() first: what is folded in are the running statistics");
}

template <class Layer>
Layer fused(const char* op, const Layer& handle, const BatchNorm& norm) {
  const Layer layer = current(op, handle);
  check(op, layer, layer.weight, norm);
  const RandomStateGuard guard;
  Layer result = with_bias(layer);
  result.to(layer.weight.dtype());
  fill(result, layer, norm);
  result.weight.requires_grad_(layer.weight.requires_grad());
  result.bias.requires_grad_((layer.bias.defined() ? layer.bias : layer.weight).requires_grad());
  result.eval();
  return result;
}
template Conv2d fused(const char*, const Conv2d&, const BatchNorm&);
template Conv1d fused(const char*, const Conv1d&, const BatchNorm&);
template Linear fused(const char*, const Linear&, const BatchNorm&);

void fold(Module& model, const std::string& layer_path, const std::string& norm_path) {
  const Module& layer = module_at(model, layer_path);
  const auto& norm = static_cast<const BatchNorm&>(module_at(model, norm_path));
  std::shared_ptr<Module> one = is_exactly<Conv2d>(layer)   ? fused_module<Conv2d>(layer, norm)
                                : is_exactly<Conv1d>(layer) ? fused_module<Conv1d>(layer, norm)
                                                            : fused_module<Linear>(layer, norm);
  FoldedNorm passes(norm.type_name(), norm.extra_repr(), rank(layer));
  passes.eval();
  model.set_submodule(layer_path, std::move(one));
  model.set_submodule(norm_path, std::move(passes));
}

}  // namespace norma::nn::folding
