#include "norma/autograd/observer.h"

namespace norma::autograd {

namespace {
thread_local const Scope* innermost_scope = nullptr;
}

const Scope* Scope::innermost() { return innermost_scope; }
Scope::Scope() : outer_(std::exchange(innermost_scope, this)) {}
Scope::~Scope() { innermost_scope = outer_; }

constinit thread_local detail::Observers detail::observers;

ObserverGuard::ObserverGuard(Observer& observer)
    : observer_(observer), outer_(std::exchange(detail::observers.innermost, this)) {}

ObserverGuard::~ObserverGuard() {
  // Not always the innermost: set_detect_anomaly(false) may come inside of another guard.
  ObserverGuard** link = &detail::observers.innermost;
  while (*link != this) link = &(*link)->outer_;
  *link = outer_;
}

void tell_computed(const Operation& op, const Tensor& out, const Inputs& inputs) {
  ObserverPause().tell(&Observer::computed, op, out, inputs);
}

}  // namespace norma::autograd
