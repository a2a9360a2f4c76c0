// What of a module goes into a file. For Norma's own sources.
#pragma once
#include "norma/layers/module.h"

namespace norma {

/// `module.state_dict()`. Throws `[op] …` where it is empty: whoever saves a module has weights.
NamedTensors saved_state(const char* op, const nn::Module& module);

}  // namespace norma
