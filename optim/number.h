// Numbers in error messages. For Norma's own sources.
#pragma once
#include "norma/core/text.h"

namespace norma::optim {

inline std::string number(double value) { return shortest(value); }

}  // namespace norma::optim
