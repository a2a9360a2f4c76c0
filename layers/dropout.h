// Dropout and Dropout2d.
#pragma once
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// In training, zeroes each element with probability `p` and scales the others by 1/(1-p), so that
/// the mean stays; in evaluation, returns its input. The mask comes from Norma's generator.
///
/// Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors",
/// arXiv:1207.0580.
class Dropout : public Cloneable<Dropout> {
 public:
  explicit Dropout(double p = 0.5);

  Tensor forward(const Tensor& input) override;
  double p() const { return p_; }
  std::string extra_repr() const override;
  Dropout fresh() const { return Dropout(p_); }

 private:
  double p_;
};

/// Dropout of whole channels: each [H, W] plane of [N, C, H, W] is zeroed or kept as one, since
/// neighbouring pixels say almost the same.
///
/// Tompson et al., "Efficient object localization using convolutional networks", arXiv:1411.4280.
class Dropout2d : public Cloneable<Dropout2d> {
 public:
  explicit Dropout2d(double p = 0.5);

  Tensor forward(const Tensor& input) override;
  double p() const { return p_; }
  std::string extra_repr() const override;
  Dropout2d fresh() const { return Dropout2d(p_); }

 private:
  double p_;
};

}  // namespace norma::nn
