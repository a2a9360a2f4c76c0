#include "norma/io/layer_statistics.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "norma/autograd/grad_mode.h"
#include "norma/core/dtype.h"

namespace norma {

namespace {

/// Mean and deviation of what came so far; two parts are joined as by Chan, Golub and LeVeque,
/// "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979).
struct Moments {
  double count = 0, mean = 0, squares = 0, zeros = 0;

  void add(const Tensor& tensor) {
    const NoGradGuard no_grad;
    const Tensor x = tensor.detach().to(kFloat64).contiguous();
    const double* const values = x.data_ptr<double>();
    Moments part;
    part.count = static_cast<double>(x.numel());
    if (part.count == 0) return;
    for (int64_t i = 0; i < x.numel(); ++i) {
      part.mean += values[i];
      part.zeros += values[i] == 0;
    }
    part.mean /= part.count;
    for (int64_t i = 0; i < x.numel(); ++i)
      part.squares += (values[i] - part.mean) * (values[i] - part.mean);

    const double both = count + part.count, apart = part.mean - mean;
    squares += part.squares + apart * apart * count * part.count / both;
    mean += apart * part.count / both;
    zeros += part.zeros;
    count = both;
  }
  void write(const char* what, const std::string& path, std::vector<NamedNumber>& row) const {
    if (count == 0) return;
    row.push_back({text(what, "_mean/", path), mean});
    row.push_back({text(what, "_std/", path), std::sqrt(squares / (count - 1))});
    row.push_back({text(what, "_zeros/", path), zeros / count});
  }
};

struct Layer {
  std::string path;
  Moments activation, gradient;
};

double norm_of(const Tensor& x) { return x.to(kFloat64).norm().item<double>(); }

}  // namespace

struct LayerStatistics::State : std::enable_shared_from_this<LayerStatistics::State> {
  nn::Module* model;
  History* history;
  LayerStatisticsOptions options;
  int64_t steps = 0;

  // Of the row that is watched now.
  bool is_watching = false, was_called = false;
  std::vector<Layer> layers;
  NamedTensors parameters, before;
  std::vector<HookHandle> hooks;

  void watch();
  void unwatch();
  void called(std::size_t layer, const std::vector<Tensor>& results);
  std::vector<NamedNumber> row() const;
};

void LayerStatistics::State::watch() {
  is_watching = true;
  for (const auto& [path, module] : model->named_modules()) {
    bool has_own = false;
    for (const auto& parameter : module->named_parameters())
      has_own = has_own || parameter.first.find('.') == std::string::npos;
    if (!has_own && !module->named_children().empty()) continue;
    const std::size_t index = layers.size();
    layers.push_back({path.empty() ? module->type_name() : path, {}, {}});
    hooks.push_back(module->register_forward_hook(
        [this, index](const nn::HookedCall&, const std::vector<Tensor>&,
                      const std::vector<Tensor>& results) { called(index, results); }));
  }
}

void LayerStatistics::State::unwatch() {
  for (HookHandle& hook : hooks) hook.remove();
  hooks.clear();
  layers.clear();
  parameters.clear();
  before.clear();
  is_watching = was_called = false;
}

void LayerStatistics::State::called(std::size_t layer, const std::vector<Tensor>& results) {
  if (!model->is_training() || !grad_enabled() || results.empty()) return;
  if (!was_called && options.updates) {
    for (const auto& [name, parameter] : model->named_parameters())
      if (parameter.requires_grad()) parameters.emplace_back(name, parameter);
    before = nn::clone(parameters);
  }
  was_called = true;
  const Tensor& result = results[0];
  if (!result.defined() || !is_floating(result.dtype())) return;
  if (options.activations) layers[layer].activation.add(result);
  if (!options.gradients || !result.requires_grad()) return;
  // The graph may live longer than what watches it.
  result.register_hook([own = weak_from_this(), layer, row = steps](const Tensor& grad) {
    const auto state = own.lock();
    if (state && state->is_watching && state->steps == row) state->layers[layer].gradient.add(grad);
  });
}

std::vector<NamedNumber> LayerStatistics::State::row() const {
  std::vector<NamedNumber> row;
  for (const Layer& layer : layers) {
    layer.activation.write("activation", layer.path, row);
    layer.gradient.write("gradient", layer.path, row);
  }
  const NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& old = before[i].second;
    const double change = norm_of(parameters[i].second.detach().sub(old));
    row.push_back({"update_ratio/" + parameters[i].first, change == 0 ? 0 : change / norm_of(old)});
  }
  return row;
}

LayerStatistics::LayerStatistics(nn::Module& model, History& history,
                                 const LayerStatisticsOptions& options) {
  if (options.every < 1)
    fail("LayerStatistics", "expected a row for every so many steps, at least 1, got ",
         options.every);
  with_memory(0, [&] {
    state_ = std::make_shared<State>();
    state_->model = &model;
    state_->history = &history;
    state_->options = options;
    state_->watch();
  });
}

LayerStatistics::~LayerStatistics() { state_->unwatch(); }

void LayerStatistics::step(const HistoryPosition& position) {
  with_memory(0, [&] {
    State& state = *state_;
    if (state.is_watching && !state.was_called) return;
    const std::vector<NamedNumber> row = state.row();
    state.unwatch();
    if (++state.steps % state.options.every == 0) state.watch();
    if (!row.empty()) state.history->log(row, position);
  });
}

}  // namespace norma
