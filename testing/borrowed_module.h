// A module that is used for checks and given back as it was. For Norma's own sources.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "norma/layers/module.h"

namespace norma::testing {

/// While it lives, the module's parameters and buffers lie in other memory, so that nothing that is
/// done to them reaches the old one; afterwards they are what they were, and so are the gradients,
/// the flags and the modes.
class BorrowedModule {
 public:
  explicit BorrowedModule(nn::Module& module);
  ~BorrowedModule();
  BorrowedModule(const BorrowedModule&) = delete;
  BorrowedModule& operator=(const BorrowedModule&) = delete;

  nn::Module& module() const { return module_; }
  /// Original values again, the floating ones as `dtype` where it is given; no gradients; this
  /// mode.
  void begin(bool training, std::optional<DType> dtype = std::nullopt);
  /// Original values of the buffers.
  void restore_buffers() const;
  /// Every value another one.
  void scramble() const;

  struct Entry {
    std::string name;
    Tensor tensor;    // the module's handle
    Tensor original;  // its memory
    Tensor grad;
    bool requires_grad, is_parameter;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  /// "the parameter fc.weight", "the buffer bn.running_mean"
  static std::string name(const Entry& entry);
  /// Copies of all, and the first of which they are none any more, "" if there is none.
  std::vector<Tensor> values() const;
  std::string first_changed(const std::vector<Tensor>& values, bool parameters_only) const;
  /// The first that is the result of an operation; "" if none.
  std::string first_with_history() const;
  /// "the module fc", "the module itself", of the first that is not in that mode; "" if none.
  std::string first_not_in_mode(bool training) const;

 private:
  static void lay(Entry& entry, const Tensor& memory);

  nn::Module& module_;
  std::vector<Entry> entries_;
  std::vector<std::pair<nn::Module*, bool>> modes_;
};

/// `tensor` in the dtype if it is floating; undefined ones and others as they are.
Tensor as_floating(const Tensor& tensor, std::optional<DType> dtype);
/// Changes every value of a tensor.
void scramble(Tensor tensor);

}  // namespace norma::testing
