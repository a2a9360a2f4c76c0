// Padding as layers: with constants, zeros, mirrored, repeated or around the corner.
#pragma once
#include "norma/autograd/functional_pad.h"
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// What padding layers have in common. `padding` is one number for every side, or
/// {left, right, top, bottom, front, back}, the last dimension first; negative numbers take cells
/// away. Those of mirrored, repeated and circular layers are [N, C, …] or [C, …] with one, two or
/// three dimensions to pad, as the class's name says; constants go around tensors of any rank.
///
/// Errors: another count of numbers; in forward, what `functional::pad` refuses.
class PadLayer : public Module {
 public:
  Tensor forward(const Tensor& input) override;
  const std::vector<int64_t>& padding() const { return padding_; }
  std::string extra_repr() const override;

 protected:
  PadLayer(const char* name, int64_t axes, const Shape& padding, PaddingMode mode);
  /// What stands between the parentheses in the repr: "(1, 1)".
  std::string tuple() const;
  Shape shape() const { return padding_; }  ///< the numbers, as functional::pad takes them

 private:
  std::vector<int64_t> padding_;
  PaddingMode mode_;
};

/// With `value`.
class ConstantPad : public PadLayer {
 public:
  Tensor forward(const Tensor& input) override;
  Scalar value() const { return value_; }
  std::string extra_repr() const override;

 protected:
  ConstantPad(const char* name, int64_t axes, const Shape& padding, Scalar value)
      : PadLayer(name, axes, padding, PaddingMode::Constant), value_(value) {}

 private:
  Scalar value_;
};

/// `nn::ConstantPad1d({2, 1}, 3.5)`: 3.5 around the last dimension.
class ConstantPad1d : public Cloneable<ConstantPad1d, ConstantPad> {
 public:
  ConstantPad1d(const Shape& padding, Scalar value)
      : Cloneable("ConstantPad1d", 1, padding, value) {}
  ConstantPad1d fresh() const { return ConstantPad1d(shape(), value()); }
};

/// The same around the last two dimensions.
class ConstantPad2d : public Cloneable<ConstantPad2d, ConstantPad> {
 public:
  ConstantPad2d(const Shape& padding, Scalar value)
      : Cloneable("ConstantPad2d", 2, padding, value) {}
  ConstantPad2d fresh() const { return ConstantPad2d(shape(), value()); }
};

/// The same around the last three dimensions.
class ConstantPad3d : public Cloneable<ConstantPad3d, ConstantPad> {
 public:
  ConstantPad3d(const Shape& padding, Scalar value)
      : Cloneable("ConstantPad3d", 3, padding, value) {}
  ConstantPad3d fresh() const { return ConstantPad3d(shape(), value()); }
};

/// Zeros.
class ZeroPad1d : public Cloneable<ZeroPad1d, PadLayer> {
 public:
  explicit ZeroPad1d(const Shape& padding)
      : Cloneable("ZeroPad1d", 1, padding, PaddingMode::Zeros) {}
  ZeroPad1d fresh() const { return ZeroPad1d(shape()); }
};

/// The same around the last two dimensions.
class ZeroPad2d : public Cloneable<ZeroPad2d, PadLayer> {
 public:
  explicit ZeroPad2d(const Shape& padding)
      : Cloneable("ZeroPad2d", 2, padding, PaddingMode::Zeros) {}
  ZeroPad2d fresh() const { return ZeroPad2d(shape()); }
};

/// The same around the last three dimensions.
class ZeroPad3d : public Cloneable<ZeroPad3d, PadLayer> {
 public:
  explicit ZeroPad3d(const Shape& padding)
      : Cloneable("ZeroPad3d", 3, padding, PaddingMode::Zeros) {}
  ZeroPad3d fresh() const { return ZeroPad3d(shape()); }
};

/// The image mirrored at its edge, which is not repeated.
class ReflectionPad1d : public Cloneable<ReflectionPad1d, PadLayer> {
 public:
  explicit ReflectionPad1d(const Shape& padding)
      : Cloneable("ReflectionPad1d", 1, padding, PaddingMode::Reflect) {}
  ReflectionPad1d fresh() const { return ReflectionPad1d(shape()); }
};

/// The same around the last two dimensions.
class ReflectionPad2d : public Cloneable<ReflectionPad2d, PadLayer> {
 public:
  explicit ReflectionPad2d(const Shape& padding)
      : Cloneable("ReflectionPad2d", 2, padding, PaddingMode::Reflect) {}
  ReflectionPad2d fresh() const { return ReflectionPad2d(shape()); }
};

/// The same around the last three dimensions.
class ReflectionPad3d : public Cloneable<ReflectionPad3d, PadLayer> {
 public:
  explicit ReflectionPad3d(const Shape& padding)
      : Cloneable("ReflectionPad3d", 3, padding, PaddingMode::Reflect) {}
  ReflectionPad3d fresh() const { return ReflectionPad3d(shape()); }
};

/// The edge, repeated.
class ReplicationPad1d : public Cloneable<ReplicationPad1d, PadLayer> {
 public:
  explicit ReplicationPad1d(const Shape& padding)
      : Cloneable("ReplicationPad1d", 1, padding, PaddingMode::Replicate) {}
  ReplicationPad1d fresh() const { return ReplicationPad1d(shape()); }
};

/// The same around the last two dimensions.
class ReplicationPad2d : public Cloneable<ReplicationPad2d, PadLayer> {
 public:
  explicit ReplicationPad2d(const Shape& padding)
      : Cloneable("ReplicationPad2d", 2, padding, PaddingMode::Replicate) {}
  ReplicationPad2d fresh() const { return ReplicationPad2d(shape()); }
};

/// The same around the last three dimensions.
class ReplicationPad3d : public Cloneable<ReplicationPad3d, PadLayer> {
 public:
  explicit ReplicationPad3d(const Shape& padding)
      : Cloneable("ReplicationPad3d", 3, padding, PaddingMode::Replicate) {}
  ReplicationPad3d fresh() const { return ReplicationPad3d(shape()); }
};

/// What stands at the opposite side.
class CircularPad1d : public Cloneable<CircularPad1d, PadLayer> {
 public:
  explicit CircularPad1d(const Shape& padding)
      : Cloneable("CircularPad1d", 1, padding, PaddingMode::Circular) {}
  CircularPad1d fresh() const { return CircularPad1d(shape()); }
};

/// The same around the last two dimensions.
class CircularPad2d : public Cloneable<CircularPad2d, PadLayer> {
 public:
  explicit CircularPad2d(const Shape& padding)
      : Cloneable("CircularPad2d", 2, padding, PaddingMode::Circular) {}
  CircularPad2d fresh() const { return CircularPad2d(shape()); }
};

/// The same around the last three dimensions.
class CircularPad3d : public Cloneable<CircularPad3d, PadLayer> {
 public:
  explicit CircularPad3d(const Shape& padding)
      : Cloneable("CircularPad3d", 3, padding, PaddingMode::Circular) {}
  CircularPad3d fresh() const { return CircularPad3d(shape()); }
};

}  // namespace norma::nn
