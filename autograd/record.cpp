#include "norma/autograd/record.h"

#include <vector>

#include "norma/autograd/grad_mode.h"

namespace norma::autograd {

bool recording(const Inputs& inputs) {
  if (!grad_enabled()) return false;
  for (int i = 0; i < inputs.size(); ++i) {
    if (inputs[i].defined() && inputs[i].requires_grad()) return true;
  }
  return false;
}

OperationBase::OperationBase(const char* op_name, int count) : Node(op_name) {
  input_count = count;
  const auto size = static_cast<std::size_t>(count);
  if (size > few_.size()) more_.resize(size);
  inputs = size > few_.size() ? more_.data() : few_.data();
  detail::count_nodes(1);
}

OperationBase::~OperationBase() {
  drop_inputs();
  detail::count_nodes(-1);
}

void OperationBase::connect(Tensor& out, const Inputs& from) {
  for (int i = 0; i < from.size(); ++i) inputs[i] = gradient_edge(from[i]);
  set_history(out, Ref<Node>(this));
}

void tell_result(const Operation& op, const Tensor& out, const Inputs& inputs,
                 const Inputs& read_besides) {
  std::vector<const Tensor*> all;
  const int count = inputs.size() + read_besides.size();
  all.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < inputs.size(); ++i) all.push_back(&inputs[i]);
  for (int i = 0; i < read_besides.size(); ++i) all.push_back(&read_besides[i]);
  tell_computed(op, out, all);
  if (recording(inputs)) ObserverPause().tell(&Observer::result, op.name, out, all);
}

}  // namespace norma::autograd
