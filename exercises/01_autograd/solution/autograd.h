// A number that knows how it was computed, and so its derivatives.
#pragma once
#include <cmath>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

class Value {
 public:
  Value(double number) : node_(std::make_shared<Node>(Node{.number = number})) {}

  double number() const { return node_->number; }
  /// d(y) / d(this), after y.backward().
  double grad() const { return node_->grad; }

  /// Adds d(this) / d(v) to the gradient of every value v that this was computed from. To be called
  /// once: the values between keep their gradients, which a second call would pass on again.
  void backward() const {
    std::vector<Node*> order;
    std::unordered_set<Node*> seen;
    append_after_inputs(node_.get(), order, seen);
    node_->grad += 1;
    while (!order.empty()) {  // the last is this; behind a node come all that use it
      const Node* node = order.back();
      order.pop_back();
      for (const Edge& edge : node->edges) edge.input->grad += edge.slope * node->grad;
    }
  }

  friend Value operator+(const Value& a, const Value& b) {
    return Value(a.number() + b.number(), {{a.node_, 1}, {b.node_, 1}});
  }
  friend Value operator-(const Value& a, const Value& b) {
    return Value(a.number() - b.number(), {{a.node_, 1}, {b.node_, -1}});
  }
  friend Value operator*(const Value& a, const Value& b) {
    return Value(a.number() * b.number(), {{a.node_, b.number()}, {b.node_, a.number()}});
  }
  friend Value operator/(const Value& a, const Value& b) {
    const double quotient = a.number() / b.number();
    return Value(quotient, {{a.node_, 1 / b.number()}, {b.node_, -quotient / b.number()}});
  }
  friend Value exp(const Value& a) {
    const double y = std::exp(a.number());
    return Value(y, {{a.node_, y}});
  }
  friend Value log(const Value& a) {
    return Value(std::log(a.number()), {{a.node_, 1 / a.number()}});
  }
  friend Value tanh(const Value& a) {
    const double y = std::tanh(a.number());
    return Value(y, {{a.node_, 1 - y * y}});
  }

 private:
  struct Node;
  // What a value was computed from, and d(value) / d(input) at the numbers it was computed with.
  struct Edge {
    std::shared_ptr<Node> input;
    double slope;
  };
  struct Node {
    double number;
    double grad = 0;
    std::vector<Edge> edges = {};
  };

  Value(double number, std::vector<Edge> edges) : Value(number) { node_->edges = std::move(edges); }

  // Puts a node behind all that it was computed from.
  static void append_after_inputs(Node* node, std::vector<Node*>& order,
                                  std::unordered_set<Node*>& seen) {
    if (!seen.insert(node).second) return;
    for (const Edge& edge : node->edges) append_after_inputs(edge.input.get(), order, seen);
    order.push_back(node);
  }

  std::shared_ptr<Node> node_;
};
