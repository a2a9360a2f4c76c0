// Calls of modules in the order in which they begin. For Norma's own sources.
#pragma once
#include <cstdint>
#include <vector>

#include "norma/core/shape.h"

namespace norma::nn {

/// A call of a module that ended.
struct ModuleCall {
  const void* module;  // its id()
  std::vector<Shape> inputs, outputs;
  int64_t output_bytes = 0;
};

/// Calls in the order in which they begin, from those in which they end.
class CallOrder {
 public:
  /// `outer`: how many calls are around it.
  void ended(ModuleCall call, std::size_t outer);
  /// To be called once.
  std::vector<ModuleCall> take();

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Ended {
    ModuleCall call;
    std::size_t outer, first_inner = kNone, next = kNone;
  };
  std::vector<Ended> all_;
  std::vector<std::size_t> open_;  // those whose outer call has not ended, oldest first
};

}  // namespace norma::nn
