// Schedules in cycles: OneCycleLR, CyclicLR, CosineAnnealingWarmRestarts.
#pragma once
#include "norma/optim/lr_scheduler.h"

namespace norma::optim {

/// What OneCycleLR and CyclicLR have in common: rates that depend on the epoch alone, and a
/// momentum that falls where they rise: the option `momentum`, or `betas[0]` of Adam and its kin.
class CyclicSchedule : public LRScheduler {
 protected:
  /// Whether it changes, and between which two.
  struct Momentum {
    bool cycle = true;   ///< false: it stays
    PerGroup base, max;  ///< the least and the greatest
  };
  CyclicSchedule(Optimizer& optimizer, const char* type, Momentum momentum);
  /// The rate of a group for epoch `last_epoch()`, and its momentum between the two given.
  virtual double rate(int64_t group) const = 0;
  /// The momentum of epoch `last_epoch()`, between the two.
  virtual double momentum(double base, double max) const = 0;
  void check_size(std::string_view name, std::size_t size) const override;
  void apply() override;

 private:
  void loaded() override { set_momenta(); }
  void set_momenta();
  bool cycle_momentum_;
  std::vector<double> base_momentum_, max_momentum_;
};

struct OneCycleLROptions {
  /// How often `step` is called; else `epochs` times `steps_per_epoch`.
  std::optional<int64_t> total_steps = {};
  std::optional<int64_t> epochs = {};           ///< see above
  std::optional<int64_t> steps_per_epoch = {};  ///< see above
  double pct_start = 0.3;                       ///< the part of all steps in which the rate rises
  std::string anneal_strategy = "cos";          ///< or "linear"
  bool cycle_momentum = true;                   ///< false: momentum stays
  PerGroup base_momentum = 0.85;                ///< at the highest rate
  PerGroup max_momentum = 0.95;                 ///< at the lowest rate
  double div_factor = 25;                       ///< max_lr / the first rate
  double final_div_factor = 1e4;                ///< the first rate / the last one
  bool three_phase = false;                     ///< falls as it rose, before the end
};
/// Rises from max_lr / div_factor to max_lr, and falls to max_lr / div_factor / final_div_factor;
/// with `three_phase` it first falls as it rose. Momentum goes from max_momentum to base_momentum
/// and back. Call `step()` after every batch:
/// ```cpp
/// optim::OneCycleLR scheduler(optimizer, 0.1,
///                             {.epochs = 10, .steps_per_epoch = loader.size()});
/// ```
/// Between the corners, at e = pct_start · total_steps − 1 (with three phases again twice as far,
/// at 2 pct_start · total_steps − 2) and total_steps − 1, values follow half a cosine, or a line.
///
/// Throws for a step beyond total_steps, where neither total_steps nor both others are given, for
/// counts below 1, for pct_start outside [0, 1], for factors that are not above 0, for another
/// anneal_strategy, and with cycle_momentum for an optimiser without momentum.
///
/// Smith and Topin, "Super-convergence: very fast training of neural networks using large learning
/// rates", arXiv:1708.07120.
class OneCycleLR : public CyclicSchedule {
 public:
  OneCycleLR(Optimizer& optimizer, const PerGroup& max_lr, const OneCycleLROptions& options);
  void step() override;

 private:
  /// The phase of epoch `last_epoch()`: 0 of the rise, 1 of the fall as it rose, 2 of the end; and
  /// how much of it has passed.
  std::pair<int, double> phase() const;
  double between(double start, double end, double part) const;
  double rate(int64_t group) const override;
  double momentum(double base, double max) const override;
  std::vector<double> max_lr_;
  int64_t total_steps_;
  double pct_start_, div_factor_, final_div_factor_;
  bool linear_, three_phase_;
};

struct CyclicLROptions {
  int64_t step_size_up = 2000;                 ///< steps from base_lr to max_lr
  std::optional<int64_t> step_size_down = {};  ///< as many as up
  std::string mode = "triangular";             ///< "triangular2" or "exp_range"
  double gamma = 1;                            ///< of "exp_range"
  /// A factor of your own instead of `mode`, from the number of the cycle (1, 2, …) or, with
  /// scale_mode "iterations", from e. It is not part of the state.
  std::function<double(double)> scale_fn = {};
  std::string scale_mode = "cycle";  ///< or "iterations"
  bool cycle_momentum = true;        ///< false: momentum stays
  PerGroup base_momentum = 0.8;      ///< at the highest rate
  PerGroup max_momentum = 0.9;       ///< at the lowest rate
};
/// Goes from base_lr to max_lr in step_size_up steps and back in step_size_down, again and again.
/// The height of a cycle is full in every one ("triangular"), halved from each to the next
/// ("triangular2"), or gamma^e ("exp_range"). Momentum falls from max_momentum to base_momentum
/// likewise. Call `step()` after every batch.
/// ```cpp
/// optim::CyclicLR scheduler(optimizer, 0.01, 0.1, {.step_size_up = 500});
/// ```
/// Throws for step sizes below 1, for an unknown mode without scale_fn, for an unknown scale_mode,
/// and with cycle_momentum for an optimiser without momentum.
///
/// Smith, "Cyclical learning rates for training neural networks", arXiv:1506.01186.
class CyclicLR : public CyclicSchedule {
 public:
  CyclicLR(Optimizer& optimizer, const PerGroup& base_lr, const PerGroup& max_lr,
           const CyclicLROptions& options = {});

 private:
  /// Of epoch `last_epoch()`, from 0 to 1, scaled.
  double height() const;
  double rate(int64_t group) const override;
  double momentum(double base, double max) const override;
  std::vector<double> base_lr_, max_lr_;
  int64_t up_, down_;
  double gamma_;
  double mode_;  // 0: triangular, 1: triangular2, 2: exp_range
  bool by_iterations_;
  std::function<double(double)> scale_;
};

/// lr = eta_min + (b − eta_min) (1 + cos(π T_cur / T_i)) / 2, where T_cur counts the epochs since
/// the last restart, and T_i those until the next: first T_0, then each time T_mult times as many.
/// ```cpp
/// optim::CosineAnnealingWarmRestarts scheduler(optimizer, 10, 2);
/// for (int64_t i = 0; auto& [x, y] : loader) {
///   // …
///   scheduler.step(epoch + double(i++) / loader.size());  // or step(), once per epoch
/// }
/// ```
/// Throws for T_0 or T_mult below 1, and where eta_min is NaN.
///
/// Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", arXiv:1608.03983.
class CosineAnnealingWarmRestarts : public LRScheduler {
 public:
  CosineAnnealingWarmRestarts(Optimizer& optimizer, int64_t T_0, int64_t T_mult = 1,
                              double eta_min = 0);
  void step() override;
  /// To any place, between epochs, too; `last_epoch()` is then `epoch` rounded down. Throws for a
  /// negative one.
  void step(double epoch);

 private:
  double next_lr(double lr, double base_lr) const override;
  void restart(Start where) override;
  int64_t t_0_, t_mult_;
  double eta_min_;
  double t_cur_ = 0, t_i_;
};

}  // namespace norma::optim
