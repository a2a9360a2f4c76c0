// The base of optimisers: parameter groups, state, step.
#pragma once
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "norma/core/simd.h"
#include "norma/layers/module.h"

namespace norma::optim {

/// What an optimiser remembers, in PyTorch's layout: per parameter (numbered across groups) named
/// tensors such as "momentum_buffer"; per group the options as numbers.
struct OptimizerState {
  std::string type;  ///< "SGD"
  /// "state.0.momentum_buffer" → tensor
  NamedTensors tensors;
  /// One map per group: {"lr": 0.1, "momentum": 0.9, …}, with "initial_lr" once a scheduler was
  /// made.
  std::vector<std::map<std::string, double>> groups;
  /// Number of parameters per group.
  std::vector<int64_t> group_sizes;
  /// A deep copy, which further steps leave alone.
  OptimizerState clone() const;
};

/// Schedulers point at their optimiser: it can be neither copied nor moved. Errors of all that take
/// the number of a group: no such group.
class [[gnu::visibility("default")]] Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer() = default;

  /// One update from the gradients; parameters without a gradient are skipped: no decay, no state.
  /// Never writes to .grad. Errors: a gradient of another shape or dtype than its parameter, a rate
  /// that is NaN; nothing is changed then.
  virtual void step();
  /// Calls `closure`, which makes the gradients anew and returns the loss, then steps. Returns that
  /// loss. Errors: no closure, and those of `step()`. Within the closure operations are recorded,
  /// whatever NoGradGuard says.
  /// ```cpp
  /// optimizer.step([&] {
  ///   optimizer.zero_grad();
  ///   Tensor loss = criterion(net(x), y);
  ///   loss.backward();
  ///   return loss;
  /// });
  /// ```
  virtual Tensor step(const std::function<Tensor()>& closure);
  /// Drops the gradients of all parameters (`set_to_none`), or fills them with zeros.
  void zero_grad(bool set_to_none = true);

  /// At least 1.
  int64_t group_count() const { return static_cast<int64_t>(group_parameters_.size()); }
  /// Those of a group.
  const std::vector<Tensor>& parameters(int64_t group) const;
  /// The learning rate of a group, which schedulers set.
  virtual double lr(int64_t group = 0) const = 0;
  /// See `lr`.
  virtual void set_lr(int64_t group, double lr) = 0;
  /// For every group.
  void set_lr(double lr);
  /// What schedules in cycles change beside the rate: the option `momentum`, or `betas[0]` of Adam
  /// and its kin; nothing where there is neither.
  std::optional<double> momentum(int64_t group = 0) const;
  /// Throws where there is neither.
  void set_momentum(int64_t group, double momentum);
  /// The rate from which schedules count: the group's rate at the first call, which the first
  /// scheduler makes. Later schedulers get the same, unless the rate was set by hand after the last
  /// step of those before: then it is that one.
  double initial_lr(int64_t group);

  /// The tensors share memory with the optimiser's; those of `state_dict().clone()` do not. A
  /// parameter that has never had a gradient has none.
  OptimizerState state_dict() const;
  /// Throws, naming everything that does not fit, unless `load_state_dict` would take `state`.
  void check_state_dict(const OptimizerState& state) const;
  /// Copies the values in, options included. Everything is checked before anything changes. Errors:
  /// what does not fit, every one of it named.
  void load_state_dict(const OptimizerState& state);

 protected:
  using Numbers = std::map<std::string, double>;

  /// A tensor that an optimiser keeps per parameter, made when first needed, of zeros unless
  /// `initial_value` says otherwise.
  struct StateField {
    enum Kind {
      Elementwise,  ///< of the parameter's shape and dtype
      Extra,        ///< the same, and may be missing although the parameter has other state
      Counter,      ///< one float32: the number of updates that the parameter has had
      Product,      ///< one float32: the product of their `factor`s
    };
    const char* name;         ///< PyTorch's, "exp_avg"
    Kind kind = Elementwise;  ///< see above
    bool is_number() const { return kind == Counter || kind == Product; }
  };
  static constexpr std::size_t kMostFields = 4;  ///< of one optimiser

  /// Consecutive elements of one parameter in a step.
  class Elements {
   public:
    const int64_t group;  ///< the parameter's
    bool fresh = false;   ///< elementwise state was made for this step
    double count = 0;     ///< of updates, this one included, where a Counter is kept
    double product = 1;   ///< likewise where a Product is kept

    /// Calls `rule(p, g, s1, …)` for every element: the parameter, its gradient and the first
    /// `kStates` of its elementwise state, in the parameter's dtype. What the rule assigns to `p`
    /// and the states is kept. Vectors are at most those of `Widest`.
    ///
    ///     elements.each<1>([=]<class T>(T& p, T g, T& momentum) NORMA_INLINE { … });
    template <std::size_t kStates, class Widest = Level512, class Rule>
    void each(const Rule& rule) const {
      dispatch_floating(
          dtype_, [&]<class T>() { run<Widest, T>(rule, std::make_index_sequence<kStates>()); });
    }

   private:
    friend class Optimizer;
    Elements(int64_t group_index, void* p, const TensorImpl* grad, int64_t begin);
    Elements part(int64_t from, int64_t to) const;
    template <class Widest, class T, class Rule, std::size_t... k>
    void run(const Rule& rule, std::index_sequence<k...>) const {
      T* const p = static_cast<T*>(p_);
      const T* const g = static_cast<const T*>(g_);
      const std::array<T*, sizeof...(k)> states = {static_cast<T*>(states_[k])...};
      simd<Widest>([=, n = numel_]() NORMA_INLINE {
        for (int64_t i = 0; i < n; ++i) {
          // By value: the compiler then knows that no write changes another operand.
          [&](T value, auto... state) NORMA_INLINE {
            rule(value, g[i], state...);
            ((states[k][i] = state), ...);
            p[i] = value;
          }(p[i], states[k][i]...);
        }
      });
    }

    void* p_;
    const void* g_;
    std::array<void*, kMostFields> states_ = {};  // the elementwise ones; null where not needed
    float* counter_ = nullptr;
    float* product_ = nullptr;
    TensorImpl* changed_ = nullptr;  // the parameter, unless a packed copy of it is changed
    int64_t begin_, numel_;          // `begin_`: among all elements of the step
    DType dtype_;
  };

  Optimizer(const char* type, std::vector<StateField> fields);

  /// Whether parameters of `group` need the state field of this number.
  virtual bool needs(std::size_t /*field*/, int64_t /*group*/) const { return true; }
  /// What a new elementwise field holds.
  virtual double initial_value(std::size_t /*field*/, int64_t /*group*/) const { return 0; }
  /// What update number `count` of a parameter multiplies its Product by.
  virtual double factor(double /*count*/, int64_t /*group*/) const { return 1; }
  /// The optimiser's rule. Called for parts of parameters, from several threads at once.
  virtual void update(const Elements& elements) const = 0;

  /// Appends a group. Throws when a parameter is undefined, no leaf, not floating, listed twice or
  /// in another group.
  void add_parameters(std::vector<Tensor> parameters);
  /// Throws unless `group` is one.
  void check_group(int64_t group, const char* op) const;

  const char* const type_;  ///< "SGD", for errors

 private:
  // The options of a group as numbers, for saving and loading.
  virtual Numbers group_numbers(int64_t group) const = 0;
  virtual void check_group_numbers(const Numbers& numbers) const = 0;
  virtual void set_group_numbers(int64_t group, const Numbers& numbers) = 0;
  // The tensors of the state, for saving and loading.
  virtual NamedTensors state_tensors() const;
  virtual void check_tensors(const NamedTensors& tensors, const std::string& op) const;
  virtual void set_tensors(const NamedTensors& tensors);

  struct Slot;
  void check_gradients() const;
  using Needed = std::array<bool, kMostFields>;
  /// State that is not there yet, and its place.
  using MissingState = std::vector<std::pair<Tensor*, Tensor>>;
  /// Gives an update the parameter's `own` state; what is missing of it is made, and not yet kept.
  void attach_state(Tensor * own, const Needed& needed, const TensorImpl& parameter,
                    Elements& elements, MissingState& made) const;
  void count_update(Elements & elements) const;
  void check_layout(const OptimizerState& state, const std::string& op) const;
  std::vector<Slot> slots() const;

  const std::vector<StateField> fields_;
  std::vector<std::vector<Tensor>> group_parameters_;
  std::vector<double> initial_lrs_;  // NaN until asked for
  /// What schedulers did to the rates, for those that are made later.
  struct Schedules {
    bool stepped = false;          // since the last of them was made
    std::vector<double> left;      // the rates as they left them
    std::vector<double> replaced;  // those before they were made, until a step or a load
  };
  friend class LRScheduler;
  std::vector<double> rates() const;
  Schedules schedules_;
  std::vector<Tensor> state_;      // parameter by parameter, undefined until needed
  std::vector<Elements> updates_;  // kept so that a step allocates nothing
};

/// "Invalid `what`: <value>; expected `expected`" unless `valid(value)`.
struct OptionLimit {
  bool (*valid)(double) = nullptr;  ///< null: any
  const char* what = "";            ///< as PyTorch's error names it
  const char* expected = "";        ///< in words
};

/// One option, described once: a number or a flag, by its name; what a parameter group says of it;
/// and the values it may have.
struct OptionField {
  OptionField(const char* key, double& value, std::optional<double> in_group,
              OptionLimit range = {})
      : name(key), number(&value), own(in_group), limit(range) {}
  OptionField(const char* key, bool& value, std::optional<bool> in_group)
      : name(key), flag(&value), own(in_group) {}

  double get() const { return number ? *number : *flag ? 1.0 : 0.0; }
  /// Sets the option, a flag to whether it is not 0.
  void set(double value) const {
    if (number) *number = value;
    if (flag) *flag = value != 0;
  }

  const char* name;           ///< PyTorch's
  double* number = nullptr;   ///< null: a flag
  bool* flag = nullptr;       ///< null: a number
  std::optional<double> own;  ///< the group's, if it has one
  OptionLimit limit;          ///< of a number
};
using OptionFields = std::vector<OptionField>;

/// What the groups of an optimiser called `type` do with their options.
void take_own(const OptionFields& fields);
/// Throws for the first one beyond its limit.
void check_limits(const OptionFields& fields, const char* type);
/// Every option by its name, a flag as 0 or 1.
std::map<std::string, double> to_numbers(const OptionFields& fields);
/// Throws `[type::load_state_dict] …` unless there is a number for every field and no other.
void from_numbers(const OptionFields& fields, const std::map<std::string, double>& numbers,
                  const std::string& type);

/// `params` as the only group of an optimiser.
template <class Group>
std::vector<Group> one_group(std::vector<Tensor> params) {
  return with_memory(0, [&] {
    std::vector<Group> groups(1);
    groups[0].params = std::move(params);
    return groups;
  });
}

/// An optimiser whose parameter groups have `Options` each. A `Group` has `params` and, as
/// std::optional, options of its own; what it does not say is taken from the defaults. An optimiser
/// of your own derives from this class: docs/extending.md.
template <class Options, class Group>
class GroupedOptimizer : public Optimizer {
 public:
  /// Parameters to be trained from now on. Errors: none, or one that is undefined, not floating, no
  /// leaf or listed before; values out of bounds.
  void add_param_group(Group group) {
    Options options = defaults_;
    take_own(option_fields(options, group));
    check(options);
    add_parameters(std::move(group.params));
    group_options_.push_back(options);
  }
  /// Those of a group, which the optimiser works with.
  const Options& options(int64_t group = 0) const {
    check_group(group, type_);
    return group_options_[static_cast<std::size_t>(group)];
  }
  /// Other ones for a group. Errors: no such group, values out of bounds.
  void set_options(int64_t group, const Options& options) {
    check_group(group, type_);
    check(options);
    group_options_[static_cast<std::size_t>(group)] = options;
  }
  double lr(int64_t group = 0) const override { return options(group).lr; }
  void set_lr(int64_t group, double lr) override {
    check_group(group, type_);
    group_options_[static_cast<std::size_t>(group)].lr = lr;
  }
  using Optimizer::set_lr;

 protected:
  GroupedOptimizer(const char* type, std::vector<StateField> fields, const Options& defaults)
      : Optimizer(type, std::move(fields)), defaults_(defaults) {}

  /// For the constructors.
  void add_param_groups(std::vector<Group> groups) {
    if (groups.empty())
      fail(type_, "optimizer got an empty parameter list; expected at least one parameter group");
    check(defaults_);
    for (Group& group : groups) add_param_group(std::move(group));
  }

  /// Every option, with what `group` says of it.
  virtual OptionFields option_fields(Options& options, const Group& group) const = 0;
  /// Throws unless the options go together; each by itself is within its limit.
  virtual void check_options(const Options& /*options*/) const {}

 private:
  void check(Options options) const {
    check_limits(option_fields(options, {}), type_);
    check_options(options);
  }
  Numbers group_numbers(int64_t group) const final {
    Options copy = options(group);
    return to_numbers(option_fields(copy, {}));
  }
  void check_group_numbers(const Numbers& numbers) const final {
    Options loaded;
    from_numbers(option_fields(loaded, {}), numbers, type_);
    check(loaded);
  }
  void set_group_numbers(int64_t group, const Numbers& numbers) final {
    from_numbers(option_fields(group_options_[static_cast<std::size_t>(group)], {}), numbers,
                 type_);
  }

  Options defaults_;
  std::vector<Options> group_options_;
};

/// The parameters of a module in two groups, for the constructor of any optimiser:
/// ```cpp
/// optim::SGD optimizer(optim::split_weight_decay(model, 5e-4), {.lr = 0.1, .momentum = 0.9});
/// ```
/// To give the groups other options too, name their type:
/// `std::vector<optim::AdamWParamGroup> groups = optim::split_weight_decay(model, 5e-4);`
struct WeightDecaySplit {
  std::vector<Tensor> decayed;  ///< two or more dimensions: weights of Linear, Conv, Embedding
  std::vector<Tensor> spared;   ///< all others: biases, gamma and beta of the norms
  double weight_decay;          ///< of `decayed`

  /// A group for `decayed`, and one with weight_decay 0 for `spared`; none for an empty list.
  template <class Group>
  requires requires(Group group) { group.params, group.weight_decay; }
  operator std::vector<Group>() const {  // NOLINT: meant to be implicit
    std::vector<Group> groups;
    if (!decayed.empty()) groups.push_back({.params = decayed, .weight_decay = weight_decay});
    if (!spared.empty()) groups.push_back({.params = spared, .weight_decay = 0.0});
    return groups;
  }
};
/// See WeightDecaySplit.
WeightDecaySplit split_weight_decay(const nn::Module& module, double weight_decay);

}  // namespace norma::optim
