// Operations on whole tensors.
#include "cases.h"

namespace cases {

using namespace norma;

Cases operations() {
  Cases all;
  all.push_back(function("matmul", {3, 4}, [](Tensor x) { return x.matmul(x.transpose(1, 2)); }));
  return all;
}

}  // namespace cases
