#include "norma/core/coordinates.h"

namespace norma {

Shape unravel(int64_t flat, const Shape& sizes) {
  Shape index = contiguous_strides(sizes);
  for (int64_t i = 0; i < sizes.size(); ++i) index[i] = flat / index[i] % sizes[i];
  return index;
}

std::string tuple_text(const Shape& sizes) {
  std::string tuple = sizes.str();
  tuple.front() = '(';
  tuple.back() = sizes.size() == 1 ? ',' : ')';
  return sizes.size() == 1 ? tuple + ")" : tuple;
}

}  // namespace norma
