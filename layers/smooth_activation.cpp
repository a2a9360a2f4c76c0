#include "norma/layers/smooth_activation.h"

#include "norma/autograd/functional_activations.h"
#include "norma/core/text.h"

namespace norma::nn {

namespace F = functional;

Tensor SiLU::forward(const Tensor& input) { return F::silu(input); }

Tensor Mish::forward(const Tensor& input) { return F::mish(input); }

Tensor ELU::forward(const Tensor& input) { return F::elu(input, alpha_); }
std::string ELU::extra_repr() const { return text("alpha=", alpha_); }

Tensor SELU::forward(const Tensor& input) { return F::selu(input); }

Tensor CELU::forward(const Tensor& input) { return F::celu(input, alpha_); }
std::string CELU::extra_repr() const { return text("alpha=", alpha_); }

Tensor Softplus::forward(const Tensor& input) { return F::softplus(input, beta_, threshold_); }
std::string Softplus::extra_repr() const {
  return text("beta=", beta_, ", threshold=", threshold_);
}

Tensor Softsign::forward(const Tensor& input) { return F::softsign(input); }

Tensor LogSigmoid::forward(const Tensor& input) { return F::logsigmoid(input); }

Tensor Tanhshrink::forward(const Tensor& input) { return F::tanhshrink(input); }

Tensor GLU::forward(const Tensor& input) { return F::glu(input, dim_); }
std::string GLU::extra_repr() const { return text("dim=", dim_); }

}  // namespace norma::nn
