// DistributedDataParallel: a model on every rank, trained as one.
#pragma once
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "norma/norma.h"

namespace norma::distributed {

/// Options of `DistributedDataParallel`, PyTorch's.
struct DataParallelOptions {
  /// Whether rank 0's buffers (BatchNorm's running statistics) go to all ranks before forward, at
  /// each forward that follows one whose gradients are averaged.
  bool broadcast_buffers = true;
  /// Whether parameters may have no part in a loss. The graph of every forward is searched for
  /// them then, and one that has no part on any rank keeps its gradient as it is.
  bool find_unused_parameters = false;
  /// Gradients travel together until they are as large, in MiB; the first ones when they are 1.
  double bucket_cap_mb = 25;
};

/// What `DistributedDataParallel` is, whatever its model.
class DataParallelBase : public nn::Module {
 public:
  /// While it lives, forward and backward leave the gradients on each rank: to add up those of
  /// several batches and average them with the last one's, which is computed outside of it.
  class NoSync {
   public:
    ~NoSync();
    NoSync(const NoSync&) = delete;
    NoSync& operator=(const NoSync&) = delete;

   private:
    friend class DataParallelBase;
    explicit NoSync(std::shared_ptr<class Reducer> reducer);
    std::shared_ptr<class Reducer> reducer_;
    bool before_;
  };
  /// The guard of an accumulation:
  /// ```cpp
  /// norma::distributed::DistributedDataParallel net(nn::Linear(4, 2));
  /// {
  ///   const auto no_sync = net.no_sync();
  ///   criterion(net(x), y).backward();
  /// }
  /// criterion(net(features), labels).backward();  // averages the sum of both
  /// ```
  [[nodiscard("give the guard a name: without one it ends at once")]] NoSync no_sync();

 protected:
  /// Everything but the call. The model is registered by the derived class.
  void share(const nn::Module& model, const DataParallelOptions& options);
  /// Buffers of rank 0 go to all; parameters without a gradient since the last time are refused.
  void before_forward();
  /// Looks for parameters without a part in the results, where that was asked for.
  void after_forward(const std::vector<Tensor>& results);

 private:
  std::shared_ptr<class Reducer> reducer_;
};

/// The model on this rank, with gradients that are the mean of those of all ranks:
/// ```cpp
/// norma::distributed::init_process_group();
/// norma::distributed::DistributedDataParallel net(nn::Linear(4, 2));
/// optim::SGD optimizer(net.parameters(), {.lr = 0.1});
/// criterion(net(x), y).backward();  // x, y: this rank's share of the batch
/// optimizer.step();
/// ```
/// It is called as the model is, and is a module with one child, "module". At the beginning it
/// compares the models of all ranks, and gives all of them the parameters and buffers of rank 0.
/// During backward() the gradients travel in buckets, in the order in which parameters were
/// registered, from the last one; when backward() returns, `grad()` of every parameter is the sum
/// over all ranks, including what was there before, divided by their number. That is the gradient
/// of the mean loss over the whole batch if all ranks have as many samples; otherwise multiply the
/// loss by `world_size * n_local / n_total`. From the same values the same bits come, on all ranks
/// and in every run.
///
/// Every rank makes the same calls. Without a group it makes one, by `init_process_group()`.
/// Parameters are frozen, replaced and converted before it is made. `autograd::grad` averages
/// nothing. PyTorch: `torch.nn.parallel.DistributedDataParallel`.
///
/// Errors: a model without parameters that require a gradient, a `bucket_cap_mb` that is not above
/// 0; on all ranks: models or options that differ; in a forward: a parameter that got no gradient
/// in the backward() before; in backward(): a second gradient before the first was averaged, one of
/// another dtype or shape than the parameter had.
template <nn::ModuleValue M>
class DistributedDataParallel : public DataParallelBase {
 public:
  M module;  ///< the model

  explicit DistributedDataParallel(M model, const DataParallelOptions& options = {})
      : module(std::move(model)) {
    register_module("module", module);
    share(module, options);
  }

  Tensor forward(const Tensor& input) override {
    if constexpr (gives_tensor<const Tensor&>) {
      return run(input);
    } else {
      return Module::forward(input);
    }
  }
  template <class... Args>
  requires std::is_invocable_v<M&, Args...>
  auto operator()(Args&&... args) {
    if constexpr (sizeof...(Args) == 1 && gives_tensor<Args...> &&
                  (std::is_convertible_v<Args, const Tensor&> && ...)) {
      return Module::operator()(std::forward<Args>(args)...);
    } else {
      return Module::call(
          *this,
          [](DistributedDataParallel& self, auto&&... values) {
            return self.run(std::forward<decltype(values)>(values)...);
          },
          std::forward<Args>(args)...);
    }
  }
  std::string type_name() const override { return "DistributedDataParallel"; }
  /// The model's members: `net->fc.weight`.
  M* operator->() { return &module; }
  const M* operator->() const { return &module; }  ///< the same

 private:
  template <class... Args>
  static constexpr bool gives_tensor = [] {
    if constexpr (std::is_invocable_v<M&, Args...>) {
      return std::is_same_v<std::invoke_result_t<M&, Args...>, Tensor>;
    } else {
      return false;
    }
  }();
  template <class... Args>
  auto run(Args&&... args) {
    before_forward();
    auto result = module(std::forward<Args>(args)...);
    std::vector<Tensor> results;
    nn::detail::each_tensor(result, [&](const Tensor& tensor) { results.push_back(tensor); });
    after_forward(results);
    return result;
  }
};

}  // namespace norma::distributed
