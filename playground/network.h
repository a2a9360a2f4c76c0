// The network that the settings describe.
#pragma once
#include "norma/norma.h"

#include <cstddef>
#include <vector>

#include "norma/playground/settings.h"

namespace playground {

/// BatchNorm over the wrong axis: it gets a batch [N, C] as a sequence [1, N, C], whose axis 1 are
/// the samples. Refused by BatchNorm1d unless N is C, where nothing can tell.
class WrongAxis : public norma::nn::Cloneable<WrongAxis> {
 public:
  explicit WrongAxis(int64_t features);
  norma::Tensor forward(const norma::Tensor& x) override;
  WrongAxis fresh() const;

  norma::nn::BatchNorm1d norm;  ///< "norm"
};

/// What was in the hidden layers, in their order, at one call.
struct HiddenValues {
  std::vector<norma::Tensor> normalised;   ///< what each norm gets, outside the graph
  std::vector<norma::Tensor> activations;  ///< with gradients, after `backward()`
};

/// Modules in a row, and which of them stand in each hidden layer.
struct Network {
  /// Indices into `net`.
  struct Layer {
    int64_t linear = 0, norm = -1, activation = 0;  ///< -1: none
  };
  norma::nn::Sequential net;
  std::vector<Layer> layers;

  /// From two coordinates to the scores of two classes. Per hidden layer Linear, the norm, the
  /// activation; Linear without a bias where BatchNorm follows. The initial values are those of
  /// PyTorch, drawn from the seed; weights and biases of all Linear times `init`.
  static Network make(const Settings& settings);
  /// The scores of points [n, 2], and what was in the hidden layers on the way.
  norma::Tensor forward(norma::Tensor x, HiddenValues& hidden) const;
  /// The BatchNorm of a hidden layer; null where it has none.
  const norma::nn::BatchNorm1d* batch_norm(std::size_t layer) const;
};

}  // namespace playground
