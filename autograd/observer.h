// Watching a program compute: every operation as it is recorded, every module call, every gradient.
#pragma once
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "norma/core/tensor.h"

namespace norma::autograd {

class Node;

/// The tensors an operation was computed from, absent ones undefined. Lives as long as the argument
/// list that it was made from: for parameters of functions only.
class Inputs {
 public:
  Inputs() = default;
  Inputs(std::initializer_list<const Tensor*> list) : list_(std::data(list)), size_(list.size()) {}
  Inputs(const std::vector<const Tensor*>& list) : list_(list.data()), size_(list.size()) {}
  Inputs(const std::vector<Tensor>& list) : tensors_(list.data()), size_(list.size()) {}
  int size() const { return static_cast<int>(size_); }  ///< how many
  /// Input i, undefined if absent.
  // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.UndefReturn): i < size() is not seen there
  const Tensor& operator[](int i) const { return list_ ? *list_[i] : tensors_[i]; }

 private:
  const Tensor* const* list_ = nullptr;
  const Tensor* tensors_ = nullptr;
  std::size_t size_ = 0;
};

/// An option of an operation by its name in PyTorch: a list of integers, a word, or else a number.
struct Option {
  Option(const char* of, bool value) : name(of), number(value) {}
  Option(const char* of, int64_t value) : name(of), number(value) {}
  Option(const char* of, double value) : name(of), number(value) {}
  Option(const char* of, Scalar value) : name(of), number(value) {}
  Option(const char* of, const Shape& value) : name(of), list(&value) {}
  Option(const char* of, const char* value) : name(of), word(value) {}

  const char* name;             ///< PyTorch's
  Scalar number = 0;            ///< where it is neither a list nor a word
  const Shape* list = nullptr;  ///< null unless it is one
  const char* word = nullptr;   ///< null unless it is one
};

/// What is computed: `{"softmax", {{"dim", dim}}}`. Options that the shapes of inputs and result
/// show may be left out. As `Inputs`, for parameters of functions only.
struct Operation {
  Operation(const char* op) : name(op) {}
  Operation(const char* op, std::initializer_list<Option> list) : name(op), options(list) {}

  const char* name;                            ///< PyTorch's
  std::initializer_list<Option> options = {};  ///< those that matter to an observer
};

/// The module whose forward runs on this thread, as far as autograd sees it.
class Scope {
 public:
  /// Null outside of modules.
  static const Scope* innermost();
  /// The module whose forward called this one's; null: none.
  const Scope* outer() const { return outer_; }
  virtual std::string path() const = 0;  ///< "net.1", "" for the outermost
  virtual std::string type() const = 0;  ///< the class, without namespaces
  /// "the parameter 0.weight", "" for a tensor that is not the module's.
  virtual std::string name_of(const TensorImpl* tensor) const = 0;
  /// Its own parameters and buffers, absent ones undefined.
  virtual std::vector<Tensor> tensors() const = 0;

  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 protected:
  Scope();
  ~Scope();

 private:
  const Scope* outer_;
};

/// Is told what happens on the thread while an `ObserverGuard` for it lives there. Derive, and
/// override what is of interest:
/// ```cpp
/// struct Printer : norma::autograd::Observer {
///   void result(const char* op, const Tensor& out, norma::autograd::Inputs) override {
///     std::cout << op << " gives " << out << "\n";
///   }
/// };
/// Printer printer;
/// const norma::autograd::ObserverGuard guard(printer);
/// criterion(net(x), y).backward();
/// ```
/// - `result` and `recorded` tell of operations that are recorded: none under NoGradGuard, none
///   whose inputs do not require a gradient. Module calls are told always; `computed` tells of
///   nearly all operations, with and without a gradient, and of their options.
/// - What an observer itself computes, and the arithmetic of backward functions, is not told.
/// - An observer that throws stops what it was told of; the error reaches the caller. Nothing is
///   left half done: an in-place operation has changed nothing yet, a graph can run backward again.
class [[gnu::visibility("default")]] Observer {
 public:
  virtual ~Observer() = default;

  /// An operation computed `out`, whether it is recorded or not. Some are made of others, and tell
  /// of those, too, before they tell of themselves.
  virtual void computed(const Operation& /*op*/, const Tensor& /*out*/, Inputs /*inputs*/) {}
  /// An operation computed `out`, which nobody else has seen yet.
  virtual void result(const char* /*op*/, const Tensor& /*out*/, Inputs /*inputs*/) {}
  /// The same operation is in the graph now.
  virtual void recorded(Node& /*node*/, const Tensor& /*out*/) {}
  /// A module call ended. `inputs` are those it was called with, as far as the module tells them.
  virtual void called(const Scope& /*module*/, const Tensor& /*result*/, Inputs /*inputs*/) {}

  /// backward() starts with the gradient of its tensor.
  virtual void started(const Node& /*root*/, const Tensor& /*grad*/) {}
  /// The gradient of an operation's result is complete, summed over all uses; its backward is next.
  virtual void arrived(const Node& /*node*/, const Tensor& /*grad*/) {}
  /// What its backward gave for input i, in that input's shape.
  virtual void gradient(const Node& /*node*/, int /*i*/, const Tensor& /*grad*/) {}
  /// A leaf's grad() took what arrived at its end of the graph.
  virtual void accumulated(const Node& /*node*/, const Tensor& /*grad*/) {}
};

/// While it lives, the observer is told. Guards nest: every observer is told, the innermost first.
class ObserverGuard {
 public:
  [[nodiscard("give the guard a name: without one it ends at once")]] explicit ObserverGuard(
      Observer& observer);
  ~ObserverGuard();
  ObserverGuard(const ObserverGuard&) = delete;
  ObserverGuard& operator=(const ObserverGuard&) = delete;

 private:
  friend class ObserverPause;
  friend Observer* observer();
  Observer& observer_;
  ObserverGuard* outer_;
};

namespace detail {
struct Observers {
  ObserverGuard* innermost = nullptr;
  int pauses = 0;
};
extern constinit thread_local Observers observers;
}  // namespace detail

/// The innermost observer of this thread; null where nobody watches, also inside of observers and
/// of backward functions.
inline Observer* observer() {
  const ObserverGuard* guard = detail::observers.innermost;
  return guard && detail::observers.pauses == 0 ? &guard->observer_ : nullptr;
}

/// Tells the observers of what has no gradient.
void tell_computed(const Operation& op, const Tensor& out, const Inputs& inputs);

/// `out`, told: `return told("gt", out, {&a, &b});`
inline Tensor told(const Operation& op, Tensor out, const Inputs& inputs) {
  if (observer()) tell_computed(op, out, inputs);
  return out;
}

/// Whether every intermediate result has to stay as the program wrote it: no operation is fused
/// with the next, and none overwrites a temporary. So an observer sees each result by itself, may
/// keep it, and detect_anomaly can report afterwards what an operation was given.
inline bool is_watched() { return observer() != nullptr; }

/// What is computed while it lives is not told; only `tell` reaches those who watched before.
class ObserverPause {
 public:
  ObserverPause() : told_(observer() ? detail::observers.innermost : nullptr) {
    if (told_) ++detail::observers.pauses;
  }
  ~ObserverPause() {
    if (told_) --detail::observers.pauses;
  }
  ObserverPause(const ObserverPause&) = delete;
  ObserverPause& operator=(const ObserverPause&) = delete;
  /// Whether anybody did.
  explicit operator bool() const { return told_ != nullptr; }
  /// `tell(&Observer::result, op, out, inputs)`
  template <class... Parameters, class... Args>
  void tell(void (Observer::*event)(Parameters...), Args&&... args) const {
    for (const ObserverGuard* guard = told_; guard; guard = guard->outer_) {
      (guard->observer_.*event)(args...);
    }
  }

 private:
  const ObserverGuard* told_;
};

}  // namespace norma::autograd
