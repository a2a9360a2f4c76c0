#include "norma/optim/swa_utils.h"

#include <algorithm>
#include <numbers>

#include "norma/autograd/ops.h"
#include "norma/core/elementary.h"
#include "norma/core/factory.h"
#include "norma/core/memory.h"
#include "norma/layers/batch_norm.h"

namespace norma::optim {

namespace {

// a + weight (b - a); integers are rounded towards zero.
void move_towards(Tensor a, const Tensor& b, double weight) {
  if (!is_floating(a.dtype())) {
    Tensor exact = a.to(kFloat64);
    move_towards(exact, b.to(kFloat64), weight);
    a.copy_(exact);
  } else if (weight < 0.5) {
    a.add_((b - a).mul_(weight));
  } else {
    a.copy_(b - (b - a).mul_(1 - weight));
  }
}

MultiAverage moving(double (*weight)(double option, int64_t n), double option) {
  return with_memory(0, [&]() -> MultiAverage {
    return [=](const std::vector<Tensor>& averaged, const std::vector<Tensor>& current, int64_t n) {
      for (std::size_t i = 0; i < averaged.size(); ++i)
        move_towards(averaged[i], current[i], weight(option, n));
    };
  });
}

std::vector<Tensor> detached(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> result;
  result.reserve(tensors.size());
  for (const Tensor& tensor : tensors) result.push_back(tensor.detach());
  return result;
}

void check_same(const char* what, const std::vector<Tensor>& ours,
                const std::vector<Tensor>& theirs) {
  const char* op = "AveragedModel";
  if (ours.size() != theirs.size())
    fail(op, "expected a model with ", ours.size(), " ", what, "s, got one with ", theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i)
    if (ours[i].sizes() != theirs[i].sizes())
      fail(op, "expected ", what, " ", i, " of shape ", ours[i].sizes(), ", got ",
           theirs[i].sizes());
}

}  // namespace

MultiAverage get_ema_multi_avg_fn(double decay) {
  if (!(decay >= 0 && decay <= 1))
    fail("get_ema_multi_avg_fn", "Invalid decay value ", shortest(decay),
         " provided. Please provide a value in [0,1] range.");
  return moving([](double option, int64_t) { return 1 - option; }, decay);
}

MultiAverage get_swa_multi_avg_fn() {
  return moving([](double, int64_t n) { return 1 / (static_cast<double>(n) + 1); }, 0);
}

// --- AveragedModel ---

AveragedModel::AveragedModel(const nn::Module& model, AveragedModelOptions options)
    : AveragedModel(model, model.clone_module(), std::move(options)) {}

AveragedModel::AveragedModel(const nn::Module& model, std::shared_ptr<nn::Module> fresh_model,
                             AveragedModelOptions options)
    : module(std::move(fresh_model)), options_(std::move(options)) {
  const char* op = "AveragedModel";
  if (!module) fail(op, "expected a new model of the same structure, got a null pointer");
  if (module->is_same(model)) fail(op, "expected another model to average in, got the same");
  if (options_.avg_fn && options_.multi_avg_fn)
    fail(op, "Only one of avg_fn and multi_avg_fn should be provided");
  module->load_state_dict(model.state_dict());
  n_averaged = register_buffer("n_averaged", zeros({}, {.dtype = kInt64}));
  register_module("module", module);
}

AveragedModel AveragedModel::fresh() const { return AveragedModel(*module, options_); }

Tensor AveragedModel::forward(const Tensor& input) { return (*module)(input); }

void AveragedModel::update_parameters(const nn::Module& model) {
  const NoGradGuard no_grad;
  with_memory(0, [&] {
    std::vector<Tensor> ours = detached(module->parameters()),
                        theirs = detached(model.parameters());
    const std::vector<Tensor> our_buffers = module->buffers(), their_buffers = model.buffers();
    check_same("parameter", ours, theirs);
    check_same("buffer", our_buffers, their_buffers);
    if (options_.use_buffers) {
      for (const Tensor& buffer : our_buffers) ours.push_back(buffer);
      for (const Tensor& buffer : their_buffers) theirs.push_back(buffer);
    }
    const auto count = n_averaged.item<int64_t>();
    if (count == 0) {
      for (std::size_t i = 0; i < ours.size(); ++i) ours[i].copy_(theirs[i]);
    } else if (options_.avg_fn) {
      for (std::size_t i = 0; i < ours.size(); ++i)
        ours[i].copy_(options_.avg_fn(ours[i], theirs[i], count));
    } else {
      const MultiAverage average =
          options_.multi_avg_fn ? options_.multi_avg_fn : get_swa_multi_avg_fn();
      std::map<DType, std::pair<std::vector<Tensor>, std::vector<Tensor>>> by_dtype;
      for (std::size_t i = 0; i < ours.size(); ++i) {
        auto& [averaged, current] = by_dtype[ours[i].dtype()];
        averaged.push_back(ours[i]);
        current.push_back(theirs[i].to(ours[i].dtype()));
      }
      for (const auto& entry : by_dtype) average(entry.second.first, entry.second.second, count);
    }
    if (!options_.use_buffers)
      for (std::size_t i = 0; i < our_buffers.size(); ++i)
        Tensor(our_buffers[i]).copy_(their_buffers[i]);
    n_averaged.fill_(count + 1);
  });
}

// --- update_bn ---

namespace detail {

namespace {

nn::BatchNorm* layer_of(nn::Module* module) {
  auto* const layer = dynamic_cast<nn::BatchNorm*>(module);
  return layer && layer->running_mean.defined() && !layer->is_frozen() ? layer : nullptr;
}

}  // namespace

StatsUpdate::StatsUpdate(nn::Module& model) : model_(model) {
  with_memory(0, [&] {
    for (nn::Module* module : model.modules()) modes_.emplace_back(module, module->is_training());
  });
  if (!has_layers()) return;
  for (const auto& mode : modes_) {
    if (nn::BatchNorm* const layer = layer_of(mode.first)) {
      layer->reset_running_stats();
      layer->average_stats();
    }
  }
  model.train();
}

StatsUpdate::~StatsUpdate() {
  if (!has_layers()) return;
  for (const auto& [module, training] : modes_) {
    if (nn::BatchNorm* const layer = layer_of(module)) layer->average_stats(false);
    module->train(training);  // parents come first
  }
}

bool StatsUpdate::has_layers() const {
  return std::any_of(modes_.begin(), modes_.end(),
                     [](const auto& mode) { return layer_of(mode.first) != nullptr; });
}

void StatsUpdate::operator()(const std::vector<Tensor>& sample) {
  if (sample.empty())
    fail("update_bn", "expected batches of at least one tensor, got an empty one");
  model_(sample[0]);
}

}  // namespace detail

// --- SWALR ---

SWALR::SWALR(Optimizer& optimizer, const PerGroup& swa_lr, const SWALROptions& options) try
    : LRScheduler(optimizer, "SWALR"),
      swa_lr_(swa_lr.values),
      anneal_epochs_(options.anneal_epochs),
      linear_(options.anneal_strategy == "linear") {
  if (!linear_ && options.anneal_strategy != "cos")
    fail("SWALR", "anneal_strategy must be one of 'cos' or 'linear', instead got ",
         options.anneal_strategy);
  field("swa_lr", swa_lr_);
  field("anneal_epochs", anneal_epochs_, 0);
  field("linear", linear_);
  start(/*keep_rates=*/true);
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

void SWALR::check_size(std::string_view name, std::size_t size) const {
  if (name == "swa_lr") check_per_group(name, size);
}

// How much of the way is done.
double SWALR::share(int64_t epoch) const {
  const auto most = static_cast<double>(std::max<int64_t>(anneal_epochs_, 1));
  const double t = std::clamp(static_cast<double>(epoch) / most, 0.0, 1.0);
  return linear_ ? t : (1 - elementary::cos(std::numbers::pi * t)) / 2;
}

// From the rate that the last step left, whoever set it, back to the one at the beginning.
void SWALR::apply() {
  check_fields();  // groups may have been added
  const int64_t epoch = anneal_epochs_ == 0 ? std::max<int64_t>(last_epoch_, 1) : last_epoch_;
  const double before = share(epoch - 1), now = share(epoch);
  for (int64_t g = 0; g < optimizer_.group_count(); ++g) {
    const double goal = of_group(swa_lr_, g);
    const double first = before == 1 ? goal : (optimizer_.lr(g) - before * goal) / (1 - before);
    optimizer_.set_lr(g, goal * now + first * (1 - now));
  }
}

}  // namespace norma::optim
