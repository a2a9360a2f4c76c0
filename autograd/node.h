// The graph. A node is one recorded operation; it owns the nodes its inputs came from and whatever
// its backward needs, never its own output: so that a graph has no cycles and dies with its
// outputs.
#pragma once
#include <cstdint>
#include <deque>
#include <vector>

#include "norma/core/error.h"
#include "norma/core/tensor.h"

namespace norma::autograd {

/// The gradients a backward function fills in, one per input of its operation.
class InputGrads {
 public:
  explicit InputGrads(std::vector<Tensor>& grads, const Ref<class Node>* inputs, int count)
      : grads_(grads), inputs_(inputs), count_(count) {}
  int count() const { return count_; }
  /// Whether input i wants a gradient; filling one that is not wanted is allowed, only wasteful.
  bool needs(int i) const;
  /// A gradient may have the broadcast shape: the engine sums it down to the input's shape.
  Tensor& operator[](int i) { return grads_[static_cast<std::size_t>(i)]; }

 private:
  std::vector<Tensor>& grads_;
  const Ref<Node>* inputs_;
  int count_;
};

/// What an observer noted of an operation, for the errors that its backward raises.
struct Note : RefCounted {
  virtual void add_to(Error& error) const = 0;  ///< Adds what it knows to an error.
};

/// An operation in the graph, which takes the gradient of its result to its inputs.
class Node : public GraphNode {
 public:
  explicit Node(const char* op_name);

  /// Turns the gradient of the output into those of the inputs. Recording is off while it runs,
  /// unless the gradients are to be differentiated: create_graph.
  virtual void backward(const Tensor& out_grad, InputGrads& grads) = 0;
  /// Drops the saved values, once they were used; false where there are none.
  virtual bool release_saved() { return false; }
  /// Makes its result the ReLU of what it was, for backward; false where it cannot.
  virtual bool take_relu() { return false; }
  /// What leads to a saved value, if that is a result of the operation; else null.
  virtual Ref<Node> maker_of(const TensorImpl* saved);

  void forget(const TensorImpl* gone) override;
  /// Whether it is the end of the graph at a leaf.
  bool is_accumulator() const { return sequence == 0; }

  const char* name;  ///< of the operation
  /// In order of creation: inputs are older. 0 for accumulators, which are no operations.
  uint64_t sequence = 0;
  const void* result = nullptr;  ///< whose memory the output was; Saved knows it by that
  Shape sizes;                   ///< of the output
  DType dtype = kFloat32;        ///< of the output
  Ref<Node>* inputs = nullptr;   ///< null where an input needs no gradient
  Node* next_dying = nullptr;    ///< in the list of drop_inputs
  int input_count = 0;           ///< how many there are
  Tensor grad;                   ///< of the output, gathered while backward() runs
  Ref<RefCounted> hooks;         ///< NodeHooks, in hooks.h; null without any
  uint64_t turn = 0;             ///< its place in the order of the backward() that runs
  int run = 0;                   ///< the innermost running backward() that reaches it
  bool wanted = false;           ///< whether that wants its gradient
  bool released = false;         ///< its saved values are gone
  Ref<Note> note;                ///< an observer's, for errors

 protected:
  /// For destructors: frees the nodes that only this one holds, without recursion.
  void drop_inputs() noexcept;
};

/// The end of the graph at a leaf: adds what arrives to the leaf's gradient. The leaf and the nodes
/// that use it own it; its pointer back is cleared when the leaf dies.
class Accumulator : public Node {
 public:
  explicit Accumulator(TensorImpl* leaf_impl);
  void backward(const Tensor& out_grad, InputGrads& grads) override;
  void forget(const TensorImpl* gone) override {
    if (gone == leaf) leaf = nullptr;
  }
  TensorImpl* leaf;  ///< null once the leaf is gone
};

/// A value that backward needs: its memory and geometry without its history. `get()` throws when it
/// was changed in place since. Where backward is recorded, too (create_graph), an input or the
/// result of the operation has its place in the graph again; anything else is a constant there.
class Saved {
 public:
  Saved() = default;
  explicit Saved(const Tensor& tensor) : Saved(tensor, tensor) {}
  /// `values` are those of `input`, in another layout or dtype perhaps and without a history.
  Saved(const Tensor& values, const Tensor& input);
  const Tensor& get() const;  ///< throws if changed in place since
  const Tensor& operator*() const { return get(); }
  const Tensor* operator->() const { return &get(); }
  bool defined() const { return value_.defined(); }  ///< whether a tensor was saved

 private:
  const Tensor& linked() const;
  Tensor value_;
  uint64_t version_ = 0;
  const Node* source_ = nullptr;  // what led to the input; to be compared only
};

/// The operation whose backward runs on this thread, null outside: errors name it.
Node*& running_node();
/// What its Saved gave while recording was on, and how many; freed when it ends.
std::deque<Tensor>& linked_values();
std::size_t& linked_count();  ///< How many of `linked_values()` are in use.

/// The node that takes a gradient for `tensor`: null when it needs none.
Ref<Node> gradient_edge(const Tensor& tensor);

/// The place of the next node in the order of creation.
uint64_t next_sequence_number();

/// Gives `out` the history `node`.
void set_history(Tensor& out, const Ref<Node>& node);

/// Adds a gradient that has arrived to `total`, which other tensors may share with it.
void add_gradient(Tensor& total, const Tensor& arrived);

/// Living operations of all graphs. Tests watch it for leaks.
int64_t live_nodes();
namespace detail {
void count_nodes(int64_t change);
}

}  // namespace norma::autograd
