// A run of a model that leaves no trace. For Norma's own sources.
#pragma once
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "norma/core/random.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/module.h"

namespace norma::nn {

/// Throws `[op] …` for a model with a lazy layer whose sizes are not known.
void refuse_lazy(const char* op, const Module& model);

/// While it lives, the model is in evaluation mode, its parameters, buffers and `inputs` have a
/// copy of their memory and no gradients, and this thread draws from a copy of the generator. At
/// its end every module has the mode and every tensor the memory, the gradient and the trainability
/// it had before: also their versions, so that a graph that was recorded before runs backward.
///
/// Not kept: what a class holds besides what it registered, and what hooks do.
class TrialRun {
 public:
  TrialRun(Module& model, const std::vector<Tensor>& inputs);

 private:
  class Memory {
   public:
    Memory(const Module& model, const std::vector<Tensor>& inputs);
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

   private:
    struct Kept {
      Ref<TensorImpl> tensor;
      Ref<Storage> storage;
      Tensor grad;
      Ref<GraphNode> node;  // of a view, which has one that may be made anew
      uint64_t base_version;
      bool requires_grad;
    };
    void lend(const Tensor& tensor);
    void give_back() noexcept;
    std::vector<Kept> kept_;
    // Tensors that share memory share the copy.
    std::unordered_map<const Storage*, Ref<Storage>> copies_, originals_;
  };
  class Modes {
   public:
    explicit Modes(Module& model);
    ~Modes();
    Modes(const Modes&) = delete;
    Modes& operator=(const Modes&) = delete;

   private:
    void give_back() noexcept;
    std::vector<std::pair<Module*, bool>> modes_;  // parents first
  };

  RandomStateGuard generator_;
  Memory memory_;
  Modes modes_;
};

}  // namespace norma::nn
