#include "norma/optim/lr_scheduler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "norma/optim/number.h"

namespace norma::optim {

/// Walks over a scheduler's options and counters: checks them, writes them into a SchedulerState,
/// or reads them from one. Reading only looks unless `keep`.
class StateFields {
 public:
  using Values = std::map<std::string, double>;
  using Valid = bool (*)(double);

  explicit StateFields(std::string op) : op_(std::move(op)) {}
  StateFields(std::string op, Values* write) : op_(std::move(op)), write_(write) {}
  StateFields(std::string op, const Values* read, bool keep)
      : op_(std::move(op)), read_(read), keep_(keep) {}

  /// A value for which `valid` holds; `expectation` says so in words.
  void real(const std::string& name, double& value, Valid valid, const std::string& expectation) {
    const double current = read_ ? take(name) : value;
    if (!valid(current)) fail(op_, expectation + ", got " + number(current));
    if (keep_) value = current;
    if (write_) (*write_)[name] = value;
  }
  void real(const std::string& name, double& value) {
    real(
        name, value, [](double) { return true; }, "");
  }
  /// A whole number of at least `least`.
  void count(const std::string& name, int64_t& value, int64_t least) {
    const double current = read_ ? take(name) : static_cast<double>(value);
    constexpr double kExact = 9007199254740992.0;  // beyond, a double skips whole numbers
    if (!(current >= static_cast<double>(least) && current <= kExact &&
          current == std::floor(current)))
      fail(op_, "expected " + name + " >= " + std::to_string(least) + ", got " + number(current));
    if (keep_) value = static_cast<int64_t>(current);
    if (write_) (*write_)[name] = current;
  }
  void flag(const std::string& name, bool& value) {
    double current = value ? 1 : 0;
    real(
        name, current, [](double x) { return x == 0 || x == 1; }, "expected " + name + " 0 or 1");
    value = current == 1;
  }
  /// Values "name.0", "name.1", …; `element(name, value)` treats one of them.
  template <class T, class F>
  void list(const std::string& name, std::vector<T>& values, F&& element) {
    const std::size_t size = list_size(name, values);
    std::vector<T> current = values;
    current.resize(size);
    for (std::size_t i = 0; i < size; ++i) element(item(name, i), current[i]);
    if (keep_) values = std::move(current);
  }
  void reals(const std::string& name, std::vector<double>& values) {
    list(name, values, [this](const std::string& key, double& value) { real(key, value); });
  }
  /// How many values "name.0", "name.1", … there will be.
  template <class T>
  std::size_t list_size(const std::string& name, const std::vector<T>& values) const {
    if (!read_) return values.size();
    std::size_t size = 0;
    while (read_->count(item(name, size)) > 0) ++size;
    return size;
  }
  /// Refuses what nobody asked for.
  void finish() const {
    for (const auto& [name, value] : *read_)
      if (taken_.count(name) == 0)
        fail(op_, "expected no value \"" + name + "\", got " + number(value));
  }

 private:
  static std::string item(const std::string& name, std::size_t i) {
    return name + "." + std::to_string(i);
  }
  double take(const std::string& name) {
    const auto found = read_->find(name);
    if (found == read_->end()) fail(op_, "expected the value \"" + name + "\", got none");
    taken_.insert(name);
    return found->second;
  }

  std::string op_;
  Values* write_ = nullptr;
  const Values* read_ = nullptr;
  bool keep_ = false;
  std::set<std::string> taken_;
};

LRScheduler::LRScheduler(Optimizer& optimizer, const char* type)
    : optimizer_(optimizer), type_(type) {}

void LRScheduler::check_options() {
  StateFields checker(type_);
  fields(checker);
}

void LRScheduler::note_rates() {
  last_lr_.clear();
  for (int64_t g = 0; g < optimizer_.group_count(); ++g) last_lr_.push_back(optimizer_.lr(g));
}

void LRScheduler::apply() {
  for (int64_t g = 0; g < optimizer_.group_count(); ++g) {
    // A group added since counts from the rate it came with.
    if (g >= static_cast<int64_t>(base_lrs_.size())) base_lrs_.push_back(optimizer_.initial_lr(g));
    optimizer_.set_lr(g, next_lr(optimizer_.lr(g), base_lrs_[static_cast<std::size_t>(g)]));
  }
  note_rates();
}

void LRScheduler::step() {
  ++last_epoch_;
  apply();
}

double LRScheduler::next_lr(double lr, double) const { return lr; }

SchedulerState LRScheduler::state_dict() const {
  SchedulerState state{type_, {}};
  StateFields writer(type_, &state.values);
  const_cast<LRScheduler*>(this)->all_fields(writer);  // writing changes nothing here
  return state;
}

void LRScheduler::all_fields(StateFields& visitor) {
  visitor.count("last_epoch", last_epoch_, 0);
  visitor.reals("base_lrs", base_lrs_);
  visitor.reals("last_lr", last_lr_);
  fields(visitor);
}

void LRScheduler::check_state_dict(const SchedulerState& state) const {
  const std::string op = std::string(type_) + "::load_state_dict";
  if (state.type != type_)
    fail(op,
         std::string("expected the state of a ") + type_ + ", got one of \"" + state.type + "\"");
  StateFields reader(op, &state.values, /*keep=*/false);
  const std::size_t groups = reader.list_size("last_lr", last_lr_);
  // Fewer: the last group was added after the last step.
  if (groups > static_cast<std::size_t>(optimizer_.group_count()) ||
      reader.list_size("base_lrs", base_lrs_) != (base_lrs_.empty() ? 0 : groups))
    fail(op, "expected rates of " + std::to_string(optimizer_.group_count()) +
                 " parameter groups, got " + std::to_string(groups));
  const_cast<LRScheduler*>(this)->all_fields(reader);  // keeps nothing
  reader.finish();
}

void LRScheduler::load_state_dict(const SchedulerState& state) {
  check_state_dict(state);
  StateFields reader(type_, &state.values, /*keep=*/true);
  all_fields(reader);
}

namespace {

constexpr StateFields::Valid kNotNegative = [](double x) { return x >= 0; };
constexpr StateFields::Valid kFactor = [](double x) { return x > 0 && x <= 1; };

}  // namespace

// --- StepLR ---

StepLR::StepLR(Optimizer& optimizer, int64_t step_size, double gamma)
    : LRScheduler(optimizer, "StepLR"), step_size_(step_size), gamma_(gamma) {
  check_options();
  apply();
}

double StepLR::next_lr(double lr, double) const {
  return last_epoch() == 0 || last_epoch() % step_size_ != 0 ? lr : lr * gamma_;
}

void StepLR::fields(StateFields& fields) {
  fields.count("step_size", step_size_, 1);
  fields.real("gamma", gamma_, kNotNegative, "expected gamma >= 0");
}

// --- MultiStepLR ---

MultiStepLR::MultiStepLR(Optimizer& optimizer, std::vector<int64_t> milestones, double gamma)
    : LRScheduler(optimizer, "MultiStepLR"), milestones_(std::move(milestones)), gamma_(gamma) {
  check_options();
  apply();
}

double MultiStepLR::next_lr(double lr, double) const {
  const auto hits = std::count(milestones_.begin(), milestones_.end(), last_epoch());
  return hits == 0 ? lr : lr * std::pow(gamma_, static_cast<double>(hits));
}

void MultiStepLR::fields(StateFields& fields) {
  fields.list("milestones", milestones_, [&](const std::string& name, int64_t& milestone) {
    fields.count(name, milestone, 0);
  });
  fields.real("gamma", gamma_, kNotNegative, "expected gamma >= 0");
}

// --- ExponentialLR ---

ExponentialLR::ExponentialLR(Optimizer& optimizer, double gamma)
    : LRScheduler(optimizer, "ExponentialLR"), gamma_(gamma) {
  check_options();
  apply();
}

double ExponentialLR::next_lr(double lr, double) const {
  return last_epoch() == 0 ? lr : lr * gamma_;
}

void ExponentialLR::fields(StateFields& fields) {
  fields.real("gamma", gamma_, kNotNegative, "expected gamma >= 0");
}

// --- CosineAnnealingLR ---

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, int64_t T_max, double eta_min)
    : LRScheduler(optimizer, "CosineAnnealingLR"), t_max_(T_max), eta_min_(eta_min) {
  check_options();
  apply();
}

double CosineAnnealingLR::next_lr(double lr, double base_lr) const {
  constexpr double kPi = 3.14159265358979323846;
  const auto t = static_cast<double>(t_max_);
  const auto e = static_cast<double>(last_epoch());
  if (last_epoch() == 0) return lr;
  // The quotient below is 0/0 just after a minimum.
  if ((last_epoch() - 1 - t_max_) % (2 * t_max_) == 0)
    return lr + (base_lr - eta_min_) * (1 - std::cos(kPi / t)) / 2;
  return (1 + std::cos(kPi * e / t)) / (1 + std::cos(kPi * (e - 1) / t)) * (lr - eta_min_) +
         eta_min_;
}

void CosineAnnealingLR::fields(StateFields& fields) {
  fields.count("T_max", t_max_, 1);
  fields.real("eta_min", eta_min_);
}

// --- LinearLR ---

LinearLR::LinearLR(Optimizer& optimizer, const LinearLROptions& options)
    : LRScheduler(optimizer, "LinearLR"), options_(options) {
  check_options();
  apply();
}

double LinearLR::next_lr(double lr, double) const {
  const auto& [start, end, total] = options_;
  if (last_epoch() == 0) return lr * start;
  if (last_epoch() > total) return lr;
  const double change = end - start;
  return lr * (1 + change / (static_cast<double>(total) * start +
                             static_cast<double>(last_epoch() - 1) * change));
}

void LinearLR::fields(StateFields& fields) {
  fields.real("start_factor", options_.start_factor, kFactor,
              "Starting multiplicative factor expected to be greater than 0 and less or equal "
              "to 1");
  fields.real(
      "end_factor", options_.end_factor, [](double x) { return x >= 0 && x <= 1; },
      "Ending multiplicative factor expected to be between 0 and 1");
  fields.count("total_iters", options_.total_iters, 1);
}

// --- ConstantLR ---

ConstantLR::ConstantLR(Optimizer& optimizer, const ConstantLROptions& options)
    : LRScheduler(optimizer, "ConstantLR"), options_(options) {
  check_options();
  apply();
}

double ConstantLR::next_lr(double lr, double) const {
  if (last_epoch() == 0) return lr * options_.factor;
  return last_epoch() == options_.total_iters ? lr * (1 / options_.factor) : lr;
}

void ConstantLR::fields(StateFields& fields) {
  fields.real("factor", options_.factor, kFactor,
              "Constant multiplicative factor expected to be greater than 0 and less or equal "
              "to 1");
  fields.count("total_iters", options_.total_iters, 1);
}

// --- PolynomialLR ---

PolynomialLR::PolynomialLR(Optimizer& optimizer, const PolynomialLROptions& options)
    : LRScheduler(optimizer, "PolynomialLR"), options_(options) {
  check_options();
  apply();
}

double PolynomialLR::next_lr(double lr, double) const {
  if (last_epoch() == 0 || last_epoch() > options_.total_iters) return lr;
  const auto total = static_cast<double>(options_.total_iters);
  const auto e = static_cast<double>(last_epoch());
  return lr * std::pow((1 - e / total) / (1 - (e - 1) / total), options_.power);
}

void PolynomialLR::fields(StateFields& fields) {
  fields.count("total_iters", options_.total_iters, 1);
  fields.real("power", options_.power, kNotNegative, "expected power >= 0");
}

// --- LambdaLR ---

LambdaLR::LambdaLR(Optimizer& optimizer, std::function<double(int64_t)> factor)
    : LRScheduler(optimizer, "LambdaLR"), factor_(std::move(factor)) {
  if (!factor_) fail("LambdaLR", "expected a function from the epoch to a factor, got none");
  apply();
}

double LambdaLR::next_lr(double, double base_lr) const { return base_lr * factor_(last_epoch()); }

// --- ReduceLROnPlateau ---

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options)
    : LRScheduler(optimizer, "ReduceLROnPlateau"), options_(options) {
  const char* op = "ReduceLROnPlateau";
  if (options.mode != "min" && options.mode != "max")
    fail(op, "mode " + options.mode + " is unknown! Expected \"min\" or \"max\"");
  if (options.threshold_mode != "rel" && options.threshold_mode != "abs")
    fail(op,
         "threshold mode " + options.threshold_mode + " is unknown! Expected \"rel\" or \"abs\"");
  check_options();
  const double infinity = std::numeric_limits<double>::infinity();
  best_ = options.mode == "min" ? infinity : -infinity;
  note_rates();
}

void ReduceLROnPlateau::check_min_lrs(std::size_t count) const {
  if (count != 1 && count != static_cast<std::size_t>(optimizer_.group_count()))
    fail("ReduceLROnPlateau", "expected " + std::to_string(optimizer_.group_count()) +
                                  " min_lrs, got " + std::to_string(count) +
                                  "; give one for all groups or one per group");
}

bool ReduceLROnPlateau::improves(double metric) const {
  const double t = options_.threshold;
  const bool relative = options_.threshold_mode == "rel";
  if (options_.mode == "min") return metric < (relative ? best_ * (1 - t) : best_ - t);
  return metric > (relative ? best_ * (1 + t) : best_ + t);
}

void ReduceLROnPlateau::step() {
  fail("ReduceLROnPlateau", "expected a metric, got none; call step(validation_loss)");
}

void ReduceLROnPlateau::step(double metric) {
  check_min_lrs(options_.min_lr.size());
  ++last_epoch_;
  if (improves(metric)) {
    best_ = metric;
    num_bad_epochs_ = 0;
  } else {
    ++num_bad_epochs_;
  }
  if (cooldown_counter_ > 0) {
    --cooldown_counter_;
    num_bad_epochs_ = 0;
  }
  if (num_bad_epochs_ > options_.patience) {
    for (int64_t g = 0; g < optimizer_.group_count(); ++g) {
      const double lowest =
          options_.min_lr[options_.min_lr.size() == 1 ? 0 : static_cast<std::size_t>(g)];
      const double lr = optimizer_.lr(g);
      const double reduced = std::max(lr * options_.factor, lowest);
      if (lr - reduced > options_.eps) optimizer_.set_lr(g, reduced);
    }
    cooldown_counter_ = options_.cooldown;
    num_bad_epochs_ = 0;
  }
  note_rates();
}

void ReduceLROnPlateau::fields(StateFields& fields) {
  bool maximise = options_.mode == "max", absolute = options_.threshold_mode == "abs";
  fields.flag("mode_max", maximise);
  fields.flag("threshold_mode_abs", absolute);
  options_.mode = maximise ? "max" : "min";
  options_.threshold_mode = absolute ? "abs" : "rel";
  fields.real(
      "factor", options_.factor, [](double x) { return x < 1.0; }, "Factor should be < 1.0");
  fields.count("patience", options_.patience, 0);
  fields.real("threshold", options_.threshold);
  fields.count("cooldown", options_.cooldown, 0);
  check_min_lrs(fields.list_size("min_lr", options_.min_lr));
  fields.reals("min_lr", options_.min_lr);
  fields.real("eps", options_.eps);
  fields.real("best", best_);
  fields.count("num_bad_epochs", num_bad_epochs_, 0);
  fields.count("cooldown_counter", cooldown_counter_, 0);
}

}  // namespace norma::optim
