#include "norma/core/platform/fork.h"

#include <pthread.h>

namespace norma::platform {

void at_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept {
  pthread_atfork(before, in_parent, in_child);
}

}  // namespace norma::platform
