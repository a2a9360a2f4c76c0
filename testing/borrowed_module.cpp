#include "norma/testing/borrowed_module.h"

#include <exception>

#include "norma/autograd/grad_mode.h"
#include "norma/core/text.h"
#include "norma/testing/compare.h"

namespace norma::testing {

Tensor as_floating(const Tensor& tensor, std::optional<DType> dtype) {
  if (!dtype || !tensor.defined() || !is_floating(tensor.dtype())) return tensor;
  return tensor.to(*dtype);
}

// Positive numbers stay positive: they may be variances.
void scramble(Tensor tensor) {
  const NoGradGuard no_grad;
  const Tensor old = tensor.detach();
  if (is_floating(tensor.dtype())) {
    tensor.copy_(old.abs().mul(0.625).add(0.7109375));
  } else {
    tensor.copy_(tensor.dtype() == kBool ? old.logical_not() : old.add(1));
  }
}

BorrowedModule::BorrowedModule(nn::Module& module) : module_(module) {
  for (nn::Module* each : module.modules()) modes_.emplace_back(each, each->is_training());
  const auto add = [&](const NamedTensors& list, bool is_parameter) {
    for (const auto& [name, tensor] : list) {
      entries_.push_back({.name = name,
                          .tensor = tensor,
                          .original = tensor.detach(),
                          .grad = tensor.grad(),
                          .requires_grad = tensor.requires_grad(),
                          .is_parameter = is_parameter});
    }
  };
  add(module.named_parameters(), true);
  add(module.named_buffers(), false);
}

BorrowedModule::~BorrowedModule() {
  for (Entry& entry : entries_) {
    lay(entry, entry.original);
    entry.tensor.set_grad(entry.grad);
  }
  // Parents first: theirs is the mode of all below until these have their own.
  for (const auto& [module, training] : modes_) {
    try {
      module->train(training);
    } catch (const std::exception&) {
      // A class's own train(), which has been called, and is a fault by now.
    }
  }
}

void BorrowedModule::lay(Entry& entry, const Tensor& memory) {
  Tensor& tensor = entry.tensor;
  if (!tensor.is_leaf()) tensor.detach_();
  tensor.requires_grad_(false);
  tensor.set_data(memory);
  tensor.requires_grad_(entry.requires_grad);
}

void BorrowedModule::begin(bool training, std::optional<DType> dtype) {
  for (Entry& entry : entries_) {
    Tensor fresh = as_floating(entry.original, dtype).contiguous();
    lay(entry, fresh.is_same(entry.original) ? fresh.clone() : fresh);
  }
  module_.train(training);
}

void BorrowedModule::restore_buffers() const {
  const NoGradGuard no_grad;
  for (const Entry& entry : entries_) {
    Tensor tensor = entry.tensor;
    if (!tensor.is_leaf()) tensor.detach_();
    if (!entry.is_parameter) tensor.copy_(entry.original);
  }
}

void BorrowedModule::scramble() const {
  for (const Entry& entry : entries_) testing::scramble(entry.tensor);
}

std::string BorrowedModule::name(const Entry& entry) {
  return (entry.is_parameter ? "the parameter " : "the buffer ") + entry.name;
}

std::vector<Tensor> BorrowedModule::values() const {
  std::vector<Tensor> list;
  for (const Entry& entry : entries_) list.push_back(entry.tensor.detach().clone());
  return list;
}

std::string BorrowedModule::first_changed(const std::vector<Tensor>& values,
                                          bool parameters_only) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (parameters_only && !entries_[i].is_parameter) continue;
    if (!short_difference({entries_[i].tensor}, {values[i]}).empty()) return name(entries_[i]);
  }
  return "";
}

std::string BorrowedModule::first_with_history() const {
  for (const Entry& entry : entries_) {
    if (!entry.tensor.is_leaf()) return name(entry);
  }
  return "";
}

std::string BorrowedModule::first_not_in_mode(bool training) const {
  for (const auto& [path, module] : module_.named_modules()) {
    if (module->is_training() == training) continue;
    return path.empty() ? "the module itself" : "the module " + path;
  }
  return "";
}

}  // namespace norma::testing
