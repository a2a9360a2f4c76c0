#include "norma/layers/batch_norm.h"

#include <utility>

#include "norma/autograd/functional.h"
#include "norma/autograd/observer.h"
#include "norma/core/factory.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/check.h"
#include "norma/layers/init.h"
#include "norma/layers/module_state.h"

namespace norma::nn {

BatchNorm::BatchNorm(const char* name, int64_t min_dim, int64_t max_dim, int64_t num_features,
                     const BatchNormOptions& options) try
    : name_(name),
      min_dim_(min_dim),
      max_dim_(max_dim),
      num_features_(num_features),
      options_(options),
      frozen_(std::make_shared<bool>(false)) {
  check_at_least(name, "num_features", num_features, 0);
  check_eps(name, options.eps);
  if (options.momentum && !(*options.momentum >= 0.0 && *options.momentum <= 1.0)) {
    fail(name, "expected momentum between 0 and 1 (the weight of the new value), got ",
         *options.momentum, "; std::nullopt takes the cumulative average");
  }
  const bool affine = options.affine, track = options.track_running_stats;
  const Shape channels = {num_features};
  weight = register_parameter("weight", affine ? ones(channels) : Tensor());
  bias = register_parameter("bias", affine && options.bias ? zeros(channels) : Tensor());
  running_mean = register_buffer("running_mean", track ? zeros(channels) : Tensor());
  running_var = register_buffer("running_var", track ? ones(channels) : Tensor());
  num_batches_tracked =
      register_buffer("num_batches_tracked", track ? zeros({}, {.dtype = kInt64}) : Tensor());
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

BatchNorm::BatchNorm(const char* name, int64_t min_dim, int64_t max_dim, const BatchNorm& other)
    : name_(name),
      min_dim_(min_dim),
      max_dim_(max_dim),
      num_features_(other.num_features_),
      options_(other.options_),
      frozen_(other.frozen_),
      averages_(other.averages_) {
  const auto learns = [](const Tensor& t) { return t.defined() && t.requires_grad(); };
  weight = register_parameter("weight", other.weight, learns(other.weight));
  bias = register_parameter("bias", other.bias, learns(other.bias));
  running_mean = register_buffer("running_mean", other.running_mean);
  running_var = register_buffer("running_var", other.running_var);
  num_batches_tracked = register_buffer("num_batches_tracked", other.num_batches_tracked);
  train(other.is_training());
}

Tensor BatchNorm::forward(const Tensor& input) { return normalise(input, false); }

Tensor BatchNorm::operation(Tensor input, const functional::BatchNormArgs& args) {
  return functional::batch_norm(std::move(input), args);
}

Tensor BatchNorm::forward_donated(Tensor&& input) {
  return is_exactly<BatchNorm1d, BatchNorm2d, BatchNorm3d>(*this)
             ? normalise(std::move(input), false)
             : forward(input);
}

Tensor BatchNorm::with_relu(Tensor input) {
  if (const auto other = replacement()) return (*other)(std::move(input)).relu();
  if (autograd::is_watched() || has_hooks()) return (*this)(std::as_const(input)).relu();
  return with_path([&] { return normalise(std::move(input), true); });
}

Tensor BatchNorm::normalise(Tensor input, bool relu) {
  const bool tracks = running_mean.defined();
  const bool learns = is_training() && !*frozen_;
  check_input(input, learns || !tracks);

  const bool updates = learns && tracks;
  int64_t* batches = updates ? values_of<int64_t>(num_batches_tracked) : nullptr;
  const bool all_alike = *averages_ || !options_.momentum;
  double factor = 0.0;
  if (updates) factor = all_alike ? 1.0 / static_cast<double>(*batches + 1) : *options_.momentum;
  Tensor output = operation(std::move(input), {.running_mean = running_mean,
                                               .running_var = running_var,
                                               .weight = weight,
                                               .bias = bias,
                                               .training = learns || !tracks,
                                               .momentum = factor,
                                               .eps = options_.eps,
                                               .relu = relu});
  if (updates) ++*batches;
  return output;
}

void BatchNorm::freeze_stats(bool on) {
  if (on && !running_mean.defined())
    fail(name_, "expected running statistics to freeze, got track_running_stats = false");
  *frozen_ = on;
}

void BatchNorm::copy_extra_state(const Module& other) {
  *frozen_ = dynamic_cast<const BatchNorm&>(other).is_frozen();
}

void BatchNorm::reset_running_stats() {
  if (!running_mean.defined()) return;
  running_mean.zero_();
  running_var.fill_(1.0);
  num_batches_tracked.zero_();
}

void BatchNorm::reset_parameters() {
  reset_running_stats();
  init::reset_gamma_and_beta(weight, bias);
}

std::string BatchNorm::extra_repr() const {
  return text(num_features_, ", eps=", options_.eps,
              ", momentum=", (options_.momentum ? text(*options_.momentum) : "None"),
              ", affine=", options_.affine, ", bias=", bias.defined(),
              ", track_running_stats=", options_.track_running_stats,
              (*frozen_ ? ", frozen=True" : ""));
}

}  // namespace norma::nn
