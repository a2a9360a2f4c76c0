// What the tests of check_module give to modules.
#pragma once
#include <norma/testing.h>

#include <string>
#include <vector>

namespace norma {

using Faults = std::vector<std::string>;

/// Three samples, drawn once and for all.
inline Tensor example_input() {
  Generator generator(1);
  return randn({3, 4}, {}, generator);
}

}  // namespace norma
