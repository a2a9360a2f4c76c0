// A number that knows how it was computed, and so its derivatives.
#pragma once
#include <cmath>
#include <memory>
#include <stdexcept>
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
    // Your code here.
    throw std::logic_error("backward() is not written yet");
  }

  // The number, and for each input the slope: d(a + b) / d(a) = 1, d(a + b) / d(b) = 1.
  friend Value operator+(const Value& a, const Value& b) {
    return Value(a.number() + b.number(), {{a.node_, 1}, {b.node_, 1}});
  }
  friend Value operator-(const Value& a, const Value& b) {
    // Your code here, and below.
    throw std::logic_error("a - b is not written yet");
  }
  friend Value operator*(const Value& a, const Value& b) {
    throw std::logic_error("a * b is not written yet");
  }
  friend Value operator/(const Value& a, const Value& b) {
    throw std::logic_error("a / b is not written yet");
  }
  friend Value exp(const Value& a) { throw std::logic_error("exp(a) is not written yet"); }
  friend Value log(const Value& a) { throw std::logic_error("log(a) is not written yet"); }
  friend Value tanh(const Value& a) { throw std::logic_error("tanh(a) is not written yet"); }

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

  std::shared_ptr<Node> node_;
};
