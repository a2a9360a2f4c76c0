// What a picture of a graph shows.
#pragma once
#include <cstdint>

namespace norma {

/// How a graph is drawn.
struct DotOptions {
  int64_t max_nodes = 10000;  ///< larger graphs are refused: no picture of them can be read
  bool saved = true;          ///< whether to say what each operation keeps for backward
};

}  // namespace norma
