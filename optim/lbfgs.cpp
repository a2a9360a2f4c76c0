#include "norma/optim/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/memory.h"

namespace norma::optim {

namespace {

double product(const Tensor& a, const Tensor& b) { return (a * b).sum().item<double>(); }
double largest(const Tensor& x) { return x.abs().max().item<double>(); }

struct Point {
  double t, loss;
  Tensor gradient;
  double slope;  // along the direction
};

// The minimum of the cubic through both points, within the bounds.
double cubic_interpolate(const Point& a, const Point& b, double low, double high) {
  const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t);
  const double square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const double d2 = std::sqrt(square);
  const double at = a.t <= b.t
                        ? b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
                        : a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2));
  return std::min(std::max(at, low), high);
}

Tensor number(double value) { return full({}, value, {.dtype = kFloat64}); }

}  // namespace

struct LBFGS::Search {
  Point found;
  int64_t evaluations;
};

LBFGS::LBFGS(std::vector<Tensor> params, const LBFGSOptions& options) try
    : Optimizer("LBFGS", {}), options_(options) {
  set_options(options);
  for (const Tensor& p : params)
    if (p.defined() && p.dtype() != params[0].dtype())
      fail("LBFGS", "expected parameters of one dtype, got ", params[0].dtype(), " and ",
           p.dtype());
  add_parameters(std::move(params));
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

void LBFGS::check(const LBFGSOptions& o, const char* op) const {
  constexpr int64_t kMost = int64_t{1} << 53;
  const auto whole = [&](const char* name, int64_t value) {
    if (value < 1 || value > kMost) fail(op, "expected ", name, " >= 1, got ", value);
  };
  if (!(o.lr >= 0)) fail(op, "Invalid learning rate: ", shortest(o.lr), "; expected lr >= 0");
  whole("max_iter", o.max_iter);
  if (o.max_eval) whole("max_eval", *o.max_eval);
  whole("history_size", o.history_size);
  if (std::isnan(o.tolerance_grad) || std::isnan(o.tolerance_change))
    fail(op, "expected numbers as tolerances, got nan");
  if (o.line_search_fn && *o.line_search_fn != "strong_wolfe")
    fail(op, "only 'strong_wolfe' is supported, got ", in_quotes(*o.line_search_fn));
}

void LBFGS::set_options(const LBFGSOptions& options) {
  check(options, type_);
  options_ = options;
  if (!options_.max_eval) options_.max_eval = std::max<int64_t>(options.max_iter * 5 / 4, 1);
}

double LBFGS::lr(int64_t group) const {
  check_group(group, type_);
  return options_.lr;
}

void LBFGS::set_lr(int64_t group, double lr) {
  check_group(group, type_);
  options_.lr = lr;
}

// --- Step ---

double LBFGS::evaluate(const std::function<Tensor()>& closure, Tensor* loss) const {
  const autograd::EnableGradGuard recorded;
  const Tensor value = closure();
  if (!value.defined() || value.numel() != 1)
    fail("LBFGS", "expected a closure that returns the loss, one number");
  if (loss) *loss = value;
  const auto result = value.item<double>();
  return options_.maximize ? -result : result;
}

Tensor LBFGS::flat_gradient() const {
  std::vector<Tensor> parts;
  for (const Tensor& p : parameters(0))
    parts.push_back(p.grad().defined() ? p.grad().detach().reshape({-1})
                                       : zeros({p.numel()}, {.dtype = p.dtype()}));
  Tensor flat = cat(parts);
  return options_.maximize ? flat.neg() : flat;
}

void LBFGS::move(double t, const Tensor& direction) const {
  int64_t begin = 0;
  for (const Tensor& p : parameters(0)) {
    p.detach().add_(direction.narrow(0, begin, p.numel()).reshape(p.sizes()) * t);
    begin += p.numel();
  }
}

void LBFGS::next_direction(const Tensor& gradient) {
  if (n_iter_ == 1) {
    d_ = gradient.neg();
    old_dirs_.clear();
    old_stps_.clear();
    ro_.clear();
    h_diag_ = 1;
    return;
  }
  const Tensor y = gradient - prev_flat_grad_, s = d_ * t_;
  if (const double ys = product(y, s); ys > 1e-10) {
    while (static_cast<int64_t>(old_dirs_.size()) >= options_.history_size) {
      old_dirs_.erase(old_dirs_.begin());
      old_stps_.erase(old_stps_.begin());
      ro_.erase(ro_.begin());
    }
    old_dirs_.push_back(y);
    old_stps_.push_back(s);
    ro_.push_back(1 / ys);
    h_diag_ = ys / product(y, y);
  }
  Tensor q = gradient.neg();
  std::vector<double> al(old_dirs_.size());
  for (std::size_t i = old_dirs_.size(); i-- > 0;) {
    al[i] = product(old_stps_[i], q) * ro_[i];
    q = q - old_dirs_[i] * al[i];
  }
  d_ = q * h_diag_;
  for (std::size_t i = 0; i < old_dirs_.size(); ++i)
    d_ = d_ + old_stps_[i] * (al[i] - product(old_dirs_[i], d_) * ro_[i]);
}

LBFGS::Search LBFGS::line_search(const std::function<Tensor()>& closure, double loss,
                                 const Tensor& gradient, double slope, int64_t most) const {
  constexpr double c1 = 1e-4, c2 = 0.9;
  std::vector<Tensor> start;
  for (const Tensor& p : parameters(0)) start.push_back(p.detach().clone());
  const auto try_step = [&](double t) -> Point {
    move(t, d_);
    const double value = evaluate(closure);
    const Tensor g = flat_gradient();
    for (std::size_t i = 0; i < start.size(); ++i) parameters(0)[i].detach().copy_(start[i]);
    return {t, value, g, product(g, d_)};
  };
  const double d_norm = largest(d_);
  const Point origin{0, loss, gradient, slope};
  Point before = origin, now = try_step(t_);
  int64_t evaluations = 1, iteration = 0;
  const auto too_high = [&](const Point& at) { return at.loss > loss + c1 * at.t * slope; };
  const auto flat = [&](const Point& at) { return std::fabs(at.slope) <= -c2 * slope; };

  // A bracket around a point that satisfies the conditions, or that point.
  bool done = false, bracketed = false;
  while (iteration < most) {
    bracketed = too_high(now) || (iteration > 1 && now.loss >= before.loss);
    if (!bracketed) done = flat(now);
    bracketed = bracketed || (!done && now.slope >= 0);
    if (done || bracketed) break;
    const double next =
        cubic_interpolate(before, now, now.t + 0.01 * (now.t - before.t), now.t * 10);
    before = now;
    now = try_step(next);
    ++evaluations;
    ++iteration;
  }
  if (done) return {now, evaluations};
  Point bracket[2] = {bracketed ? before : origin, now};

  // It is narrowed until the point is found.
  bool slow = false;
  std::size_t low = bracket[0].loss <= bracket[1].loss ? 0 : 1;
  while (!done && iteration < most) {
    const double left = std::min(bracket[0].t, bracket[1].t);
    const double right = std::max(bracket[0].t, bracket[1].t);
    if ((right - left) * d_norm < options_.tolerance_change) break;
    double t = cubic_interpolate(bracket[0], bracket[1], left, right);
    const double margin = 0.1 * (right - left);
    if (std::min(right - t, t - left) < margin) {
      const bool again = slow || t >= right || t <= left;
      if (again) t = std::fabs(t - right) < std::fabs(t - left) ? right - margin : left + margin;
      slow = !again;
    } else {
      slow = false;
    }
    now = try_step(t);
    ++evaluations;
    ++iteration;
    const std::size_t high = 1 - low;
    if (too_high(now) || now.loss >= bracket[low].loss) {
      bracket[high] = now;
      low = bracket[0].loss <= bracket[1].loss ? 0 : 1;
    } else {
      if (flat(now)) {
        done = true;
      } else if (now.slope * (bracket[high].t - bracket[low].t) >= 0) {
        bracket[high] = bracket[low];
      }
      bracket[low] = now;
    }
  }
  return {bracket[low], evaluations};
}

void LBFGS::step() {
  fail("LBFGS", "expected a closure that returns the loss, got none; write step([&] { … })");
}

Tensor LBFGS::step(const std::function<Tensor()>& closure) {
  if (!closure) step();
  if (std::isnan(options_.lr)) fail("LBFGS", "expected a learning rate, got nan");
  return with_memory(0, [&] {
    const NoGradGuard no_grad;
    const LBFGSOptions& o = options_;
    Tensor first_loss;
    double loss = evaluate(closure, &first_loss);
    int64_t evaluations = 1;
    ++func_evals_;
    Tensor gradient = flat_gradient();
    if (gradient.numel() == 0 || largest(gradient) <= o.tolerance_grad) return first_loss;
    for (int64_t n = 1; n <= o.max_iter; ++n) {
      ++n_iter_;
      next_direction(gradient);
      prev_flat_grad_ = gradient;
      prev_loss_ = loss;
      t_ = n_iter_ == 1 ? std::min(1.0, 1 / gradient.abs().sum().item<double>()) * o.lr : o.lr;
      const double slope = product(gradient, d_);
      if (slope > -o.tolerance_change) break;
      int64_t evaluated = 0;
      bool optimal = false;
      if (o.line_search_fn) {
        Search search = line_search(closure, loss, gradient, slope, *o.max_eval - evaluations);
        loss = search.found.loss;
        gradient = search.found.gradient;
        t_ = search.found.t;
        evaluated = search.evaluations;
        move(t_, d_);
        optimal = largest(gradient) <= o.tolerance_grad;
      } else {
        move(t_, d_);
        if (n != o.max_iter) {
          loss = evaluate(closure);
          gradient = flat_gradient();
          optimal = largest(gradient) <= o.tolerance_grad;
          evaluated = 1;
        }
      }
      evaluations += evaluated;
      func_evals_ += evaluated;
      if (n == o.max_iter || evaluations >= *o.max_eval || optimal) break;
      if (largest(d_ * t_) <= o.tolerance_change) break;
      if (std::fabs(loss - prev_loss_) < o.tolerance_change) break;
    }
    return first_loss;
  });
}

// --- State ---

Optimizer::Numbers LBFGS::group_numbers(int64_t) const {
  const LBFGSOptions& o = options_;
  return {{"lr", o.lr},
          {"max_iter", static_cast<double>(o.max_iter)},
          {"max_eval", static_cast<double>(*o.max_eval)},
          {"tolerance_grad", o.tolerance_grad},
          {"tolerance_change", o.tolerance_change},
          {"history_size", static_cast<double>(o.history_size)},
          {"strong_wolfe", o.line_search_fn ? 1.0 : 0.0},
          {"maximize", o.maximize ? 1.0 : 0.0}};
}

LBFGSOptions LBFGS::from_numbers(const Numbers& numbers) const {
  const char* op = "LBFGS::load_state_dict";
  for (const auto& entry : group_numbers(0))
    if (!numbers.contains(entry.first))
      fail(op, "expected the option ", in_quotes(entry.first), " in every group");
  for (const auto& entry : numbers)
    if (!group_numbers(0).contains(entry.first))
      fail(op, "expected options of LBFGS, got ", in_quotes(entry.first));
  const auto whole = [&](const char* name) {
    const double value = numbers.at(name);
    if (!(value >= 0 && value <= 9007199254740992.0 && value == std::floor(value)))
      fail(op, "expected a whole number as ", name, ", got ", shortest(value));
    return static_cast<int64_t>(value);
  };
  const auto flag = [&](const char* name) {
    const double value = numbers.at(name);
    if (value != 0 && value != 1) fail(op, "expected ", name, " 0 or 1, got ", shortest(value));
    return value == 1;
  };
  LBFGSOptions o{.lr = numbers.at("lr"),
                 .max_iter = whole("max_iter"),
                 .max_eval = whole("max_eval"),
                 .tolerance_grad = numbers.at("tolerance_grad"),
                 .tolerance_change = numbers.at("tolerance_change"),
                 .history_size = whole("history_size"),
                 .maximize = flag("maximize")};
  if (flag("strong_wolfe")) o.line_search_fn = "strong_wolfe";
  check(o, op);
  return o;
}

void LBFGS::check_group_numbers(const Numbers& numbers) const { from_numbers(numbers); }

void LBFGS::set_group_numbers(int64_t, const Numbers& numbers) { options_ = from_numbers(numbers); }

NamedTensors LBFGS::state_tensors() const {
  NamedTensors result;
  const auto put = [&](const char* name, Tensor value) {
    result.emplace_back(text("state.0.", name), std::move(value));
  };
  if (func_evals_ == 0) return result;
  put("func_evals", number(static_cast<double>(func_evals_)));
  put("n_iter", number(static_cast<double>(n_iter_)));
  if (n_iter_ == 0) return result;
  const NoGradGuard no_grad;
  put("d", d_);
  put("t", number(t_));
  const auto rows = [&](const std::vector<Tensor>& all) {
    return all.empty() ? zeros({0, d_.numel()}, {.dtype = d_.dtype()}) : stack(all);
  };
  put("old_dirs", rows(old_dirs_));
  put("old_stps", rows(old_stps_));
  put("ro", ro_.empty() ? zeros({0}, {.dtype = kFloat64}) : tensor(ro_).to(kFloat64));
  put("H_diag", number(h_diag_));
  put("prev_flat_grad", prev_flat_grad_);
  put("prev_loss", number(prev_loss_));
  return result;
}

void LBFGS::check_tensors(const NamedTensors& tensors, const std::string& op) const {
  std::map<std::string, Tensor> rest(tensors.begin(), tensors.end());
  if (rest.size() != tensors.size()) fail(op, "expected every entry of the state once");
  int64_t numel = 0;
  for (const Tensor& p : parameters(0)) numel += p.numel();
  const auto take = [&](const char* name, const Shape& sizes) {
    const std::string key = text("state.0.", name);
    const auto found = rest.find(key);
    if (found == rest.end()) fail(op, "Missing key in state: ", in_quotes(key));
    Tensor value = found->second;
    if (!value.defined() || !is_floating(value.dtype()) || value.sizes() != sizes)
      fail(op, "expected a floating tensor of shape ", sizes, " for ", key);
    rest.erase(found);
    return value;
  };
  if (rest.empty()) return;
  const auto count = [&](const char* name) {
    const auto value = take(name, {}).item<double>();
    if (!(value >= 0 && value <= 9007199254740992.0 && value == std::floor(value)))
      fail(op, "expected a whole number >= 0 for state.0.", name, ", got ", shortest(value));
    return value;
  };
  count("func_evals");
  if (count("n_iter") > 0) {
    const auto found = rest.find("state.0.ro");
    const int64_t rows = found != rest.end() && found->second.defined() ? found->second.numel() : 0;
    for (const char* name : {"d", "prev_flat_grad"}) take(name, {numel});
    for (const char* name : {"t", "H_diag", "prev_loss"}) take(name, {});
    for (const char* name : {"old_dirs", "old_stps"}) take(name, {rows, numel});
    take("ro", {rows});
  }
  if (!rest.empty()) fail(op, "Unexpected key in state: ", in_quotes(rest.begin()->first));
}

void LBFGS::set_tensors(const NamedTensors& tensors) {
  const NoGradGuard no_grad;
  const std::map<std::string, Tensor> all(tensors.begin(), tensors.end());
  func_evals_ = n_iter_ = 0;
  if (all.empty()) return;
  const auto get = [&](const char* name) { return all.at(text("state.0.", name)).detach(); };
  const auto real = [&](const char* name) { return get(name).item<double>(); };
  func_evals_ = static_cast<int64_t>(real("func_evals"));
  n_iter_ = static_cast<int64_t>(real("n_iter"));
  if (n_iter_ == 0) return;
  const DType dtype = parameters(0)[0].dtype();
  const auto copy = [&](const Tensor& value) { return value.to(dtype).clone(); };
  d_ = copy(get("d"));
  prev_flat_grad_ = copy(get("prev_flat_grad"));
  t_ = real("t");
  h_diag_ = real("H_diag");
  prev_loss_ = real("prev_loss");
  const Tensor dirs = get("old_dirs"), steps = get("old_stps"), ro = get("ro");
  old_dirs_.clear();
  old_stps_.clear();
  ro_.clear();
  for (int64_t i = 0; i < ro.numel(); ++i) {
    old_dirs_.push_back(copy(dirs.select(0, i)));
    old_stps_.push_back(copy(steps.select(0, i)));
    ro_.push_back(ro.select(0, i).item<double>());
  }
}

}  // namespace norma::optim
