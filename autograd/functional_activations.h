// Activations: PyTorch's `torch.nn.functional`. The layers: layers/activation.h and the two beside
// it.
//
// Where nothing else is said, of a floating tensor, element by element, with the result's sizes and
// dtype the input's. Errors of all: an undefined tensor; one of integers or bools, where nothing
// else is said.
#pragma once
#include <string>

#include "norma/autograd/ops.h"

namespace norma::functional {

using norma::log_softmax;
using norma::relu;
using norma::sigmoid;
using norma::softmax;
using norma::tanh;

/// x where x > 0, negative_slope x elsewhere.
Tensor leaky_relu(const Tensor& input, double negative_slope = 0.01);
/// x Φ(x); approximate: "none" or "tanh". See nn::GELU. Errors: any other word.
Tensor gelu(const Tensor& input, const std::string& approximate = "none");
/// x σ(x), σ(x) = 1 / (1 + e^-x).
Tensor silu(const Tensor& input);
/// x tanh(log(1 + e^x)).
Tensor mish(const Tensor& input);
/// x where x > 0, alpha (e^x - 1) elsewhere.
Tensor elu(const Tensor& input, double alpha = 1.0);
/// λ x where x > 0, λ α (e^x - 1) elsewhere, with λ = 1.0507…, α = 1.6732….
Tensor selu(const Tensor& input);
/// x where x > 0, alpha (e^(x/alpha) - 1) elsewhere. Errors: alpha = 0.
Tensor celu(const Tensor& input, double alpha = 1.0);
/// log(1 + e^(beta x)) / beta, and x where beta x > threshold.
Tensor softplus(const Tensor& input, double beta = 1.0, double threshold = 20.0);
/// log σ(x).
Tensor logsigmoid(const Tensor& input);
/// x / (1 + |x|); of integers, too.
Tensor softsign(const Tensor& input);
/// x - tanh(x); of integers, too.
Tensor tanhshrink(const Tensor& input);
/// x where x > 0, weight x elsewhere. weight: one number, or [C] for the C channels (axis 1) of the
/// input; of the input's dtype. Errors: another number of weights, another dtype.
Tensor prelu(const Tensor& input, const Tensor& weight);
/// a σ(b), a and b being the halves of the input along `dim`, whose size is even. Errors: an odd
/// size along `dim`, a 0-d tensor.
Tensor glu(const Tensor& input, int64_t dim = -1);
/// softmax(-x).
Tensor softmin(const Tensor& input, int64_t dim);

/// min(max(x, 0), 6); of integers, too.
Tensor relu6(const Tensor& input);
/// min(max(x, min_val), max_val); of integers, too. Errors: min_val > max_val.
Tensor hardtanh(const Tensor& input, double min_val = -1.0, double max_val = 1.0);
/// min(max(x + 3, 0), 6) / 6, and x times that.
Tensor hardsigmoid(const Tensor& input);
Tensor hardswish(const Tensor& input);  ///< x clamp(x + 3, 0, 6) / 6.
/// x where |x| > lambda, 0 elsewhere.
Tensor hardshrink(const Tensor& input, double lambda = 0.5);
/// x brought nearer to 0 by lambda, and 0 where |x| <= lambda. Errors: lambda < 0.
Tensor softshrink(const Tensor& input, double lambda = 0.5);
/// x where x > threshold, value elsewhere; of integers, too.
Tensor threshold(const Tensor& input, double threshold, double value);

}  // namespace norma::functional
