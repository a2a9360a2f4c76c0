// What has to happen where a process forks.
#pragma once

namespace norma::platform {

/// From now on calls `before` in the thread that forks, then `in_parent` and `in_child`, each in
/// its process; null: nothing. `before` runs in the reverse order of these calls, the others in
/// it. Does nothing on a system without forks.
void at_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept;

}  // namespace norma::platform
