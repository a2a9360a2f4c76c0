// Where in the program an operation was recorded, and in which module.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "norma/autograd/anomaly.h"
#include "norma/core/error.h"
#include "norma/core/ref.h"
#include "norma/core/tensor.h"

namespace norma::autograd {

class Node;

/// The mode of this thread.
struct AnomalyMode {
  bool on = false;
  AnomalyOptions options;
};
extern constinit thread_local AnomalyMode anomaly_mode;

/// Where a node was recorded.
struct Origin : RefCounted {
  std::string path, type;           // of the module, "" outside of modules
  std::vector<std::string> inputs;  // "the parameter 0.weight"
};

/// Nothing is checked while it lives: for the arithmetic of gradients and of the checks, which is
/// no operation of the user's.
class AnomalyPause {
 public:
  AnomalyPause() : before_(std::exchange(anomaly_mode, AnomalyMode())) {}
  ~AnomalyPause() { anomaly_mode = before_; }
  AnomalyPause(const AnomalyPause&) = delete;
  AnomalyPause& operator=(const AnomalyPause&) = delete;
  /// The mode that is back afterwards.
  const AnomalyMode& before() const { return before_; }

 private:
  AnomalyMode before_;
};

/// The module whose forward runs on this thread, as far as autograd sees it.
class Scope {
 public:
  /// Null outside of modules.
  static const Scope* innermost();
  const Scope* outer() const { return outer_; }
  virtual std::string path() const = 0;
  virtual std::string type() const = 0;
  /// "the parameter 0.weight", "" for a tensor that is not the module's.
  virtual std::string name_of(const TensorImpl* tensor) const = 0;

  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 protected:
  Scope();
  ~Scope();

 private:
  const Scope* outer_;
};

/// Throws when `out`, which `op` made of `inputs`, holds what the mode looks for. Undefined and
/// integer tensors pass.
void check_result(std::string_view op, const Tensor& out, const std::vector<const Tensor*>& inputs);
void check_result(std::string_view op, const Tensor& out,
                  std::initializer_list<const Tensor*> inputs);
void check_result(std::string_view op, const Tensor& out, const std::vector<Tensor>& inputs);

/// Notes the running module and the names of the leaves among the inputs.
void note_origin(Node& node);

/// Adds the module that recorded `node`, where it is known.
void add_origin(Error& error, const Node& node);

/// The checks of one backward().
class BackwardChecks {
 public:
  /// The gradient that the caller gave.
  void given(const Tensor& grad) const;
  /// The sum of what reached the result of `node`; each part was checked before.
  void sum(const Node& node, const Tensor& grad) const;
  /// What `node` gave for its input i.
  void share(const Node& node, int i, const Tensor& grad) const;
  /// The gradient of the leaf behind `node`, after something was added to it.
  void leaf(const Node& node) const;

 private:
  AnomalyPause pause_;
};

}  // namespace norma::autograd
