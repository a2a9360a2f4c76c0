// Initialisers: fill a tensor in place, outside the graph, from Norma's generator.
//
// Errors of all: an undefined tensor; of uniform_, normal_, kaiming_ and xavier_, one of integers
// or bools.
#pragma once
#include <string>
#include <utility>

#include "norma/core/tensor.h"

/// PyTorch's `torch.nn.init`; every function returns its tensor.
namespace norma::nn::init {

/// U(low, high). Errors: low > high.
Tensor uniform_(Tensor tensor, double low = 0.0, double high = 1.0);
/// N(mean, std²). Errors: std < 0.
Tensor normal_(Tensor tensor, double mean = 0.0, double std = 1.0);
/// All `value`.
Tensor constant_(Tensor tensor, double value);
/// All 1.
Tensor ones_(Tensor tensor);
/// All 0.
Tensor zeros_(Tensor tensor);

/// N(mean, std²) between a and b: of other values the distribution has none. Errors: numbers that
/// are not finite, std <= 0, a >= b.
Tensor trunc_normal_(Tensor tensor, double mean = 0.0, double std = 1.0, double a = -2.0,
                     double b = 2.0);
/// The identity. Errors: no matrix.
Tensor eye_(Tensor tensor);
/// Kernels of a convolution [out, in/groups, …], of 1 to 3 spatial dimensions, that pass as many
/// channels as possible on unchanged, group by group: 1 in the middle, 0 elsewhere. Errors: a first
/// size that groups do not divide, other numbers of dimensions.
Tensor dirac_(Tensor tensor, int64_t groups = 1);
/// A matrix of N(0, std²) with ⌈sparsity · rows⌉ zeros in every column. Errors: no matrix, std < 0,
/// a sparsity outside of [0, 1].
Tensor sparse_(Tensor tensor, double sparsity, double std = 0.01);
/// A random matrix [first dimension, all others] with orthonormal rows, or columns where those are
/// fewer, times `gain`; uniform among all those. Errors: fewer than two dimensions.
///
/// Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
/// linear neural networks", arXiv:1312.6120.
Tensor orthogonal_(Tensor tensor, double gain = 1.0);

/// The number of inputs of each output, and of outputs of each input: {in, out} of a matrix
/// [out, in]; of a convolution [out, in/groups, kh, kw] both times kh·kw. Errors: fewer than two
/// dimensions.
std::pair<int64_t, int64_t> calculate_fan_in_and_fan_out(const Tensor& tensor);

/// The factor that keeps the variance through a nonlinearity: 1 for "linear", "conv2d" (and the
/// other convolutions) and "sigmoid", 5/3 for "tanh", √2 for "relu", √(2/(1 + param²)) for
/// "leaky_relu" with slope `param`, 3/4 for "selu". Errors: any other name.
double calculate_gain(const std::string& nonlinearity, double param = 0.01);

struct KaimingOptions {
  double a = 0.0;                           ///< slope of the leaky_relu that follows
  std::string mode = "fan_in";              ///< keeps the variance forwards; "fan_out": backwards
  std::string nonlinearity = "leaky_relu";  ///< of `calculate_gain`
};

/// U(-b, b) with b = gain √(3/fan). Errors: fewer than two dimensions, another mode or
/// nonlinearity.
///
/// He et al., "Delving deep into rectifiers", arXiv:1502.01852.
Tensor kaiming_uniform_(Tensor tensor, const KaimingOptions& options = {});
/// N(0, std²) with std = gain/√fan. Errors likewise.
Tensor kaiming_normal_(Tensor tensor, const KaimingOptions& options = {});

/// U(-b, b) with b = gain √(6/(fan_in + fan_out)). Errors: fewer than two dimensions.
///
/// Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
/// AISTATS 2010.
Tensor xavier_uniform_(Tensor tensor, double gain = 1.0);
/// N(0, std²) with std = gain √(2/(fan_in + fan_out)). Errors likewise.
Tensor xavier_normal_(Tensor tensor, double gain = 1.0);

/// The initial values of Linear, Conv2d and Conv1d: `weight` (kaiming_uniform_ with a = √5) and
/// `bias`, where defined, from U(-k, k) with k = 1/√fan_in of the weight.
void reset_weight_and_bias(const Tensor& weight, const Tensor& bias);
/// Those of norms: ones for `weight` and zeros for `bias`, where they are defined.
void reset_gamma_and_beta(const Tensor& weight, const Tensor& bias);

}  // namespace norma::nn::init
