// Memory that is not to be had becomes an Error: with_memory of core/error.h, and what it needs.
#pragma once
#include "norma/core/error.h"

namespace norma {

/// Puts memory aside that `out_of_memory` gives up to have room for its message. Called by those
/// who ask the system for memory; costs nothing where it is there already.
void keep_reserve() noexcept;

}  // namespace norma
