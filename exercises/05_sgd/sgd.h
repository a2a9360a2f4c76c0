// Stochastic gradient descent with momentum.
#pragma once
#include <norma/norma.h>

#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

namespace mine {

using norma::Tensor;

class SGD {
 public:
  SGD(std::vector<Tensor> parameters, double learning_rate, double momentum_share)
      : lr(learning_rate), momentum(momentum_share), parameters_(std::move(parameters)) {
    for (const Tensor& p : parameters_) velocities_.push_back(norma::zeros_like(p));
  }

  /// One step of every parameter that has a gradient.
  void step() {
    const norma::NoGradGuard no_grad;  // steps are no part of what is differentiated
    // Your code here.
    throw std::logic_error("step() is not written yet");
  }

  /// Takes every gradient away, since backward() adds to what is there.
  void zero_grad() {
    // Your code here.
    throw std::logic_error("zero_grad() is not written yet");
  }

  double lr, momentum;

 private:
  std::vector<Tensor> parameters_;
  std::vector<Tensor> velocities_;  // of each parameter, in its shape
};

}  // namespace mine
