#include "norma/layers/conv_bn_pairs.h"

#include <list>
#include <unordered_map>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/observer.h"
#include "norma/autograd/record.h"
#include "norma/core/random.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/batch_norm.h"
#include "norma/layers/conv.h"
#include "norma/layers/linear.h"
#include "norma/layers/module_state.h"
#include "norma/layers/sequential.h"

namespace norma::nn {

namespace {

/// Whether it is a BatchNorm2d or BatchNorm1d itself, with running statistics.
bool is_norm(const Module& module) {
  return is_exactly<BatchNorm1d, BatchNorm2d>(module) &&
         static_cast<const BatchNorm&>(module).running_mean.defined();
}

/// Whether they are of the classes that go together.
bool is_pair(const Module& layer, const Module& norm) {
  return foldable_rank(layer) > 0 && is_norm(norm) &&
         is_exactly<Conv2d>(layer) == is_exactly<BatchNorm2d>(norm);
}

/// Adds the pairs in the Sequential at `path`, and in those that stand in it.
void add_pairs(const Module& module, const std::string& path, std::vector<ConvBnPair>& found) {
  if (!is_exactly<Sequential>(module)) return;
  const auto& row = static_cast<const Sequential&>(module);
  std::unordered_map<const void*, int> times;
  for (const Module& child : row) ++times[child.id()];
  const auto stands_once = [&](const Module& child) { return times[child.id()] == 1; };
  const auto children = row.named_children();
  for (std::size_t i = 0; i < children.size(); ++i) {
    const auto& [name, layer] = children[i];
    add_pairs(*layer, path + name + ".", found);
    if (i + 1 == children.size()) break;
    const auto& [norm_name, norm] = children[i + 1];
    if (is_pair(*layer, *norm) && stands_once(*layer) && stands_once(*norm)) {
      found.push_back({path + name, path + norm_name});
    }
  }
}

/// A layer or a norm of the model, which may be half of a pair.
struct Candidate {
  std::string path;
  Module* module;
  Tensor weight;
  int64_t uses;                         // of the weight before the run, as by another graph
  std::vector<std::size_t> calls = {};  // their numbers in the list of all
};

/// Undefined where it has none.
Tensor weight_of(const Module& module) {
  for (const auto& [name, tensor] : module.named_parameters()) {
    if (name == "weight") return tensor;
  }
  return Tensor();
}

/// One call of it. Holds the result, so that no later one gets its address.
struct Call {
  const Candidate* candidate;
  Tensor result;
  Ref<autograd::Node> node;  // of the result, as it was then
  uint64_t version;
};

/// How many operations in the graph use the result of `node`, whose other owners are `holders`.
int64_t uses(const GraphNode* node, int64_t holders) {
  return node ? node->use_count() - holders : 0;
}

int64_t uses_of(const Tensor& weight) {
  return weight.defined() ? uses(impl_of(weight)->node.get(), 1) : 0;
}

/// Records the calls of a model's layers and norms. While it watches, nothing is fused.
class Recorder final : public autograd::Observer {
 public:
  explicit Recorder(Module& model) {
    for (auto& [path, module] : model.named_modules()) {
      if (foldable_rank(*module) == 0 && !is_norm(*module)) continue;
      Tensor weight = weight_of(*module);
      // Operations are recorded only if one of their inputs requires a gradient.
      if (weight.defined()) weight.requires_grad_();
      candidates_.push_back({path, module, weight, uses_of(weight)});
      by_module_[module->id()] = &candidates_.back();
    }
  }

  void called(const autograd::Scope& module, const Tensor& result, autograd::Inputs) override {
    const auto found = by_module_.find(Module::of(module).id());
    if (found == by_module_.end()) return;
    Candidate& candidate = *found->second;
    Call call{&candidate, result, autograd::gradient_edge(result), result.version()};
    if (call.node) by_node_.emplace(call.node.get(), calls_.size());
    candidate.calls.push_back(calls_.size());
    calls_.push_back(std::move(call));
  }

  /// To be called after the run, while its output is alive.
  std::vector<ConvBnPair> pairs() const {
    std::vector<ConvBnPair> found;
    for (const Candidate& norm : candidates_) {
      const Candidate* layer = layer_of(norm);
      if (layer) found.push_back({layer->path, norm.path});
    }
    return found;
  }

 private:
  /// The layer whose results are all that the norm takes, and go nowhere else; or null.
  const Candidate* layer_of(const Candidate& norm) const {
    const Candidate* layer = nullptr;
    for (const std::size_t at : norm.calls) {
      const Call* source = source_of(calls_[at]);
      if (!source || (layer && source->candidate != layer)) return nullptr;
      layer = source->candidate;
    }
    if (!layer || !is_pair(*layer->module, *norm.module)) return nullptr;
    const auto times = calls(norm);
    return calls(*layer) == times && weight_is_used(*layer, times) && weight_is_used(norm, times)
               ? layer
               : nullptr;
  }

  /// The call whose result is the input of the call `norm`, unchanged and used nowhere else.
  const Call* source_of(const Call& norm) const {
    const auto found = norm.node ? by_node_.find(norm.node->inputs[0].get()) : by_node_.end();
    if (found == by_node_.end()) return nullptr;
    const Call& call = calls_[found->second];
    const bool is_as_it_was = call.result.version() == call.version;
    // Held by this call alone; its node by this call, by the result and by the norm.
    const bool is_used_once =
        impl_of(call.result)->use_count() == 1 && uses(call.node.get(), 2) == 1;
    const bool has_its_channels = call.result.dim() == foldable_rank(*call.candidate->module);
    return is_as_it_was && is_used_once && has_its_channels ? &call : nullptr;
  }

  static std::ptrdiff_t calls(const Candidate& candidate) {
    return static_cast<std::ptrdiff_t>(candidate.calls.size());
  }

  /// Whether the run uses the weight in so many operations. In more: another module uses it, too,
  /// or forward() was called directly.
  static bool weight_is_used(const Candidate& candidate, std::ptrdiff_t times) {
    return !candidate.weight.defined() || uses_of(candidate.weight) - candidate.uses == times;
  }

  std::list<Candidate> candidates_;  // whose addresses stay
  std::unordered_map<const void*, Candidate*> by_module_;
  std::vector<Call> calls_;
  std::unordered_map<const autograd::Node*, std::size_t> by_node_;  // the first call that gave it
};

}  // namespace

int64_t foldable_rank(const Module& layer) {
  return is_exactly<Conv2d>(layer)   ? 4
         : is_exactly<Conv1d>(layer) ? 3
         : is_exactly<Linear>(layer) ? 2
                                     : 0;
}

std::vector<ConvBnPair> pairs_in_sequentials(const Module& model) {
  std::vector<ConvBnPair> found;
  add_pairs(model, "", found);
  return found;
}

Tensor run_example(Module& model, const Tensor& example) {
  const RandomStateGuard guard;
  return model(example.detach().clone());
}

ExampleRun find_pairs(Module& copy, const Tensor& example) {
  if (!example.defined())
    fail("fuse_conv_bn", "expected an example of the model's input, got an undefined tensor");
  const autograd::EnableGradGuard recording;
  Recorder recorder(copy);
  const autograd::ObserverGuard watch(recorder);
  const Tensor output = run_example(copy, example);
  if (output.numel() == 0) {
    fail("fuse_conv_bn",
         "expected an example for which there is something to compare, got one that "
         "gives an output of shape ",
         output.sizes());
  }
  return {output.detach(), recorder.pairs()};
}

}  // namespace norma::nn
