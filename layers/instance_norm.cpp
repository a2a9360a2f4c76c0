#include "norma/layers/instance_norm.h"

#include "norma/autograd/functional_norm.h"
#include "norma/core/factory.h"
#include "norma/layers/check.h"
#include "norma/layers/init.h"

namespace norma::nn {

InstanceNorm::InstanceNorm(const char* name, int64_t axes, int64_t num_features,
                           const InstanceNormOptions& options)
    : name_(name), axes_(axes), num_features_(num_features), options_(options) {
  check_at_least(name, "num_features", num_features, 0);
  check_eps(name, options.eps);
  if (!(options.momentum >= 0.0 && options.momentum <= 1.0)) {
    fail(name, "expected momentum between 0 and 1 (the weight of the new value), got ",
         options.momentum);
  }
  const bool affine = options.affine, track = options.track_running_stats;
  const Shape channels = {num_features};
  weight = register_parameter("weight", affine ? ones(channels) : Tensor());
  bias = register_parameter("bias", affine && options.bias ? zeros(channels) : Tensor());
  running_mean = register_buffer("running_mean", track ? zeros(channels) : Tensor());
  running_var = register_buffer("running_var", track ? ones(channels) : Tensor());
  num_batches_tracked =
      register_buffer("num_batches_tracked", track ? zeros({}, {.dtype = kInt64}) : Tensor());
}

Tensor InstanceNorm::forward(const Tensor& input) {
  if (!input.defined()) fail(name_, "expected a tensor, got an undefined one");
  const int64_t rank = input.dim();
  if (rank != axes_ + 1 && rank != axes_ + 2) {
    fail(name_, "expected ", axes_ + 1, "D or ", axes_ + 2, "D input (got ", rank, "D input)");
  }
  const int64_t axis = rank - axes_ - 1;
  if (input.size(axis) != num_features_) {
    const bool needs = options_.affine || options_.track_running_stats;
    const std::string message =
        text("expected input's size at dim=", axis, " to match num_features (", num_features_,
             "), but got: ", input.size(axis));
    if (needs) fail(name_, message);
    warn(name_, message, "; without parameters and statistics, num_features is not used");
  }
  if (axis == 0) return forward(input.unsqueeze(0)).squeeze(0);
  const bool tracks = options_.track_running_stats;
  return functional::instance_norm(input, {.running_mean = running_mean,
                                           .running_var = running_var,
                                           .weight = weight,
                                           .bias = bias,
                                           .use_input_stats = is_training() || !tracks,
                                           .momentum = options_.momentum,
                                           .eps = options_.eps});
}

void InstanceNorm::reset_running_stats() {
  if (!running_mean.defined()) return;
  running_mean.zero_();
  running_var.fill_(1.0);
  num_batches_tracked.zero_();
}

void InstanceNorm::reset_parameters() {
  reset_running_stats();
  init::reset_gamma_and_beta(weight, bias);
}

std::string InstanceNorm::extra_repr() const {
  return text(num_features_, ", eps=", options_.eps, ", momentum=", options_.momentum,
              ", affine=", options_.affine, ", bias=", bias.defined(),
              ", track_running_stats=", options_.track_running_stats);
}

}  // namespace norma::nn
