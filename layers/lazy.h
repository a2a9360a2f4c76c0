// Layers that find the size of their input at the first call.
#pragma once
#include "norma/layers/batch_norm.h"
#include "norma/layers/cloneable.h"
#include "norma/layers/conv.h"
#include "norma/layers/conv_transpose.h"
#include "norma/layers/linear.h"

namespace norma::nn {

/// What lazy layers have in common. The first call makes the layer, for an input of this size and
/// type, with the random numbers that it draws then; from there on every handle on the lazy layer,
/// its copies and what a Sequential keeps of it, is that layer: it prints as such, and has its
/// parameters.
/// ```cpp
/// nn::Sequential net(nn::LazyConv2d(8, 3), nn::ReLU(), nn::Flatten(), nn::LazyLinear(10));
/// net(zeros({1, 1, 28, 28}));             // a dry forward
/// optim::SGD optimizer(net.parameters());
/// ```
/// Before, `parameters()`, `state_dict()` and whatever asks for them throw. `load_state_dict` makes
/// the layer, too, of the sizes that it is given and the type that `to` gave it, as does `load`.
/// Errors: those of the layer; of its options at once, in forward another rank of the input.
class LazyLayer : public Module {
 public:
  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;

 protected:
  /// Makes the layer for inputs of this size.
  using Make = std::function<std::shared_ptr<Module>(int64_t size)>;
  /// What tells the size of the input: `groups` times that of an axis of a parameter or buffer,
  /// which has so many dimensions.
  struct Weight {
    const char* name;               ///< see above
    int64_t dim, axis, groups = 1;  ///< see above
  };
  /// `axes`: dimensions behind the channels; -1: the last dimension counts. Throws for bad options.
  LazyLayer(const char* name, int64_t axes, Weight weight, Make make);
  bool find_sizes(const std::function<const Tensor*(const char*)>& entry) override;

 private:
  int64_t input_size(const Tensor& input) const;

  const char* name_;
  int64_t axes_;
  Weight weight_;
  Make make_;
};

/// A Linear whose `in_features` is the size of the input's last dimension.
class LazyLinear : public Cloneable<LazyLinear, LazyLayer> {
 public:
  explicit LazyLinear(int64_t out_features, const LinearOptions& options = {});
  LazyLinear fresh() const { return LazyLinear(out_features_, options_); }

 private:
  int64_t out_features_;
  LinearOptions options_;
};

/// What LazyConv1d, LazyConv2d and their transposed relatives have in common.
template <class Derived, class Layer, class Size, class Options>
class LazyConv : public Cloneable<Derived, LazyLayer> {
 public:
  Derived fresh() const { return Derived(out_channels_, kernel_size_, options_); }

 protected:
  LazyConv(const char* name, int64_t axes, int64_t weight_axis, int64_t out_channels,
           Size kernel_size, const Options& options);

 private:
  int64_t out_channels_;
  Size kernel_size_;
  Options options_;
};

/// A Conv1d whose `in_channels` is that of the input.
class LazyConv1d : public LazyConv<LazyConv1d, Conv1d, int64_t, Conv1dOptions> {
 public:
  LazyConv1d(int64_t out_channels, int64_t kernel_size, const Conv1dOptions& options = {});
};

/// A Conv2d whose `in_channels` is that of the input.
class LazyConv2d : public LazyConv<LazyConv2d, Conv2d, Pair, Conv2dOptions> {
 public:
  LazyConv2d(int64_t out_channels, Pair kernel_size, const Conv2dOptions& options = {});
};

/// A ConvTranspose1d whose `in_channels` is that of the input.
class LazyConvTranspose1d
    : public LazyConv<LazyConvTranspose1d, ConvTranspose1d, int64_t, ConvTranspose1dOptions> {
 public:
  LazyConvTranspose1d(int64_t out_channels, int64_t kernel_size,
                      const ConvTranspose1dOptions& options = {});
};

/// A ConvTranspose2d whose `in_channels` is that of the input.
class LazyConvTranspose2d
    : public LazyConv<LazyConvTranspose2d, ConvTranspose2d, Pair, ConvTranspose2dOptions> {
 public:
  LazyConvTranspose2d(int64_t out_channels, Pair kernel_size,
                      const ConvTranspose2dOptions& options = {});
};

/// What LazyBatchNorm1d, LazyBatchNorm2d and LazyBatchNorm3d have in common.
template <class Derived, class Layer>
class LazyBatchNorm : public Cloneable<Derived, LazyLayer> {
 public:
  Derived fresh() const { return Derived(options_); }

 protected:
  LazyBatchNorm(const char* name, const BatchNormOptions& options);

 private:
  BatchNormOptions options_;
};

/// A BatchNorm1d whose `num_features` is the input's number of channels.
class LazyBatchNorm1d : public LazyBatchNorm<LazyBatchNorm1d, BatchNorm1d> {
 public:
  explicit LazyBatchNorm1d(const BatchNormOptions& options = {});
};

/// A BatchNorm2d whose `num_features` is the input's number of channels.
class LazyBatchNorm2d : public LazyBatchNorm<LazyBatchNorm2d, BatchNorm2d> {
 public:
  explicit LazyBatchNorm2d(const BatchNormOptions& options = {});
};

/// A BatchNorm3d whose `num_features` is the input's number of channels.
class LazyBatchNorm3d : public LazyBatchNorm<LazyBatchNorm3d, BatchNorm3d> {
 public:
  explicit LazyBatchNorm3d(const BatchNormOptions& options = {});
};

}  // namespace norma::nn
