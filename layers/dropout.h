// Dropout and Dropout2d.
#pragma once
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// What Dropout and Dropout2d have in common. Errors: a p outside of [0, 1]; in forward, an
/// undefined tensor, integers and bools.
class DropoutBase : public Module {
 public:
  double p() const { return p_; }
  std::string extra_repr() const override;

 protected:
  DropoutBase(const char* name, double p);

 private:
  double p_;
};

/// In training, zeroes each element with probability `p` and scales the others by 1/(1-p), so that
/// the mean stays; in evaluation, returns its input. The mask comes from Norma's generator.
///
/// Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors",
/// arXiv:1207.0580.
class Dropout : public Cloneable<Dropout, DropoutBase> {
 public:
  explicit Dropout(double p = 0.5) : Cloneable("Dropout", p) {}
  Tensor forward(const Tensor& input) override;
  Dropout fresh() const { return Dropout(p()); }
};

/// Dropout of whole channels: each [H, W] plane of [N, C, H, W] is zeroed or kept as one, since
/// neighbouring pixels are strongly correlated. Errors: fewer than two dimensions.
///
/// Tompson et al., "Efficient object localization using convolutional networks", arXiv:1411.4280.
class Dropout2d : public Cloneable<Dropout2d, DropoutBase> {
 public:
  explicit Dropout2d(double p = 0.5) : Cloneable("Dropout2d", p) {}
  Tensor forward(const Tensor& input) override;
  Dropout2d fresh() const { return Dropout2d(p()); }
};

}  // namespace norma::nn
