#include "norma/layers/trial_run.h"

#include <cstring>

#include "norma/layers/lazy.h"

namespace norma::nn {

void refuse_lazy(const char* op, const Module& model) {
  for (const auto& [path, module] : model.named_modules()) {
    if (!dynamic_cast<const LazyLayer*>(module)) continue;
    fail(
        op, "expected a model whose sizes are known, got a ", module->type_name(),
        path.empty() ? "" : " \"" + path + "\"",
        " that was never called; run a dry forward of the model first, such as net(zeros({1, …}))");
  }
}

TrialRun::TrialRun(Module& model, const std::vector<Tensor>& inputs)
    : memory_(model, inputs), modes_(model) {}

TrialRun::Memory::Memory(const Module& model, const std::vector<Tensor>& inputs) {
  try {
    with_memory(0, [&] {
      for (const Tensor& tensor : model.parameters()) lend(tensor);
      for (const Tensor& tensor : model.buffers()) lend(tensor);
      for (const Tensor& tensor : inputs) lend(tensor);
    });
  } catch (...) {
    give_back();
    throw;
  }
}

TrialRun::Memory::~Memory() { give_back(); }

void TrialRun::Memory::lend(const Tensor& tensor) {
  if (!tensor.defined()) return;
  TensorImpl& impl = *impl_of(tensor);
  if (originals_.count(impl.storage.get()) > 0) return;  // it has its copy
  Ref<Storage>& copy = copies_[impl.storage.get()];
  if (!copy) {
    copy = Ref<Storage>::make(impl.storage->bytes());
    if (copy->bytes() > 0) std::memcpy(copy->data(), impl.storage->data(), copy->bytes());
    originals_[copy.get()] = impl.storage;
  }
  kept_.push_back({Ref<TensorImpl>(&impl), impl.storage, impl.grad, impl.node, impl.base_version,
                   impl.requires_grad});
  impl.grad = Tensor();
  impl.storage = copy;
  impl.base_version = copy->version();
}

void TrialRun::Memory::give_back() noexcept {
  for (Kept& kept : kept_) {
    kept.tensor->storage = std::move(kept.storage);
    kept.tensor->grad = std::move(kept.grad);
    kept.tensor->requires_grad = kept.requires_grad;
    kept.tensor->base_version = kept.base_version;
    if (kept.tensor->has_history) kept.tensor->node = std::move(kept.node);
  }
  kept_.clear();
}

TrialRun::Modes::Modes(Module& model) {
  with_memory(0, [&] {
    for (Module* module : model.modules()) modes_.emplace_back(module, module->is_training());
  });
  try {
    model.eval();
  } catch (...) {
    give_back();
    throw;
  }
}

TrialRun::Modes::~Modes() { give_back(); }

void TrialRun::Modes::give_back() noexcept {
  for (const auto& [module, on] : modes_) {
    try {
      if (module->is_training() != on) module->train(on);
    } catch (...) {  // a class's own train(): those below it still get their mode
    }
  }
}

}  // namespace norma::nn
