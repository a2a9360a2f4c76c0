// Stochastic gradient descent with momentum.
#pragma once
#include <norma/norma.h>

#include <cstddef>
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
    const norma::NoGradGuard no_grad;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const Tensor grad = parameters_[i].grad();
      if (!grad.defined()) continue;
      velocities_[i].copy_(momentum * velocities_[i] + grad);
      parameters_[i].sub_(lr * velocities_[i]);
    }
  }

  /// Takes every gradient away, since backward() adds to what is there.
  void zero_grad() {
    for (Tensor& p : parameters_) p.set_grad(Tensor());
  }

  double lr, momentum;

 private:
  std::vector<Tensor> parameters_;
  std::vector<Tensor> velocities_;  // of each parameter, in its shape
};

}  // namespace mine
