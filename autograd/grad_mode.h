// Whether operations are recorded.
#pragma once

namespace norma {

namespace detail {
extern constinit thread_local bool grad_mode;
}

/// False inside a `NoGradGuard` on this thread.
inline bool grad_enabled() { return detail::grad_mode; }

/// While it lives, operations on this thread record no graph: their results do not require
/// gradients.
class NoGradGuard {
 public:
  [[nodiscard("give the guard a name: without one it ends at once")]] NoGradGuard();
  ~NoGradGuard();
  NoGradGuard(const NoGradGuard&) = delete;
  NoGradGuard& operator=(const NoGradGuard&) = delete;

 private:
  bool before_;
};

namespace autograd {

/// While it lives, operations on this thread are recorded, also inside a NoGradGuard.
class EnableGradGuard {
 public:
  [[nodiscard("give the guard a name: without one it ends at once")]] EnableGradGuard();
  ~EnableGradGuard();
  EnableGradGuard(const EnableGradGuard&) = delete;
  EnableGradGuard& operator=(const EnableGradGuard&) = delete;

 private:
  bool before_;
};

}  // namespace autograd

}  // namespace norma
