#include "norma/autograd/grad_mode.h"

#include <utility>

namespace norma {

constinit thread_local bool detail::grad_mode = true;

NoGradGuard::NoGradGuard() : before_(std::exchange(detail::grad_mode, false)) {}
NoGradGuard::~NoGradGuard() { detail::grad_mode = before_; }

namespace autograd {
EnableGradGuard::EnableGradGuard() : before_(std::exchange(detail::grad_mode, true)) {}
EnableGradGuard::~EnableGradGuard() { detail::grad_mode = before_; }
}  // namespace autograd

}  // namespace norma
