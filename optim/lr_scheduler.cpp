#include "norma/optim/lr_scheduler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "norma/core/elementary.h"
#include "norma/core/memory.h"
#include "norma/optim/limits.h"

namespace norma::optim {

// A member by its name in the state. It stays where it is: schedulers are neither copied nor moved.
struct LRScheduler::Field {
  const char* name;
  std::function<std::vector<double>()> get;
  std::function<void(const std::vector<double>&)> set;
  bool is_list = false, is_whole = false;
  int64_t least = 0;  // where it is whole
  Valid valid = nullptr;
  std::string expected = {};

  template <class T>
  static Field of(const char* name, T& member) {
    return {name, [&member] { return std::vector{static_cast<double>(member)}; },
            [&member](const auto& values) { member = static_cast<T>(values[0]); }};
  }
  std::string key(std::size_t i) const { return is_list ? text(name, ".", i) : name; }
};

LRScheduler::~LRScheduler() = default;

void LRScheduler::field(const char* name, double& value, Valid valid, const char* expected) {
  with_memory(0, [&] {
    Field& field = fields_.emplace_back(Field::of(name, value));
    field.valid = valid;
    field.expected = expected;
  });
}

void LRScheduler::field(const char* name, bool& value) {
  with_memory(0, [&] {
    Field& field = fields_.emplace_back(Field::of(name, value));
    field.valid = [](double x) { return x == 0 || x == 1; };
    field.expected = text("expected ", name, " 0 or 1");
  });
}

void LRScheduler::field(const char* name, int64_t& value, int64_t least) {
  with_memory(0, [&] {
    Field& field = fields_.emplace_back(Field::of(name, value));
    field.is_whole = true;
    field.least = least;
  });
}

void LRScheduler::field(const char* name, std::vector<double>& values, bool whole) {
  with_memory(0, [&] {
    fields_.push_back({name, [&values] { return values; },
                       [&values](const auto& loaded) { values = loaded; }, true, whole});
  });
}

void LRScheduler::check(const std::string& op, const Field& field,
                        const std::vector<double>& values) const {
  constexpr double kExact = 9007199254740992.0;  // beyond, a double skips whole numbers
  const auto least = static_cast<double>(field.least);
  if (field.is_list) check_size(field.name, values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = values[i];
    if (field.is_whole && !(value >= least && value <= kExact && value == std::floor(value)))
      fail(op, "expected ", field.key(i), " >= ", shortest(least), ", got ", shortest(value));
    if (field.valid && !field.valid(value)) fail(op, field.expected, ", got ", shortest(value));
  }
}

LRScheduler::LRScheduler(Optimizer& optimizer, const char* type)
    : optimizer_(optimizer), type_(type) {
  field("last_epoch", last_epoch_, 0);
  field("base_lrs", base_lrs_);
  field("last_lr", last_lr_);
}

void LRScheduler::check_fields() const {
  with_memory(0, [&] {
    for (const Field& field : fields_) check(type_, field, field.get());
  });
}

void LRScheduler::start(bool keep_rates) {
  with_memory(0, [&] {
    check_fields();
    begin(keep_rates);
    apply();
    note_rates();
    optimizer_.schedules_.left = last_lr_;
  });
}

// Keeps its memory: it is called in every step.
void LRScheduler::note_rates() {
  last_lr_.clear();
  for (int64_t g = 0; g < optimizer_.group_count(); ++g) last_lr_.push_back(optimizer_.lr(g));
}

void LRScheduler::note_step() {
  note_rates();
  auto& [stepped, left, replaced] = optimizer_.schedules_;
  stepped = true;
  left = last_lr_;
  replaced.clear();
}

void LRScheduler::begin(bool keep_rates) {
  note_rates();
  auto& [stepped, left, replaced] = optimizer_.schedules_;
  if (replaced.empty() || last_lr_ != left) replaced = last_lr_;
  for (std::size_t i = 0; stepped && i < left.size(); ++i) {
    const auto g = static_cast<int64_t>(i);
    if (last_lr_[i] == left[i]) {
      if (!keep_rates) optimizer_.set_lr(g, optimizer_.initial_lr(g));
    } else {
      optimizer_.initial_lrs_[i] = last_lr_[i];
    }
  }
  stepped = false;
}

void LRScheduler::apply() {
  for (int64_t g = 0; g < optimizer_.group_count(); ++g) {
    // A group added since counts from the rate it came with.
    if (g >= static_cast<int64_t>(base_lrs_.size())) base_lrs_.push_back(optimizer_.initial_lr(g));
    optimizer_.set_lr(g, next_lr(optimizer_.lr(g), base_lrs_[static_cast<std::size_t>(g)]));
  }
}

void LRScheduler::step() {
  with_memory(0, [&] {
    ++last_epoch_;
    try {
      apply();
    } catch (...) {
      --last_epoch_;
      throw;
    }
    note_step();
  });
}

void LRScheduler::restart(Start where) {
  last_epoch_ = 0;
  for (std::size_t g = 0; where != Start::InChain && g < base_lrs_.size(); ++g)
    optimizer_.set_lr(static_cast<int64_t>(g), base_lrs_[g]);
  apply();
}

double LRScheduler::next_lr(double lr, double) const { return lr; }

void LRScheduler::check_per_group(std::string_view name, std::size_t size) const {
  const auto groups = static_cast<std::size_t>(optimizer_.group_count());
  if (size != 1 && size != groups)
    fail(type_, name, " must have the same length as optimizer.param_groups: expected ", groups,
         " values, got ", size, "; give one for all groups or one per group");
}

void LRScheduler::add_parts(std::vector<LRScheduler*> parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == nullptr) fail(type_, "expected schedulers, got a null pointer at index ", i);
    if (dynamic_cast<ReduceLROnPlateau*>(parts[i]))
      fail(type_,
           "does not support a ReduceLROnPlateau, whose step needs a metric, but got one at ",
           "index ", i, "; step it by itself");
    if (&parts[i]->optimizer_ != &optimizer_)
      fail(type_, "expects all schedulers to belong to the same optimizer, but the ",
           parts[i]->type_, " at index ", i, " has another one");
  }
  parts_ = std::move(parts);
}

SchedulerState LRScheduler::state_dict() const {
  return with_memory(0, [&] {
    SchedulerState state{type_, {}};
    for (const Field& field : fields_) {
      const std::vector<double> values = field.get();
      for (std::size_t i = 0; i < values.size(); ++i) state.values[field.key(i)] = values[i];
    }
    for (std::size_t i = 0; i < parts_.size(); ++i)
      for (const auto& [name, value] : parts_[i]->state_dict().values)
        state.values[text("schedulers.", i, ".", name)] = value;
    return state;
  });
}

SchedulerState LRScheduler::part_of(const SchedulerState& state, std::size_t part) const {
  SchedulerState result{parts_[part]->type_, {}};
  const std::string prefix = text("schedulers.", part, ".");
  for (const auto& [name, value] : state.values)
    if (name.starts_with(prefix)) result.values[name.substr(prefix.size())] = value;
  return result;
}

std::vector<std::vector<double>> LRScheduler::read(const SchedulerState& state) const {
  return with_memory(0, [&] {
    const std::string op = text(type_, "::load_state_dict");
    if (state.type != type_)
      fail(op, "expected the state of a ", type_, ", got one of ", in_quotes(state.type));
    std::vector<std::vector<double>> result;
    std::map<std::string, double> rest = state.values;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const SchedulerState part = part_of(state, i);
      parts_[i]->check_state_dict(part);
      for (const auto& entry : part.values) rest.erase(text("schedulers.", i, ".", entry.first));
    }
    for (const Field& field : fields_) {
      std::vector<double>& values = result.emplace_back();
      auto found = rest.find(field.key(0));
      if (found == rest.end() && !field.is_list)
        fail(op, "expected the value \"", field.name, "\", got none");
      while (found != rest.end()) {
        values.push_back(found->second);
        rest.erase(found);
        found = rest.find(field.key(values.size()));
      }
      check(op, field, values);
    }
    if (!rest.empty())
      fail(op, "expected no value ", in_quotes(rest.begin()->first), ", got ",
           shortest(rest.begin()->second));
    const std::size_t bases = result[1].size(), groups = result[2].size();
    // Fewer: the last group was added after the last step.
    if (groups > static_cast<std::size_t>(optimizer_.group_count()) ||
        bases != (base_lrs_.empty() ? 0 : groups))
      fail(op, "expected rates of ", optimizer_.group_count(), " parameter groups, got ", groups);
    return result;
  });
}

void LRScheduler::check_state_dict(const SchedulerState& state) const { read(state); }

void LRScheduler::load_state_dict(const SchedulerState& state) {
  with_memory(0, [&] {
    const std::vector<std::vector<double>> values = read(state);
    for (std::size_t i = 0; i < fields_.size(); ++i) fields_[i].set(values[i]);
    for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i]->load_state_dict(part_of(state, i));
    // Nothing happened since schedulers were made: undone is what making them did to the rates.
    auto& [stepped, left, replaced] = optimizer_.schedules_;
    if (!replaced.empty() && optimizer_.rates() == left) {
      for (std::size_t i = 0; i < replaced.size(); ++i)
        optimizer_.set_lr(static_cast<int64_t>(i), replaced[i]);
    }
    optimizer_.schedules_ = {.stepped = true, .left = optimizer_.rates(), .replaced = {}};
    loaded();
  });
}

namespace {

using detail::kNotNegative;
using detail::kNumber;
constexpr auto kFactor = [](double x) { return x > 0 && x <= 1; };

}  // namespace

// --- StepLR ---

StepLR::StepLR(Optimizer& optimizer, int64_t step_size, double gamma)
    : LRScheduler(optimizer, "StepLR"), step_size_(step_size), gamma_(gamma) {
  field("step_size", step_size_, 1);
  field("gamma", gamma_, kNotNegative, "expected gamma >= 0");
  start();
}

double StepLR::next_lr(double lr, double) const {
  return last_epoch() == 0 || last_epoch() % step_size_ != 0 ? lr : lr * gamma_;
}

// --- MultiStepLR ---

MultiStepLR::MultiStepLR(Optimizer& optimizer, std::vector<int64_t> milestones, double gamma) try
    : LRScheduler(optimizer, "MultiStepLR"),
      milestones_(milestones.begin(), milestones.end()),
      gamma_(gamma) {
  field("milestones", milestones_, /*whole=*/true);
  field("gamma", gamma_, kNotNegative, "expected gamma >= 0");
  start();
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

double MultiStepLR::next_lr(double lr, double) const {
  const auto hits = std::count(milestones_.begin(), milestones_.end(), last_epoch());
  return hits == 0 ? lr : lr * elementary::pow(gamma_, static_cast<double>(hits));
}

// --- ExponentialLR ---

ExponentialLR::ExponentialLR(Optimizer& optimizer, double gamma)
    : LRScheduler(optimizer, "ExponentialLR"), gamma_(gamma) {
  field("gamma", gamma_, kNotNegative, "expected gamma >= 0");
  start();
}

double ExponentialLR::next_lr(double lr, double) const {
  return last_epoch() == 0 ? lr : lr * gamma_;
}

// --- CosineAnnealingLR ---

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, int64_t T_max, double eta_min)
    : LRScheduler(optimizer, "CosineAnnealingLR"), t_max_(T_max), eta_min_(eta_min) {
  field("T_max", t_max_, 1);
  field("eta_min", eta_min_, kNumber, "expected a number as eta_min");
  start();
}

double CosineAnnealingLR::next_lr(double lr, double base_lr) const {
  const auto t = static_cast<double>(t_max_);
  const auto e = static_cast<double>(last_epoch());
  if (last_epoch() == 0) return lr;
  // The quotient below is 0/0 just after a minimum.
  if ((last_epoch() - 1 - t_max_) % (2 * t_max_) == 0)
    return lr + (base_lr - eta_min_) * (1 - elementary::cos(std::numbers::pi / t)) / 2;
  return (1 + elementary::cos(std::numbers::pi * e / t)) /
             (1 + elementary::cos(std::numbers::pi * (e - 1) / t)) * (lr - eta_min_) +
         eta_min_;
}

// --- LinearLR ---

LinearLR::LinearLR(Optimizer& optimizer, const LinearLROptions& options)
    : LRScheduler(optimizer, "LinearLR"), options_(options) {
  field("start_factor", options_.start_factor, kFactor,
        "Starting multiplicative factor expected to be greater than 0 and less or equal to 1");
  field(
      "end_factor", options_.end_factor, [](double x) { return x >= 0 && x <= 1; },
      "Ending multiplicative factor expected to be between 0 and 1");
  field("total_iters", options_.total_iters, 1);
  start();
}

double LinearLR::next_lr(double lr, double) const {
  const auto& [start, end, total] = options_;
  if (last_epoch() == 0) return lr * start;
  if (last_epoch() > total) return lr;
  const double change = end - start;
  return lr * (1 + change / (static_cast<double>(total) * start +
                             static_cast<double>(last_epoch() - 1) * change));
}

// --- ConstantLR ---

ConstantLR::ConstantLR(Optimizer& optimizer, const ConstantLROptions& options)
    : LRScheduler(optimizer, "ConstantLR"), options_(options) {
  field("factor", options_.factor, kFactor,
        "Constant multiplicative factor expected to be greater than 0 and less or equal to 1");
  field("total_iters", options_.total_iters, 1);
  start();
}

double ConstantLR::next_lr(double lr, double) const {
  if (last_epoch() == 0) return lr * options_.factor;
  return last_epoch() == options_.total_iters ? lr * (1 / options_.factor) : lr;
}

// --- PolynomialLR ---

PolynomialLR::PolynomialLR(Optimizer& optimizer, const PolynomialLROptions& options)
    : LRScheduler(optimizer, "PolynomialLR"), options_(options) {
  field("total_iters", options_.total_iters, 1);
  field("power", options_.power, kNotNegative, "expected power >= 0");
  start();
}

double PolynomialLR::next_lr(double lr, double) const {
  if (last_epoch() == 0 || last_epoch() > options_.total_iters) return lr;
  const auto total = static_cast<double>(options_.total_iters);
  const auto e = static_cast<double>(last_epoch());
  return lr * elementary::pow((1 - e / total) / (1 - (e - 1) / total), options_.power);
}

// --- LambdaLR ---

LambdaLR::LambdaLR(Optimizer& optimizer, std::function<double(int64_t)> factor)
    : LRScheduler(optimizer, "LambdaLR"), factor_(std::move(factor)) {
  if (!factor_) fail("LambdaLR", "expected a function from the epoch to a factor, got none");
  start();
}

double LambdaLR::next_lr(double, double base_lr) const { return base_lr * factor_(last_epoch()); }

// --- MultiplicativeLR ---

MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, std::function<double(int64_t)> factor)
    : LRScheduler(optimizer, "MultiplicativeLR"), factor_(std::move(factor)) {
  if (!factor_)
    fail("MultiplicativeLR", "expected a function from the epoch to a factor, got none");
  start();
}

double MultiplicativeLR::next_lr(double lr, double) const {
  return last_epoch() == 0 ? lr : lr * factor_(last_epoch());
}

void MultiplicativeLR::restart(Start where) {
  if (where != Start::Milestone) return LRScheduler::restart(where);
  last_epoch_ = 0;
  for (int64_t g = 0; g < optimizer_.group_count(); ++g)
    optimizer_.set_lr(g, optimizer_.lr(g) * factor_(0));
}

// --- ReduceLROnPlateau ---

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options)
    : LRScheduler(optimizer, "ReduceLROnPlateau"),
      options_(options),
      maximise_(options.mode == "max"),
      absolute_(options.threshold_mode == "abs") {
  const char* op = "ReduceLROnPlateau";
  if (options.mode != "min" && options.mode != "max")
    fail(op, "mode ", options.mode, " is unknown! Expected \"min\" or \"max\"");
  if (options.threshold_mode != "rel" && options.threshold_mode != "abs")
    fail(op, "threshold mode ", options.threshold_mode, " is unknown! Expected \"rel\" or \"abs\"");
  field("mode_max", maximise_);
  field("threshold_mode_abs", absolute_);
  field(
      "factor", options_.factor, [](double x) { return x < 1.0; }, "Factor should be < 1.0");
  field("patience", options_.patience, 0);
  field("threshold", options_.threshold, kNumber, "expected a number as threshold");
  field("cooldown", options_.cooldown, 0);
  field("min_lr", options_.min_lr);
  field("eps", options_.eps, kNumber, "expected a number as eps");
  field("best", best_);
  field("num_bad_epochs", num_bad_epochs_, 0);
  field("cooldown_counter", cooldown_counter_, 0);
  check_fields();
  const double infinity = std::numeric_limits<double>::infinity();
  best_ = maximise_ ? -infinity : infinity;
  note_rates();
}

void ReduceLROnPlateau::check_size(std::string_view name, std::size_t size) const {
  const int64_t groups = optimizer_.group_count();
  if (name == "min_lr" && size != 1 && size != static_cast<std::size_t>(groups))
    fail("ReduceLROnPlateau", "expected ", groups, " min_lrs, got ", size,
         "; give one for all groups or one per group");
}

bool ReduceLROnPlateau::improves(double metric) const {
  const double t = options_.threshold;
  if (maximise_) return metric > (absolute_ ? best_ + t : best_ * (1 + t));
  return metric < (absolute_ ? best_ - t : best_ * (1 - t));
}

void ReduceLROnPlateau::step() {
  fail("ReduceLROnPlateau", "expected a metric, got none; call step(validation_loss)");
}

void ReduceLROnPlateau::step(double metric) {
  check_size("min_lr", options_.min_lr.size());
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
  note_step();
}

}  // namespace norma::optim
