// Averages of a model's weights over a training, and the schedule that goes with them.
#pragma once
#include "norma/autograd/grad_mode.h"
#include "norma/layers/cloneable.h"
#include "norma/optim/lr_scheduler.h"

namespace norma::optim {

/// Changes the averaged tensors in place; `current` are the model's, of one dtype, and
/// `n_averaged`, from 1, how many models are in the average.
using MultiAverage = std::function<void(const std::vector<Tensor>& averaged,
                                        const std::vector<Tensor>& current, int64_t n_averaged)>;
/// a = decay · a + (1 − decay) · current: an exponential moving average. Errors: a decay outside of
/// [0, 1].
MultiAverage get_ema_multi_avg_fn(double decay = 0.999);
/// a = a + (current − a) / (n_averaged + 1): every model counts the same.
MultiAverage get_swa_multi_avg_fn();

struct AveragedModelOptions {
  /// The next average of one tensor, in place of `multi_avg_fn`.
  std::function<Tensor(const Tensor& averaged, const Tensor& current, int64_t n_averaged)> avg_fn =
      {};
  MultiAverage multi_avg_fn = {};  ///< none: get_swa_multi_avg_fn()
  /// Averages buffers, too; else they are the model's last ones.
  bool use_buffers = false;
};

/// A copy of a model whose parameters are averages of those that the model had at each
/// `update_parameters`: stochastic weight averaging, or, with a decay, an exponential moving
/// average.
/// ```cpp
/// optim::AveragedModel averaged(net, {.multi_avg_fn = optim::get_ema_multi_avg_fn(0.999)});
/// for (auto& [x, y] : loader) {
///   // …
///   optimizer.step();
///   averaged.update_parameters(net);
/// }
/// optim::update_bn(loader, averaged);  // before it is used, where the model has BatchNorm
/// ```
/// The running statistics of BatchNorm are those of the activations of *other* weights, whether
/// they are averaged, too, or not: `update_bn` computes those of the averaged ones.
///
/// State: `n_averaged` (kInt64, 0-d), and the copy's under `module.`, as in PyTorch.
///
/// The model has to have `clone()`, as built-in modules and Sequentials do; of another class, give
/// a new one of the same structure, which gets the model's values. Errors: both functions at once,
/// the model itself or none as the new one, and models of other parameters or buffers.
///
/// Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018.
class AveragedModel : public nn::Cloneable<AveragedModel> {
 public:
  explicit AveragedModel(const nn::Module& model, AveragedModelOptions options = {});
  AveragedModel(const nn::Module& model, std::shared_ptr<nn::Module> fresh_model,
                AveragedModelOptions options = {});
  AveragedModel fresh() const;

  Tensor forward(const Tensor& input) override;
  /// Takes the model's parameters into the average; the first time, as they are. Errors: a model of
  /// other parameters or buffers.
  void update_parameters(const nn::Module& model);

  std::shared_ptr<nn::Module> module;  ///< the averages, as a model
  Tensor n_averaged;                   ///< kInt64: how many were averaged

 private:
  AveragedModelOptions options_;
};

namespace detail {

/// While it lives, every BatchNorm of a model that is not frozen averages the statistics of all
/// batches, from none on, and all modules are in training mode. Modes are restored.
class StatsUpdate {
 public:
  explicit StatsUpdate(nn::Module& model);
  ~StatsUpdate();
  StatsUpdate(const StatsUpdate&) = delete;
  StatsUpdate& operator=(const StatsUpdate&) = delete;
  bool has_layers() const;
  void operator()(const Tensor& input) { model_(input); }
  void operator()(const std::vector<Tensor>& sample);
  template <class Batch>
  requires requires(const Batch& batch) { get<0>(batch); }
  void operator()(const Batch& batch) { model_(get<0>(batch)); }
  template <class Batch>
  requires requires(const Batch& batch) { batch.inputs; }
  void operator()(const Batch& batch) { model_(batch.inputs); }

 private:
  nn::Module& model_;
  std::vector<std::pair<nn::Module*, bool>> modes_;
};

}  // namespace detail

/// Makes the running statistics of every BatchNorm those of the batches of `loader`: the mean over
/// all of them, whatever the layers' momentum. For weights that did not come from the training that
/// kept the statistics: averages of models, or pruned and loaded ones.
/// ```cpp
/// optim::update_bn(loader, averaged);
/// ```
/// `loader`: any range of batches, whose inputs are tensors, or their first members. Modes are
/// afterwards as before; layers with frozen statistics keep them. Without BatchNorm it does
/// nothing. Errors: a batch of no tensor.
template <class Range>
void update_bn(Range&& loader, nn::Module& model) {
  detail::StatsUpdate update(model);
  if (!update.has_layers()) return;
  const NoGradGuard no_grad;
  for (auto&& batch : loader) update(batch);
}

struct SWALROptions {
  int64_t anneal_epochs = 10;           ///< epochs on the way to swa_lr
  std::string anneal_strategy = "cos";  ///< or "linear"
};
/// From the present rate to the constant `swa_lr`, in `anneal_epochs` steps along half a cosine, or
/// a line. For the part of a training in which weights are averaged. Errors: another
/// anneal_strategy, anneal_epochs below 0, another number of rates than one or the groups'.
class SWALR : public LRScheduler {
 public:
  SWALR(Optimizer& optimizer, const PerGroup& swa_lr, const SWALROptions& options = {});

 private:
  void apply() override;
  void check_size(std::string_view name, std::size_t size) const override;
  double share(int64_t epoch) const;
  std::vector<double> swa_lr_;
  int64_t anneal_epochs_;
  bool linear_;
};

}  // namespace norma::optim
