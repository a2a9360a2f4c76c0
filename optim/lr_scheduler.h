// Learning-rate schedules. Call `scheduler.step()` once per epoch, after the optimiser's steps.
#pragma once
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "norma/optim/optimizer.h"

namespace norma::optim {

/// A scheduler in numbers: its options, its counters, "base_lrs.<group>" and "last_lr.<group>".
struct SchedulerState {
  std::string type;                      ///< "StepLR"
  std::map<std::string, double> values;  ///< by name
};

/// One number for all parameter groups, or one for each; a schedule refuses any other count.
struct PerGroup {
  PerGroup(double one) : values(1, one) {}
  PerGroup(std::initializer_list<double> each) : values(each) {}
  PerGroup(std::vector<double> each) : values(std::move(each)) {}
  std::vector<double> values;  ///< one, or as many as groups
};

/// The base of schedules. e below is the number of `step()` calls so far, b a group's initial
/// learning rate. As in PyTorch, a schedule derives the next rate from the current one: it composes
/// with rates set from elsewhere and with other schedulers, and equals the formula up to rounding.
/// The optimiser must outlive it.
///
/// Making a scheduler sets the rates of e = 0:
/// - Those made one after the other, before any of them steps, compose: a warm-up and a decay.
/// - One made after others have stepped begins anew from b, as warm restarts by hand do. (PyTorch
///   goes on from the rates that the others left: from 0 after a CosineAnnealingLR.)
/// - A rate that was set by hand after their last step is the b of the new one.
class LRScheduler {
 public:
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;
  virtual ~LRScheduler();

  /// On to the next epoch.
  virtual void step();
  /// e.
  int64_t last_epoch() const { return last_epoch_; }
  /// The rates this scheduler set last, one per group.
  const std::vector<double>& get_last_lr() const { return last_lr_; }

  /// Its options and counters.
  SchedulerState state_dict() const;
  /// Throws unless `load_state_dict` would take `state`.
  void check_state_dict(const SchedulerState& state) const;
  /// Takes over options and counters; the rates themselves are part of the optimiser's state, and
  /// are what they were before this scheduler was made. Everything is checked before anything
  /// changes. Errors: the state of another type, numbers that are missing, too many or out of
  /// bounds.
  void load_state_dict(const SchedulerState& state);

 protected:
  LRScheduler(Optimizer& optimizer, const char* type);

  /// Make an option or a counter, a member of the scheduler, part of its state: by this it is
  /// checked, saved and loaded. "`expected`, got <value>" unless `valid(value)`.
  using Valid = bool (*)(double);
  /// See above.
  void field(const char* name, double& value, Valid valid = nullptr, const char* expected = "");
  void field(const char* name, bool& value);
  /// A whole number of at least `least`.
  void field(const char* name, int64_t& value, int64_t least);
  /// A list: "name.0", "name.1", …, whole numbers >= 0 where `whole`.
  void field(const char* name, std::vector<double>& values, bool whole = false);
  /// Throws unless a list may have so many values.
  virtual void check_size(std::string_view /*name*/, std::size_t /*size*/) const {}
  /// For `check_size` of a list with one number, or one for each group.
  void check_per_group(std::string_view name, std::size_t size) const;
  /// Number `group` of such a list.
  static double of_group(const std::vector<double>& values, int64_t group) {
    return values[values.size() == 1 ? 0 : static_cast<std::size_t>(group)];
  }

  /// The last line of a constructor: throws unless every field is valid; sets the rates of e = 0.
  /// `keep_rates`: after steps of others it goes on from the rates that they left.
  void start(bool keep_rates = false);
  /// The first half of `start`.
  void check_fields() const;
  /// Sets the rates of epoch `last_epoch()`: `next_lr` for every group.
  virtual void apply();
  /// Where a schedule that is part of another one begins anew.
  enum class Start {
    First,      ///< with the whole: from the initial rates
    Milestone,  ///< after others: from the initial rates, too, but for MultiplicativeLR
    InChain,    ///< from the rates that the schedules before it in a chain have just set
  };
  /// Begins anew with the optimiser's rates of now.
  virtual void restart(Start where);
  /// After a state was loaded.
  virtual void loaded() {}
  /// The rate for epoch `last_epoch()` of a group that had `lr`.
  virtual double next_lr(double lr, double base_lr) const;
  /// Takes down the optimiser's rates as `get_last_lr()`.
  void note_rates();
  /// The last line of a `step` that does not call `LRScheduler::step`.
  void note_step();

  /// For schedules made of others: takes their state into this one's. Refuses null pointers,
  /// ReduceLROnPlateau, and those of other optimisers. They must outlive this one.
  void add_parts(std::vector<LRScheduler*> parts);
  const std::vector<LRScheduler*>& parts() const { return parts_; }  ///< those given to `add_parts`
  /// Begins anew with the optimiser's rates of now.
  static void restart(LRScheduler& part, Start where) { part.restart(where); }
  /// That of another schedule.
  static Optimizer& optimizer_of(const LRScheduler& part) { return part.optimizer_; }

  Optimizer& optimizer_;  ///< whose rates it sets
  int64_t last_epoch_ = 0;

 private:
  struct Field;
  void check(const std::string& op, const Field& field, const std::vector<double>& values) const;
  /// Field by field what `state` says.
  std::vector<std::vector<double>> read(const SchedulerState& state) const;
  /// What `state` says of a part.
  SchedulerState part_of(const SchedulerState& state, std::size_t part) const;
  /// While it is made: the rates that it begins with.
  void begin(bool keep_rates);

  const char* type_;
  std::vector<double> base_lrs_;  // empty where the schedule has no use for them
  std::vector<double> last_lr_;
  std::vector<Field> fields_;
  std::vector<LRScheduler*> parts_;
};

/// lr = b · gamma^⌊e / step_size⌋. Errors: step_size < 1, gamma < 0.
class StepLR : public LRScheduler {
 public:
  StepLR(Optimizer& optimizer, int64_t step_size, double gamma = 0.1);

 private:
  double next_lr(double lr, double base_lr) const override;
  int64_t step_size_;
  double gamma_;
};

/// lr = b · gamma^(number of milestones ≤ e). Errors: a milestone or gamma below 0.
class MultiStepLR : public LRScheduler {
 public:
  MultiStepLR(Optimizer& optimizer, std::vector<int64_t> milestones, double gamma = 0.1);

 private:
  double next_lr(double lr, double base_lr) const override;
  std::vector<double> milestones_;
  double gamma_;
};

/// lr = b · gamma^e. Errors: gamma < 0.
class ExponentialLR : public LRScheduler {
 public:
  ExponentialLR(Optimizer& optimizer, double gamma);

 private:
  double next_lr(double lr, double base_lr) const override;
  double gamma_;
};

/// lr = eta_min + (b − eta_min) (1 + cos(π e / T_max)) / 2. Not clamped: after T_max the rate rises
/// again (Loshchilov & Hutter, "SGDR", 2017, without restarts). Errors: T_max < 1, eta_min NaN.
class CosineAnnealingLR : public LRScheduler {
 public:
  CosineAnnealingLR(Optimizer& optimizer, int64_t T_max, double eta_min = 0);

 private:
  double next_lr(double lr, double base_lr) const override;
  int64_t t_max_;
  double eta_min_;
};

struct LinearLROptions {
  double start_factor = 1.0 / 3;  ///< in (0, 1]
  double end_factor = 1.0;        ///< in [0, 1]
  int64_t total_iters = 5;        ///< epochs that it takes
};
/// lr = b (start_factor + (end_factor − start_factor) min(e, total_iters) / total_iters): warm-up.
/// Errors: factors out of their ranges, total_iters < 1.
class LinearLR : public LRScheduler {
 public:
  explicit LinearLR(Optimizer& optimizer, const LinearLROptions& options = {});

 private:
  double next_lr(double lr, double base_lr) const override;
  LinearLROptions options_;
};

struct ConstantLROptions {
  double factor = 1.0 / 3;  ///< in (0, 1]
  int64_t total_iters = 5;  ///< epochs that it takes
};
/// lr = b · factor while e < total_iters, b from then on. Errors: as of LinearLR.
class ConstantLR : public LRScheduler {
 public:
  explicit ConstantLR(Optimizer& optimizer, const ConstantLROptions& options = {});

 private:
  double next_lr(double lr, double base_lr) const override;
  ConstantLROptions options_;
};

struct PolynomialLROptions {
  int64_t total_iters = 5;  ///< epochs that it takes
  double power = 1.0;       ///< 1: a line
};
/// lr = b (1 − min(e, total_iters) / total_iters)^power. Errors: total_iters < 1, power < 0.
class PolynomialLR : public LRScheduler {
 public:
  explicit PolynomialLR(Optimizer& optimizer, const PolynomialLROptions& options = {});

 private:
  double next_lr(double lr, double base_lr) const override;
  PolynomialLROptions options_;
};

/// lr = b · factor(e), for a schedule of your own. The function is not part of the state. Errors:
/// no function.
class LambdaLR : public LRScheduler {
 public:
  LambdaLR(Optimizer& optimizer, std::function<double(int64_t)> factor);

 private:
  double next_lr(double lr, double base_lr) const override;
  std::function<double(int64_t)> factor_;
};

/// lr = lr · factor(e) from e = 1 on. The function is not part of the state. At a milestone of
/// SequentialLR it goes on from the present rate, times factor(0). Errors: no function.
class MultiplicativeLR : public LRScheduler {
 public:
  MultiplicativeLR(Optimizer& optimizer, std::function<double(int64_t)> factor);

 private:
  double next_lr(double lr, double base_lr) const override;
  void restart(Start where) override;
  std::function<double(int64_t)> factor_;
};

struct ReduceLROnPlateauOptions {
  std::string mode = "min";  ///< whether a smaller ("min") or a larger ("max") metric is better
  double factor = 0.1;       ///< below 1
  int64_t patience = 10;     ///< epochs without improvement that it waits
  double threshold = 1e-4;   ///< what counts as an improvement
  std::string threshold_mode = "rel";  ///< or "abs"
  int64_t cooldown = 0;                ///< epochs after a cut that do not count
  std::vector<double> min_lr = {0.0};  ///< one for all groups, or one per group
  double eps = 1e-8;                   ///< smaller cuts are left out
};
/// Multiplies the rates by `factor` (never below `min_lr`) when the metric has not improved for
/// more than `patience` steps; then ignores `cooldown` steps. An improvement is, in mode "min", a
/// metric below best · (1 − threshold) ("rel") or best − threshold ("abs"); in mode "max" above
/// best · (1 + threshold) or best + threshold. A change of at most `eps` is not made. Errors:
/// another mode or threshold_mode, factor >= 1, patience or cooldown below 0, threshold or eps
/// NaN, another number of min_lr.
class ReduceLROnPlateau : public LRScheduler {
 public:
  explicit ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options = {});
  /// `metric`: for example the mean loss on held-out data. Errors: another number of min_lr than
  /// one or the groups'.
  void step(double metric);
  double best() const { return best_; }                       ///< the best metric so far
  int64_t num_bad_epochs() const { return num_bad_epochs_; }  ///< since the last improvement

 private:
  void step() override;  // throws: a metric is needed
  void check_size(std::string_view name, std::size_t size) const override;
  bool improves(double metric) const;
  ReduceLROnPlateauOptions options_;
  bool maximise_, absolute_;  // options_.mode and threshold_mode
  double best_ = 0;
  int64_t num_bad_epochs_ = 0;
  int64_t cooldown_counter_ = 0;
};

}  // namespace norma::optim
