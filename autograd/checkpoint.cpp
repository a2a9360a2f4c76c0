#include "norma/autograd/checkpoint.h"

#include <algorithm>
#include <span>
#include <unordered_set>

#include "norma/autograd/engine.h"
#include "norma/autograd/record_many.h"
#include "norma/core/random.h"
#include "norma/core/tensor_impl.h"

namespace norma::autograd {

namespace {

/// Adds to `ends` the nodes that lie before `oldest` and lead into the graph of `outs`.
void add_ends(std::vector<Ref<Node>>& ends, const std::vector<Tensor>& outs, uint64_t oldest) {
  std::unordered_set<const Node*> seen;
  for (const Ref<Node>& end : ends) seen.insert(end.get());
  std::vector<Ref<Node>> next;
  const auto add = [&](const Ref<Node>& node) {
    if (!node || !seen.insert(node.get()).second) return;
    (node->sequence < oldest ? ends : next).push_back(node);
  };
  for (const Tensor& out : outs) add(gradient_edge(out));
  while (!next.empty()) {
    const Ref<Node> node = std::move(next.back());
    next.pop_back();
    for (int k = 0; k < node->input_count; ++k) add(node->inputs[k]);
  }
}

struct Segment {
  detail::ListFunction function;
  std::vector<Saved> inputs;
  Generator::State random;
  std::vector<Shape> sizes;  // of the results

  /// The gradients at the ends, from another run.
  std::vector<Tensor> gradients(const std::vector<Tensor>& g, std::span<const Ref<Node>> ends) {
    const bool create_graph = grad_enabled();
    const EnableGradGuard recording;
    const uint64_t oldest = next_sequence_number();
    const std::vector<Tensor> outs = run();
    std::vector<Ref<Node>> found(ends.begin(), ends.end());
    add_ends(found, outs, oldest);
    bool is_same = found.size() == ends.size() && outs.size() == sizes.size();
    std::vector<Ref<Node>> roots;
    std::vector<Tensor> starts;
    for (std::size_t i = 0; is_same && i < outs.size(); ++i) {
      if (!g[i].defined()) continue;
      is_same = outs[i].defined() && outs[i].sizes() == sizes[i] && outs[i].requires_grad();
      if (!is_same) break;
      roots.push_back(gradient_edge(outs[i]));
      starts.push_back(g[i]);
    }
    if (!is_same) {
      fail("checkpoint",
           "expected a function that computes the same when backward() calls it again, got other "
           "results, or results that depend on other tensors; it must not depend on what changes "
           "between the two calls");
    }
    return segment_gradients(roots, starts, ends, oldest, create_graph);
  }

  std::vector<Tensor> run() {
    const RandomStateGuard own_random;
    default_generator().set_state(random);
    std::vector<Tensor> values;
    for (const Saved& input : inputs) values.push_back(*input);
    return function(values);
  }
};

}  // namespace

std::vector<Tensor> detail::checkpoint_list(ListFunction function,
                                            const std::vector<Tensor>& inputs) {
  if (!grad_enabled()) return function(inputs);
  Segment segment{std::move(function), {}, default_generator().state(), {}};
  std::vector<Ref<Node>> ends;
  for (const Tensor& input : inputs) {
    segment.inputs.emplace_back(input);
    const Ref<Node> edge = gradient_edge(input);
    const auto is_edge = [&](const Ref<Node>& end) { return end.get() == edge.get(); };
    if (edge && std::none_of(ends.begin(), ends.end(), is_edge)) ends.push_back(edge);
  }
  const uint64_t oldest = next_sequence_number();
  std::vector<Tensor> outs = segment.function(inputs), recorded(outs.size());
  add_ends(ends, outs, oldest);
  for (std::size_t i = 0; i < outs.size(); ++i) {
    segment.sizes.push_back(outs[i].defined() ? outs[i].sizes() : Shape());
    if (outs[i].defined() && outs[i].requires_grad()) recorded[i] = outs[i].detach();
  }
  const std::size_t count = outs.size();
  auto backward = [own = std::move(segment)](const std::vector<Tensor>& g, InputGrads& d) mutable {
    const Node& node = *running_node();
    const std::span<const Ref<Node>> edges(node.inputs, static_cast<std::size_t>(node.input_count));
    const std::vector<Tensor> found = own.gradients(g, edges);
    for (int k = 0; k < node.input_count; ++k) d[k] = found[static_cast<std::size_t>(k)];
  };
  using Replayed = ManyResultsNode<decltype(backward)>;
  set_history(recorded,
              Ref<Replayed>::make("checkpoint", count, std::move(ends), std::move(backward)));
  for (std::size_t i = 0; i < count; ++i) {
    if (recorded[i].defined()) outs[i] = std::move(recorded[i]);
  }
  return outs;
}

}  // namespace norma::autograd
