// The processors of the machine.
#pragma once

namespace norma::platform {

/// How many of them this process may run on, at least 1.
int usable_processors() noexcept;

}  // namespace norma::platform
