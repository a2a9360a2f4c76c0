// What the layers have in common: a Norma layer, made from options.
#pragma once
#include "torch/nn/module.h"

namespace torch::nn {

/// A layer whose `options` know how to make Norma's: `Core make() const`.
template <class Derived, class Options, class Core = decltype(std::declval<Options>().make())>
class LayerBase : public Cloneable<Derived> {
 public:
  template <class... Args>
  requires std::is_constructible_v<Options, Args...>
  explicit LayerBase(Args&&... args) : options(std::forward<Args>(args)...) { LayerBase::reset(); }
  void reset() override {
    layer_ = std::make_shared<Core>(options.make());
    this->core_ = layer_;
    const auto take = []<class C>(LayerBase& own, const C& core) {
      if constexpr (requires { core.weight; }) own.weight = core.weight;
      if constexpr (requires { core.bias; }) own.bias = core.bias;
      if constexpr (requires { core.running_mean; }) own.running_mean = core.running_mean;
      if constexpr (requires { core.running_var; }) own.running_var = core.running_var;
      if constexpr (requires { core.num_batches_tracked; })
        own.num_batches_tracked = core.num_batches_tracked;
    };
    take(*this, *layer_);
  }
  void reset_parameters() { layer_->reset_parameters(); }
  Options options;
  // Of Norma's layer, where it has them.
  Tensor weight, bias, running_mean, running_var, num_batches_tracked;

 protected:
  std::shared_ptr<Core> layer_;
};

/// From one tensor to one.
template <class Derived, class Options>
struct Layer : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  Tensor forward(const Tensor& input) { return (*this->layer_)(input); }
};
/// From what Norma's layer takes: losses take two tensors or three.
template <class Derived, class Options>
struct Loss : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  template <class... Args>
  auto forward(const Args&... args) {
    return (*this->layer_)(args...);
  }
};

/// `a` in the size that it has beside `b`: libtorch broadcasts where Norma refuses.
inline Tensor beside(const Tensor& a, const Tensor& b) {
  if (a.sizes() == b.sizes()) return a;
  norma::warn("loss", "sizes ", a.sizes(), " and ", b.sizes(), " differ and are broadcast");
  return a.expand(norma::broadcast_shapes(a.sizes(), b.sizes(), "loss"));
}
template <class Derived, class Options>
struct WideLoss : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  Tensor forward(const Tensor& x, const Tensor& target) {
    return (*this->layer_)(beside(x, target), beside(target, x));
  }
};

// Layers by name: of Norma's class with its Options and 0, 1, 2 or 3 arguments before them.
#define NORMA_TORCH_IMPL(Base, Name)                    \
  struct Name##Impl : Base<Name##Impl, Name##Options> { \
    using Base<Name##Impl, Name##Options>::Base;        \
  };                                                    \
  TORCH_MODULE(Name)
#define NORMA_TORCH_MAKE_WITH(Name, arguments, ...)       \
  auto make() const { return norma::nn::Name arguments; } \
  norma::nn::Name##Options own;                           \
  NORMA_TORCH_OPTIONS(__VA_ARGS__)
#define NORMA_TORCH_LAYER0(Base, Name, ...)                      \
  struct Name##Options {                                         \
    NORMA_TORCH_MAKE_WITH(Name, (own)__VA_OPT__(, ) __VA_ARGS__) \
  };                                                             \
  NORMA_TORCH_IMPL(Base, Name)
#define NORMA_TORCH_LAYER1(Base, Name, T1, a1, ...)        \
  struct Name##Options {                                   \
    Name##Options(T1 v1) : a1##_(std::move(v1)) {}         \
    NORMA_TORCH_MAKE_WITH(Name, (a1##_, own), __VA_ARGS__) \
    TORCH_ARG(T1, a1);                                     \
  };                                                       \
  NORMA_TORCH_IMPL(Base, Name)
#define NORMA_TORCH_OPTIONS2(Name, T1, a1, T2, a2, ...)           \
  struct Name##Options {                                          \
    Name##Options(T1 v1, T2 v2) : a1##_(v1), a2##_(v2) {}         \
    NORMA_TORCH_MAKE_WITH(Name, (a1##_, a2##_, own), __VA_ARGS__) \
    TORCH_ARG(T1, a1);                                            \
    TORCH_ARG(T2, a2);                                            \
  }
#define NORMA_TORCH_LAYER2(Base, Name, ...) \
  NORMA_TORCH_OPTIONS2(Name, __VA_ARGS__);  \
  NORMA_TORCH_IMPL(Base, Name)
#define NORMA_TORCH_CONV(Base, Name, Size, ...)                                                \
  struct Name##Options {                                                                       \
    Name##Options(int64_t in, int64_t out, Size kernel)                                        \
        : in_channels_(in), out_channels_(out), kernel_size_(kernel) {}                        \
    NORMA_TORCH_MAKE_WITH(Name, (in_channels_, out_channels_, kernel_size_, own), __VA_ARGS__) \
    TORCH_ARG(int64_t, in_channels);                                                           \
    TORCH_ARG(int64_t, out_channels);                                                          \
    TORCH_ARG(Size, kernel_size);                                                              \
  };                                                                                           \
  NORMA_TORCH_IMPL(Base, Name)
#define NORMA_TORCH_LOSS(Name, ...) NORMA_TORCH_LOSS_OF(Loss, Name __VA_OPT__(, ) __VA_ARGS__)
#define NORMA_TORCH_LOSS_OF(Base, Name, ...)                                 \
  struct Name##Options {                                                     \
    Name##Options(Reduction how = kMean) { own.reduction = how; }            \
    NORMA_TORCH_MAKE_WITH(Name, (own), reduction __VA_OPT__(, ) __VA_ARGS__) \
  };                                                                         \
  NORMA_TORCH_IMPL(Base, Name)
// Layers without Options: Norma's class takes 0, 1 or 2 arguments. `inplace` changes nothing, for
// Norma overwrites temporaries by itself.
#define NORMA_TORCH_SIMPLE0(Name)                                \
  struct Name##Options {                                         \
    Name##Options(bool in_place = false) : inplace_(in_place) {} \
    auto make() const { return norma::nn::Name(); }              \
    TORCH_ARG(bool, inplace);                                    \
  };                                                             \
  NORMA_TORCH_IMPL(Layer, Name)
#define NORMA_TORCH_SIMPLE1(Name, T1, a1, default)           \
  struct Name##Options {                                     \
    Name##Options(T1 v1 = default) : a1##_(std::move(v1)) {} \
    auto make() const { return norma::nn::Name(a1##_); }     \
    TORCH_ARG(T1, a1);                                       \
    TORCH_ARG(bool, inplace) = false;                        \
  };                                                         \
  NORMA_TORCH_IMPL(Layer, Name)
#define NORMA_TORCH_SIMPLE2(Name, T1, a1, default1, T2, a2, default2)                      \
  struct Name##Options {                                                                   \
    Name##Options(T1 v1 = default1, T2 v2 = default2) : a1##_(std::move(v1)), a2##_(v2) {} \
    auto make() const { return norma::nn::Name(a1##_, a2##_); }                            \
    TORCH_ARG(T1, a1);                                                                     \
    TORCH_ARG(T2, a2);                                                                     \
    TORCH_ARG(bool, inplace) = false;                                                      \
  };                                                                                       \
  NORMA_TORCH_IMPL(Layer, Name)

}  // namespace torch::nn
