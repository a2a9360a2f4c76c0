#include "norma/core/platform/processors.h"

namespace norma::platform {

int usable_processors() noexcept { return 1; }

}  // namespace norma::platform
