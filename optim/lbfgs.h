// L-BFGS: a quasi-Newton method for the whole data set at once.
#pragma once
#include "norma/optim/optimizer.h"

namespace norma::optim {

struct LBFGSOptions {
  double lr = 1;                         ///< learning rate
  int64_t max_iter = 20;                 ///< iterations per step
  std::optional<int64_t> max_eval = {};  ///< evaluations per step; max_iter · 5/4
  double tolerance_grad = 1e-7;          ///< ends a step: the largest |g|
  double tolerance_change = 1e-9;        ///< likewise: change of parameters, or of the loss
  int64_t history_size = 100;            ///< updates that the curvature is estimated from
  std::optional<std::string> line_search_fn = {};  ///< "strong_wolfe"
  bool maximize = false;                           ///< up the gradient instead of down
};

/// Every `step` makes up to max_iter iterations: p = p + t d, where d is the gradient times an
/// approximation of the inverse Hessian from the last history_size changes of parameters and
/// gradients, and t is lr (in the first iteration of all at most lr / Σ|g|), or found from there by
/// a line search for the strong Wolfe conditions. The closure is called many times.
/// ```cpp
/// optim::LBFGS optimizer(model.parameters(), {.line_search_fn = "strong_wolfe"});
/// optimizer.step([&] {
///   optimizer.zero_grad();
///   Tensor loss = criterion(model(x), y);
///   loss.backward();
///   return loss;
/// });
/// ```
/// Parameters are one group, of one dtype. The loss that `step` returns is that of its beginning.
///
/// State: `func_evals`, `n_iter`, `d`, `t`, `old_dirs`, `old_stps` (one row for each), `ro`,
/// `H_diag`, `prev_flat_grad` and `prev_loss`, of the first parameter, as in PyTorch.
///
/// Throws for lr below 0, for max_iter, max_eval or history_size below 1, for another line search,
/// and for `step()` without a closure.
///
/// Nocedal and Wright, "Numerical optimization", chapters 3 and 7; PyTorch's comes from minFunc.
class LBFGS : public Optimizer {
 public:
  explicit LBFGS(std::vector<Tensor> params, const LBFGSOptions& options = {});
  /// Throws: a closure is needed.
  void step() override;
  Tensor step(const std::function<Tensor()>& closure) override;

  const LBFGSOptions& options() const { return options_; }
  /// From the next step on; without max_eval it follows from max_iter again. Errors: as of the
  /// constructor.
  void set_options(const LBFGSOptions& options);
  double lr(int64_t group = 0) const override;
  void set_lr(int64_t group, double lr) override;
  using Optimizer::set_lr;

 private:
  struct Search;
  void update(const Elements&) const override {}
  void check(const LBFGSOptions& options, const char* op) const;
  LBFGSOptions from_numbers(const Numbers& numbers) const;
  Numbers group_numbers(int64_t group) const override;
  void check_group_numbers(const Numbers& numbers) const override;
  void set_group_numbers(int64_t group, const Numbers& numbers) override;
  NamedTensors state_tensors() const override;
  void check_tensors(const NamedTensors& tensors, const std::string& op) const override;
  void set_tensors(const NamedTensors& tensors) override;

  /// The loss, negated where it is to grow.
  double evaluate(const std::function<Tensor()>& closure, Tensor* loss = nullptr) const;
  Tensor flat_gradient() const;
  /// p = p + t · direction.
  void move(double t, const Tensor& direction) const;
  void next_direction(const Tensor& gradient);
  Search line_search(const std::function<Tensor()>& closure, double loss, const Tensor& gradient,
                     double slope, int64_t most) const;

  LBFGSOptions options_;
  int64_t func_evals_ = 0, n_iter_ = 0;
  Tensor d_, prev_flat_grad_;
  double t_ = 0, h_diag_ = 1, prev_loss_ = 0;
  std::vector<Tensor> old_dirs_, old_stps_;
  std::vector<double> ro_;
};

}  // namespace norma::optim
