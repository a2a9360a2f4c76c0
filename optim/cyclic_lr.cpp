#include "norma/optim/cyclic_lr.h"

#include <cmath>
#include <numbers>

#include "norma/core/elementary.h"
#include "norma/core/memory.h"
#include "norma/optim/limits.h"

namespace norma::optim {

namespace {

using detail::kNumber;

constexpr auto kPositive = [](double x) { return x > 0; };

// The shape between two corners of "cos".
double half_cosine(double start, double end, double part) {
  return end + (start - end) / 2 * (elementary::cos(std::numbers::pi * part) + 1);
}

int64_t all_steps(const OneCycleLROptions& o) {
  const char* op = "OneCycleLR";
  constexpr int64_t kMost = int64_t{1} << 53;
  const auto positive = [&](const char* name, int64_t value) {
    if (value < 1 || value > kMost)
      fail(op, "Expected positive integer ", name, ", but got ", value);
    return value;
  };
  if (o.total_steps) return positive("total_steps", *o.total_steps);
  if (!o.epochs || !o.steps_per_epoch)
    fail(op, "You must define either total_steps OR (epochs AND steps_per_epoch)");
  const int64_t epochs = positive("epochs", *o.epochs);
  const int64_t steps = positive("steps_per_epoch", *o.steps_per_epoch);
  if (epochs > kMost / steps)
    fail(op, "expected at most 2^53 steps, got ", epochs, " times ", steps);
  return epochs * steps;
}

}  // namespace

// --- CyclicSchedule ---

CyclicSchedule::CyclicSchedule(Optimizer& optimizer, const char* type, Momentum momentum)
    : LRScheduler(optimizer, type),
      cycle_momentum_(momentum.cycle),
      base_momentum_(std::move(momentum.base.values)),
      max_momentum_(std::move(momentum.max.values)) {
  if (cycle_momentum_ && optimizer.group_count() > 0 && !optimizer.momentum())
    fail(type, "optimizer must support momentum or beta1 with `cycle_momentum` option enabled");
  field("cycle_momentum", cycle_momentum_);
  field("base_momentum", base_momentum_);
  field("max_momentum", max_momentum_);
}

void CyclicSchedule::check_size(std::string_view name, std::size_t size) const {
  if (name != "base_lrs" && name != "last_lr") check_per_group(name, size);
}

void CyclicSchedule::apply() {
  check_fields();  // groups may have been added
  for (int64_t g = 0; g < optimizer_.group_count(); ++g) optimizer_.set_lr(g, rate(g));
  set_momenta();
}

void CyclicSchedule::set_momenta() {
  if (!cycle_momentum_) return;
  for (int64_t g = 0; g < optimizer_.group_count(); ++g)
    optimizer_.set_momentum(g, momentum(of_group(base_momentum_, g), of_group(max_momentum_, g)));
}

// --- OneCycleLR ---

OneCycleLR::OneCycleLR(Optimizer& optimizer, const PerGroup& max_lr, const OneCycleLROptions& o) try
    : CyclicSchedule(optimizer, "OneCycleLR", {o.cycle_momentum, o.base_momentum, o.max_momentum}),
      max_lr_(max_lr.values),
      total_steps_(all_steps(o)),
      pct_start_(o.pct_start),
      div_factor_(o.div_factor),
      final_div_factor_(o.final_div_factor),
      linear_(o.anneal_strategy == "linear"),
      three_phase_(o.three_phase) {
  if (!linear_ && o.anneal_strategy != "cos")
    fail("OneCycleLR", "anneal_strategy must be one of 'cos' or 'linear', instead got ",
         o.anneal_strategy);
  field("max_lr", max_lr_);
  field("total_steps", total_steps_, 1);
  field(
      "pct_start", pct_start_, [](double x) { return x >= 0 && x <= 1; },
      "Expected float between 0 and 1 pct_start");
  field("div_factor", div_factor_, kPositive, "expected div_factor > 0");
  field("final_div_factor", final_div_factor_, kPositive, "expected final_div_factor > 0");
  field("linear", linear_);
  field("three_phase", three_phase_);
  start();
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

void OneCycleLR::step() {
  if (last_epoch_ >= total_steps_)
    fail("OneCycleLR", "Tried to step ", last_epoch_ + 1,
         " times. The specified number of total steps is ", total_steps_);
  CyclicSchedule::step();
}

std::pair<int, double> OneCycleLR::phase() const {
  const auto e = static_cast<double>(last_epoch_), total = static_cast<double>(total_steps_);
  const double ends[] = {pct_start_ * total - 1, 2 * pct_start_ * total - 2, total - 1};
  double begin = 0;
  int phase = 0;
  for (; phase < 2; phase += three_phase_ ? 1 : 2) {
    if (e <= ends[phase]) break;
    begin = ends[phase];
  }
  // PyTorch divides by zero where a phase has no length.
  return {phase, ends[phase] == begin ? 1 : (e - begin) / (ends[phase] - begin)};
}

double OneCycleLR::between(double start, double end, double part) const {
  return linear_ ? (end - start) * part + start : half_cosine(start, end, part);
}

double OneCycleLR::rate(int64_t group) const {
  const auto [phase, part] = this->phase();
  const double most = of_group(max_lr_, group), first = most / div_factor_;
  if (phase == 0) return between(first, most, part);
  if (phase == 1) return between(most, first, part);
  return between(three_phase_ ? first : most, first / final_div_factor_, part);
}

double OneCycleLR::momentum(double base, double max) const {
  const auto [phase, part] = this->phase();
  if (phase == 0) return between(max, base, part);
  return between(phase == 2 && three_phase_ ? max : base, max, part);
}

// --- CyclicLR ---

CyclicLR::CyclicLR(Optimizer& optimizer, const PerGroup& base_lr, const PerGroup& max_lr,
                   const CyclicLROptions& o) try
    : CyclicSchedule(optimizer, "CyclicLR", {o.cycle_momentum, o.base_momentum, o.max_momentum}),
      base_lr_(base_lr.values),
      max_lr_(max_lr.values),
      up_(o.step_size_up),
      down_(o.step_size_down.value_or(o.step_size_up)),
      gamma_(o.gamma),
      mode_(o.mode == "triangular2" ? 1
            : o.mode == "exp_range" ? 2
                                    : 0),
      by_iterations_(o.scale_fn ? o.scale_mode == "iterations" : mode_ == 2),
      scale_(o.scale_fn) {
  if (mode_ == 0 && o.mode != "triangular" && !scale_)
    fail("CyclicLR", "mode is invalid and scale_fn is None: expected \"triangular\", ",
         "\"triangular2\" or \"exp_range\", got ", in_quotes(o.mode));
  if (o.scale_mode != "cycle" && o.scale_mode != "iterations")
    fail("CyclicLR", "expected scale_mode \"cycle\" or \"iterations\", got ",
         in_quotes(o.scale_mode));
  field("base_lr", base_lr_);
  field("max_lr", max_lr_);
  field("step_size_up", up_, 1);
  field("step_size_down", down_, 1);
  field("gamma", gamma_, kNumber, "expected a number as gamma");
  field(
      "mode", mode_, [](double x) { return x == 0 || x == 1 || x == 2; },
      "expected mode 0, 1 or 2");
  field("by_iterations", by_iterations_);
  start();
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

double CyclicLR::height() const {
  const auto e = static_cast<double>(last_epoch_), up = static_cast<double>(up_);
  const double total = up + static_cast<double>(down_), ratio = up / total;
  const double cycle = std::floor(1 + e / total), x = 1 + e / total - cycle;
  const double factor = x <= ratio ? x / ratio : (x - 1) / (ratio - 1);
  const double at = by_iterations_ ? e : cycle;
  if (scale_) return factor * scale_(at);
  if (mode_ == 0) return factor;
  return mode_ == 1 ? factor / elementary::pow(2.0, cycle - 1)
                    : factor * elementary::pow(gamma_, at);
}

double CyclicLR::rate(int64_t group) const {
  const double base = of_group(base_lr_, group);
  return base + (of_group(max_lr_, group) - base) * height();
}

double CyclicLR::momentum(double base, double max) const { return max - (max - base) * height(); }

// --- CosineAnnealingWarmRestarts ---

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer, int64_t T_0,
                                                         int64_t T_mult, double eta_min)
    : LRScheduler(optimizer, "CosineAnnealingWarmRestarts"),
      t_0_(T_0),
      t_mult_(T_mult),
      eta_min_(eta_min),
      t_i_(static_cast<double>(T_0)) {
  const char* op = "CosineAnnealingWarmRestarts";
  if (T_0 < 1) fail(op, "Expected positive integer T_0, but got ", T_0);
  if (T_mult < 1) fail(op, "Expected integer T_mult >= 1, but got ", T_mult);
  field("T_0", t_0_, 1);
  field("T_mult", t_mult_, 1);
  field("eta_min", eta_min_, kNumber, "expected a number as eta_min");
  field(
      "T_cur", t_cur_, [](double x) { return x >= 0; }, "expected T_cur >= 0");
  field(
      "T_i", t_i_, [](double x) { return x >= 1; }, "expected T_i >= 1");
  start();
}

double CosineAnnealingWarmRestarts::next_lr(double, double base_lr) const {
  return eta_min_ +
         (base_lr - eta_min_) * (1 + elementary::cos(std::numbers::pi * t_cur_ / t_i_)) / 2;
}

void CosineAnnealingWarmRestarts::restart(Start where) {
  t_cur_ = 0;
  t_i_ = static_cast<double>(t_0_);
  LRScheduler::restart(where);
}

void CosineAnnealingWarmRestarts::step() {
  t_cur_ += 1;
  if (t_cur_ >= t_i_) {
    t_cur_ -= t_i_;
    t_i_ *= static_cast<double>(t_mult_);
  }
  LRScheduler::step();
}

void CosineAnnealingWarmRestarts::step(double epoch) {
  constexpr double kMost = 9007199254740992.0;
  if (!(epoch >= 0 && epoch <= kMost))
    fail("CosineAnnealingWarmRestarts", "Expected non-negative epoch, but got ", shortest(epoch));
  t_cur_ = epoch;
  t_i_ = static_cast<double>(t_0_);
  if (t_mult_ == 1) {
    t_cur_ = std::fmod(epoch, t_i_);
  } else {
    for (; t_cur_ >= t_i_; t_i_ *= static_cast<double>(t_mult_)) t_cur_ -= t_i_;
  }
  last_epoch_ = static_cast<int64_t>(std::floor(epoch));
  with_memory(0, [&] {
    apply();
    note_step();
  });
}

}  // namespace norma::optim
