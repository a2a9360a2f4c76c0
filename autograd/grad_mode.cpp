#include "norma/autograd/grad_mode.h"

#include <utility>

namespace norma {

constinit thread_local bool detail::grad_mode = true;

void set_grad_enabled(bool on) { detail::grad_mode = on; }

namespace autograd {
GradModeGuard::GradModeGuard(bool on) : before_(std::exchange(detail::grad_mode, on)) {}
GradModeGuard::~GradModeGuard() { detail::grad_mode = before_; }
}  // namespace autograd

}  // namespace norma
