// Parameters as one vector, and back.
#pragma once
#include <vector>

#include "norma/core/tensor.h"

/// PyTorch's `torch.nn.utils`.
namespace norma::nn::utils {

/// All elements of all parameters in one vector, in their order; differentiable. Errors: no
/// parameter.
Tensor parameters_to_vector(const std::vector<Tensor>& parameters);

/// Copies consecutive parts of `vector` into the parameters. (PyTorch makes the parameters views of
/// the vector; here they keep their memory, and later changes of the vector leave them alone.)
/// Throws unless there are as many elements as in all parameters together.
void vector_to_parameters(const Tensor& vector, const std::vector<Tensor>& parameters);

}  // namespace norma::nn::utils
