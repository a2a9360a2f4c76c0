// Operations of several results: as `record`, with a list of them,
//
//   return record_many("polar", {radius, angle}, {&x, &y},
//                      [x = Saved(x), y = Saved(y)](const std::vector<Tensor>& g, InputGrads& d) {
//     if (g[0].defined()) …
//   });
//
// The engine knows nodes of one result. So each result gets a small node of its own, which hands
// its gradient to the one below it that all share, and that is the operation.
#pragma once
#include <optional>
#include <utility>
#include <vector>

#include "norma/autograd/record.h"

namespace norma::autograd {

/// An operation of several results: its gradient is a bundle of theirs.
class ManyResults : public Node {
 public:
  ManyResults(const char* op_name, std::size_t results, std::vector<Ref<Node>> edges);
  ~ManyResults() override;
  void backward(const Tensor& bundle, InputGrads& grads) final;
  Ref<Node> maker_of(const TensorImpl* saved) override;

  /// As `backward`; undefined for results of which nothing depends.
  virtual void backward_many(const std::vector<Tensor>& out_grads, InputGrads& grads) = 0;

 private:
  friend class OneResult;
  friend void set_history(std::vector<Tensor>& outs, const Ref<ManyResults>& node);
  /// The node of a result that lives, for as long as it does.
  struct Result {
    class OneResult* node = nullptr;
    const void* memory = nullptr;
    int64_t offset = 0;
    Shape sizes = {};
    DType dtype = kFloat32;
  };
  std::vector<Result> results_;
  std::vector<Ref<Node>> edges_;
};

/// Gives the floating ones of `outs` the history `node`.
void set_history(std::vector<Tensor>& outs, const Ref<ManyResults>& node);

template <class Backward>
class ManyResultsNode final : public ManyResults {
 public:
  ManyResultsNode(const char* op, std::size_t results, std::vector<Ref<Node>> edges,
                  Backward function)
      : ManyResults(op, results, std::move(edges)), function_(std::move(function)) {}
  void backward_many(const std::vector<Tensor>& out_grads, InputGrads& grads) override {
    (*function_)(out_grads, grads);
  }
  bool release_saved() override {
    function_.reset();
    return true;
  }

 private:
  std::optional<Backward> function_;
};

/// Records `outs = op(inputs)`, as `record` does for one result. Results that are not floating,
/// such as indices, have no history. `backward` gets a gradient for each of `outs`, undefined where
/// nothing depends on it, and fills in those of the inputs.
template <class Backward>
std::vector<Tensor> record_many(const Operation& op, std::vector<Tensor> outs, const Inputs& inputs,
                                Backward backward, const Inputs& read_besides = {}) {
  if (observer()) {
    for (const Tensor& out : outs) tell_result(op, out, inputs, read_besides);
  }
  if (!recording(inputs)) return outs;
  std::vector<Ref<Node>> edges(static_cast<std::size_t>(inputs.size()));
  for (int i = 0; i < inputs.size(); ++i)
    edges[static_cast<std::size_t>(i)] = gradient_edge(inputs[i]);
  set_history(outs, Ref<ManyResultsNode<Backward>>::make(op.name, outs.size(), std::move(edges),
                                                         std::move(backward)));
  return outs;
}

}  // namespace norma::autograd
