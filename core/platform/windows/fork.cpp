#include "norma/core/platform/fork.h"

namespace norma::platform {

void at_fork(void (*)(), void (*)(), void (*)()) noexcept {}

}  // namespace norma::platform
