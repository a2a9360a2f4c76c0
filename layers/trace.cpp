#include "norma/layers/trace.h"

#include <algorithm>
#include <limits>
#include <list>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/observer.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/record.h"
#include "norma/core/random.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/folding.h"
#include "norma/layers/module_state.h"
#include "norma/layers/repr.h"

namespace norma::nn {

namespace {

/// A layer or a norm of the model.
struct Part {
  std::string path;
  Module* module;
  Tensor weight;
};

/// Undefined where it has none.
Tensor weight_of(const Module& module) {
  for (const auto& [name, tensor] : module.named_parameters()) {
    if (name == "weight") return tensor;
  }
  return Tensor();
}

/// One call of it. Holds what it gave, so that no later result gets its address.
struct Call {
  const Part* part;
  Tensor result;
  Ref<autograd::Node> node;  // of the result, as it was then
  uint64_t version;
};

/// The operations in the graph that take what `node` stands for, apart from `holders` of it.
int64_t uses(const History* node, int64_t holders) {
  return node ? node->use_count() - holders : 0;
}

/// Watches the calls of a model. Watched, it also runs every layer by itself.
class Recorder final : public autograd::Observer {
 public:
  explicit Recorder(Module& model) {
    for (auto& [path, module] : model.named_modules()) {
      if (folding::rank(*module) == 0 && !folding::is_norm(*module)) continue;
      Tensor weight = weight_of(*module);
      // The graph shows where a tensor goes only if something in it requires a gradient.
      if (weight.defined()) weight.requires_grad_();
      parts_.push_back({path, module, weight});
    }
  }

  void called(const autograd::Scope& module, const Tensor& result, autograd::Inputs) override {
    for (const Part& part : parts_) {
      if (!part.module->is_same(Module::of(module))) continue;
      calls_.push_back({&part, result, autograd::gradient_edge(result), result.version()});
    }
  }

  /// To be asked when the run is over and its output still there.
  std::vector<std::pair<std::string, std::string>> pairs() const {
    std::vector<std::pair<std::string, std::string>> found;
    for (const Part& norm : parts_) {
      const Part* layer = layer_of(norm);
      if (layer) found.emplace_back(layer->path, norm.path);
    }
    return found;
  }

 private:
  /// The layer that gives all that the norm takes, and gives to nobody else; null if there is none.
  const Part* layer_of(const Part& norm) const {
    const Part* layer = nullptr;
    for (const Call& call : calls_) {
      if (call.part != &norm) continue;
      const Call* source = source_of(call);
      if (!source || (layer && source->part != layer)) return nullptr;
      layer = source->part;
    }
    if (!layer || !folding::is_pair(*layer->module, *norm.module)) return nullptr;
    const auto times = calls(norm);
    return calls(*layer) == times && weight_is_used(*layer, times) && weight_is_used(norm, times)
               ? layer
               : nullptr;
  }

  /// The call whose result the call `norm` took, as it was, and as the only one.
  const Call* source_of(const Call& norm) const {
    for (const Call& call : calls_) {
      if (!call.node || !norm.node || norm.node->inputs[0].get() != call.node.get()) continue;
      const bool is_as_it_was = call.result.version() == call.version;
      // Held by this call alone; its node by this call, by the result and by the norm.
      const bool is_used_once =
          call.result.impl()->use_count() == 1 && uses(call.node.get(), 2) == 1;
      const bool has_its_channels = call.result.dim() == folding::rank(*call.part->module);
      return is_as_it_was && is_used_once && has_its_channels ? &call : nullptr;
    }
    return nullptr;
  }

  std::ptrdiff_t calls(const Part& part) const {
    return std::count_if(calls_.begin(), calls_.end(),
                         [&](const Call& call) { return call.part == &part; });
  }

  /// Whether the weight is used so often. More: by another module, or by a call that went past
  /// Module::operator().
  static bool weight_is_used(const Part& part, std::ptrdiff_t times) {
    return !part.weight.defined() || uses(part.weight.impl()->node.get(), 1) == times;
  }

  std::list<Part> parts_;  // whose addresses stay
  std::vector<Call> calls_;
};

Tensor run(Module& model, const Tensor& example) {
  const RandomStateGuard guard;  // both runs draw the same numbers
  return model(example.detach().clone());
}

/// The distance between 1 and the next number in the coarsest dtype of a model.
double rounding(const Module& model) {
  for (const Tensor& parameter : model.parameters()) {
    if (parameter.dtype() == kFloat32) return double{std::numeric_limits<float>::epsilon()};
  }
  return std::numeric_limits<double>::epsilon();
}

}  // namespace

SeenPairs::SeenPairs(Module& copy, const Tensor& example_input) : example_(example_input) {
  if (!example_input.defined())
    fail("fuse_conv_bn", "expected an example of the model's input, got an undefined tensor");
  const autograd::EnableGradGuard recording;
  Recorder recorder(copy);
  const autograd::ObserverGuard watch(recorder);
  const Tensor output = run(copy, example_);
  pairs_ = recorder.pairs();
  output_ = output.detach();
  if (output_.numel() == 0) {
    fail("fuse_conv_bn",
         "expected an example for which there is something to compare, got one that "
         "gives an output of shape ",
         output_.sizes());
  }
}

void SeenPairs::fold(Module& copy) const {
  for (const auto& [layer, norm] : pairs_) folding::fold(copy, layer, norm);
}

void SeenPairs::check(Module& copy) const {
  if (pairs_.empty()) return;
  fold(copy);
  const NoGradGuard no_grad;
  const Tensor output = run(copy, example_);
  const auto largest = [](const Tensor& values) { return values.abs().max().item<double>(); };
  const double difference = largest(output.to(kFloat64) - output_.to(kFloat64));
  const double size = largest(output_.to(kFloat64));
  if (difference <= 1e3 * rounding(copy) * size) return;
  fail("fuse_conv_bn",
       "expected the folded model to give for the example what the model gives, got values that "
       "differ by ",
       difference, " where the largest is ", size,
       "; what a layer gives is used besides its norm where no graph shows it (detach(), "
       "item(), NoGradGuard), or forward() gives something else each time: fold the pairs by "
       "hand, with fuse_conv_bn_eval");
}

}  // namespace norma::nn
