#include "norma/layers/call_order.h"

#include <utility>

namespace norma::nn {

void CallOrder::ended(ModuleCall call, std::size_t outer) {
  Ended now{std::move(call), outer};
  while (!open_.empty() && all_[open_.back()].outer > outer) {
    Ended& inner = all_[open_.back()];
    inner.next = now.first_inner;
    now.first_inner = open_.back();
    open_.pop_back();
  }
  open_.push_back(all_.size());
  all_.push_back(std::move(now));
}

std::vector<ModuleCall> CallOrder::take() {
  std::vector<ModuleCall> calls;
  std::vector<std::size_t> next(open_.rbegin(), open_.rend());
  while (!next.empty()) {
    Ended& now = all_[next.back()];
    next.pop_back();
    if (now.next != kNone) next.push_back(now.next);
    if (now.first_inner != kNone) next.push_back(now.first_inner);
    calls.push_back(std::move(now.call));
  }
  return calls;
}

}  // namespace norma::nn
