// torch::optim: Norma's optimisers with libtorch's options, groups and schedules.
#pragma once
#include "torch/arg.h"
#include "torch/types.h"

namespace torch::optim {

/// The options of a group: `static_cast<SGDOptions&>(group.options()).lr(0.1)`.
struct OptimizerOptions {
  virtual ~OptimizerOptions() = default;
  virtual double get_lr() const = 0;
  virtual void set_lr(double lr) = 0;
  virtual std::unique_ptr<OptimizerOptions> clone() const = 0;
};

/// Parameters, and options of their own where they have any. A copy has options of its own, too.
class OptimizerParamGroup {
 public:
  OptimizerParamGroup(std::vector<Tensor> params, std::unique_ptr<OptimizerOptions> options = {})
      : params_(std::move(params)), options_(std::move(options)) {}
  OptimizerParamGroup(const OptimizerParamGroup& other)
      : params_(other.params_), options_(other.options_ ? other.options_->clone() : nullptr) {}
  OptimizerParamGroup(OptimizerParamGroup&&) noexcept = default;
  OptimizerParamGroup& operator=(const OptimizerParamGroup& other) {
    return *this = OptimizerParamGroup(other);
  }
  OptimizerParamGroup& operator=(OptimizerParamGroup&&) noexcept = default;
  ~OptimizerParamGroup() = default;
  bool has_options() const { return options_ != nullptr; }
  OptimizerOptions& options() const { return *options_; }
  void set_options(std::unique_ptr<OptimizerOptions> options) { options_ = std::move(options); }
  std::vector<Tensor>& params() { return params_; }
  const std::vector<Tensor>& params() const { return params_; }

 private:
  std::vector<Tensor> params_;
  std::unique_ptr<OptimizerOptions> options_;
};

class Optimizer {
 public:
  using LossClosure = std::function<Tensor()>;
  virtual ~Optimizer() = default;
  /// `closure` computes the loss and its gradients before the update; it is recorded, whatever
  /// NoGradGuard says.
  virtual Tensor step(const std::function<Tensor()>& closure = {}) {
    pass_options();
    const norma::autograd::EnableGradGuard recorded;
    if (closure) return core().step(closure);
    core().step();
    return {};
  }
  void zero_grad(bool set_to_none = true) { core().zero_grad(set_to_none); }
  std::vector<OptimizerParamGroup>& param_groups() { return groups_; }
  OptimizerOptions& defaults() { return *defaults_; }
  std::size_t size() const {
    std::size_t count = 0;
    for (const auto& group : groups_) count += group.params().size();
    return count;
  }

  /// Norma's optimiser. Programs change the options of groups by reference: they are passed to it
  /// before it works, and taken from it when it was loaded.
  virtual norma::optim::Optimizer& core() const = 0;
  virtual void pass_options() const = 0;
  virtual void take_options() = 0;

 protected:
  std::vector<OptimizerParamGroup> groups_;
  std::unique_ptr<OptimizerOptions> defaults_;
};

template <class Core, class Options>
class OptimizerOf : public Optimizer {
 public:
  explicit OptimizerOf(std::vector<Tensor> params, Options options = {})
      : OptimizerOf(std::vector<OptimizerParamGroup>{{std::move(params)}}, std::move(options)) {}
  explicit OptimizerOf(const std::vector<OptimizerParamGroup>& groups, Options options = {}) {
    defaults_ = std::make_unique<Options>(std::move(options));
    for (const auto& group : groups) add_param_group(group);
  }
  /// A group that is refused leaves all as it was.
  void add_param_group(OptimizerParamGroup group) {
    if (!group.has_options()) group.set_options(defaults_->clone());
    const auto& options = static_cast<Options&>(group.options()).own;
    auto alone = std::make_unique<Core>(group.params(), options);  // checks the options
    if (!core_) {
      core_ = std::move(alone);
    } else if constexpr (grouped) {
      core_->add_param_group({.params = group.params()});
      core_->set_options(core_->group_count() - 1, options);
    } else {
      norma::fail("Optimizer", "expected one group of parameters, got another");
    }
    groups_.push_back(std::move(group));
    if constexpr (!grouped) own(0) = core_->options();  // with what was derived from others
  }
  Core& core() const override { return *core_; }
  void pass_options() const override {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      if constexpr (grouped) {
        core_->set_options(static_cast<int64_t>(g), own(g));
      } else {
        core_->set_options(own(g));
      }
    }
  }
  void take_options() override {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      if constexpr (grouped) {
        own(g) = core_->options(static_cast<int64_t>(g));
      } else {
        own(g) = core_->options();
      }
    }
  }

 private:
  static constexpr bool grouped = requires(Core & core) { core.set_options(0, core.options(0)); };
  auto& own(std::size_t g) const { return static_cast<Options&>(groups_[g].options()).own; }
  std::unique_ptr<Core> core_;
};

/// An optimiser of this name in Norma, and a builder for each of its options.
#define NORMA_TORCH_OPTIMIZER(Name, more, ...)                 \
  struct Name##Options : OptimizerOptions {                    \
    Name##Options() = default;                                 \
    Name##Options(double rate) { own.lr = rate; }              \
    norma::optim::Name##Options own;                           \
    NORMA_TORCH_OPTIONS(lr, __VA_ARGS__)                       \
    more double get_lr() const override { return own.lr; }     \
    void set_lr(double rate) override { own.lr = rate; }       \
    std::unique_ptr<OptimizerOptions> clone() const override { \
      return std::make_unique<Name##Options>(*this);           \
    }                                                          \
  };                                                           \
  using Name = OptimizerOf<norma::optim::Name, Name##Options>
#define NORMA_TORCH_BETAS                               \
  auto& betas(const std::tuple<double, double>& both) { \
    own.betas = {std::get<0>(both), std::get<1>(both)}; \
    return *this;                                       \
  }                                                     \
  const auto& betas() const { return own.betas; }       \
  auto& betas() { return own.betas; }

NORMA_TORCH_OPTIMIZER(SGD, , momentum, dampening, weight_decay, nesterov, maximize);
NORMA_TORCH_OPTIMIZER(Adam, NORMA_TORCH_BETAS, eps, weight_decay, amsgrad, maximize);
NORMA_TORCH_OPTIMIZER(AdamW, NORMA_TORCH_BETAS, eps, weight_decay, amsgrad, maximize);
NORMA_TORCH_OPTIMIZER(RMSprop, , alpha, eps, weight_decay, momentum, centered);
NORMA_TORCH_OPTIMIZER(Adagrad, , lr_decay, weight_decay, initial_accumulator_value, eps);
NORMA_TORCH_OPTIMIZER(LBFGS, , max_iter, max_eval, tolerance_grad, tolerance_change, history_size,
                      line_search_fn);

/// A schedule of one's own says the groups' next rates: `get_lrs()`, of `step_count_`.
class LRScheduler {
 public:
  explicit LRScheduler(Optimizer& optimizer) : optimizer_(optimizer) {}
  virtual ~LRScheduler() = default;
  void step() {
    const std::vector<double> rates = get_lrs();
    if (rates.size() != optimizer_.param_groups().size()) {
      norma::fail("LRScheduler", "expected a rate for each of ", optimizer_.param_groups().size(),
                  " groups of parameters, got ", rates.size());
    }
    for (std::size_t g = 0; g < rates.size(); ++g) {
      optimizer_.param_groups()[g].options().set_lr(rates[g]);
    }
    ++step_count_;
  }

 protected:
  virtual std::vector<double> get_lrs() = 0;
  std::vector<double> get_current_lrs() const {
    std::vector<double> rates;
    for (const auto& group : optimizer_.param_groups()) rates.push_back(group.options().get_lr());
    return rates;
  }
  unsigned step_count_ = 0;
  Optimizer& optimizer_;
};
/// As in libtorch, whose first step counts as that of epoch 0: one call later than in Python.
class StepLR : public LRScheduler {
 public:
  StepLR(Optimizer& optimizer, unsigned step_size, double gamma = 0.1)
      : LRScheduler(optimizer), step_size_(step_size), gamma_(gamma) {
    if (step_size == 0) norma::fail("StepLR", "expected step_size >= 1, got 0");
  }

 protected:
  std::vector<double> get_lrs() override {
    std::vector<double> rates = get_current_lrs();
    const bool now = step_count_ > 0 && step_count_ % step_size_ == 0;
    for (double& rate : rates) rate *= now ? gamma_ : 1;
    return rates;
  }

 private:
  unsigned step_size_;
  double gamma_;
};
/// A schedule of Norma's over libtorch's groups.
template <class Core>
class SchedulerOf {
 public:
  template <class... Args>
  explicit SchedulerOf(Optimizer& optimizer, const Args&... args)
      : optimizer_(optimizer), core_((optimizer.pass_options(), optimizer.core()), args...) {
    optimizer_.take_options();
  }
  template <class... Metric>
  void step(const Metric&... metric) {
    optimizer_.pass_options();
    core_.step(metric...);
    optimizer_.take_options();
  }

 private:
  Optimizer& optimizer_;
  Core core_;
};
using ReduceLROnPlateauScheduler = SchedulerOf<norma::optim::ReduceLROnPlateau>;

}  // namespace torch::optim
