#include "norma/layers/parameter_vector.h"

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/ops.h"
#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"

namespace norma::nn::utils {

Tensor parameters_to_vector(const std::vector<Tensor>& parameters) {
  const char* op = "parameters_to_vector";
  if (parameters.empty()) fail(op, "expected at least one parameter, got none");
  return with_memory(0, [&] {
    std::vector<Tensor> flat;
    for (const Tensor& parameter : parameters) {
      defined_impl(parameter, op);
      flat.push_back(parameter.reshape({-1}));
    }
    return cat(flat);
  });
}

void vector_to_parameters(const Tensor& vector, const std::vector<Tensor>& parameters) {
  const char* op = "vector_to_parameters";
  defined_impl(vector, op);
  int64_t count = 0;
  for (const Tensor& parameter : parameters) count += defined_impl(parameter, op)->numel;
  if (vector.dim() != 1 || vector.numel() != count)
    fail(op, "expected a vector of ", count, " elements, as many as the parameters have, got ",
         vector.sizes());
  const NoGradGuard no_grad;
  int64_t begin = 0;
  for (const Tensor& parameter : parameters) {
    const int64_t numel = parameter.numel();
    parameter.detach().copy_(vector.narrow(0, begin, numel).reshape(parameter.sizes()));
    begin += numel;
  }
}

}  // namespace norma::nn::utils
