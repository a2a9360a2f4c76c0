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

void tell_result(const char* op, const Tensor& out, const Inputs& inputs,
                 const Inputs& read_besides) {
  std::vector<const Tensor*> all;
  const int count = inputs.size() + read_besides.size();
  all.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < inputs.size(); ++i) all.push_back(&inputs[i]);
  for (int i = 0; i < read_besides.size(); ++i) all.push_back(&read_besides[i]);
  ObserverPause().tell(&Observer::result, op, out, all);
}

}  // namespace norma::autograd
