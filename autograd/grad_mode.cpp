#include "norma/autograd/grad_mode.h"

#include <utility>

namespace norma {

namespace {
thread_local bool grad_mode = true;
}

bool grad_enabled() { return grad_mode; }

NoGradGuard::NoGradGuard() : before_(std::exchange(grad_mode, false)) {}
NoGradGuard::~NoGradGuard() { grad_mode = before_; }

namespace autograd {
EnableGradGuard::EnableGradGuard() : before_(std::exchange(grad_mode, true)) {}
EnableGradGuard::~EnableGradGuard() { grad_mode = before_; }
}  // namespace autograd

}  // namespace norma
