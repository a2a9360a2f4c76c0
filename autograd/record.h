// How an operation enters the graph: compute the result, then
//
//   return record("exp", out, {&x}, [y = Saved(out)](const Tensor& g, InputGrads& d) {
//     d[0] = g * *y;
//   });
//
// The lambda receives the gradient of the result and fills in those of the inputs. It captures what
// it needs as `Saved`, so that later in-place changes are noticed, and never the result's own
// handle.
#pragma once
#include <array>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/node.h"
#include "norma/autograd/observer.h"

namespace norma::autograd {

/// Whether an operation on these inputs has to be recorded.
bool recording(const Inputs& inputs);

/// What the nodes of all operations share: their inputs, and how `out` becomes the result.
class OperationBase : public Node {
 public:
  void connect(Tensor& out, const Inputs& from);  ///< makes `out` the result of this on `from`

 protected:
  OperationBase(const char* op_name, int count);
  ~OperationBase() override;

 private:
  std::array<Ref<Node>, 4> few_;
  std::vector<Ref<Node>> more_;
};

template <class Backward>
class OperationNode final : public OperationBase {
 public:
  OperationNode(const char* op_name, int count, Backward function)
      : OperationBase(op_name, count), function_(std::move(function)) {}
  void backward(const Tensor& out_grad, InputGrads& grads) override {
    (*function_)(out_grad, grads);
  }
  bool take_relu() override {
    if constexpr (requires { function_->take_relu(*this); }) {
      if (function_) function_->take_relu(*this);
      return function_.has_value();  // not after the graph was freed
    }
    return false;
  }
  bool release_saved() override {
    // Plain numbers and shapes hold no values, and others may say so: such a node can run again.
    if constexpr (requires { Backward::kKeepsNoValues; }) return false;
    if constexpr (std::is_trivially_destructible_v<Backward>) return false;
    function_.reset();
    return true;
  }

 private:
  std::optional<Backward> function_;
};

/// Tells the observers what was computed; `read_besides` as in `record`.
void tell_result(const Operation& op, const Tensor& out, const Inputs& inputs,
                 const Inputs& read_besides);

/// Records `out = op(inputs)`; a no-op when no input needs a gradient or recording is off. `out`
/// must be a fresh tensor or a fresh view. Undefined inputs (an absent bias) are allowed.
/// `read_besides`: what else the result depends on and never has a gradient, for observers.
template <class Backward>
Tensor record(const Operation& op, Tensor out, const Inputs& inputs, Backward backward,
              const Inputs& read_besides = {}) {
  if (observer()) tell_result(op, out, inputs, read_besides);
  if (!recording(inputs)) return out;
  auto node = Ref<OperationNode<Backward>>::make(op.name, inputs.size(), std::move(backward));
  node->connect(out, inputs);
  return out;
}

}  // namespace norma::autograd
