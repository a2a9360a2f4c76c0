// Whether operations are recorded.
#pragma once

namespace norma {

namespace detail {
extern constinit thread_local bool grad_mode;
}

/// False inside a `NoGradGuard` on this thread.
inline bool grad_enabled() { return detail::grad_mode; }

/// Switches recording on this thread until the next call. PyTorch: `torch.set_grad_enabled`.
void set_grad_enabled(bool on);

namespace autograd {

/// While it lives, operations on this thread are recorded, or not. libtorch: `AutoGradMode`.
class GradModeGuard {
 public:
  [[nodiscard("give the guard a name: without one it ends at once")]] explicit GradModeGuard(
      bool on);
  ~GradModeGuard();
  GradModeGuard(const GradModeGuard&) = delete;
  GradModeGuard& operator=(const GradModeGuard&) = delete;

 private:
  bool before_;
};

/// While it lives, operations on this thread are recorded, also inside a NoGradGuard.
class EnableGradGuard : public GradModeGuard {
 public:
  [[nodiscard("give the guard a name: without one it ends at once")]] EnableGradGuard()
      : GradModeGuard(true) {}
};

}  // namespace autograd

/// While it lives, operations on this thread record no graph: their results do not require
/// gradients.
class NoGradGuard : public autograd::GradModeGuard {
 public:
  [[nodiscard("give the guard a name: without one it ends at once")]] NoGradGuard()
      : GradModeGuard(false) {}
};

}  // namespace norma
