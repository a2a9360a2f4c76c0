#include "norma/distributed/sync_batch_norm.h"

#include <utility>
#include <vector>

#include "norma/autograd/donation.h"
#include "norma/autograd/functional.h"
#include "norma/autograd/operands.h"
#include "norma/core/factory.h"
#include "norma/distributed/process_group.h"
#include "norma/layers/module_state.h"

#include "norm_parts.h"
#include "rank_rows.h"

namespace norma::nn {

namespace {

using autograd::data_or_null;
using autograd::InputGrads;
using autograd::Saved;
using namespace distributed;

constexpr const char* kOp = "sync_batch_norm";

/// [N, C, …] as [n, channels, length].
ChannelShape channel_shape(const Shape& sizes) {
  ChannelShape shape{sizes[0], sizes[1], 1};
  for (int64_t i = 2; i < sizes.size(); ++i) shape.length *= sizes[i];
  return shape;
}

struct SyncBackward {
  ChannelShape shape;
  double count;  // values of a channel on all ranks
  bool relu;
  Tensor stats;
  Saved x, weight;

  void take_relu(autograd::Node& node) {
    relu = true;
    node.name = "sync_batch_norm_relu";
  }

  void operator()(const Tensor& g, InputGrads& d) const {
    if (grad_enabled()) {
      fail(kOp,
           "expected a backward that is not differentiated again, got create_graph = true; "
           "BatchNorm's can be, with the statistics of each rank's own batch");
    }
    const bool free = autograd::is_donatable(g);
    const Tensor dy = g.contiguous(), sums = zeros({2, shape.channels}, {.dtype = kFloat64});
    const DType dtype = dy.dtype();
    if (d.needs(0)) d[0] = free ? dy : autograd::donate_or_new(dy, dy.sizes(), dtype);
    for (const int i : {1, 2}) {
      if (d.needs(i)) d[i] = zeros({shape.channels}, {.dtype = dtype});
    }
    dispatch_floating(dtype, [&]<class T>() {
      const BatchNormStats noted(values_of<double>(stats), shape.channels);
      const auto *py = impl_of(dy)->data_as<T>(), *px = impl_of(*x)->data_as<T>();
      if (dy.numel() > 0) {
        gradient_sums<T>(shape, py, px, noted, relu, values_of<double>(sums));
        parameter_gradients<T>(shape.channels, values_of<double>(sums), noted,
                               data_or_null<T>(d[1]), data_or_null<T>(d[2]));
      }
      if (!d.needs(0)) return;
      add_up(kOp, sums);
      if (dy.numel() == 0) return;
      input_gradient<T>(shape, py, px, data_or_null<T>(*weight), noted, relu, count,
                        values_of<double>(sums), data_or_null<T>(d[0]));
    });
  }
};

}  // namespace

SyncBatchNorm::SyncBatchNorm(int64_t num_features, const BatchNormOptions& options)
    : Cloneable("SyncBatchNorm", 2, Shape::kMaxDims, num_features, options) {}

SyncBatchNorm::SyncBatchNorm(const BatchNorm& other)
    : Cloneable("SyncBatchNorm", 2, Shape::kMaxDims, other) {}

bool SyncBatchNorm::asks_others() const {
  return is_training() && !is_frozen() && is_initialized() && get_world_size() > 1;
}

void SyncBatchNorm::check_input(const Tensor& input, bool batch_statistics) const {
  if (input.defined() && input.dim() < 2) {
    fail("SyncBatchNorm", "expected at least 2D input (got ", input.dim(), "D input), [N, C, …]");
  }
  BatchNorm::check_input(input, batch_statistics && !asks_others());
}

Tensor SyncBatchNorm::operation(Tensor input, const functional::BatchNormArgs& args) {
  if (!asks_others()) return BatchNorm::operation(std::move(input), args);
  const char* const op = "SyncBatchNorm";
  const DType dtype = autograd::check_floating(op, input)->dtype;
  for (const Tensor* tensor : {&args.weight, &args.bias, &args.running_mean, &args.running_var}) {
    if (tensor->defined() && tensor->dtype() != dtype) {
      fail(op, "expected input of the layer's type ", tensor->dtype(), ", got ", dtype,
           "; convert one with to()");
    }
  }
  if (args.eps == 0) fail(op, "eps must be positive during training, but got 0");

  const ChannelShape shape = channel_shape(input.sizes());
  const int64_t channels = shape.channels, own = shape.n * shape.length;
  const Tensor x = autograd::packed(input), y = new_tensor(input.sizes(), dtype);
  const Tensor stats = new_tensor({6, channels}, kFloat64);
  RankRows rows(kOp, 3 * channels + 1);
  rows.own()[0] = static_cast<double>(own);
  double count = 0.0;
  dispatch_floating(dtype, [&]<class T>() {
    if (x.numel() > 0) channel_moments<T>(shape, impl_of(x)->data_as<T>(), rows.own() + 1);
    rows.gather();
    for (int64_t r = 0; r < rows.count(); ++r) count += rows[r][0];
    if (count == 1.0) {
      fail(op,
           "Expected more than 1 value per channel when training, got 1 on all ranks together, ",
           "input size ", input.sizes(), " on rank ", get_rank(),
           "; give the DataLoader drop_last = true so that no batch of one is left over");
    }
    if (count == 0.0) return;
    const ChannelParams<T> params{data_or_null<T>(args.weight), data_or_null<T>(args.bias)};
    const RunningStats<T> running{data_or_null<T>(args.running_mean),
                                  data_or_null<T>(args.running_var), args.momentum};
    const BatchNormStats noted(values_of<double>(stats), channels);
    join_moments<T>(rows.count(), channels, rows[0], count, args.eps, params, running, noted);
    if (x.numel() == 0) return;
    normalise_channels<T>(shape, impl_of(x)->data_as<T>(), noted, args.relu,
                          impl_of(y)->data_as<T>());
  });
  for (const Tensor* tensor : {&args.running_mean, &args.running_var}) {
    if (count > 0.0 && tensor->defined()) impl_of(*tensor)->storage->bump_version();
  }
  return autograd::record(
      {args.relu ? "sync_batch_norm_relu" : kOp, {{"momentum", args.momentum}, {"eps", args.eps}}},
      y, {&input, &args.weight, &args.bias},
      SyncBackward{shape, count, args.relu, stats, Saved(x, input), Saved(args.weight)});
}

void SyncBatchNorm::convert(Module& model) {
  static_cast<void>(model.buffers());  // refuses layers whose sizes are not known yet
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> found;
  for (const auto& [path, module] : model.named_modules()) {
    if (!is_exactly<BatchNorm1d, BatchNorm2d, BatchNorm3d>(*module)) continue;
    const std::shared_ptr<Module> layer(new SyncBatchNorm(static_cast<const BatchNorm&>(*module)));
    found.emplace_back(path, layer);
  }
  for (const auto& [path, layer] : found) {
    if (path.empty()) {
      (model.*(&SyncBatchNorm::become))(layer);  // it has no parent to replace it in
    } else {
      model.set_submodule(path, layer);
    }
  }
}

}  // namespace norma::nn
