#include "norma/layers/repr.h"

namespace norma::nn {

std::string repr(const Shape& tuple) {
  std::string out = "(";
  for (int64_t i = 0; i < tuple.size(); ++i) out += (i ? ", " : "") + std::to_string(tuple[i]);
  return out + (tuple.size() == 1 ? ",)" : ")");
}

}  // namespace norma::nn
