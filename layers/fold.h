// A layer and the norm behind it made one, for all handles on them. For Norma's own sources; users
// need only fuse.h.
#pragma once
#include <memory>

#include "norma/core/random.h"
#include "norma/layers/batch_norm.h"

namespace norma::nn {

/// fuse_conv_bn's way to what the handles of a module share.
class Folding {
 public:
  /// Whether it is a Conv2d, Conv1d or Linear itself. One derived from them may have a forward of
  /// its own.
  static bool is_layer(const Module& module);
  /// Whether it is a BatchNorm2d or BatchNorm1d itself, with running statistics, and not folded.
  static bool is_norm(const Module& module);
  /// Whether they are of the classes that go together.
  static bool is_pair(const Module& layer, const Module& norm);

  /// Dimensions of the result of a layer that the norm behind it takes as the layer means them: a
  /// Linear's [N, L, C] or an unbatched Conv1d's [C, L] has its channels elsewhere.
  static int64_t rank(const Module& layer);
  /// The weight of a layer or a norm, undefined where it has none.
  static const Tensor& weight(const Module& module);
  static const Tensor& bias(const Module& module) { return module.registered_bias(); }
  static const Module::NamedModules& children(const Module& module);
  /// Whether nothing but its parent holds it, so that nothing else can call it.
  static bool has_one_handle(const std::shared_ptr<Module>& module);

  /// Throws where it is in training mode.
  static void check_evaluates(const char* op, const Module& module);
  /// Throws where the pair is not one to fold.
  static void check(const char* op, const Module& layer, const BatchNorm& norm);
  /// Fills the tensors of one layer for both, from those of a layer and its norm.
  static void fill(Tensor new_weight, Tensor new_bias, const Tensor& weight, const Tensor& bias,
                   const BatchNorm& norm);
  /// Checks, for fuse_conv_bn. From now on the layer does the norm's work and has a bias; the norm has no tensors left.
  static void fold(Module& layer, BatchNorm& norm);
  /// What a folded norm does.
  static Tensor hand_on(const BatchNorm& norm, Tensor input, bool relu);
};

/// Gives the random numbers back that are drawn while it lives.
class DrawsNothing {
 public:
  DrawsNothing() : before_(default_generator().state()) {}
  ~DrawsNothing() { default_generator().set_state(before_); }
  DrawsNothing(const DrawsNothing&) = delete;
  DrawsNothing& operator=(const DrawsNothing&) = delete;

 private:
  Generator::State before_;
};

}  // namespace norma::nn
