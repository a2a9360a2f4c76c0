#include "norma/layers/identity.h"

namespace norma::nn {

Tensor Identity::forward(const Tensor& input) { return input; }

}  // namespace norma::nn
